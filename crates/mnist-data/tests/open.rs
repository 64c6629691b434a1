//! Folders with IDX files, good and bad.

#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use std::fs;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use layerwise_mnist_data::{EmnistSplit, Family, Mnist, idx};
use ndarray::{Array3, array, aview1};
use tempfile::TempDir;

/// 2 images of 2 x 3 pixels.
fn images() -> Array3<u8> {
    Array3::from_shape_fn((2, 2, 3), |(i, r, c)| (100 * i + 10 * r + c) as u8)
}

/// A folder with 2 training and 2 test images under the given names.
fn folder(names: [&str; 4]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (i, name) in names.into_iter().enumerate() {
        let path = folder.path().join(name);
        if i % 2 == 0 {
            idx::save(path, images().view()).unwrap();
        } else {
            idx::save(path, aview1(&[7_u8, 1])).unwrap();
        }
    }
    folder
}

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The error's text with the folder's path left out.
fn error_text(family: Family, folder: &Path) -> String {
    family.open(folder).unwrap_err().to_string().replace(&folder.display().to_string(), "FOLDER")
}

#[test]
fn plain_files() {
    let mnist = Mnist::open(folder(NAMES).path()).unwrap();
    assert_eq!(mnist.train.images(), images());
    assert_eq!(mnist.test.labels().to_vec(), [7, 1]);
    assert_eq!((mnist.test.classes(), mnist.test.class_names()[7].as_str()), (10, "7"));
    let normalised = mnist.normalised(0.0, 0.5);
    assert_eq!(normalised.test.to_f32()[[1, 5]], 2.0 * mnist.test.to_f32()[[1, 5]]);
}

#[test]
fn names_with_a_dot_and_gzip_files() {
    let folder = folder([
        "train-images.idx3-ubyte",
        "train-labels.idx1-ubyte",
        "t10k-images.idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte",
    ]);
    let gz = folder.path().join("t10k-images.idx3-ubyte.gz");
    let mut encoder = GzEncoder::new(fs::File::create(&gz).unwrap(), Compression::fast());
    idx::write(&mut encoder, "test", images().view()).unwrap();
    encoder.finish().unwrap();
    assert_eq!(Mnist::open(folder.path()).unwrap().test.images(), images());
}

#[test]
fn what_is_not_there() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        error_text(Family::Mnist, empty.path()),
        "FOLDER: none of these files is there: train-images-idx3-ubyte, train-images-idx3-ubyte.gz, \
         train-images.idx3-ubyte, train-images.idx3-ubyte.gz"
    );
    let missing = empty.path().join("missing");
    assert_eq!(
        Mnist::open(&missing).unwrap_err().to_string(),
        format!("{}: not a folder", missing.display())
    );
}

#[test]
fn counts_that_differ() {
    let folder = folder(NAMES);
    idx::save(folder.path().join(NAMES[1]), aview1(&[1_u8])).unwrap();
    assert_eq!(
        error_text(Family::Mnist, folder.path()),
        "FOLDER/train-images-idx3-ubyte and FOLDER/train-labels-idx1-ubyte: 2 images but 1 labels"
    );
}

#[test]
fn a_label_above_nine() {
    let folder = folder(NAMES);
    idx::save(folder.path().join(NAMES[3]), aview1(&[9_u8, 10])).unwrap();
    assert_eq!(
        error_text(Family::FashionMnist, folder.path()),
        "FOLDER/t10k-labels-idx1-ubyte: label 10 at index 1, expected 0..10"
    );
}

#[test]
fn files_in_each_others_place() {
    let folder = folder(NAMES);
    fs::copy(folder.path().join(NAMES[1]), folder.path().join(NAMES[0])).unwrap();
    assert_eq!(
        error_text(Family::Kmnist, folder.path()),
        "FOLDER/train-images-idx3-ubyte: expected u8 [n, rows, cols], found u8 [2]"
    );
    idx::save(folder.path().join(NAMES[0]), images().view()).unwrap();
    idx::save(folder.path().join(NAMES[1]), aview1(&[1_i8, 2])).unwrap();
    assert_eq!(
        error_text(Family::Mnist, folder.path()),
        "FOLDER/train-labels-idx1-ubyte: expected u8 [n], found i8 [2]"
    );
}

