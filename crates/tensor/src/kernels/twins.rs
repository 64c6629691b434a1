//! The fast paths against their naive twins in f64, with each instruction set of the machine in turn: at odd lengths, at addresses that
//! no vector is aligned to, and with numbers that are not finite. Products have their own tests beside [`crate::matmul`].

use super::isa::on_each;
use crate::activation::tests::all as activations;
use crate::threads::{PART, for_each_part};
use crate::{Accum, Activation, bce, reduce, softmax};

const LENGTHS: [usize; 8] = [0, 1, 7, 15, 16, 17, 33, 1000];

/// Numbers between -6 and 6 without a pattern; the first of them at every distance from a cache line that `shift` says.
fn noise(len: usize, seed: u32, shift: usize) -> Vec<f32> {
    let mix = |i: u32| (i ^ seed).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
    (0..(shift + len) as u32).map(|i| mix(i) as i32 as f32 / i32::MAX as f32 * 6.0).collect()
}

/// Calls `check` with each length and shift, on each instruction set.
fn everywhere(mut check: impl FnMut(usize, usize, &str)) {
    on_each(|isa| {
        for len in LENGTHS {
            for shift in [0, 1, 3] {
                check(len, shift, &format!("{}, {len} numbers, shifted by {shift}", isa.name()));
            }
        }
    });
}

#[track_caller]
fn close(found: f32, truth: f64, bound: f64, what: &str) {
    assert!((f64::from(found) - truth).abs() <= bound * truth.abs().max(1.0), "{what}: {found}, {truth}");
}

/// `f(x)` of a single number: what the vectors have to agree with.
fn alone(activation: Activation, wide: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let below = |alpha: f64| if wide > 0.0 { wide } else { alpha * wide.exp_m1() };
    match activation {
        Activation::Identity => wide,
        Activation::Sigmoid => sigmoid(wide),
        Activation::Tanh => wide.tanh(),
        Activation::LecunTanh => f64::from(1.7159_f32) * (wide * 2.0 / 3.0).tanh(),
        Activation::Relu => wide.max(0.0),
        Activation::LeakyRelu { slope } => {
            if wide > 0.0 {
                wide
            } else {
                f64::from(slope) * wide
            }
        }
        Activation::Elu { alpha } => below(f64::from(alpha)),
        Activation::Selu => 1.050_701 * below(1.673_263_2),
        Activation::Gelu => wide * normal_cdf(wide),
        Activation::GeluTanh => wide * sigmoid(2.0 * 0.797_884_560_8 * (wide + 0.044_715 * wide.powi(3))),
        Activation::Silu => wide * sigmoid(wide),
        Activation::Mish => wide * softplus(wide).tanh(),
        Activation::Softplus => softplus(wide),
        Activation::Softsign => wide / (1.0 + wide.abs()),
        Activation::HardSigmoid => (wide / 6.0 + 0.5).clamp(0.0, 1.0),
        Activation::HardTanh => wide.clamp(-1.0, 1.0),
        Activation::HardSwish => wide * (wide / 6.0 + 0.5).clamp(0.0, 1.0),
    }
}

/// By the trapezoidal rule, which for this integrand is as exact as f64.
fn normal_cdf(x: f64) -> f64 {
    let (steps, from) = (2000, -12.0);
    let width = (x - from) / f64::from(steps);
    let density = |t: f64| (-0.5 * t * t).exp() / std::f64::consts::TAU.sqrt();
    let inner: f64 = (1..steps).map(|i| density(from + width * f64::from(i))).sum();
    width * (inner + 0.5 * density(from) + 0.5 * density(x))
}

#[test]
fn activations_and_their_derivatives() {
    everywhere(|len, shift, what| {
        // Few of the many: the reference is slow.
        let len = len.min(33);
        let x = noise(len, 1, shift);
        for activation in activations() {
            let mut y = x.clone();
            activation.forward(&mut y[shift..]);
            let saved = if activation.backward_from_output() { &y } else { &x };
            let mut gradient = vec![0.5; shift + len];
            activation.backward(&saved[shift..], &mut gradient[shift..]);
            for i in shift..shift + len {
                let what = format!("{activation:?} at {}, {what}", x[i]);
                let f = |x: f64| alone(activation, x);
                let wide = f64::from(x[i]);
                close(y[i], f(wide), 2e-6, &what);
                let (left, right) = ((f(wide) - f(wide - 1e-5)) / 1e-5, (f(wide + 1e-5) - f(wide)) / 1e-5);
                // Elsewhere is a kink, at which each takes a side.
                if (left - right).abs() < 1e-3 {
                    close(gradient[i], 0.25 * (left + right), 2e-5, &what);
                }
            }
            // What stands in front of the slice is nobody's business.
            assert_eq!(y[..shift], x[..shift]);
            assert_eq!(gradient[..shift], vec![0.5; shift]);
        }
    });
}

#[test]
fn activations_leave_what_is_no_number_in_its_place() {
    everywhere(|len, shift, what| {
        for (activation, at) in activations().flat_map(|a| [0, 6, 14].map(|at| (a, at))) {
            if at >= len {
                continue;
            }
            let mut y = noise(len, 2, shift);
            let mut gradient = vec![1.0; shift + len];
            (y[shift + at], gradient[shift + at]) = (f32::NAN, f32::NAN);
            activation.forward(&mut y[shift..]);
            activation.backward(&vec![0.5; len], &mut gradient[shift..]);
            for i in 0..len {
                let found = (y[shift + i].is_nan(), gradient[shift + i].is_nan());
                assert_eq!(found, (i == at, i == at), "{activation:?} [{i}], {what}");
            }
        }
    });
}

