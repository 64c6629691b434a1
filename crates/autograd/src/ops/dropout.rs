//! Multiplicative and additive noise. What multiplies is kept for the backward pass (4 bytes for each element): drawing it again
//! would cost more than reading it, and dropped elements cannot be told from the result, where a zero may be a ReLU's.

use layerwise_tensor::Stream;
use layerwise_tensor::threads::{PART, for_each_part};

use super::Op;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};
use crate::{Mode, Var};

/// The limit of SELU at minus infinity, `-scale alpha` (Klambauer et al. 2017).
const SELU_FLOOR: f64 = -1.758_099_340_847_376_6;

/// Elements that one thread takes at a time: to draw a random number takes longer than to use it.
const DRAWN: usize = PART / 2;

impl<'p> Var<'p> {
    /// Inverted dropout (Srivastava et al. 2014): in a training pass `y = x m / (1 - p)` with `m` 0 with probability `p`, else 1, so
    /// that the mean is that of `x`; in an evaluation pass, and for `p = 0`, `y = x`.
    ///
    /// # Panics
    /// If `p` is not in [0, 1).
    #[track_caller]
    pub fn dropout(self, p: f32) -> Var<'p> {
        check_probability("dropout", p);
        let scale = (1.0 / (1.0 - f64::from(p))) as f32;
        self.noisy_factors(p, move |stream, at, factors| drop(stream, at, factors, p, scale), |_| 0.0)
    }

    /// Gaussian dropout (Srivastava et al. 2014, section 10): in a training pass `y = x n` with `n` normal of mean 1 and standard
    /// deviation `sqrt(p / (1 - p))`, which are the moments of the factor in [`Var::dropout`]; in an evaluation pass `y = x`.
    ///
    /// # Panics
    /// If `p` is not in [0, 1).
    #[track_caller]
    pub fn gaussian_dropout(self, p: f32) -> Var<'p> {
        check_probability("gaussian_dropout", p);
        let std = (f64::from(p) / (1.0 - f64::from(p))).sqrt() as f32;
        self.noisy_factors(p, move |stream, at, factors| stream.fill_normal(at, factors, 1.0, std), |_| 0.0)
    }

    /// Alpha dropout for networks with SELU (Klambauer et al. 2017): in a training pass `y = a (x m + s (1 - m)) + b`, where `m` is 0
    /// with probability `p`, else 1, and `s = -1.7581` is SELU's limit at minus infinity. `a = ((1 - p) (1 + p s^2))^(-1/2)` and
    /// `b = -a p s` keep a mean of 0 and a variance of 1. In an evaluation pass `y = x`.
    ///
    /// # Panics
    /// If `p` is not in [0, 1).
    #[track_caller]
    pub fn alpha_dropout(self, p: f32) -> Var<'p> {
        check_probability("alpha_dropout", p);
        let q = f64::from(p);
        let a = ((1.0 - q) * (1.0 + q * SELU_FLOOR * SELU_FLOOR)).powf(-0.5);
        let (kept, b) = (a as f32, -a * q * SELU_FLOOR);
        let (of_kept, of_dropped) = (b as f32, (a * SELU_FLOOR + b) as f32);
        let offset = move |factor: f32| if factor == 0.0 { of_dropped } else { of_kept };
        self.noisy_factors(p, move |stream, at, factors| drop(stream, at, factors, p, kept), offset)
    }

    /// Additive noise: in a training pass `y = x + n` with `n` normal of mean 0; in an evaluation pass, and for `std = 0`, `y = x`.
    ///
    /// # Panics
    /// If `std` is negative or not finite.
    #[track_caller]
    pub fn gaussian_noise(self, std: f32) -> Var<'p> {
        assert!(
            std >= 0.0 && std.is_finite(),
            "gaussian_noise: std is {std}, but must be finite and at least 0"
        );
        if self.pass.mode() == Mode::Eval || std == 0.0 {
            return self;
        }
        let (x, stream) = (self.node, self.pass.stream());
        self.pass.record(self.shape(), self.needs_gradient(), |Forward { values, out, .. }| {
            for_each_part(
                (0..out.len(), (out, values.get(x))),
                DRAWN,
                #[inline(always)]
                |(at, (out, x))| {
                    stream.fill_normal(at.start as u64, out, 0.0, std);
                    out.iter_mut().zip(x).for_each(|(out, x)| *out += x);
                },
            );
            Op::GaussianNoise(x)
        })
    }

    /// `y = factor x + offset(factor)` with factors that `draw` writes, given the position of the first.
    fn noisy_factors(
        self,
        p: f32,
        draw: impl Fn(Stream, u64, &mut [f32]) + Sync,
        offset: impl Fn(f32) -> f32 + Sync,
    ) -> Var<'p> {
        if self.pass.mode() == Mode::Eval || p == 0.0 {
            return self;
        }
        let (x, shape, stream) = (self.node, self.shape(), self.pass.stream());
        self.pass.record(shape, self.needs_gradient(), |Forward { values, out, workspace }| {
            let (slot, factors) = workspace.buffer(shape.len());
            for_each_part(
                (0..shape.len(), (factors, (out, values.get(x)))),
                DRAWN,
                #[inline(always)]
                |(at, (factors, (out, x)))| {
                    draw(stream, at.start as u64, factors);
                    for ((out, &x), &factor) in out.iter_mut().zip(x).zip(factors.iter()) {
                        *out = factor * x + offset(factor);
                    }
                },
            );
            Op::Dropout { x, factors: slot }
        })
    }
}

