use serde::{Deserialize, Serialize};

use super::{move_average, validate_moments};
use crate::optimizer::ConfigError;
use crate::rule::{Clock, Decay, Hyper, Rule, Stretch};
use crate::updater::{Updater, sign};

/// The hyper-parameters of [`Lion`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LionConfig {
    /// The learning rate, at least 0: how far every element moves in a step. 3 to 10 times smaller than Adam's. Defaults to 0.0001.
    pub lr: f32,
    /// The share of the moment in the direction of a step, and its decay rate, each in [0, 1). Defaults to (0.9, 0.99).
    pub betas: (f32, f32),
    /// The share of a parameter that a step with a learning rate of 1 takes away, at least 0. Defaults to 0.
    pub weight_decay: f32,
}

impl Default for LionConfig {
    fn default() -> Self {
        LionConfig { lr: 1e-4, betas: (0.9, 0.99), weight_decay: 0.0 }
    }
}

/// Steps of one size along the sign of a moment (Chen et al. 2023, algorithm 2), with decoupled weight decay:
///
/// ```text
/// p = p - lr (sign(beta1 m + (1 - beta1) g) + weight_decay p)
/// m = beta2 m + (1 - beta2) g
/// ```
///
/// PyTorch does not have it. Defaults are the paper's, except that no weight decay is assumed.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{Lion, LionConfig, Optimizer};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [3], |w| w.copy_from_slice(&[1.0, -50.0, 0.0]));
/// let mut opt = Lion::new(&params, LionConfig { lr: 0.5, ..Default::default() });
/// let mut tape = Tape::new();
/// tape.train(&params, 0).param(w).square().sum().backward();
/// opt.step(&mut params, &mut tape);
/// assert_eq!(params[w], [0.5, -49.5, 0.0]);
/// ```
pub type Lion = Updater<LionConfig>;

/// The constants of a step.
pub struct Step {
    lr: f32,
    betas: (f32, f32),
}

impl Rule for LionConfig {
    const NAME: &'static str = "Lion";
    const DECAY: Decay = Decay::Decoupled;
    type Step = Step;

    fn validate(&self) -> Result<(), ConfigError> {
        validate_moments(self.lr, self.betas, 0.0, self.weight_decay)
    }

    fn hyper(&mut self) -> Hyper<'_> {
        Hyper { lr: &mut self.lr, weight_decay: &mut self.weight_decay, momentum: Some(&mut self.betas.0) }
    }

    fn slots(&self) -> &'static [&'static str] {
        &["exp_avg"]
    }

    fn begin(&self, _clock: &mut Clock) -> Step {
        Step { lr: self.lr, betas: self.betas }
    }

    #[inline(always)]
    fn apply(step: &Step, stretch: Stretch<'_>) {
        let &Step { lr, betas: (beta1, beta2) } = step;
        let Stretch { values, gradients, slots: [moment, ..] } = stretch;
        for ((p, &mut g), m) in values.iter_mut().zip(gradients).zip(moment) {
            let mut direction = *m;
            move_average(&mut direction, beta1, g);
            *p -= lr * sign(direction);
            move_average(m, beta2, g);
        }
    }
}
