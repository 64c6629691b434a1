use serde::{Deserialize, Serialize};

use super::{move_average, move_square_average, validate_moments, weight_so_far};
use crate::optimizer::ConfigError;
use crate::rule::{Clock, Decay, Hyper, Rule, Stretch};
use crate::updater::Updater;

/// The hyper-parameters of [`Adam`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct AdamConfig {
    /// The learning rate, at least 0. Defaults to 0.001.
    pub lr: f32,
    /// The decay rates of the two moments, each in [0, 1). Defaults to (0.9, 0.999).
    pub betas: (f32, f32),
    /// Added to the root of the second moment, at least 0. Defaults to 1e-8.
    pub eps: f32,
    /// The factor of the parameters that is added to their gradient, at least 0. Defaults to 0.
    pub weight_decay: f32,
    /// Whether the largest second moment so far is divided by (AMSGrad; Reddi et al. 2018). Defaults to false.
    pub amsgrad: bool,
}

impl Default for AdamConfig {
    fn default() -> Self {
        AdamConfig { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0, amsgrad: false }
    }
}

/// Adaptive moments (Kingma and Ba 2015, algorithm 1), as PyTorch defines it:
///
/// ```text
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g^2
/// p = p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)
/// ```
///
/// With `amsgrad`, the largest `v` so far takes its place. `t` counts the steps of a parameter.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{Adam, AdamConfig, Optimizer};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [2], |w| w.copy_from_slice(&[1.0, -50.0]));
/// let mut opt = Adam::new(&params, AdamConfig { lr: 0.1, ..Default::default() });
/// let mut tape = Tape::new();
/// tape.train(&params, 0).param(w).square().sum().backward();
/// opt.step(&mut params, &mut tape);
/// // The first step is the learning rate, however large the gradient.
/// assert!((params[w][0] - 0.9).abs() < 1e-6 && (params[w][1] + 49.9).abs() < 1e-5);
/// ```
pub type Adam = Updater<AdamConfig>;

/// The hyper-parameters of [`AdamW`]: those of [`Adam`] with another default.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct AdamWConfig {
    /// The learning rate, at least 0. Defaults to 0.001.
    pub lr: f32,
    /// The decay rates of the two moments, each in [0, 1). Defaults to (0.9, 0.999).
    pub betas: (f32, f32),
    /// Added to the root of the second moment, at least 0. Defaults to 1e-8.
    pub eps: f32,
    /// The share of a parameter that a step with a learning rate of 1 takes away, at least 0. Defaults to 0.01, as in PyTorch.
    pub weight_decay: f32,
    /// Whether the largest second moment so far is divided by. Defaults to false.
    pub amsgrad: bool,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        AdamWConfig { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 1e-2, amsgrad: false }
    }
}

/// [`Adam`] with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2): `p (1 - lr weight_decay)` takes the place of `p`
/// before each update.
pub type AdamW = Updater<AdamWConfig>;

/// The constants of a step.
pub struct Step {
    betas: (f32, f32),
    eps: f32,
    /// `lr / (1 - beta1^t)`
    size: f32,
    /// `1 / sqrt(1 - beta2^t)`
    scale: f32,
}

impl Rule for AdamConfig {
    const NAME: &'static str = "Adam";
    type Step = Step;

    fn validate(&self) -> Result<(), ConfigError> {
        validate_moments(self.lr, self.betas, self.eps, self.weight_decay)
    }

    fn hyper(&mut self) -> Hyper<'_> {
        Hyper { lr: &mut self.lr, weight_decay: &mut self.weight_decay, momentum: Some(&mut self.betas.0) }
    }

    fn slots(&self) -> &'static [&'static str] {
        if self.amsgrad { &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] } else { &["exp_avg", "exp_avg_sq"] }
    }

    fn begin(&self, clock: &mut Clock) -> Step {
        let weight = |beta: f32| weight_so_far(beta, clock.step);
        Step {
            betas: self.betas,
            eps: self.eps,
            size: (f64::from(self.lr) / weight(self.betas.0)) as f32,
            scale: weight(self.betas.1).sqrt().recip() as f32,
        }
    }

    #[inline(always)]
    fn apply(step: &Step, stretch: Stretch<'_>) {
        let &Step { betas: (beta1, beta2), eps, size, scale } = step;
        let Stretch { values, gradients, slots: [first, second, largest] } = stretch;
        let moments = first.iter_mut().zip(second);
        let each = values.iter_mut().zip(gradients).zip(moments);
        let moved = |g: f32, m: &mut f32, v: &mut f32| {
            move_average(m, beta1, g);
            move_square_average(v, beta2, g);
        };
        if largest.is_empty() {
            for ((p, &mut g), (m, v)) in each {
                moved(g, m, v);
                *p -= size * *m / (v.sqrt() * scale + eps);
            }
        } else {
            for (((p, &mut g), (m, v)), largest) in each.zip(largest) {
                moved(g, m, v);
                *largest = largest.max(*v);
                *p -= size * *m / (largest.sqrt() * scale + eps);
            }
        }
    }
}

impl AdamWConfig {
    fn as_adam(&self) -> AdamConfig {
        let &AdamWConfig { lr, betas, eps, weight_decay, amsgrad } = self;
        AdamConfig { lr, betas, eps, weight_decay, amsgrad }
    }
}

impl Rule for AdamWConfig {
    const NAME: &'static str = "AdamW";
    const DECAY: Decay = Decay::Decoupled;
    type Step = Step;

    fn validate(&self) -> Result<(), ConfigError> {
        self.as_adam().validate()
    }

    fn hyper(&mut self) -> Hyper<'_> {
        Hyper { lr: &mut self.lr, weight_decay: &mut self.weight_decay, momentum: Some(&mut self.betas.0) }
    }

    fn slots(&self) -> &'static [&'static str] {
        self.as_adam().slots()
    }

    fn begin(&self, clock: &mut Clock) -> Step {
        self.as_adam().begin(clock)
    }

    #[inline(always)]
    fn apply(step: &Step, stretch: Stretch<'_>) {
        AdamConfig::apply(step, stretch);
    }
}
