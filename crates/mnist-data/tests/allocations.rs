//! A training loop's way through a set allocates nothing but the order of an epoch.

#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use layerwise_mnist_data::ImageSet;
use ndarray::{Array1, Array3};

fn set(n: usize) -> ImageSet {
    let images = Array3::from_shape_fn((n, 28, 28), |(i, r, c)| (i + r * c) as u8);
    ImageSet::new(images, Array1::from_shape_fn(n, |i| (i % 10) as u8)).unwrap()
}

/// The sum keeps the loop from being optimised away.
fn consume<'a>(batches: impl Iterator<Item = layerwise_mnist_data::Batch<'a>>, buffer: &mut [f32]) -> f32 {
    let mut sum = 0.0;
    for batch in batches {
        let [rows, features] = batch.images.shape();
        batch.images.write_to(&mut buffer[..rows * features]);
        sum += buffer[300] + f32::from(batch.labels.get(0)) + batch.labels.iter().map(f32::from).sum::<f32>();
    }
    sum
}

#[test]
fn batches_and_their_conversion_allocate_nothing() {
    let set = set(1_000);
    let mut buffer = vec![0.0; 32 * set.features()];
    let shuffled = set.batches(32).shuffled(3);
    let rows: Vec<u32> = (0..1_000).rev().collect();
    let info = allocation_counter::measure(|| {
        assert!(consume(set.batches(32), &mut buffer) > 0.0);
        assert!(consume(shuffled, &mut buffer) > 0.0);
        assert!(consume(rows.chunks(32).map(|rows| set.batch(rows)), &mut buffer) > 0.0);
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn the_counter_counts() {
    let set = set(10);
    let info = allocation_counter::measure(|| drop(set.batches(2).shuffled(1)));
    assert!(info.count_total > 0, "shuffling allocates the order of the epoch");
}