#[test]
fn bounded_activations_reach_their_limit_at_minus_infinity() {
    let bounded = activations().filter(|f| {
        use Activation::*;
        // `-infinity * 0` and `infinity / infinity` are no numbers, as in PyTorch.
        !matches!(f, Gelu | GeluTanh | Silu | Mish | HardSwish | Softsign | LeakyRelu { .. })
    });
    everywhere(|len, shift, what| {
        for (activation, limit) in bounded.clone().filter_map(|f| Some((f, f.lower_limit()?))) {
            let mut far = vec![f32::NEG_INFINITY; shift + len];
            activation.forward(&mut far[shift..]);
            assert!(far[shift..].iter().all(|y| (y - limit).abs() <= 1e-6), "{activation:?}, {what}");
        }
    });
}

#[test]
fn softmax_and_cross_entropy() {
    everywhere(|cols, shift, what| {
        if cols == 0 {
            return;
        }
        let rows = 3;
        let x = noise(rows * cols, 3, shift);
        let (mut y, mut log, mut probabilities) = (x.clone(), x.clone(), x.clone());
        softmax::softmax(&mut y[shift..], cols);
        softmax::log_softmax(&mut log[shift..], cols);
        let loss = softmax::cross_entropy(&mut probabilities[shift..], cols, |row| row % cols);
        let mut expected = 0.0;
        for row in 0..rows {
            let at = |j: usize| shift + row * cols + j;
            let total: f64 = (0..cols).map(|j| f64::from(x[at(j)]).exp()).sum();
            for j in 0..cols {
                let share = f64::from(x[at(j)]).exp() / total;
                close(y[at(j)], share, 1e-6, what);
                close(probabilities[at(j)], share, 1e-6, what);
                close(log[at(j)], share.ln(), 1e-6, what);
            }
            expected -= (f64::from(x[at(row % cols)]).exp() / total).ln();
        }
        close(loss as f32, expected, 1e-6, what);
        // A logit that is no number spoils its row and no other.
        let mut bad = x.clone();
        bad[shift + cols] = f32::NAN;
        softmax::softmax(&mut bad[shift..], cols);
        for (i, y) in bad[shift..].iter().enumerate() {
            assert_eq!(y.is_nan(), i / cols == 1, "[{i}], {what}");
        }
    });
}

#[test]
fn binary_cross_entropy() {
    everywhere(|len, shift, what| {
        let (x, target) = (noise(len, 4, shift), noise(len, 5, shift));
        let target: Vec<f32> = target.iter().map(|t| (t / 12.0 + 0.5).clamp(0.0, 1.0)).collect();
        let (mut losses, mut slopes) = (vec![0.0; len], vec![1.0; len]);
        bce::bce_with_logits(&x[shift..], &target[shift..], 1.5, &mut losses);
        let factors = (1.5, 2.0);
        bce::bce_with_logits_backward(&x[shift..], &target[shift..], factors, (&mut slopes, Accum::Add));
        for i in 0..len {
            let (x, t) = (f64::from(x[shift + i]), f64::from(target[shift + i]));
            let softplus = |x: f64| x.exp().ln_1p();
            close(losses[i], t * 1.5 * softplus(-x) + (1.0 - t) * softplus(x), 2e-6, what);
            let sigmoid = 1.0 / (1.0 + (-x).exp());
            close(slopes[i], 1.0 + 2.0 * ((1.0 - t) * sigmoid - t * 1.5 * (1.0 - sigmoid)), 2e-6, what);
        }
    });
}

#[test]
fn reductions() {
    everywhere(|len, shift, what| {
        let (a, b) = (noise(len, 6, shift), noise(len, 7, shift));
        let (a, b) = (&a[shift..], &b[shift..]);
        let distance: f64 = a.iter().zip(b).map(|(&a, &b)| f64::from(a - b).powi(2)).sum();
        assert!((reduce::squared_distance(a, b) - distance).abs() <= 1e-12 * distance, "{what}");
        if len > 0 {
            let mut bad = a.to_vec();
            bad[len - 1] = f32::NAN;
            assert!(reduce::squared_distance(&bad, b).is_nan(), "{what}");
        }
        // Five rows of as many columns: every sum is the chain of its column, in whatever vectors it lies.
        let rows = noise(5 * len, 8, shift);
        let mut sums = vec![1.0; len];
        reduce::sum_rows(&rows[shift..], &mut sums, Accum::Add);
        for (j, sum) in sums.iter().enumerate() {
            let chain = (0..5).fold(1.0_f32, |sum, row| sum + rows[shift + row * len + j]);
            assert_eq!(*sum, chain, "[{j}], {what}");
        }
    });
}

#[test]
fn loops_of_other_crates_are_compiled_for_the_forced_set_and_have_the_bits_of_plain_ones() {
    // What updates and normalisations are made of: without a fused multiply-add every set rounds the same way.
    everywhere(|len, shift, what| {
        let (x, y) = (noise(len, 9, shift), noise(len, 10, shift));
        let mut fast = y.clone();
        for_each_part(
            (&mut fast[shift..], &x[shift..]),
            PART,
            #[inline(always)]
            |(y, x)| {
                y.iter_mut()
                    .zip(x)
                    .for_each(|(y, &x)| *y = 0.9 * *y + (0.1 * x) * x / (x.abs().sqrt() + 1e-8));
            },
        );
        for i in shift..shift + len {
            let plain = 0.9 * y[i] + (0.1 * x[i]) * x[i] / (x[i].abs().sqrt() + 1e-8);
            assert_eq!(fast[i].to_bits(), plain.to_bits(), "[{i}], {what}");
        }
    });
}
