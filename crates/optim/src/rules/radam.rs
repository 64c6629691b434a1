use serde::{Deserialize, Serialize};

use super::{move_average, move_square_average, validate_moments, weight_so_far};
use crate::optimizer::ConfigError;
use crate::rule::{Clock, Hyper, Rule, Stretch};
use crate::updater::Updater;

/// The hyper-parameters of [`RAdam`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RAdamConfig {
    /// The learning rate, at least 0. Defaults to 0.001.
    pub lr: f32,
    /// The decay rates of the two moments, each in [0, 1). Defaults to (0.9, 0.999).
    pub betas: (f32, f32),
    /// Added to the root of the second moment, at least 0. Defaults to 1e-8.
    pub eps: f32,
    /// The factor of the parameters that is added to their gradient, at least 0. Defaults to 0.
    pub weight_decay: f32,
}

impl Default for RAdamConfig {
    fn default() -> Self {
        RAdamConfig { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0 }
    }
}

/// [`Adam`](crate::Adam) whose first steps are rectified (Liu et al. 2020, algorithm 2), as PyTorch defines it: while few gradients
/// have been seen, the variance of the second moment is large, so it is not divided by, and then only in part.
///
/// ```text
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g^2
/// rho   = 2 / (1 - beta2) - 1
/// rho_t = rho - 2 t beta2^t / (1 - beta2^t)
/// r = sqrt((rho_t - 4) (rho_t - 2) rho / ((rho - 4) (rho - 2) rho_t))
/// p = p - lr / (1 - beta1^t) m                                           if rho_t <= 5
/// p = p - lr r sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps)     if rho_t > 5
/// ```
///
/// The paper divides where `rho_t > 4`. As in the code of its authors and in PyTorch, it is 5 here: just above 4, `r` is next to 0. With
/// the default betas, step 6 is the first that divides; in the paper, step 5. `eps` is added to `sqrt(v)`, before the correction of
/// its start at 0, unlike in Adam.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{Optimizer, RAdam, RAdamConfig};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [1], |w| w[0] = 1.0);
/// let mut opt = RAdam::new(&params, RAdamConfig { lr: 0.1, ..Default::default() });
/// let mut tape = Tape::new();
/// tape.train(&params, 0).param(w).square().sum().backward(); // g = 2
/// opt.step(&mut params, &mut tape);
/// assert!((params[w][0] - 0.8).abs() < 1e-6); // not divided by the root of 4
/// ```
pub type RAdam = Updater<RAdamConfig>;

/// The constants of a step.
pub struct Step {
    betas: (f32, f32),
    eps: f32,
    /// What the first moment is multiplied by.
    size: f32,
    divides: bool,
}

/// How large `rho_t` must be for the second moment to be divided by.
const RECTIFIED_ABOVE: f64 = 5.0;

impl Rule for RAdamConfig {
    const NAME: &'static str = "RAdam";
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
        let (t, beta2) = (clock.step, f64::from(self.betas.1));
        let size = f64::from(self.lr) / weight_so_far(self.betas.0, t);
        let seen = weight_so_far(self.betas.1, t);
        let rho = 2.0 / (1.0 - beta2) - 1.0;
        let rho_t = rho - 2.0 * t as f64 * (1.0 - seen) / seen;
        let divides = rho_t > RECTIFIED_ABOVE;
        let share = (rho_t - 4.0) * (rho_t - 2.0) * rho / ((rho - 4.0) * (rho - 2.0) * rho_t);
        let size = if divides { size * (share * seen).sqrt() } else { size };
        Step { betas: self.betas, eps: self.eps, size: size as f32, divides }
    }

    #[inline(always)]
    fn apply(step: &Step, stretch: Stretch<'_>) {
        let &Step { betas: (beta1, beta2), eps, size, divides } = step;
        let Stretch { values, gradients, slots: [first, second, _] } = stretch;
        for ((p, &mut g), (m, v)) in values.iter_mut().zip(gradients).zip(first.iter_mut().zip(second)) {
            move_average(m, beta1, g);
            move_square_average(v, beta2, g);
            let divisor = if divides { v.sqrt() + eps } else { 1.0 };
            *p -= size * *m / divisor;
        }
    }
}
