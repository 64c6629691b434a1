use serde::{Deserialize, Serialize};

use super::{move_average, validate_moments, weight_so_far};
use crate::optimizer::ConfigError;
use crate::rule::{Clock, Hyper, Rule, Stretch};
use crate::updater::Updater;

/// The hyper-parameters of [`Adamax`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct AdamaxConfig {
    /// The learning rate, at least 0. Defaults to 0.002.
    pub lr: f32,
    /// The decay rates of the first moment and of the largest gradient, each in [0, 1). Defaults to (0.9, 0.999).
    pub betas: (f32, f32),
    /// Added to the size of the gradient, at least 0. Defaults to 1e-8.
    pub eps: f32,
    /// The factor of the parameters that is added to their gradient, at least 0. Defaults to 0.
    pub weight_decay: f32,
}

impl Default for AdamaxConfig {
    fn default() -> Self {
        AdamaxConfig { lr: 2e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0 }
    }
}

/// [`Adam`](crate::Adam) with the largest gradient in place of the second moment (Kingma and Ba 2015, algorithm 2), as PyTorch
/// defines it:
///
/// ```text
/// m = beta1 m + (1 - beta1) g
/// u = max(beta2 u, |g| + eps)
/// p = p - lr / (1 - beta1^t) m / u
/// ```
///
/// The paper has no `eps`: it divides by 0 where no gradient has come yet.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{Adamax, AdamaxConfig, Optimizer};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [2], |w| w.copy_from_slice(&[1.0, -50.0]));
/// let mut opt = Adamax::new(&params, AdamaxConfig { lr: 0.1, ..Default::default() });
/// let mut tape = Tape::new();
/// tape.train(&params, 0).param(w).square().sum().backward();
/// opt.step(&mut params, &mut tape);
/// assert!((params[w][0] - 0.9).abs() < 1e-6 && (params[w][1] + 49.9).abs() < 1e-5);
/// ```
pub type Adamax = Updater<AdamaxConfig>;

/// The constants of a step.
pub struct Step {
    betas: (f32, f32),
    eps: f32,
    /// `lr / (1 - beta1^t)`
    size: f32,
}

impl Rule for AdamaxConfig {
    const NAME: &'static str = "Adamax";
    type Step = Step;

    fn validate(&self) -> Result<(), ConfigError> {
        validate_moments(self.lr, self.betas, self.eps, self.weight_decay)
    }

    fn hyper(&mut self) -> Hyper<'_> {
        Hyper { lr: &mut self.lr, weight_decay: &mut self.weight_decay, momentum: Some(&mut self.betas.0) }
    }

    fn slots(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_inf"]
    }

    fn begin(&self, clock: &mut Clock) -> Step {
        let size = f64::from(self.lr) / weight_so_far(self.betas.0, clock.step);
        Step { betas: self.betas, eps: self.eps, size: size as f32 }
    }

    #[inline(always)]
    fn apply(step: &Step, stretch: Stretch<'_>) {
        let &Step { betas: (beta1, beta2), eps, size } = step;
        let Stretch { values, gradients, slots: [first, largest, _] } = stretch;
        for ((p, &mut g), (m, u)) in values.iter_mut().zip(gradients).zip(first.iter_mut().zip(largest)) {
            move_average(m, beta1, g);
            *u = (beta2 * *u).max(g.abs() + eps);
            *p -= size * *m / *u;
        }
    }
}
