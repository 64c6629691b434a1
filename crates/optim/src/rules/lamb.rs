use serde::{Deserialize, Serialize};

use super::{move_average, move_square_average, validate_moments, weight_so_far};
use crate::optimizer::ConfigError;
use crate::rule::{Clock, Cut, Decay, Hyper, Rule, Stretch};
use crate::updater::Updater;

/// The hyper-parameters of [`Lamb`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LambConfig {
    /// The learning rate, at least 0: by which share of its norm a parameter moves in a step. Defaults to 0.001.
    pub lr: f32,
    /// The decay rates of the two moments, each in [0, 1). Defaults to (0.9, 0.999).
    pub betas: (f32, f32),
    /// Added to the root of the second moment, at least 0. Defaults to 1e-6.
    pub eps: f32,
    /// The factor of the parameters that is added to the direction, before its norm is taken, at least 0. Defaults to 0.
    pub weight_decay: f32,
}

impl Default for LambConfig {
    fn default() -> Self {
        LambConfig { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-6, weight_decay: 0.0 }
    }
}

/// [`Adam`](crate::Adam)'s direction, as long for every parameter as its norm tells, for large batches (You et al. 2020, algorithm 2,
/// with `phi` the identity):
///
/// ```text
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g^2
/// d = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) + weight_decay p
/// p = p - lr |p| / |d| d
/// ```
///
/// The norms go over one parameter (a weight matrix, a bias), so one thread updates a whole one. Where a norm is 0 their
/// quotient is 1: biases that start at 0 move at all. PyTorch does not have this rule.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{Lamb, LambConfig, Optimizer};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [2], |w| w.copy_from_slice(&[3.0, 4.0]));
/// let mut opt = Lamb::new(&params, LambConfig { lr: 0.1, ..Default::default() });
/// let mut tape = Tape::new();
/// tape.train(&params, 0).param(w).square().sum().backward();
/// opt.step(&mut params, &mut tape);
/// // The norm is 5, the direction [1, 1].
/// let length = 0.1 * 5.0 / 2.0_f32.sqrt();
/// assert!((params[w][0] - (3.0 - length)).abs() < 1e-5 && (params[w][1] - (4.0 - length)).abs() < 1e-5);
/// ```
pub type Lamb = Updater<LambConfig>;

/// The constants of a step.
pub struct Step {
    lr: f32,
    betas: (f32, f32),
    eps: f32,
    weight_decay: f32,
    /// `1 / (1 - beta1^t)`
    size: f32,
    /// `1 / sqrt(1 - beta2^t)`
    scale: f32,
}

impl Rule for LambConfig {
    const NAME: &'static str = "Lamb";
    const DECAY: Decay = Decay::Own;
    const CUT: Cut = Cut::Parameters;
    type Step = Step;

    fn validate(&self) -> Result<(), ConfigError> {
        validate_moments(self.lr, self.betas, self.eps, self.weight_decay)
    }

    fn hyper(&mut self) -> Hyper<'_> {
        Hyper { lr: &mut self.lr, weight_decay: &mut self.weight_decay, momentum: Some(&mut self.betas.0) }
    }

    fn slots(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn begin(&self, clock: &mut Clock) -> Step {
        let &LambConfig { lr, betas, eps, weight_decay } = self;
        let weight = |beta: f32| weight_so_far(beta, clock.step);
        let (size, scale) = (weight(betas.0).recip() as f32, weight(betas.1).sqrt().recip() as f32);
        Step { lr, betas, eps, weight_decay, size, scale }
    }

    #[inline(always)]
    fn apply(step: &Step, stretch: Stretch<'_>) {
        let &Step { lr, betas: (beta1, beta2), eps, weight_decay, size, scale } = step;
        let Stretch { values, gradients, slots: [first, second, _] } = stretch;
        // The direction takes the place of the gradient.
        for ((p, g), (m, v)) in values.iter().zip(gradients.iter_mut()).zip(first.iter_mut().zip(second)) {
            move_average(m, beta1, *g);
            move_square_average(v, beta2, *g);
            *g = size * *m / (v.sqrt() * scale + eps) + weight_decay * p;
        }
        let (of_values, of_direction) = (norm(values), norm(gradients));
        let ratio = if of_values > 0.0 && of_direction > 0.0 { of_values / of_direction } else { 1.0 };
        let length = lr * ratio as f32;
        values.iter_mut().zip(gradients).for_each(|(p, &mut d)| *p -= length * d);
    }
}

/// Partial sums that are added up side by side.
const LANES: usize = 16;

/// The Euclidean norm.
#[inline(always)]
fn norm(x: &[f32]) -> f64 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, &x)| *sum += f64::from(x) * f64::from(x));
    }
    sums.iter_mut().zip(rest).for_each(|(sum, &x)| *sum += f64::from(x) * f64::from(x));
    sums.iter().sum::<f64>().sqrt()
}
