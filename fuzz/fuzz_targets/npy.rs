//! A `.npy` file, a `.npz` file, or an image: what it holds, or an error.

#![no_main]

use std::io::Cursor;

use layerwise_data::{images, npy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(tensor) = npy::read(input, "fuzz") {
        let mut file = Vec::new();
        npy::write(&mut file, "fuzz", &tensor).expect("memory can be written to");
        let again = npy::read(&file[..], "fuzz").expect("what was written can be read");
        assert_eq!(again.shape(), tensor.shape());
        assert!(again.as_slice().iter().zip(tensor.as_slice()).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
    let _ = npy::read_npz(Cursor::new(input), "fuzz");
    if let Ok(image) = images::decode(input, "fuzz")
        && image.len() < 1 << 16
    {
        let _ = images::digit(image.view());
    }
});
