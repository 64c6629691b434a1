//! A configuration file for `layerwise train`: flags that are taken, or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        let _ = layerwise_cli::config::flags(text);
        let _ = layerwise_cli::check_config(text);
    }
});
