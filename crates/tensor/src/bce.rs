//! The binary cross-entropy of logits, element by element, on all threads.

use crate::Accum;
use crate::kernels::{Isa, Kernel, Simd, dispatch, exp, ln_1p};
use crate::threads::{PART, for_each_part};

/// `out = t p softplus(-x) + (1 - t) softplus(x)` with the targets `t` and the weight `p` of positive ones: the cross-entropy of
/// `sigmoid(x)`, without overflow.
///
/// # Panics
/// If the lengths differ.
pub fn bce_with_logits(x: &[f32], target: &[f32], weight: f32, out: &mut [f32]) {
    for_each_part((out, (x, target)), PART, |(out, (x, target))| {
        dispatch(Isa::best(), Losses { x, target, weight, out });
    });
}

/// The gradient of [`bce_with_logits`] by `x`, times a factor: `out (+)= factor ((1 - t) sigmoid(x) - t p sigmoid(-x))`.
///
/// # Panics
/// If the lengths differ.
pub fn bce_with_logits_backward(
    x: &[f32],
    target: &[f32],
    (weight, factor): (f32, f32),
    (out, accum): (&mut [f32], Accum),
) {
    for_each_part((out, (x, target)), PART, |(out, (x, target))| {
        dispatch(Isa::best(), Slopes { x, target, weight, factor, out, accum });
    });
}

struct Losses<'a> {
    x: &'a [f32],
    target: &'a [f32],
    weight: f32,
    out: &'a mut [f32],
}

impl Kernel for Losses<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        for ((out, &x), &t) in self.out.iter_mut().zip(self.x).zip(self.target) {
            // softplus(x) = max(x, 0) + ln(1 + e^-|x|). Comparisons rather than `max`: they let NaN through.
            let tail = ln_1p::<S>(exp::<S>(-x.abs()));
            let above = if x < 0.0 { 0.0 } else { x };
            let below = if x < 0.0 { -x } else { 0.0 };
            *out = t * self.weight * (below + tail) + (1.0 - t) * (above + tail);
        }
    }
}

struct Slopes<'a> {
    x: &'a [f32],
    target: &'a [f32],
    weight: f32,
    factor: f32,
    out: &'a mut [f32],
    accum: Accum,
}

impl Kernel for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        for ((out, &x), &t) in self.out.iter_mut().zip(self.x).zip(self.target) {
            // Both sigmoids to the last digits: the small one is not 1 minus the large one.
            let e = exp::<S>(-x.abs());
            let (large, small) = (1.0 / (1.0 + e), e / (1.0 + e));
            let (of_x, of_minus_x) = if x < 0.0 { (small, large) } else { (large, small) };
            self.accum.apply(out, self.factor * ((1.0 - t) * of_x - t * self.weight * of_minus_x));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formulas in f64.
    fn exact(x: f32, t: f32, p: f32) -> (f64, f64) {
        let (x, t, p) = (f64::from(x), f64::from(t), f64::from(p));
        let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        (t * p * softplus(-x) + (1.0 - t) * softplus(x), (1.0 - t) * sigmoid(x) - t * p * sigmoid(-x))
    }

    #[test]
    fn values_and_slopes_are_those_of_the_formulas_on_every_instruction_set() {
        let n = 40_001;
        let x: Vec<f32> = (0..n).map(|i| (i as f32 / n as f32 - 0.5) * 60.0).collect();
        let target: Vec<f32> = (0..n).map(|i| [0.0, 1.0, 0.3][i % 3]).collect();
        for isa in Isa::available() {
            let (mut losses, mut slopes) = (vec![0.0; n], vec![1.0; n]);
            dispatch(isa, Losses { x: &x, target: &target, weight: 2.5, out: &mut losses });
            let (factor, accum) = (0.5, Accum::Add);
            dispatch(isa, Slopes { x: &x, target: &target, weight: 2.5, factor, out: &mut slopes, accum });
            for i in 0..n {
                let (value, slope) = exact(x[i], target[i], 2.5);
                assert!((f64::from(losses[i]) - value).abs() <= 1e-6 * value, "{} {}", x[i], losses[i]);
                let found = (f64::from(slopes[i]) - 1.0) / 0.5;
                assert!((found - slope).abs() <= 1e-6 * slope.abs().max(1.0), "{} {found} {slope}", x[i]);
            }
        }
    }

    #[test]
    fn threads_change_no_bit_and_nan_stays() {
        let x: Vec<f32> = (0..50_000).map(|i| (i as f32 * 0.37).sin() * 9.0).collect();
        let target = vec![0.25; x.len()];
        let run = |threads| {
            crate::threads::run_on(threads, || {
                let mut out = vec![0.0; x.len()];
                bce_with_logits(&x, &target, 1.0, &mut out);
                bce_with_logits_backward(&x, &target, (1.0, 1.0), (&mut out, Accum::Add));
                out
            })
        };
        let one = run(1);
        assert!((2..=4).all(|threads| run(threads) == one));
        let mut out = [0.0];
        bce_with_logits(&[f32::NAN], &[1.0], 1.0, &mut out);
        assert!(out[0].is_nan());
        bce_with_logits_backward(&[f32::NAN], &[1.0], (1.0, 1.0), (&mut out, Accum::Replace));
        assert!(out[0].is_nan());
    }

    #[test]
    #[should_panic(expected = "slices of 2 and 1 elements")]
    fn lengths_have_to_agree() {
        bce_with_logits(&[0.0; 2], &[0.0], 1.0, &mut [0.0; 2]);
    }
}
