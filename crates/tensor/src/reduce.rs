//! Sums, means and maxima, over everything or along one dimension.

use crate::{Accum, Shape, threads};

/// The sum of all elements, accumulated in f64.
pub fn sum(x: &[f32]) -> f64 {
    x.iter().map(|&x| f64::from(x)).sum()
}

/// The sum of `(a - b)^2`, accumulated in f64, on all threads.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 32;
    threads::sum_over_parts(
        (a, b),
        threads::PART,
        #[inline(always)]
        |(a, b)| {
            // Sums side by side, for one chain of additions would wait for each of them.
            let mut sums = [0.0_f64; LANES];
            let square = |a: f32, b: f32| f64::from(a - b) * f64::from(a - b);
            let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
            for (a, b) in a.iter().zip(b) {
                for i in 0..LANES {
                    sums[i] += square(a[i], b[i]);
                }
            }
            let rest: f64 = a_rest.iter().zip(b_rest).map(|(&a, &b)| square(a, b)).sum();
            sums.iter().sum::<f64>() + rest
        },
    )
}

/// The largest element and the first place it stands at; NaN if there is one. `None` of nothing.
pub fn max(x: &[f32]) -> Option<(usize, f32)> {
    let mut largest = None;
    for (i, &x) in x.iter().enumerate() {
        match largest {
            Some((_, best)) if x <= best || f32::is_nan(best) => {}
            _ => largest = Some((i, x)),
        }
    }
    largest
}

/// `out (+)= ` the sum along a dimension; `out` has the shape without it. Each sum runs in the order of the elements.
///
/// # Panics
/// If there is no such dimension, or a length does not fit.
#[track_caller]
pub fn sum_axis(x: &[f32], shape: Shape, axis: usize, out: &mut [f32], accum: Accum) {
    let (outer, extent, inner) = shape.split_at_axis(axis);
    assert!(x.len() == shape.len() && out.len() == outer * inner, "lengths of a sum along a dimension");
    if inner == 1 {
        for (r, out) in out.iter_mut().enumerate() {
            accum.apply(out, sum(&x[r * extent..(r + 1) * extent]) as f32);
        }
        return;
    }
    for o in 0..outer {
        let out = &mut out[o * inner..(o + 1) * inner];
        sum_rows(&x[o * extent * inner..(o + 1) * extent * inner], out, accum);
    }
}

/// `out [cols] (+)=` the sum of the rows of `x [rows, cols]`, in their order: the gradient of a bias.
///
/// # Panics
/// If `x` is not a whole number of rows.
pub fn sum_rows(x: &[f32], out: &mut [f32], accum: Accum) {
    let cols = out.len();
    if cols == 0 {
        return;
    }
    assert_eq!(x.len() % cols, 0, "a whole number of rows");
    // Columns are independent: they can be cut anywhere without changing a sum. Few are not worth a thread.
    let part = if x.len() < 1 << 16 { cols } else { 64 };
    threads::for_each_part(
        (0..cols, out),
        part,
        #[inline(always)]
        |(columns, out)| sum_columns(x, cols, columns.start, out, accum),
    );
}

/// The sums of the columns from `first` on, as many as `out` has room for.
#[inline(always)]
fn sum_columns(x: &[f32], cols: usize, first: usize, out: &mut [f32], accum: Accum) {
    if accum == Accum::Replace {
        out.fill(0.0);
    }
    let width = out.len();
    for row in x.chunks_exact(cols) {
        for (sum, &x) in out.iter_mut().zip(&row[first..first + width]) {
            *sum += x;
        }
    }
}

/// The largest element along a dimension, and its index along it (the first of equals; NaN if there is one). Both outputs have the
/// shape without that dimension.
///
/// # Panics
/// If there is no such dimension, it is empty, or a length does not fit.
#[track_caller]
pub fn max_axis(x: &[f32], shape: Shape, axis: usize, out: &mut [f32], mut index: impl FnMut(usize, usize)) {
    let (outer, extent, inner) = shape.split_at_axis(axis);
    assert!(x.len() == shape.len() && out.len() == outer * inner, "lengths of a maximum along a dimension");
    assert!(extent > 0, "the maximum along dimension {axis} of a tensor of shape {shape}, which is empty");
    for o in 0..outer {
        for i in 0..inner {
            let at = |e: usize| x[(o * extent + e) * inner + i];
            let mut best = 0;
            for e in 1..extent {
                if at(e) > at(best) || (at(e).is_nan() && !at(best).is_nan()) {
                    best = e;
                }
            }
            out[o * inner + i] = at(best);
            index(o * inner + i, best);
        }
    }
}

