//! Generated variants by seed, pinned: they must not change from release to release.
//!
//! The numbers are those of the definition, computed independently by `golden_variants.py`; the checksums are of all
//! pixels of small sets, on which other machines have to agree.

#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use layerwise_mnist_data::{ImageSet, Mnist, Variant, VariantSizes, VariantSplits};
use ndarray::ArrayView2;
use sha2::{Digest, Sha256};

fn generate(variant: Variant, train: usize, validation: usize, test: usize) -> VariantSplits {
    variant.generate_sized(VariantSizes { train, validation, test }, 42).unwrap()
}

/// Rows and columns of the pixels that are not black.
fn white(image: ArrayView2<'_, u8>) -> Vec<(usize, usize)> {
    image.indexed_iter().filter(|&(_, &pixel)| pixel > 0).map(|(place, _)| place).collect()
}

/// Numbers of the images in MNIST, training images first.
fn numbers(set: &ImageSet) -> Vec<usize> {
    let Mnist { train, test } = Mnist::embedded();
    let all: Vec<u8> = train.images().into_iter().chain(test.images()).copied().collect();
    let find = |image: ArrayView2<'_, u8>| {
        let image: Vec<u8> = image.iter().copied().collect();
        all.chunks(784).position(|other| other == image).unwrap()
    };
    set.images().outer_iter().map(find).collect()
}

#[test]
fn digits_in_the_order_of_the_seed() {
    let splits = generate(Variant::Basic, 3, 2, 3);
    assert_eq!(numbers(&splits.train), [50428, 34879, 34539]);
    assert_eq!(numbers(&splits.validation), [57001, 22317]);
    assert_eq!(numbers(&splits.test), [68870, 49077, 55542]);
}

#[test]
fn noise() {
    let train = generate(Variant::BgRand, 1, 0, 0).train;
    assert_eq!(
        train.images().iter().take(8).copied().collect::<Vec<u8>>(),
        [3, 93, 105, 50, 229, 27, 122, 244]
    );
}

#[test]
fn rectangles() {
    let test = generate(Variant::Rect, 0, 0, 6).test;
    let images = test.images();
    let boxes = images.outer_iter().map(|image| {
        let pixels = white(image);
        let [first, last] = [pixels[0], pixels[pixels.len() - 1]];
        (first.0, first.1, last.0 - first.0 + 1, last.1 - first.1 + 1)
    });
    assert_eq!(
        boxes.collect::<Vec<_>>(),
        [(9, 4, 17, 21), (20, 0, 4, 15), (11, 20, 9, 5), (20, 6, 6, 20), (11, 2, 7, 25), (0, 4, 23, 15)]
    );
}

#[test]
fn regions() {
    let train = generate(Variant::Convex, 12, 0, 0).train;
    let (images, labels) = (train.images(), train.labels());
    let facts = images.outer_iter().zip(&labels).map(|(image, label)| {
        let pixels = white(image);
        let [rows, columns] = [pixels.iter().map(|p| p.0).sum(), pixels.iter().map(|p| p.1).sum()];
        (*label, pixels.len(), rows, columns)
    });
    let expected: [(u8, usize, usize, usize); 12] = [
        (1, 574, 5624, 8059),
        (1, 40, 931, 627),
        (1, 350, 2240, 3815),
        (1, 133, 374, 2107),
        (0, 132, 3062, 1820),
        (1, 102, 197, 1626),
        (0, 354, 3464, 4316),
        (0, 120, 2930, 1923),
        (1, 348, 4843, 2159),
        (0, 246, 2491, 4638),
        (0, 306, 5068, 4706),
        (1, 481, 6880, 9054),
    ];
    assert_eq!(facts.collect::<Vec<_>>(), expected);
}

#[test]
fn checksums() {
    let sums = Variant::ALL.map(|variant| {
        let splits = generate(variant, 300, 100, 200);
        let mut hash = Sha256::new();
        for set in [splits.train, splits.validation, splits.test] {
            hash.update(set.images().as_slice().unwrap());
            hash.update(set.labels().as_slice().unwrap());
        }
        let sum: String = hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{variant} {sum}")
    });
    assert_eq!(
        sums,
        [
            "basic cdf478541b64a2fe",
            "rot 02551188782cde54",
            "bg-rand 7c0a605be8c5d256",
            "rect cb6f0e32ebed5378",
            "convex ce39a766c5c28d09",
        ]
    );
}
