//! The IDX reader and writer: round trips, and every way to be wrong.

#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use std::fs;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use layerwise_mnist_data::idx::{self, Element, ElementType, IdxArray, IdxErrorKind};
use ndarray::{Array3, ArrayD, IxDyn, array};
use proptest::prelude::*;

fn bytes<T: Element>(array: &ArrayD<T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    idx::write(&mut bytes, "test", array.view()).unwrap();
    bytes
}

fn error_text(bytes: &[u8]) -> String {
    idx::read(bytes, "x.idx").unwrap_err().to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_format_byte_by_byte() {
    let table = array![[1_i16, -2], [258, 0], [5, 6]];
    let expected = [0, 0, 0x0B, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 1, 0xFF, 0xFE, 1, 2, 0, 0, 0, 5, 0, 6];
    assert_eq!(bytes(&table.clone().into_dyn()), expected);
    let back = idx::read(&expected[..], "test").unwrap();
    assert_eq!((back.element_type(), back.shape()), (ElementType::I16, &[3, 2][..]));
    assert_eq!(back, IdxArray::I16(table.into_dyn()));
}

#[test]
fn floats_are_big_endian_too() {
    let file = [0, 0, 0x0D, 1, 0, 0, 0, 1, 0x3F, 0x80, 0, 0];
    assert_eq!(idx::read(&file[..], "test").unwrap(), IdxArray::F32(array![1.0].into_dyn()));
    let file = [0, 0, 0x0E, 1, 0, 0, 0, 1, 0x40, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(idx::read(&file[..], "test").unwrap(), IdxArray::F64(array![2.0].into_dyn()));
    assert_eq!(ElementType::from_code(0x0A), None);
}

#[test]
fn a_transposed_array_is_written_as_it_reads() {
    let table = array![[1_u8, 2, 3], [4, 5, 6]];
    let mut file = Vec::new();
    idx::write(&mut file, "test", table.t()).unwrap();
    assert_eq!(file[12..], [1, 4, 2, 5, 3, 6]);
}

#[test]
fn each_error_names_place_and_numbers() {
    assert_eq!(
        error_text(b"<html>..."),
        "x.idx: byte 0: expected an IDX file, which starts with bytes 00 00, found 3c 68"
    );
    assert_eq!(
        error_text(&[0, 0, 7, 1, 0, 0, 0, 0]),
        "x.idx: byte 2: unknown element type 0x07, expected 0x08, 0x09, 0x0b, 0x0c, 0x0d or 0x0e"
    );
    assert_eq!(error_text(&[0, 0, 8, 0]), "x.idx: byte 3: 0 dimensions, expected 1 to 255");
    assert_eq!(error_text(&[]), "x.idx: byte 0: the data ends here, expected 4 bytes in all");
    assert_eq!(error_text(&[0, 0, 8]), "x.idx: byte 3: the data ends here, expected 4 bytes in all");
    assert_eq!(
        error_text(&[0, 0, 8, 2, 0, 0, 0, 1]),
        "x.idx: byte 8: the data ends here, expected 12 bytes in all"
    );
    assert_eq!(
        error_text(&[0, 0, 0x0C, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5]),
        "x.idx: byte 13: the data ends here, expected 16 bytes in all"
    );
    assert_eq!(
        error_text(&[0, 0, 8, 1, 0, 0, 0, 1, 9, 9]),
        "x.idx: byte 9: expected the end of the data, found more bytes"
    );
    let file = [&[0, 0, 8, 3][..], &[0xFF; 12]].concat();
    assert_eq!(
        error_text(&file),
        "x.idx: byte 4: [4294967295, 4294967295, 4294967295] elements of u8 are more bytes than this machine can \
         address"
    );
    let error = idx::read(&[0, 0, 9, 1, 0, 0, 0, 0][..], "x").unwrap().into_array::<f32>("x").unwrap_err();
    assert_eq!(error.to_string(), "x: byte 2: expected elements of type f32, found i8");
}

#[test]
fn an_axis_of_length_zero_does_not_hide_an_overflow() {
    let file = [&[0, 0, 8, 4][..], &[0; 4], &[0xFF; 12]].concat();
    assert!(error_text(&file).starts_with("x.idx: byte 4: [0, 4294967295, "));
    assert_eq!(idx::read(&[0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 9][..], "x").unwrap().shape(), [0, 9]);
}

#[test]
fn the_longest_rank() {
    let array = ArrayD::from_elem(IxDyn(&[1; 255]), 7_u8);
    assert_eq!(idx::read(&bytes(&array)[..], "x").unwrap(), IdxArray::U8(array));
    let error = idx::write(Vec::new(), "x", ArrayD::from_elem(IxDyn(&[1; 256]), 7_u8).view()).unwrap_err();
    assert_eq!(error.to_string(), "x: byte 0: 256 dimensions, expected 1 to 255");
    let error = idx::write(Vec::new(), "x", ndarray::arr0(1_u8).view()).unwrap_err();
    assert_eq!(error.to_string(), "x: byte 0: 0 dimensions, expected 1 to 255");
    let wide = ArrayD::from_elem(IxDyn(&[0, 1 << 32]), 0_u8);
    let error = idx::write(Vec::new(), "x", wide.view()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "x: byte 0: dimension 1 is 4294967296, an IDX header holds at most 4294967295"
    );
}

#[test]
fn a_promise_of_a_tebibyte_costs_nothing() {
    // [1024, 2^30] bytes promised, 8 there.
    let file = [&[0, 0, 8, 2, 0, 0, 4, 0, 0x40, 0, 0, 0][..], &[1; 8]].concat();
    let info = allocation_counter::measure(|| {
        assert_eq!(
            error_text(&file),
            "x.idx: byte 20: the data ends here, expected 1099511627788 bytes in all"
        );
    });
    assert!(info.bytes_max < 200_000, "{} bytes", info.bytes_max);
}

#[test]
fn memory_follows_what_arrives() {
    let file = bytes(&ArrayD::from_elem(IxDyn(&[3_000_000]), 1_u8));
    let info = allocation_counter::measure(|| drop(idx::read(&file[..], "x").unwrap()));
    assert!(info.bytes_max < 3_000_000 * 2, "{} bytes", info.bytes_max);
}

#[test]
fn a_gzip_bomb_is_bounded_by_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.gz");
    // 100 MB of zeros behind a header that promises ten bytes.
    let mut bomb = vec![0, 0, 8, 1, 0, 0, 0, 10];
    bomb.resize(100_000_000, 0);
    fs::write(&path, gzip(&bomb)).unwrap();
    let info = allocation_counter::measure(|| {
        let error = idx::open(&path).unwrap_err();
        assert!(matches!((error.position, error.kind), (18, IdxErrorKind::TrailingBytes)));
    });
    assert!(info.bytes_max < 1_000_000, "{} bytes", info.bytes_max);
}

#[test]
fn a_limit_refuses_an_honest_but_large_header() {
    let file = bytes(&ArrayD::from_elem(IxDyn(&[30]), 1.0_f32));
    let error = idx::read_bounded(&file[..], "x", 100).unwrap_err();
    assert_eq!(error.to_string(), "x: byte 4: the header promises 120 bytes of elements, the limit is 100");
    assert!(idx::read_bounded(&file[..], "x", 120).is_ok());
}

#[test]
fn damaged_gzip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gz");
    let whole = gzip(&bytes(&Array3::from_shape_fn((9, 9, 9), |(i, j, k)| (i * j + k) as u8).into_dyn()));
    let text = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        idx::open(&path).unwrap_err().to_string().replace(&path.display().to_string(), "x.gz")
    };
    let cut = text(&whole[..whole.len() / 2]);
    assert!(cut.ends_with(": damaged gzip data: incomplete deflate stream"), "{cut}");
    let mut wrong_sum = whole.clone();
    let crc = whole.len() - 8;
    wrong_sum[crc] ^= 1;
    assert_eq!(
        text(&wrong_sum),
        "x.gz: byte 745: damaged gzip data: corrupt gzip stream does not have a matching checksum"
    );
    let mut wrong_data = whole.clone();
    wrong_data[10] |= 0b110;
    assert_eq!(text(&wrong_data), "x.gz: byte 0: damaged gzip data: corrupt deflate stream");
}