/// The factor 0 with probability `p`, else `kept`.
fn drop(stream: Stream, at: u64, factors: &mut [f32], p: f32, kept: f32) {
    stream.fill_bernoulli(at, 1.0 - p, factors);
    factors.iter_mut().for_each(|factor| *factor *= kept);
}

#[track_caller]
fn check_probability(operation: &str, p: f32) {
    assert!((0.0..1.0).contains(&p), "{operation}: p is {p}, but must lie in [0, 1)");
}

/// `dx = dy factor`
pub(super) fn backward(x: NodeId, factors: usize, pass: Backward<'_, '_>) {
    let Backward { workspace, gradient, sink, .. } = pass;
    for_each_part(
        (&mut gradient[..], workspace.saved(factors)),
        PART,
        #[inline(always)]
        |(gradient, factors)| {
            gradient.iter_mut().zip(factors).for_each(|(gradient, factor)| *gradient *= factor);
        },
    );
    sink.hand_on(x, gradient);
}

/// `dx = dy`
pub(super) fn backward_noise(x: NodeId, pass: Backward<'_, '_>) {
    pass.sink.hand_on(x, pass.gradient);
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, Tape, Var, gradcheck};
    use layerwise_tensor::{Shape, Tensor, threads};

    type Noise = for<'p> fn(Var<'p>, f32) -> Var<'p>;

    const ALL: [(&str, Noise); 4] = [
        ("dropout", |x, p| x.dropout(p)),
        ("gaussian_dropout", |x, p| x.gaussian_dropout(p)),
        ("alpha_dropout", |x, p| x.alpha_dropout(p)),
        ("gaussian_noise", |x, p| x.gaussian_noise(p)),
    ];

    fn train(f: Noise, x: &Tensor, seed: u64) -> Tensor {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.train(&params, seed);
        f(pass.input(x), 0.3).value()
    }

    fn moments(x: &[f32]) -> (f64, f64) {
        let n = x.len() as f64;
        let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        (mean, x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n)
    }

    #[test]
    fn gradient() {
        for (name, f) in ALL {
            gradcheck(&Params::new(), &[noise([5, 4])], |_, x| f(x[0], 0.4).sigmoid() * x[0])
                .unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }

    #[test]
    fn the_moments_are_those_of_the_formulas() {
        // At x = 2: the factor has mean 1 and variance p / (1 - p); the noise has variance std^2.
        const N: usize = 400_000;
        let x = Tensor::full([N], 2.0);
        for (index, variance) in [(0, 4.0 * 0.3 / 0.7), (1, 4.0 * 0.3 / 0.7), (3, 0.09)] {
            let (mean, found) = moments(train(ALL[index].1, &x, 5).as_slice());
            assert!((mean - 2.0).abs() < 4.0 * (variance / N as f64).sqrt(), "{} {mean}", ALL[index].0);
            assert!((found / variance - 1.0).abs() < 0.01, "{} {found} {variance}", ALL[index].0);
        }
        let dropped = train(ALL[0].1, &x, 5);
        assert!(dropped.as_slice().iter().all(|&y| y == 0.0 || y == 2.0 * (1.0 / 0.7_f64) as f32));
        // Alpha dropout keeps a mean of 0 and a variance of 1.
        let mut x = Tensor::zeros([N]);
        layerwise_tensor::Rng::seed(1).stream(0).fill_normal(0, x.as_mut_slice(), 0.0, 1.0);
        let (mean, variance) = moments(train(ALL[2].1, &x, 5).as_slice());
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.01, "{mean} {variance}");
    }

    #[test]
    fn an_evaluation_pass_changes_nothing() {
        for (_, f) in ALL {
            let (mut tape, params) = (Tape::new(), Params::new());
            let pass = tape.eval(&params);
            assert_eq!(f(pass.input(&noise([9])), 0.5).value(), noise([9]));
            let pass = tape.train(&params, 1);
            assert_eq!(f(pass.input(&noise([9])), 0.0).value(), noise([9]));
        }
    }

    #[test]
    fn every_layer_and_every_seed_draws_for_itself_and_no_thread_does() {
        // More than one part, and not a whole number of them.
        let x = Tensor::full(Shape::from([5, 10_001]), 1.0);
        for (name, f) in ALL {
            let once = train(f, &x, 1);
            assert_ne!(once, train(f, &x, 2), "{name}");
            for threads in 1..=4 {
                assert_eq!(threads::run_on(threads, || train(f, &x, 1)), once, "{name} {threads}");
            }
            let (mut tape, params) = (Tape::new(), Params::new());
            let pass = tape.train(&params, 1);
            let [first, second] = [pass.input(&x), pass.input(&x)].map(|x| f(x, 0.3).value());
            assert_eq!(first, once, "{name}");
            assert_ne!(first, second, "{name}");
        }
    }

    #[test]
    fn wrong_values_are_named() {
        panics_with("dropout: p is 1, but must lie in [0, 1)", |pass| pass.input(&noise([2])).dropout(1.0));
        panics_with("alpha_dropout: p is NaN, but must lie in [0, 1)", |pass| {
            pass.input(&noise([2])).alpha_dropout(f32::NAN)
        });
        panics_with("gaussian_noise: std is -1, but must be finite and at least 0", |pass| {
            pass.input(&noise([2])).gaussian_noise(-1.0)
        });
    }
}
