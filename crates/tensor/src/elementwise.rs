//! Element by element: functions of one tensor, and of two with broadcasting.

use crate::shape::MAX_RANK;
use crate::{Accum, Shape};

/// `out (+)= f(x)`
///
/// # Panics
/// If the lengths differ.
pub fn map(x: &[f32], out: &mut [f32], accum: Accum, f: impl Fn(f32) -> f32) {
    assert_eq!(x.len(), out.len(), "elements of an element-wise function and of its output");
    for (out, &x) in out.iter_mut().zip(x) {
        accum.apply(out, f(x));
    }
}

/// `out (+)= f(a, b)` with NumPy's broadcasting; `out` has the common shape.
///
/// # Panics
/// If the shapes do not go together, or a slice does not have its shape's length.
#[track_caller]
pub fn zip(
    a: (&[f32], Shape),
    b: (&[f32], Shape),
    out: &mut [f32],
    accum: Accum,
    f: impl Fn(f32, f32) -> f32,
) {
    let common = common_shape("zip", a.1, b.1);
    assert!(
        a.0.len() == a.1.len() && b.0.len() == b.1.len() && out.len() == common.len(),
        "lengths of a zip"
    );
    if a.1 == b.1 {
        for (out, (&a, &b)) in out.iter_mut().zip(a.0.iter().zip(b.0)) {
            accum.apply(out, f(a, b));
        }
    } else {
        for_each_row(a.1, b.1, common, |row, [a_row, b_row], [a_step, b_step], extent| {
            for (i, out) in out[row..row + extent].iter_mut().enumerate() {
                accum.apply(out, f(a.0[a_row + i * a_step], b.0[b_row + i * b_step]));
            }
        });
    }
}

/// The gradient of a broadcast operand: `out (+)=` the sum of `f(gradient, a, b)` over everything that `a` was repeated along.
///
/// `out` has the shape of `a`, `gradient` the common shape.
///
/// # Panics
/// If the shapes do not go together, or a slice does not have its shape's length.
#[track_caller]
pub fn zip_backward(
    gradient: &[f32],
    a: (&[f32], Shape),
    b: (&[f32], Shape),
    out: (&mut [f32], Accum),
    f: impl Fn(f32, f32, f32) -> f32,
) {
    let common = common_shape("zip", a.1, b.1);
    assert!(
        a.0.len() == a.1.len() && b.0.len() == b.1.len() && gradient.len() == common.len(),
        "lengths of a zip"
    );
    let (out, accum) = out;
    if accum == Accum::Replace && a.1 != common {
        out.fill(0.0); // sums start somewhere
    }
    let accum = if a.1 == common { accum } else { Accum::Add };
    for_each_row(a.1, b.1, common, |row, [a_row, b_row], [a_step, b_step], extent| {
        for (i, &g) in gradient[row..row + extent].iter().enumerate() {
            let at = a_row + i * a_step;
            accum.apply(&mut out[at], f(g, a.0[at], b.0[b_row + i * b_step]));
        }
    });
}

/// The common shape of two operands.
///
/// # Panics
/// If there is none; the text names the operation and both shapes.
#[track_caller]
pub fn common_shape(operation: &str, a: Shape, b: Shape) -> Shape {
    match a.broadcast(b) {
        Some(common) => common,
        None => panic!(
            "{operation}: shapes {a} and {b} do not broadcast: aligned at the last dimension, extents must be equal or 1"
        ),
    }
}

/// Calls `row` for every innermost row of `common` with its first index in the output, the first indices in the two operands,
/// their steps (0 or 1) along the row, and its extent.
fn for_each_row(
    a: Shape,
    b: Shape,
    common: Shape,
    mut row: impl FnMut(usize, [usize; 2], [usize; 2], usize),
) {
    if common.len() == 0 {
        return;
    }
    let strides = [a.broadcast_strides(common), b.broadcast_strides(common)];
    let inner = common.rank().saturating_sub(1);
    let steps = if common.rank() == 0 { [0, 0] } else { strides.map(|s| s[inner]) };
    let extent = common.last();
    let mut index = [0; MAX_RANK];
    let mut at = [0, 0];
    for r in 0..common.rows() {
        row(r * extent, at, steps, extent);
        // The next row: count up like an odometer.
        for d in (0..inner).rev() {
            index[d] += 1;
            (0..2).for_each(|i| at[i] += strides[i][d]);
            if index[d] < common.dims()[d] {
                break;
            }
            (0..2).for_each(|i| at[i] -= strides[i][d] * index[d]);
            index[d] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bias_is_added_to_every_row_and_its_gradient_is_the_sum_over_them() {
        let (x, bias) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [10.0, 20.0, 30.0]);
        let (xs, bs) = (Shape::from([2, 3]), Shape::from([3]));
        let mut out = [0.0; 6];
        zip((&x, xs), (&bias, bs), &mut out, Accum::Replace, |a, b| a + b);
        assert_eq!(out, [11.0, 22.0, 33.0, 14.0, 25.0, 36.0]);
        let mut gradient = [f32::NAN; 3];
        zip_backward(&x, (&bias, bs), (&x, xs), (&mut gradient, Accum::Replace), |g, _, _| g);
        assert_eq!(gradient, [5.0, 7.0, 9.0]);
        zip_backward(&x, (&bias, bs), (&x, xs), (&mut gradient, Accum::Add), |g, _, _| g);
        assert_eq!(gradient, [10.0, 14.0, 18.0]);
    }

    #[test]
    fn broadcasting_agrees_with_ndarray() {
        use ndarray::{ArrayD, IxDyn};
        let of = |dims: &[usize], start: f32| {
            let mut next = start;
            ArrayD::from_shape_simple_fn(IxDyn(dims), || {
                next += 1.0;
                next
            })
        };
        let cases: [(&[usize], &[usize]); 6] = [
            (&[2, 3, 4], &[3, 1]),
            (&[2, 1, 4], &[1, 3, 1]),
            (&[4], &[2, 3, 4]),
            (&[], &[2, 2]),
            (&[5, 1], &[1, 6]),
            (&[0, 3], &[3]),
        ];
        for (a, b) in cases {
            let (a, b) = (of(a, 0.0), of(b, 100.0));
            let truth = &a * &b;
            let mut out = vec![0.0; truth.len()];
            let shaped = |x: &ArrayD<f32>| (x.iter().copied().collect::<Vec<_>>(), Shape::new(x.shape()));
            let ((av, ash), (bv, bsh)) = (shaped(&a), shaped(&b));
            zip((&av, ash), (&bv, bsh), &mut out, Accum::Replace, |a, b| a * b);
            assert_eq!(out, truth.iter().copied().collect::<Vec<_>>());
        }
    }

    #[test]
    #[should_panic(expected = "zip: shapes [2, 3] and [2] do not broadcast: aligned at the last dimension")]
    fn shapes_that_do_not_go_together_are_named() {
        zip((&[0.0; 6], [2, 3].into()), (&[0.0; 2], [2].into()), &mut [0.0; 6], Accum::Replace, |a, _| a);
    }
}