#[test]
fn files_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.idx");
    let table = array![[1.5_f64, -2.5]];
    idx::save(&path, table.view()).unwrap();
    assert_eq!(idx::open(&path).unwrap(), IdxArray::F64(table.clone().into_dyn()));
    fs::write(&path, gzip(&fs::read(&path).unwrap())).unwrap();
    assert_eq!(
        idx::open(&path).unwrap(),
        IdxArray::F64(table.into_dyn()),
        "gzip by content, whatever the name"
    );
    let missing = folder.path().join("missing");
    let error = idx::open(&missing).unwrap_err();
    assert!(error.to_string().starts_with(&format!("{}: byte 0: ", missing.display())), "{error}");
    assert!(matches!(error.kind, IdxErrorKind::Io(_)));
    assert!(idx::save(folder.path(), ndarray::arr1(&[1_u8]).view()).is_err());
}

/// Arrays of rank 1 to 4 with 0 to 4 elements per axis.
fn arrays<T: Element + std::fmt::Debug>(
    element: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = ArrayD<T>> {
    prop::collection::vec(0_usize..5, 1..5).prop_flat_map(move |shape| {
        prop::collection::vec(element.clone(), shape.iter().product::<usize>())
            .prop_map(move |elements| ArrayD::from_shape_vec(IxDyn(&shape), elements).unwrap())
    })
}

fn round_trip<T: Element>(array: &ArrayD<T>) -> ArrayD<T> {
    idx::read(&bytes(array)[..], "test").unwrap().into_array("test").unwrap()
}

proptest! {
    #[test]
    fn round_trip_u8(array in arrays(any::<u8>())) {
        prop_assert_eq!(round_trip(&array), array);
    }

    #[test]
    fn round_trip_i8(array in arrays(any::<i8>())) {
        prop_assert_eq!(round_trip(&array), array);
    }

    #[test]
    fn round_trip_i16(array in arrays(any::<i16>())) {
        prop_assert_eq!(round_trip(&array), array);
    }

    #[test]
    fn round_trip_i32(array in arrays(any::<i32>())) {
        prop_assert_eq!(round_trip(&array), array);
    }

    #[test]
    fn round_trip_f32(array in arrays(any::<u32>().prop_map(f32::from_bits))) {
        prop_assert_eq!(round_trip(&array).mapv(f32::to_bits), array.mapv(f32::to_bits));
    }

    #[test]
    fn round_trip_f64(array in arrays(any::<u64>().prop_map(f64::from_bits))) {
        prop_assert_eq!(round_trip(&array).mapv(f64::to_bits), array.mapv(f64::to_bits));
    }

    #[test]
    fn arbitrary_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = idx::read(&content[..], "test");
    }

    /// The start of a header, so that the later checks are reached.
    #[test]
    fn arbitrary_headers_never_panic(
        code in 8_u8..15, rank in 0_u8..6, rest in prop::collection::vec(prop_oneof![Just(0), Just(1), any::<u8>()], 0..60),
    ) {
        let content = [&[0, 0, code, rank][..], &rest].concat();
        if let Ok(array) = idx::read(&content[..], "test") {
            let size = array.element_type().size() * array.shape().iter().product::<usize>();
            prop_assert_eq!(content.len(), 4 + 4 * array.shape().len() + size);
        }
    }

    /// Damage anywhere in a gzip file: an error, or (in fields nobody reads, such as the time) the same array.
    #[test]
    fn damaged_gzip_never_panics(place in 2_usize..60, damage in 1_u8..) {
        let array = ArrayD::from_shape_fn(IxDyn(&[20]), |i| (i[0] * 37) as u8);
        let mut content = gzip(&bytes(&array));
        let place = place % content.len();
        content[place.max(2)] ^= damage;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, content).unwrap();
        if let Ok(read) = idx::open(&path) {
            prop_assert_eq!(read, IdxArray::U8(array));
        }
    }
}
