//! Sets, their normalisation, subsets and splits.

#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

mod common;

use layerwise_mnist_data::{DataError, ImageSet, Mnist};
use ndarray::{Array1, Array3, array};
use proptest::prelude::*;

use common::panic_text;

/// `n` images of 2 x 3 pixels; every pixel of image `i` is `i`.
fn set(labels: &[u8]) -> ImageSet {
    let images = Array3::from_shape_fn((labels.len(), 2, 3), |(i, ..)| i as u8);
    ImageSet::new(images, labels.to_vec().into()).unwrap()
}

fn numbers(set: &ImageSet) -> Vec<u8> {
    set.images().outer_iter().map(|image| image[[0, 0]]).collect()
}

#[test]
fn counts_must_match() {
    let error = ImageSet::new(Array3::zeros((3, 2, 2)), Array1::zeros(2)).unwrap_err();
    assert_eq!(error.to_string(), "ImageSet::new: 3 images but 2 labels");
}

#[test]
fn every_label_needs_a_name() {
    let error = set(&[0, 1, 2]).with_class_names(["a", "b"]).unwrap_err();
    assert_eq!(error.to_string(), "ImageSet::with_class_names: label 2 at index 2, expected 0..2");
    assert!(matches!(error, DataError::LabelOutOfRange { index: 2, label: 2, .. }));
    let named = set(&[0, 1]).with_class_names(["a", "b", "c"]).unwrap();
    assert_eq!((named.classes(), named.class_names()[2].as_str()), (3, "c"));
    assert_eq!(named.class_counts(), [1, 1, 0]);
}

#[test]
fn any_memory_layout_is_accepted() {
    let images = Array3::from_shape_fn((2, 2, 3), |(i, r, c)| (i * 100 + r * 10 + c) as u8);
    let mut transposed = images.clone();
    transposed.swap_axes(1, 2);
    let set = ImageSet::new(transposed, array![0, 1]).unwrap();
    assert_eq!(set.image_shape(), [3, 2]);
    assert_eq!(set.images()[[1, 2, 0]], images[[1, 0, 2]]);
    assert_eq!((set.to_f32().row(1)[1] * 255.0).round(), 110.0);
}

#[test]
fn bytes_become_zero_to_one() {
    let images = Array3::from_shape_fn((256, 1, 1), |(i, ..)| i as u8);
    let set = ImageSet::new(images, Array1::zeros(256)).unwrap();
    let values = set.to_f32();
    assert_eq!((values[[0, 0]], values[[255, 0]]), (0.0, 1.0));
    for (i, &value) in values.iter().enumerate() {
        // One rounding more than a division: the last bit may differ.
        let exact = i as f32 / 255.0;
        assert!((value - exact).abs() <= exact * f32::EPSILON, "{i}: {value} {exact}");
    }
}

#[test]
fn normalisation_standardises_and_travels() {
    let mnist = Mnist::embedded();
    let part = mnist.train.take(2_000);
    let (mean, std) = part.mean_std();
    let normalised = part.normalised(mean, std);
    let values = normalised.to_f32().mapv(f64::from);
    let n = values.len() as f64;
    let (mean_after, square) = (values.sum() / n, values.mapv(|v| v * v).sum() / n);
    assert!(mean_after.abs() < 1e-5 && (square - 1.0).abs() < 1e-5, "{mean_after} {square}");

    let (first, second) = normalised.random_split(0.5, 1);
    let plain = part.random_split(0.5, 1).1.to_f32();
    for (&v, &x) in second.to_f32().iter().zip(&plain) {
        assert!((f64::from(v) - (f64::from(x) - mean) / std).abs() < 1e-5);
    }
    assert_eq!(first.batch(&[0]).images.to_array().row(0), first.to_f32().row(0));
    assert_eq!(part.to_f32(), normalised.normalised(0.0, 1.0).to_f32(), "a second pair replaces the first");
}

#[test]
fn an_empty_set_is_a_set() {
    let empty = set(&[]);
    assert!(empty.is_empty() && empty.classes() == 0 && empty.to_f32().is_empty());
    assert!(empty.mean_std().0.is_nan());
    assert_eq!(empty.batches(3).count(), 0);
    assert_eq!(empty.batches(3).shuffled(1).drop_last().count(), 0);
    assert_eq!(empty.stratified_split(0.5, 1).0.len(), 0);
    let no_pixels = ImageSet::new(Array3::zeros((5, 0, 4)), Array1::zeros(5)).unwrap();
    assert_eq!(no_pixels.batches(2).shuffled(1).next().unwrap().images.to_array().dim(), (2, 0));
    assert_eq!(no_pixels.subset(&[1]).to_f32().dim(), (1, 0));
}

#[test]
fn subsets_keep_the_given_order() {
    let set = set(&[5, 6, 7, 8]).subset(&[3, 0, 3]);
    assert_eq!((numbers(&set), set.labels().to_vec(), set.classes()), (vec![3, 0, 3], vec![8, 5, 8], 9));
    assert_eq!(numbers(&set.take(2)), [3, 0]);
    assert_eq!(set.take(9).len(), 3);
}

#[test]
fn mistakes_in_the_program_panic_with_the_numbers() {
    let set = set(&[0, 1]);
    assert_eq!(panic_text(|| set.subset(&[0, 2])), "ImageSet::subset: index 2, but the set has 2 images");
    assert_eq!(
        panic_text(|| set.normalised(0.1, 0.0)),
        "ImageSet::normalised: mean 0.1, std 0; both must be finite and std positive"
    );
    assert_eq!(
        panic_text(|| set.random_split(1.5, 0)),
        "ImageSet::random_split: fraction 1.5 is not from 0 to 1"
    );
    assert_eq!(
        panic_text(|| set.stratified_split(f64::NAN, 0)),
        "ImageSet::stratified_split: fraction NaN is not from 0 to 1"
    );
    assert_eq!(panic_text(|| set.random_split_at(3, 0)), "ImageSet::random_split_at: 3 images of a set of 2");
    assert_eq!(panic_text(|| set.stratified_take(3, 0)), "ImageSet::stratified_take: 3 images of a set of 2");
}

#[test]
fn a_stratified_part_of_mnist_has_its_proportions() {
    let train = &Mnist::embedded().train;
    let small = train.stratified_take(6_000, 9);
    assert_eq!(small.class_counts(), [592, 674, 596, 613, 584, 542, 592, 627, 585, 595]);
    assert_eq!(small.class_names(), train.class_names());
}

proptest! {
    #[test]
    fn splits_divide_the_set(
        labels in prop::collection::vec(0_u8..5, 0..200), fraction in 0.0..=1.0_f64, seed: u64,
    ) {
        let set = set(&labels);
        let n = (fraction * labels.len() as f64).round() as usize;
        for (first, second) in [set.random_split(fraction, seed), set.stratified_split(fraction, seed)] {
            prop_assert_eq!(first.len(), n);
            let (a, b) = (numbers(&first), numbers(&second));
            prop_assert!(a.is_sorted() && b.is_sorted());
            let mut all = [a, b].concat();
            all.sort_unstable();
            prop_assert_eq!(all, numbers(&set));
        }
        let quotas = set.stratified_split(fraction, seed).0.class_counts();
        for (quota, count) in quotas.into_iter().zip(set.class_counts()) {
            let exact = count as f64 * n as f64 / labels.len() as f64;
            prop_assert!((quota as f64 - exact).abs() < 1.0, "{} of {}", quota, count);
        }
    }
}
