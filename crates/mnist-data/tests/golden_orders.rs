//! Orders and parts by seed, pinned: they must not change from release to release.
//!
//! The numbers are those of the definition (Xoshiro256++ seeded by SplitMix64, Lemire's interval, Durstenfeld's
//! shuffle), computed independently by `golden_orders.py`.

#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use layerwise_mnist_data::ImageSet;
use ndarray::{Array1, Array3};

/// 100 images of one pixel, which holds the image's number.
fn numbered() -> ImageSet {
    let images = Array3::from_shape_fn((100, 1, 1), |(i, ..)| i as u8);
    ImageSet::new(images, Array1::from_shape_fn(100, |i| (i % 4) as u8)).unwrap()
}

fn order(seed: u64) -> Vec<u32> {
    numbered().batches(100).shuffled(seed).flat_map(|batch| batch.rows().collect::<Vec<_>>()).collect()
}

fn numbers(set: &ImageSet) -> Vec<u8> {
    set.images().iter().copied().collect()
}

#[test]
fn shuffled_orders() {
    assert_eq!(order(0)[..8], [61, 7, 72, 45, 30, 43, 4, 56]);
    assert_eq!(order(1)[..8], [38, 36, 0, 1, 23, 74, 94, 60]);
    assert_eq!(order(42)[..8], [73, 65, 74, 15, 83, 92, 63, 14]);
    assert_eq!(order(u64::MAX)[..8], [61, 43, 7, 68, 85, 25, 95, 69]);
}

#[test]
fn splits() {
    let set = numbered();
    assert_eq!(numbers(&set.random_split(0.1, 42).0), [1, 14, 15, 58, 63, 65, 73, 74, 83, 92]);
    assert_eq!(numbers(&set.stratified_split(0.1, 42).0), [7, 9, 24, 30, 31, 36, 48, 62, 65, 77]);
    assert_eq!(numbers(&set.stratified_take(10, 42)), [7, 9, 24, 30, 31, 36, 48, 62, 65, 77]);
}