/// The index of the largest element of every row of `x [rows, cols]`, the first of equals.
///
/// # Panics
/// If `cols` is 0.
pub fn argmax_rows(x: &[f32], cols: usize) -> impl Iterator<Item = usize> {
    x.chunks_exact(cols).map(|row| max(row).map_or(0, |(i, _)| i))
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f32; 12] = [1.0, 5.0, 2.0, 4.0, 3.0, 3.0, 0.0, -1.0, 7.0, 7.0, -2.0, 6.0];

    fn summed(shape: [usize; 3], axis: usize) -> Vec<f32> {
        let shape = Shape::from(shape);
        let mut out = vec![f32::NAN; shape.without_axis(axis).len()];
        sum_axis(&X, shape, axis, &mut out, Accum::Replace);
        out
    }

    #[test]
    fn sums_along_each_dimension() {
        assert_eq!(summed([2, 3, 2], 0), [1.0, 4.0, 9.0, 11.0, 1.0, 9.0]);
        assert_eq!(summed([2, 3, 2], 1), [6.0, 12.0, 5.0, 12.0]);
        assert_eq!(summed([2, 3, 2], 2), [6.0, 6.0, 6.0, -1.0, 14.0, 4.0]);
        assert_eq!(sum(&X), 35.0);
    }

    #[test]
    fn squared_distances() {
        let of = |n: usize, f: fn(f32) -> f32| (0..n).map(|i| f(i as f32)).collect::<Vec<f32>>();
        for n in [0, 1, 31, 33, 40_001] {
            let (a, b) = (of(n, |i| (0.37 * i).sin()), of(n, |i| (0.61 * i).cos()));
            let truth: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            let on = |threads| threads::run_on(threads, || squared_distance(&a, &b));
            assert!((on(1) - truth).abs() <= 1e-12 * truth, "{n}: {} {truth}", on(1));
            assert!((2..=4).all(|threads| on(threads) == on(1)), "{n}");
        }
        assert!(squared_distance(&[f32::NAN], &[0.0]).is_nan());
    }

    #[test]
    fn maxima_and_where_they_are() {
        let (mut out, mut places) = ([0.0; 4], [0; 4]);
        max_axis(&X, [2, 3, 2].into(), 1, &mut out, |at, index| places[at] = index);
        assert_eq!((out, places), ([3.0, 5.0, 7.0, 7.0], [2, 0, 1, 1]));
        assert_eq!(argmax_rows(&X, 4).collect::<Vec<_>>(), [1, 0, 0]);
        assert_eq!(max(&[]), None);
        assert!(max(&[1.0, f32::NAN, 3.0]).is_some_and(|(i, x)| i == 1 && x.is_nan()));
    }

    #[test]
    fn many_rows_sum_to_the_same_bits_on_any_number_of_threads() {
        let x: Vec<f32> = (0..300 * 400).map(|i| (i as f32 * 0.37).sin()).collect();
        let sums = |threads| {
            let mut out = vec![1.0; 400];
            threads::run_on(threads, || sum_rows(&x, &mut out, Accum::Add));
            out
        };
        let one = sums(1);
        let column: f32 = x.iter().skip(399).step_by(400).fold(1.0, |sum, &x| sum + x);
        assert_eq!(one[399], column);
        assert!((2..=4).all(|threads| sums(threads) == one));
    }

    #[test]
    #[should_panic(expected = "the maximum along dimension 1 of a tensor of shape [2, 0], which is empty")]
    fn nothing_has_no_maximum() {
        max_axis(&[], [2, 0].into(), 1, &mut [0.0; 2], |_, _| ());
    }
}
