//! The embedded files are the published ones.

#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use layerwise_mnist_data::{Mnist, idx};
use ndarray::{ArrayView, Dimension};
use sha2::{Digest, Sha256};

/// SHA-256 of the array as an IDX file.
fn sha256<D: Dimension>(array: ArrayView<'_, u8, D>) -> String {
    let mut bytes = Vec::new();
    idx::write(&mut bytes, "hash", array).unwrap();
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn checksums_of_the_decoded_files() {
    let Mnist { train, test } = Mnist::embedded();
    assert_eq!(
        [sha256(train.images()), sha256(test.images())],
        [
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
        ]
    );
    assert_eq!(
        [sha256(train.labels()), sha256(test.labels())],
        [
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
        ]
    );
}

#[test]
fn known_numbers() {
    let mnist = Mnist::embedded();
    assert_eq!((mnist.train.len(), mnist.test.len()), (60_000, 10_000));
    assert_eq!(mnist.train.image_shape(), [28, 28]);
    assert_eq!(mnist.train.class_counts(), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    assert_eq!(mnist.train.class_names()[9], "9");
    assert!(std::ptr::eq(mnist, Mnist::embedded()), "decoded once");
}

#[test]
fn the_documented_mean_and_deviation() {
    let (mean, std) = Mnist::embedded().train.mean_std();
    assert_eq!(format!("{mean:.4} {std:.4}"), "0.1307 0.3081");
}
