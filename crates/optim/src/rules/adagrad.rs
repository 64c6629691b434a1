use serde::{Deserialize, Serialize};

use crate::optimizer::ConfigError;
use crate::rule::{Clock, Hyper, Rule, Stretch};
use crate::updater::Updater;

/// The hyper-parameters of [`Adagrad`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct AdagradConfig {
    /// The learning rate, at least 0. Defaults to 0.01.
    pub lr: f32,
    /// How fast the learning rate falls, at least 0: it is `lr / (1 + (t - 1) lr_decay)` in step `t`. Defaults to 0.
    pub lr_decay: f32,
    /// Where the sum of squares starts, at least 0. Defaults to 0.
    pub initial_accumulator_value: f32,
    /// Added to the root of the sum, at least 0. Defaults to 1e-10.
    pub eps: f32,
    /// The factor of the parameters that is added to their gradient, at least 0. Defaults to 0.
    pub weight_decay: f32,
}

impl Default for AdagradConfig {
    fn default() -> Self {
        AdagradConfig {
            lr: 1e-2,
            lr_decay: 0.0,
            initial_accumulator_value: 0.0,
            eps: 1e-10,
            weight_decay: 0.0,
        }
    }
}

/// A learning rate for every element that falls with the squares of its gradients (Duchi et al. 2011, figure 1 with a diagonal
/// matrix), as PyTorch defines it:
///
/// ```text
/// s = s + g^2
/// p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
/// ```
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{Adagrad, AdagradConfig, Optimizer};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [1], |w| w[0] = 2.0);
/// let mut opt = Adagrad::new(&params, AdagradConfig { lr: 0.5, ..Default::default() });
/// let mut tape = Tape::new();
/// for expected in [1.5, 1.5 - 0.5 * 3.0 / 5.0] {
///     tape.train(&params, 0).param(w).square().sum().backward(); // g = 2 w: 4, then 3
///     opt.step(&mut params, &mut tape);
///     assert!((params[w][0] - expected).abs() < 1e-6);
/// }
/// ```
pub type Adagrad = Updater<AdagradConfig>;

/// The constants of a step.
pub struct Step {
    lr: f32,
    eps: f32,
}

impl Rule for AdagradConfig {
    const NAME: &'static str = "Adagrad";
    type Step = Step;

    fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least_0("lr", self.lr)?;
        ConfigError::at_least_0("lr_decay", self.lr_decay)?;
        ConfigError::at_least_0("initial_accumulator_value", self.initial_accumulator_value)?;
        ConfigError::at_least_0("eps", self.eps)?;
        ConfigError::at_least_0("weight_decay", self.weight_decay)
    }

    fn hyper(&mut self) -> Hyper<'_> {
        Hyper { lr: &mut self.lr, weight_decay: &mut self.weight_decay, momentum: None }
    }

    fn slots(&self) -> &'static [&'static str] {
        &["sum"]
    }

    fn initial(&self) -> f32 {
        self.initial_accumulator_value
    }

    fn begin(&self, clock: &mut Clock) -> Step {
        let slower = 1.0 + (clock.step - 1) as f64 * f64::from(self.lr_decay);
        Step { lr: (f64::from(self.lr) / slower) as f32, eps: self.eps }
    }

    #[inline(always)]
    fn apply(step: &Step, stretch: Stretch<'_>) {
        let &Step { lr, eps } = step;
        let Stretch { values, gradients, slots: [sum, ..] } = stretch;
        for ((p, &mut g), s) in values.iter_mut().zip(gradients).zip(sum) {
            *s += g * g;
            *p -= lr * g / (s.sqrt() + eps);
        }
    }
}
