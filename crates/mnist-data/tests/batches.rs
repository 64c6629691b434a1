//! What comes out of the iterators, and in which order.

#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

mod common;

use layerwise_mnist_data::{Batch, ImageSet};
use ndarray::{Array1, Array3};

use common::panic_text;

/// 10 images of 1 x 2 pixels, `[i, 100 + i]`, labelled `i`.
fn set() -> ImageSet {
    let images = Array3::from_shape_fn((10, 1, 2), |(i, _, c)| (100 * c + i) as u8);
    ImageSet::new(images, Array1::from_shape_fn(10, |i| i as u8)).unwrap()
}

/// Rows, labels and pixels agree; returns the rows.
fn checked(batch: &Batch<'_>) -> Vec<u32> {
    let rows: Vec<u32> = batch.rows().collect();
    assert_eq!(batch.labels.to_vec(), rows.iter().map(|&row| row as u8).collect::<Vec<_>>());
    assert_eq!(batch.labels.to_array().to_vec(), batch.labels.iter().collect::<Vec<_>>());
    assert_eq!(batch.images.shape(), [rows.len(), 2]);
    let pixels = batch.images.to_array().mapv(|v| (v * 255.0).round() as u32);
    for (image, row) in pixels.rows().into_iter().zip(&rows) {
        assert_eq!(image.to_vec(), [*row, 100 + row]);
    }
    assert_eq!((batch.len(), batch.images.len(), batch.images.features()), (rows.len(), rows.len(), 2));
    rows
}

#[test]
fn in_order_with_a_smaller_last_batch() {
    let set = set();
    let rows: Vec<_> = set.batches(4).map(|batch| checked(&batch)).collect();
    assert_eq!(rows, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
    let rows: Vec<_> = set.batches(4).drop_last().map(|batch| checked(&batch)).collect();
    assert_eq!(rows, [vec![0, 1, 2, 3], vec![4, 5, 6, 7]]);
}

#[test]
fn lengths_are_exact_for_every_size() {
    let set = set();
    for size in [1, 2, 3, 9, 10, 11, usize::MAX] {
        for (batches, sum) in
            [(set.batches(size), 10), (set.batches(size).shuffled(1).drop_last(), 10 - 10 % size)]
        {
            let mut left = batches.len();
            assert_eq!(batches.clone().map(|batch| batch.len()).sum::<usize>(), sum, "{size}");
            for (i, _) in batches.clone().enumerate() {
                left -= 1;
                assert_eq!(batches.clone().skip(i + 1).len(), left);
            }
            assert_eq!(left, 0, "{size}");
        }
    }
}

#[test]
fn shuffled_batches_visit_every_image_once() {
    let set = set();
    let order = |seed| set.batches(3).shuffled(seed).flat_map(|batch| checked(&batch)).collect::<Vec<_>>();
    let mut rows = order(1);
    assert_eq!(rows, order(1));
    assert_ne!(rows, order(2));
    rows.sort_unstable();
    assert_eq!(rows, (0..10).collect::<Vec<_>>());
}

#[test]
fn every_size_converts_each_image_at_its_place() {
    // More rows than are fetched together, with 67 pixels each, so that images begin anywhere in a cache line.
    let images = Array3::from_shape_fn((90, 1, 67), |(i, _, c)| (i * 67 + c * c) as u8);
    let set = ImageSet::new(images.clone(), Array1::zeros(90)).unwrap().normalised(0.25, 0.5);
    let all = set.to_f32();
    let rows: Vec<u32> = (0..90).map(|i| (i * 37 + 5) % 90).collect();
    for size in [1, 15, 16, 17, 31, 33, 90] {
        let converted = set.batch(&rows[..size]).images.to_array();
        for (image, &row) in converted.rows().into_iter().zip(&rows) {
            assert_eq!(image, all.row(row as usize), "{size}");
            let expected = (f64::from(images[[row as usize, 0, 66]]) / 255.0 - 0.25) / 0.5;
            assert!((f64::from(image[66]) - expected).abs() < 1e-6);
        }
    }
}

#[test]
fn the_callers_own_rows() {
    let set = set();
    assert_eq!(checked(&set.batch(&[7, 7, 0])), [7, 7, 0]);
    assert!(set.batch(&[]).is_empty());
    assert_eq!(panic_text(|| set.batch(&[0, 10])), "ImageSet::batch: row 10, but the set has 10 images");
}

#[test]
fn mistakes_in_the_program_panic_with_the_numbers() {
    let set = set();
    assert_eq!(panic_text(|| set.batch(&[1]).labels.get(1)), "BatchLabels::get: label 1 of a batch of 1");
    assert_eq!(
        panic_text(|| set.batch(&[1, 2]).images.write_to(&mut [0.0; 5])),
        "BatchImages::write_to: [2, 2] needs 4 values, the buffer has 5"
    );
    assert_eq!(panic_text(|| set.batches(0).len()), "ImageSet::batches: a batch of size 0; use at least 1");
}
