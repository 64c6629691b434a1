//! Softmax and its logarithm over the last dimension.

use crate::kernels::{Isa, Kernel, Simd, dispatch, exp};
use crate::reduce;

/// Rows whose exponentials are computed together: ten classes alone fill no vector.
const TOGETHER: usize = 64;

/// `y_i = e^(x_i) / sum_j e^(x_j)` for every row of `cols` elements, in place. The row's maximum is subtracted first, so that
/// nothing overflows.
pub fn softmax(values: &mut [f32], cols: usize) {
    for rows in values.chunks_mut(TOGETHER * cols.max(1)) {
        exponentials(rows, cols, |_, _, _| {});
        for_each_row(rows, cols, |row| divide(row, reduce::sum(row)));
    }
}

/// `y_i = x_i - ln sum_j e^(x_j)` for every row of `cols` elements, in place.
pub fn log_softmax(values: &mut [f32], cols: usize) {
    for_each_row(values, cols, |row| {
        let (max, log_total) = shifted_log_sum_exp(row);
        // Not `x - (max + log_total)`: next to a large maximum the small logarithm would lose its digits.
        row.iter_mut().for_each(|y| *y = (*y - max) - log_total);
    });
}

/// `ln sum_j e^(x_j)` of one row; minus infinity of nothing.
pub fn log_sum_exp(row: &[f32]) -> f32 {
    let (max, log_total) = shifted_log_sum_exp(row);
    max + log_total
}

/// The largest element `m` of a row, and `ln sum_j e^(x_j - m)`, accumulated in f64.
fn shifted_log_sum_exp(row: &[f32]) -> (f32, f32) {
    match reduce::max(row) {
        None => (f32::NEG_INFINITY, 0.0),
        Some((_, max)) if !max.is_finite() => (max, 0.0),
        Some((_, max)) => (max, row.iter().map(|x| f64::from(x - max).exp()).sum::<f64>().ln() as f32),
    }
}

/// Replaces the logits of every row by their softmax, and returns the sum over the rows of `-ln softmax(x)[label]`.
///
/// # Panics
/// If a label is not below `cols`.
pub fn cross_entropy(logits: &mut [f32], cols: usize, label: impl Fn(usize) -> usize) -> f64 {
    let (mut loss, cols) = (0.0, cols.max(1));
    for (block, rows) in logits.chunks_mut(TOGETHER * cols).enumerate() {
        let mut chosen = [0.0; TOGETHER];
        exponentials(rows, cols, |i, row, max| {
            chosen[i] = f64::from(row[label(block * TOGETHER + i)]) - f64::from(max);
        });
        for (row, chosen) in rows.chunks_exact_mut(cols).zip(chosen) {
            let total = reduce::sum(row);
            loss += total.ln() - chosen;
            divide(row, total);
        }
    }
    loss
}

/// Replaces every row by `e^(x - max)`. Before that, `look` sees its number, the row, and its maximum.
fn exponentials(rows: &mut [f32], cols: usize, mut look: impl FnMut(usize, &[f32], f32)) {
    let mut i = 0;
    for_each_row(rows, cols, |row| {
        let max = reduce::max(row).map_or(0.0, |(_, max)| max);
        look(i, row, max);
        row.iter_mut().for_each(|x| *x -= max);
        i += 1;
    });
    dispatch(Isa::best(), Exponentials(&mut rows[..i * cols]));
}

fn divide(row: &mut [f32], total: f64) {
    row.iter_mut().for_each(|y| *y /= total as f32);
}

fn for_each_row(values: &mut [f32], cols: usize, row: impl FnMut(&mut [f32])) {
    if cols > 0 {
        values.chunks_exact_mut(cols).for_each(row);
    }
}

struct Exponentials<'a>(&'a mut [f32]);

impl Kernel for Exponentials<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        for x in self.0 {
            *x = exp::<S>(*x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_sum_to_one_and_large_logits_do_not_overflow() {
        let mut x = [1.0, 2.0, 3.0, 1000.0, 1001.0, 1002.0, -1000.0, -999.0, -998.0];
        let mut log = x;
        softmax(&mut x, 3);
        log_softmax(&mut log, 3);
        let expected = [0.090_030_57, 0.244_728_47, 0.665_240_94];
        for row in 0..3 {
            for i in 0..3 {
                assert!((x[row * 3 + i] - expected[i]).abs() < 1e-6);
                assert!((log[row * 3 + i] - expected[i].ln()).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn cross_entropy_is_the_negative_log_softmax() {
        let logits = [1.0, 2.0, 3.0, 0.5, -40.0, 60.0];
        let (mut probabilities, mut log, mut expected) = (logits, logits, logits);
        log_softmax(&mut log, 3);
        softmax(&mut expected, 3);
        let loss = cross_entropy(&mut probabilities, 3, |row| [2, 0][row]);
        assert!((loss + f64::from(log[2] + log[3])).abs() < 1e-5);
        assert_eq!(probabilities, expected);
    }

    #[test]
    fn many_rows_have_the_bits_of_each_alone() {
        let (rows, cols) = (2 * TOGETHER + 5, 7);
        let x: Vec<f32> = (0..rows * cols).map(|i| (i * i % 97) as f32 / 9.0 - 5.0).collect();
        let label = |row: usize| row * 3 % cols;
        let (mut all, mut probabilities, mut loss) = (x.clone(), x.clone(), 0.0);
        softmax(&mut all, cols);
        let losses = cross_entropy(&mut probabilities, cols, label);
        assert_eq!(probabilities, all);
        for (row, x) in x.chunks(cols).enumerate() {
            let mut alone = x.to_vec();
            loss += cross_entropy(&mut alone, cols, |_| label(row));
            assert_eq!(alone, all[row * cols..][..cols], "row {row}");
        }
        assert_eq!(losses, loss);
    }

    #[test]
    fn what_is_no_whole_row_stays() {
        let (mut none, mut rest) = ([1.0, 2.0], [1.0, 1.0, 3.0]);
        softmax(&mut none, 0);
        softmax(&mut rest, 2);
        assert_eq!((none, rest), ([1.0, 2.0], [0.5, 0.5, 3.0]));
    }

    #[test]
    fn log_sum_exp_of_the_ends() {
        assert_eq!(log_sum_exp(&[]), f32::NEG_INFINITY);
        assert_eq!(log_sum_exp(&[f32::NEG_INFINITY; 2]), f32::NEG_INFINITY);
        assert_eq!(log_sum_exp(&[f32::INFINITY, 0.0]), f32::INFINITY);
        assert!(log_sum_exp(&[f32::NAN, 0.0]).is_nan());
        assert_eq!(log_sum_exp(&[0.0, 0.0]), std::f32::consts::LN_2);
    }
}
