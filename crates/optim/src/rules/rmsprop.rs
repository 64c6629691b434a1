use serde::{Deserialize, Serialize};

use super::{move_average, move_square_average};
use crate::optimizer::ConfigError;
use crate::rule::{Clock, Hyper, Rule, Stretch};
use crate::updater::Updater;

/// The hyper-parameters of [`RmsProp`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RmsPropConfig {
    /// The learning rate, at least 0. Defaults to 0.01.
    pub lr: f32,
    /// The decay rate of the averages, in [0, 1). Defaults to 0.99.
    pub alpha: f32,
    /// Added to the root of the average, at least 0. Defaults to 1e-8.
    pub eps: f32,
    /// The share of the velocity that is kept, at least 0. Defaults to 0.
    pub momentum: f32,
    /// Whether the variance of the gradient is divided by, rather than its second moment (Graves 2013, equations 38 to 41).
    /// Defaults to false.
    pub centered: bool,
    /// The factor of the parameters that is added to their gradient, at least 0. Defaults to 0.
    pub weight_decay: f32,
}

impl Default for RmsPropConfig {
    fn default() -> Self {
        RmsPropConfig { lr: 1e-2, alpha: 0.99, eps: 1e-8, momentum: 0.0, centered: false, weight_decay: 0.0 }
    }
}

/// Gradients divided by the root of a running average of their squares (Tieleman and Hinton 2012, lecture 6.5), as PyTorch
/// defines it:
///
/// ```text
/// s = alpha s + (1 - alpha) g^2
/// m = alpha m + (1 - alpha) g           centered
/// d = g / (sqrt(s) + eps)               plain
/// d = g / (sqrt(s - m^2) + eps)         centered
/// v = momentum v + d
/// p = p - lr v
/// ```
///
/// Nothing corrects the average for its start at 0, so that the first step is `lr / sqrt(1 - alpha)`: 10 times the learning rate
/// with the default.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{Optimizer, RmsProp, RmsPropConfig};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [2], |w| w.copy_from_slice(&[1.0, -50.0]));
/// let mut opt = RmsProp::new(&params, RmsPropConfig { lr: 0.01, ..Default::default() });
/// let mut tape = Tape::new();
/// tape.train(&params, 0).param(w).square().sum().backward();
/// opt.step(&mut params, &mut tape);
/// assert!((params[w][0] - 0.9).abs() < 1e-6 && (params[w][1] + 49.9).abs() < 1e-5);
/// ```
pub type RmsProp = Updater<RmsPropConfig>;

/// The constants of a step.
pub struct Step {
    lr: f32,
    alpha: f32,
    eps: f32,
    momentum: f32,
    centered: bool,
}

impl Rule for RmsPropConfig {
    const NAME: &'static str = "RmsProp";
    type Step = Step;

    fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least_0("lr", self.lr)?;
        ConfigError::rate("alpha", self.alpha)?;
        ConfigError::at_least_0("eps", self.eps)?;
        ConfigError::at_least_0("momentum", self.momentum)?;
        ConfigError::at_least_0("weight_decay", self.weight_decay)
    }

    fn hyper(&mut self) -> Hyper<'_> {
        Hyper { lr: &mut self.lr, weight_decay: &mut self.weight_decay, momentum: Some(&mut self.momentum) }
    }

    fn slots(&self) -> &'static [&'static str] {
        match (self.centered, self.momentum > 0.0) {
            (false, false) => &["square_avg"],
            (false, true) => &["square_avg", "momentum_buffer"],
            (true, false) => &["square_avg", "grad_avg"],
            (true, true) => &["square_avg", "grad_avg", "momentum_buffer"],
        }
    }

    fn begin(&self, _clock: &mut Clock) -> Step {
        let &RmsPropConfig { lr, alpha, eps, momentum, centered, .. } = self;
        Step { lr, alpha, eps, momentum, centered }
    }

    #[inline(always)]
    fn apply(step: &Step, stretch: Stretch<'_>) {
        let &Step { lr, alpha, eps, momentum, centered } = step;
        let Stretch { values, gradients, slots: [squares, second, third] } = stretch;
        let (means, velocity) = if centered { (second, third) } else { (third, second) };
        // The direction takes the place of the gradient.
        for (g, s) in gradients.iter_mut().zip(squares.iter_mut()) {
            move_square_average(s, alpha, *g);
            if !centered {
                *g /= s.sqrt() + eps;
            }
        }
        for ((g, &mut s), m) in gradients.iter_mut().zip(squares).zip(means) {
            move_average(m, alpha, *g);
            *g /= (s - *m * *m).sqrt() + eps;
        }
        if velocity.is_empty() {
            values.iter_mut().zip(gradients).for_each(|(p, &mut d)| *p -= lr * d);
            return;
        }
        for ((p, &mut d), v) in values.iter_mut().zip(gradients).zip(velocity) {
            *v = momentum * *v + d;
            *p -= lr * *v;
        }
    }
}