#[test]
fn damaged_and_cut_files() {
    let folder = folder(NAMES);
    let path = folder.path().join(NAMES[2]);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..20]).unwrap();
    assert_eq!(
        error_text(Family::Mnist, folder.path()),
        "FOLDER/t10k-images-idx3-ubyte: byte 20: the data ends here, expected 28 bytes in all"
    );
    fs::write(&path, [0x1F, 0x8B, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).unwrap();
    assert_eq!(
        error_text(Family::Mnist, folder.path()),
        "FOLDER/t10k-images-idx3-ubyte: byte 0: damaged gzip data: invalid gzip header"
    );
    // [4096, 1024, 1024] bytes: an address space has room, we do not.
    fs::write(&path, [0, 0, 8, 3, 0, 0, 16, 0, 0, 0, 4, 0, 0, 0, 4, 0]).unwrap();
    assert_eq!(
        error_text(Family::Mnist, folder.path()),
        "FOLDER/t10k-images-idx3-ubyte: byte 4: the header promises 4294967296 bytes of elements, the limit is \
         2147483648"
    );
}

#[test]
fn emnist_comes_out_upright_and_letters_from_zero() {
    let folder = folder([
        "emnist-letters-train-images-idx3-ubyte",
        "emnist-letters-train-labels-idx1-ubyte",
        "emnist-letters-test-images-idx3-ubyte",
        "emnist-letters-test-labels-idx1-ubyte",
    ]);
    let letters = Family::Emnist(EmnistSplit::Letters);
    let set = letters.open(folder.path()).unwrap().train;
    assert_eq!((set.image_shape(), set.labels().to_vec()), ([3, 2], vec![6, 0]));
    assert_eq!(set.images()[[1, 2, 0]], images()[[1, 0, 2]]);
    assert_eq!((set.classes(), set.class_names()[6].as_str()), (26, "g"));

    let labels = folder.path().join("emnist-letters-test-labels-idx1-ubyte");
    idx::save(&labels, aview1(&[26_u8, 0])).unwrap();
    assert_eq!(
        error_text(letters, folder.path()),
        "FOLDER/emnist-letters-test-labels-idx1-ubyte: label 0 at index 1, expected 1..27"
    );
}

#[test]
fn qmnist_takes_the_class_from_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let table = array![[9_i32, 0, 1, 2, 3, 4, 5, 6], [0, 9, 9, 9, 9, 9, 9, 9]];
    for part in ["train", "test"] {
        idx::save(folder.path().join(format!("qmnist-{part}-images-idx3-ubyte")), images().view()).unwrap();
        idx::save(folder.path().join(format!("qmnist-{part}-labels-idx2-int")), table.view()).unwrap();
    }
    assert_eq!(Family::Qmnist.open(folder.path()).unwrap().test.labels().to_vec(), [9, 0]);

    let labels = folder.path().join("qmnist-test-labels-idx2-int");
    for (wrong, text) in
        [(-1, "label -1 at index 0, expected 0..10"), (300, "label 300 at index 0, expected 0..10")]
    {
        let mut table = table.clone();
        table[[0, 0]] = wrong;
        idx::save(&labels, table.view()).unwrap();
        let error = error_text(Family::Qmnist, folder.path());
        assert_eq!(error, format!("FOLDER/qmnist-test-labels-idx2-int: {text}"));
    }
    idx::save(&labels, aview1(&[1_u8, 2])).unwrap();
    assert_eq!(
        error_text(Family::Qmnist, folder.path()),
        "FOLDER/qmnist-test-labels-idx2-int: expected i32 [n, 8], found u8 [2]"
    );
}

#[test]
fn published_numbers_of_classes() {
    let counts = [
        (EmnistSplit::Balanced, 47),
        (EmnistSplit::ByClass, 62),
        (EmnistSplit::ByMerge, 47),
        (EmnistSplit::Digits, 10),
        (EmnistSplit::Letters, 26),
        (EmnistSplit::Mnist, 10),
    ];
    for (split, count) in counts {
        assert_eq!(Family::Emnist(split).class_names().len(), count, "{split:?}");
    }
    assert_eq!(Family::FashionMnist.class_names().len(), 10);
    assert_eq!(Family::Kmnist.class_names().len(), 10);
}
