//! Images and folders of them.

#![cfg(feature = "images")]
#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use std::fs;
use std::path::Path;

use layerwise_data::images::{self, ImageFolder, ImageFolderConfig};
use layerwise_tensor::data::Dataset;
use ndarray::array;
use proptest::prelude::*;

/// A PNG file.
fn png(width: u32, height: u32, color: png::ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

const JPEG: &[u8] = include_bytes!("golden/grey.jpg");

#[test]
fn every_kind_of_pixel_becomes_grey() {
    let grey = images::decode(&png(2, 1, png::ColorType::Grayscale, &[0, 200]), "x").unwrap();
    assert_eq!(grey, array![[0, 200]]);
    let alpha = images::decode(&png(2, 1, png::ColorType::GrayscaleAlpha, &[0, 0, 100, 255]), "x").unwrap();
    assert_eq!(alpha, array![[255, 100]]); // what is transparent shows white
    let rgb =
        images::decode(&png(1, 3, png::ColorType::Rgb, &[255, 0, 0, 0, 255, 0, 0, 0, 255]), "x").unwrap();
    assert_eq!(rgb, array![[76], [150], [29]]);
    let rgba = images::decode(&png(1, 1, png::ColorType::Rgba, &[0, 0, 0, 51]), "x").unwrap();
    assert_eq!(rgba, array![[204]]);
    let jpeg = images::decode(JPEG, "x").unwrap();
    assert_eq!(jpeg.dim(), (8, 16));
    // The left half is 40, the right 220; the format is lossy.
    for ((_, col), &pixel) in jpeg.indexed_iter() {
        assert!(pixel.abs_diff(if col < 8 { 40 } else { 220 }) <= 3, "{jpeg:?}");
    }
}

#[test]
fn a_folder_is_a_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let dark = png(2, 2, png::ColorType::Grayscale, &[0, 51, 0, 0]);
    put(&root.join("b/2.png"), &dark);
    put(&root.join("a/1.PNG"), &png(2, 2, png::ColorType::Grayscale, &[255; 4]));
    put(&root.join("b/1.png"), &png(2, 2, png::ColorType::Grayscale, &[102; 4]));
    put(&root.join("b/notes.txt"), b"no image");
    put(&root.join("c/notes.txt"), b"no image");
    put(&root.join("beside.png"), &dark);
    let set = ImageFolder::open(root, &ImageFolderConfig::default()).unwrap();
    assert_eq!(
        (&set.class_names[..], &set.labels[..]),
        (&["a".to_owned(), "b".to_owned()][..], &[0, 1, 1][..])
    );
    assert_eq!(set.inputs().as_slice()[..4], [1.0; 4]);
    assert_eq!((set.inputs().as_slice()[9], set.image(2)[[0, 1]]), (0.2, 51));
    assert_eq!(set.to_dataset().len(), 3);

    put(&root.join("b/3.jpg"), JPEG);
    let error = ImageFolder::open(root, &ImageFolderConfig::default()).unwrap_err().to_string();
    let (odd, first) = (root.join("b/3.jpg"), root.join("a/1.PNG"));
    assert_eq!(
        error,
        format!(
            "{}: an image of 16 x 8 pixels (width x height), expected 2 x 2 as {} has; give a size to bring all to",
            odd.display(),
            first.display()
        )
    );
    let config = ImageFolderConfig { size: Some([1, 2]) };
    let set = ImageFolder::open(root, &config).unwrap();
    assert_eq!(set.images.dim(), (4, 1, 2));
    assert!(set.image(3)[[0, 0]].abs_diff(40) <= 3);
}

#[test]
fn what_is_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let error = |config: &ImageFolderConfig| ImageFolder::open(root, config).unwrap_err().to_string();
    let text = error(&ImageFolderConfig::default());
    assert!(text.ends_with(": expected a folder for each class with PNG or JPEG files in it, found none"));
    let text = error(&ImageFolderConfig { size: Some([0, 3]) });
    assert!(text.ends_with(": the size is [0, 3] ([rows, cols]), expected at least one of each"));
    assert!(
        error(&ImageFolderConfig { size: Some([1 << 20, 1 << 20]) })
            .contains("expected at most 67108864 pixels")
    );
    put(&root.join("a/1.png"), &png(2, 2, png::ColorType::Grayscale, &[255; 4]));
    let text = error(&ImageFolderConfig::default());
    assert!(text.ends_with(": all images are in one folder, 'a'; a classifier needs two classes at least"));
    put(&root.join("b/1.png"), b"GIF89a..");
    let text = error(&ImageFolderConfig::default());
    assert!(text.ends_with(
        "b/1.png: expected a PNG or JPEG file, found something that begins with [47, 49, 46, 38, 39, 61, 2e, 2e]"
    ));
    let text = images::open(root.join("none.png")).unwrap_err().to_string();
    assert!(text.contains("none.png: No such file"), "{text}");
}

#[test]
fn a_promise_of_many_pixels_is_refused() {
    let mut bytes = png(1, 1, png::ColorType::Grayscale, &[0]);
    // Width and height of the header, and its checksum.
    bytes[16..24].copy_from_slice(&[0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF]);
    let info = allocation_counter::measure(|| assert!(images::decode(&bytes, "x").is_err()));
    assert!(info.bytes_max < 1_000_000, "{}", info.bytes_max);
}

proptest! {
    #[test]
    fn damage_gives_an_error_or_an_image(at: usize, byte: u8, cut in 0_usize..40, is_jpeg: bool) {
        let png = png(3, 2, png::ColorType::Rgb, &[7; 18]);
        let mut bytes = if is_jpeg { JPEG.to_vec() } else { png };
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len() - cut);
        if let Ok(image) = images::decode(&bytes, "x") {
            let _ = images::digit(image.view());
        }
    }
}
