use serde::{Deserialize, Serialize};

use super::move_square_average;
use crate::optimizer::ConfigError;
use crate::rule::{Clock, Hyper, Rule, Stretch};
use crate::updater::Updater;

/// The hyper-parameters of [`Adadelta`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct AdadeltaConfig {
    /// What the step of the paper is multiplied by, at least 0. Defaults to 1.
    pub lr: f32,
    /// The decay rate of the averages, in [0, 1). Defaults to 0.9.
    pub rho: f32,
    /// Added to both averages before their roots are taken, at least 0. Where it is 0, no step is ever made. Defaults to 1e-6.
    pub eps: f32,
    /// The factor of the parameters that is added to their gradient, at least 0. Defaults to 0.
    pub weight_decay: f32,
}

impl Default for AdadeltaConfig {
    fn default() -> Self {
        AdadeltaConfig { lr: 1.0, rho: 0.9, eps: 1e-6, weight_decay: 0.0 }
    }
}

/// Steps as large as the last ones were, with no learning rate to choose (Zeiler 2012, algorithm 1), as PyTorch defines it:
///
/// ```text
/// s = rho s + (1 - rho) g^2
/// d = sqrt(u + eps) / sqrt(s + eps) g
/// u = rho u + (1 - rho) d^2
/// p = p - lr d
/// ```
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{Adadelta, AdadeltaConfig, Optimizer};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [1], |w| w[0] = 0.5);
/// let mut opt = Adadelta::new(&params, AdadeltaConfig { eps: 0.1, ..Default::default() });
/// let mut tape = Tape::new();
/// tape.train(&params, 0).param(w).square().sum().backward(); // g = 1, s = 0.1
/// opt.step(&mut params, &mut tape);
/// assert!((params[w][0] - (0.5 - (0.1_f32 / 0.2).sqrt())).abs() < 1e-6);
/// ```
pub type Adadelta = Updater<AdadeltaConfig>;

/// The constants of a step.
pub struct Step {
    lr: f32,
    rho: f32,
    eps: f32,
}

impl Rule for AdadeltaConfig {
    const NAME: &'static str = "Adadelta";
    type Step = Step;

    fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least_0("lr", self.lr)?;
        ConfigError::rate("rho", self.rho)?;
        ConfigError::at_least_0("eps", self.eps)?;
        ConfigError::at_least_0("weight_decay", self.weight_decay)
    }

    fn hyper(&mut self) -> Hyper<'_> {
        Hyper { lr: &mut self.lr, weight_decay: &mut self.weight_decay, momentum: None }
    }

    fn slots(&self) -> &'static [&'static str] {
        &["square_avg", "acc_delta"]
    }

    fn begin(&self, _clock: &mut Clock) -> Step {
        let &AdadeltaConfig { lr, rho, eps, .. } = self;
        Step { lr, rho, eps }
    }

    #[inline(always)]
    fn apply(step: &Step, stretch: Stretch<'_>) {
        let &Step { lr, rho, eps } = step;
        let Stretch { values, gradients, slots: [squares, deltas, _] } = stretch;
        for ((p, &mut g), (s, u)) in values.iter_mut().zip(gradients).zip(squares.iter_mut().zip(deltas)) {
            move_square_average(s, rho, g);
            let d = (*u + eps).sqrt() / (*s + eps).sqrt() * g;
            move_square_average(u, rho, d);
            *p -= lr * d;
        }
    }
}
