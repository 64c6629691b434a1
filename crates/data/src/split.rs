//! Dividing data in two, by chance but repeatably.

use std::collections::HashMap;

use layerwise_tensor::{Rng, Tensor};

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
    #[should_panic(expected = "select: row 3, but the tensor has 3")]
    fn a_row_has_to_be_there() {
        select(&Tensor::zeros([3, 2]), &[3]);
    }
}
