use serde::{Deserialize, Serialize};

use super::{move_average, move_square_average, validate_moments, weight_so_far};
use crate::optimizer::ConfigError;
use crate::rule::{Clock, Hyper, Rule, Stretch};
use crate::updater::Updater;

/// The hyper-parameters of [`NAdam`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct NAdamConfig {
    /// The learning rate, at least 0. Defaults to 0.002.
    pub lr: f32,
    /// The decay rates of the two moments, each in [0, 1). Defaults to (0.9, 0.999).
    pub betas: (f32, f32),
    /// Added to the root of the second moment, at least 0. Defaults to 1e-8.
    pub eps: f32,
    /// How fast the momentum rises from half of `beta1` to `beta1`, at least 0. Defaults to 0.004.
    pub momentum_decay: f32,
    /// The factor of the parameters that is added to their gradient, at least 0. Defaults to 0.
    pub weight_decay: f32,
}

impl Default for NAdamConfig {
    fn default() -> Self {
        NAdamConfig { lr: 2e-3, betas: (0.9, 0.999), eps: 1e-8, momentum_decay: 4e-3, weight_decay: 0.0 }
    }
}

/// [`Adam`](crate::Adam) with Nesterov's momentum, which rises (Dozat 2016, algorithm 8), as PyTorch defines it:
///
/// ```text
/// mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)
/// c_t  = mu_1 mu_2 .. mu_t
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g^2
/// d = (1 - mu_t) / (1 - c_t) g + mu_(t+1) / (1 - c_(t+1)) m
/// p = p - lr d / (sqrt(v / (1 - beta2^t)) + eps)
/// ```
///
/// In the paper, `m` itself decays with `mu_t`.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{NAdam, NAdamConfig, Optimizer};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [1], |w| w[0] = 1.0);
/// // Without decay of the momentum, mu is half of beta1.
/// let mut opt = NAdam::new(&params, NAdamConfig { lr: 0.1, betas: (0.8, 0.9), momentum_decay: 0.0, ..Default::default() });
/// let mut tape = Tape::new();
/// tape.train(&params, 0).param(w).square().sum().backward(); // g = 2, m = 0.4, v / (1 - beta2) = 4
/// opt.step(&mut params, &mut tape);
/// let d = 2.0 + 0.4 / (1.0 - 0.4 * 0.4) * 0.4;
/// assert!((params[w][0] - (1.0 - 0.1 * d / 2.0)).abs() < 1e-6);
/// ```
pub type NAdam = Updater<NAdamConfig>;

/// The constants of a step.
pub struct Step {
    betas: (f32, f32),
    eps: f32,
    /// What the gradient and the first moment are multiplied by.
    along: (f32, f32),
    /// `1 / sqrt(1 - beta2^t)`
    scale: f32,
}

impl NAdamConfig {
    /// The momentum in a step.
    fn momentum(&self, step: u64) -> f64 {
        let exponent = step as f64 * f64::from(self.momentum_decay);
        f64::from(self.betas.0) * (1.0 - 0.5 * 0.96_f64.powf(exponent))
    }
}

impl Rule for NAdamConfig {
    const NAME: &'static str = "NAdam";
    type Step = Step;

    fn validate(&self) -> Result<(), ConfigError> {
        validate_moments(self.lr, self.betas, self.eps, self.weight_decay)?;
        ConfigError::at_least_0("momentum_decay", self.momentum_decay)
    }

    fn hyper(&mut self) -> Hyper<'_> {
        Hyper { lr: &mut self.lr, weight_decay: &mut self.weight_decay, momentum: Some(&mut self.betas.0) }
    }

    fn slots(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn begin(&self, clock: &mut Clock) -> Step {
        let (now, next) = (self.momentum(clock.step), self.momentum(clock.step + 1));
        clock.product *= now;
        let lr = f64::from(self.lr);
        let gradient = lr * (1.0 - now) / (1.0 - clock.product);
        let moment = lr * next / (1.0 - clock.product * next);
        Step {
            betas: self.betas,
            eps: self.eps,
            along: (gradient as f32, moment as f32),
            scale: weight_so_far(self.betas.1, clock.step).sqrt().recip() as f32,
        }
    }

    #[inline(always)]
    fn apply(step: &Step, stretch: Stretch<'_>) {
        let &Step { betas: (beta1, beta2), eps, along, scale } = step;
        let Stretch { values, gradients, slots: [first, second, _] } = stretch;
        for ((p, &mut g), (m, v)) in values.iter_mut().zip(gradients).zip(first.iter_mut().zip(second)) {
            move_average(m, beta1, g);
            move_square_average(v, beta2, g);
            *p -= (along.0 * g + along.1 * *m) / (v.sqrt() * scale + eps);
        }
    }
}
