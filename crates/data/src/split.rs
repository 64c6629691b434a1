//! Dividing data in two, by chance but repeatably.

use std::collections::HashMap;

use layerwise_tensor::{Rng, Tensor};

/// Divides the rows 0 to `rows - 1` at random: `fraction` of them (rounded to a whole number), and the others, each in ascending order.
/// The same seed gives the same parts.
///
/// ```
/// let (training, validation) = layerwise_data::split_rows(10, 0.7, 42);
/// assert_eq!((training.len(), validation.len()), (7, 3));
/// ```
///
/// # Panics
/// If `fraction` is not from 0 to 1, or there are more than 2^32 - 1 rows.
#[track_caller]
pub fn split_rows(rows: usize, fraction: f64, seed: u64) -> (Vec<u32>, Vec<u32>) {
    assert!((0.0..=1.0).contains(&fraction), "split_rows: fraction {fraction} is not from 0 to 1");
    assert!(u32::try_from(rows).is_ok(), "split_rows: {rows} rows, expected at most 4294967295");
    let order = Rng::seed(seed).stream(0).permutation(rows);
    let (first, second) = order.split_at((fraction * rows as f64).round() as usize);
    let sorted = |rows: &[u32]| {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows
    };
    (sorted(first), sorted(second))
}

/// Divides rows so that `fraction` of those of each key, rounded up, are in the first part. Both are in ascending order.
#[track_caller]
pub(crate) fn stratified(
    rows: usize,
    fraction: f64,
    seed: u64,
    key: impl Fn(usize) -> u64,
) -> (Vec<u32>, Vec<u32>) {
    assert!((0.0..=1.0).contains(&fraction), "stratified_split: fraction {fraction} is not from 0 to 1");
    let order = Rng::seed(seed).stream(0).permutation(rows);
    let mut left = HashMap::<u64, usize>::new();
    (0..rows).for_each(|row| *left.entry(key(row)).or_default() += 1);
    left.values_mut().for_each(|count| *count = (fraction * *count as f64).ceil() as usize);
    let mut is_first = vec![false; rows];
    for row in order {
        let left = left.entry(key(row as usize)).or_default();
        if *left > 0 {
            *left -= 1;
            is_first[row as usize] = true;
        }
    }
    (0..rows as u32).partition(|&row| is_first[row as usize])
}

/// These rows (indices into the first dimension) of a tensor, in this order.
///
/// # Panics
/// If the tensor is a scalar, or has no such row.
#[track_caller]
pub fn select(tensor: &Tensor, rows: &[u32]) -> Tensor {
    let shape = tensor.shape();
    assert!(shape.rank() > 0, "select: rows of a tensor of shape {shape}, which has none");
    let length = shape.dims()[0];
    if let Some(row) = rows.iter().find(|&&row| row as usize >= length) {
        panic!("select: row {row}, but the tensor has {length}");
    }
    let features = shape.dims()[1..].iter().product::<usize>();
    let row = |&row: &u32| &tensor.as_slice()[row as usize * features..][..features];
    Tensor::new(shape.with_axis(0, rows.len()), rows.iter().flat_map(row).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_disjoint_complete_and_repeatable() {
        for (rows, fraction, expected) in
            [(0, 0.5, 0), (1, 1.0, 1), (10, 0.25, 3), (101, 0.8, 81), (7, 0.0, 0)]
        {
            let (first, second) = split_rows(rows, fraction, 3);
            assert_eq!(first.len(), expected);
            assert!(first.is_sorted() && second.is_sorted());
            let mut all = [first.clone(), second].concat();
            all.sort_unstable();
            assert_eq!(all, (0..rows as u32).collect::<Vec<_>>());
            assert_eq!(split_rows(rows, fraction, 3).0, first);
        }
        assert_ne!(split_rows(100, 0.5, 3), split_rows(100, 0.5, 4));
    }

    #[test]
    fn every_key_is_in_the_first_part() {
        let (first, second) = stratified(101, 0.8, 7, |row| if row == 50 { 9 } else { row as u64 % 2 });
        assert!(first.contains(&50));
        assert_eq!((first.len(), second.len()), (81, 20));
        assert_eq!(first.iter().filter(|&&row| row != 50 && row % 2 == 0).count(), 40);
        assert_eq!(stratified(10, 0.0, 7, |row| row as u64).0, [0; 0]);
    }

    #[test]
    fn rows_of_a_tensor() {
        let tensor = Tensor::from_fn([3, 2], |i| i as f32);
        assert_eq!(select(&tensor, &[2, 0]), Tensor::from([[4.0, 5.0], [0.0, 1.0]]));
        assert_eq!(select(&Tensor::zeros([3, 0]), &[1, 1]).shape().dims(), [2, 0]);
    }

    #[test]
    #[should_panic(expected = "split_rows: fraction 1.5 is not from 0 to 1")]
    fn a_fraction_is_a_part() {
        split_rows(3, 1.5, 0);
    }

    #[test]
    #[should_panic(expected = "select: row 3, but the tensor has 3")]
    fn a_row_has_to_be_there() {
        select(&Tensor::zeros([3, 2]), &[3]);
    }
}
