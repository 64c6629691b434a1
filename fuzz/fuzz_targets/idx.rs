//! An IDX file of any bytes, plain or compressed.
#![no_main]

use layerwise_mnist_data::idx;
use libfuzzer_sys::fuzz_target;

/// More than any input unpacks to in a useful way, less than what would take long.
const LIMIT: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let _ = idx::read_bounded(bytes, "bytes", LIMIT);
    if bytes.starts_with(&[0x1f, 0x8b]) {
        // Only files are unpacked. Memory, if the system has a folder of it.
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = folder.join(format!("layerwise-fuzz-{}.idx", std::process::id()));
        std::fs::write(&path, bytes).expect("a temporary file");
        let _ = idx::open_bounded(&path, LIMIT);
    }
});
