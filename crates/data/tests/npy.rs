//! NumPy files: round trips, and every way to be wrong.

#![cfg(feature = "npy")]
#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use layerwise_data::npy;
use layerwise_tensor::Tensor;
use proptest::prelude::*;

fn file(tensor: &Tensor) -> Vec<u8> {
    let mut file = Vec::new();
    npy::write(&mut file, "test", tensor).unwrap();
    file
}

fn with_header(text: &str, elements: &[u8]) -> Vec<u8> {
    let length = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes(), elements].concat()
}

fn error(bytes: &[u8]) -> String {
    npy::read(bytes, "x.npy").unwrap_err().to_string()
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let whole = file(&Tensor::from([1.0, 2.0]));
    assert_eq!(
        error(b"PK\x03\x04abcd"),
        "x.npy: expected a NumPy array, which starts with bytes 93 4e 55 4d 50 59, found [50, 4b, 03, 04, 61, 62]"
    );
    assert!(error(b"").ends_with("found []"));
    assert_eq!(error(b"\x93NUMPY\x04\x00"), "x.npy: the format's version is 4.0, expected 1.0, 2.0 or 3.0");
    assert_eq!(error(&whole[..40]), "x.npy: the header: the file ends in it");
    assert_eq!(error(&whole[..whole.len() - 3]), "x.npy: the elements end after 5 bytes, expected 8");
    assert_eq!(
        error(&[&whole[..], b"x"].concat()),
        "x.npy: there is more behind the 8 bytes of the elements"
    );
    let wide = with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", &{
        [1.0_f64.to_le_bytes(), 1e300_f64.to_le_bytes()].concat()
    });
    assert_eq!(error(&wide), format!("x.npy: element 1 is {}, beyond the range of f32", 1e300));
    let path = std::path::Path::new("missing.npy");
    assert!(npy::open(path).unwrap_err().to_string().starts_with("missing.npy: No such file"));
    assert!(npy::read_npz(std::io::Cursor::new(b"abc"), "x.npz").is_err());
}

#[test]
fn a_promise_of_a_tebibyte_costs_nothing() {
    let bytes = with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1048576, 262144)}", &[0; 8]);
    let info = allocation_counter::measure(|| {
        assert_eq!(error(&bytes), "x.npy: the elements end after 8 bytes, expected 1099511627776");
    });
    assert!(info.bytes_max < 200_000, "{} bytes", info.bytes_max);
    let all = usize::MAX;
    let bytes =
        with_header(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({all}, {all})}}"), &[]);
    assert!(error(&bytes).ends_with("is too large"));
    let long = [b"\x93NUMPY\x02\x00".as_slice(), &u32::MAX.to_le_bytes()].concat();
    assert!(error(&long).contains("its length is 4294967295 bytes, expected at most 65536"));
}

#[test]
fn archives_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("arrays.npz");
    let (x, y) = (Tensor::from_fn([3, 4], |i| i as f32), Tensor::from([f32::NAN, f32::INFINITY]));
    npy::save_npz(&path, &[("x", &x), ("y", &y)]).unwrap();
    let found = npy::open_npz(&path).unwrap();
    assert_eq!(found[0], ("x".to_owned(), x.clone()));
    assert_eq!(found[1].0, "y");
    assert!(found[1].1.as_slice()[0].is_nan() && found[1].1.as_slice()[1].is_infinite());
    let error = npy::save_npz(&path, &[("x", &x), ("x", &y)]).unwrap_err().to_string();
    assert!(error.contains("arrays.npz: the archive: "), "{error}");
}

proptest! {
    #[test]
    fn what_is_written_is_read(shape in prop::collection::vec(0_usize..5, 0..=6), seed in 0_u32..1000) {
        let count = shape.iter().product::<usize>();
        let elements = (0..count as u32).map(|i| (i * 31 + seed) as f32 / 7.0).collect();
        let tensor = Tensor::new(layerwise_tensor::Shape::new(&shape), elements);
        prop_assert_eq!(npy::read(&file(&tensor)[..], "x").unwrap(), tensor);
    }

    #[test]
    fn damage_gives_an_error_or_an_array(at in 0_usize..200, byte: u8, cut in 0_usize..200) {
        let mut bytes = file(&Tensor::from_fn([3, 5], |i| i as f32));
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len().saturating_sub(cut));
        let _ = npy::read(&bytes[..], "x");
        let _ = npy::read_npz(std::io::Cursor::new(&bytes), "x");
    }

    #[test]
    fn any_header_gives_an_error_or_an_array(text in "[{}()',: a-z0-9<>|=FT\\[\\]]{0,80}", bytes: Vec<u8>) {
        let _ = npy::read(&with_header(&text, &bytes)[..], "x");
    }
}
