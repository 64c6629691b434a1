use serde::{Deserialize, Serialize};

use crate::optimizer::ConfigError;
use crate::rule::{Clock, Hyper, Rule, Stretch};
use crate::updater::Updater;

/// The hyper-parameters of [`Sgd`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct SgdConfig {
    /// The learning rate, at least 0. Defaults to 0.001, as in PyTorch.
    pub lr: f32,
    /// The share of the velocity that is kept, at least 0. Defaults to 0.
    pub momentum: f32,
    /// The share of the gradient that does not enter the velocity, from the second step on. Defaults to 0.
    pub dampening: f32,
    /// Whether to step along the velocity of the next step (Nesterov). Needs momentum and no dampening. Defaults to false.
    pub nesterov: bool,
    /// The factor of the parameters that is added to their gradient (an L2 penalty), at least 0. Defaults to 0.
    pub weight_decay: f32,
}

impl Default for SgdConfig {
    fn default() -> Self {
        SgdConfig { lr: 1e-3, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

/// Stochastic gradient descent, with momentum (Polyak 1964; in the form of Sutskever et al. 2013) as PyTorch defines it:
///
/// ```text
/// d = g + weight_decay p
/// v = d                                 in a parameter's first step
/// v = momentum v + (1 - dampening) d    afterwards
/// p = p - lr v                          plain
/// p = p - lr (d + momentum v)           nesterov
/// ```
///
/// The learning rate multiplies the velocity when it is used, not the gradient when it enters: changing it takes effect at once.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{Optimizer, Sgd, SgdConfig};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [1], |w| w[0] = 1.0);
/// let mut opt = Sgd::new(&params, SgdConfig { lr: 0.1, momentum: 0.5, ..Default::default() });
/// let mut tape = Tape::new();
/// for expected in [0.8, 0.54] {
///     tape.train(&params, 0).param(w).square().sum().backward(); // g = 2 w
///     opt.step(&mut params, &mut tape);
///     assert!((params[w][0] - expected).abs() < 1e-6);
/// }
/// ```
pub type Sgd = Updater<SgdConfig>;

impl SgdConfig {
    /// Momentum: a velocity of which `momentum` (usually 0.9) is kept from step to step.
    pub fn with_momentum(lr: f32, momentum: f32) -> Self {
        SgdConfig { lr, momentum, ..Default::default() }
    }

    /// Nesterov's accelerated gradient (Nesterov 1983; Sutskever et al. 2013): momentum that looks one step ahead.
    pub fn with_nesterov(lr: f32, momentum: f32) -> Self {
        SgdConfig { nesterov: true, ..SgdConfig::with_momentum(lr, momentum) }
    }
}

/// The constants of a step.
pub struct Step {
    lr: f32,
    keep: f32,
    enter: f32,
    /// The factors of the gradient and of the velocity in what is stepped along.
    along: (f32, f32),
}

impl Rule for SgdConfig {
    const NAME: &'static str = "Sgd";
    type Step = Step;

    fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least_0("lr", self.lr)?;
        ConfigError::at_least_0("momentum", self.momentum)?;
        ConfigError::at_least_0("weight_decay", self.weight_decay)?;
        ConfigError::check("dampening", self.dampening, "finite", self.dampening.is_finite())?;
        if self.nesterov {
            ConfigError::check("momentum", self.momentum, "above 0 with nesterov", self.momentum > 0.0)?;
            ConfigError::check("dampening", self.dampening, "0 with nesterov", self.dampening == 0.0)?;
        }
        Ok(())
    }

    fn hyper(&mut self) -> Hyper<'_> {
        Hyper { lr: &mut self.lr, weight_decay: &mut self.weight_decay, momentum: Some(&mut self.momentum) }
    }

    fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum_buffer"] }
    }

    fn begin(&self, clock: &mut Clock) -> Step {
        // The first velocity is the gradient itself, whatever the momentum and the dampening. So is every one without momentum.
        let plain = clock.step == 1 || self.momentum == 0.0;
        let (keep, enter) = if plain { (0.0, 1.0) } else { (self.momentum, 1.0 - self.dampening) };
        let along = if self.nesterov { (1.0, self.momentum) } else { (0.0, 1.0) };
        Step { lr: self.lr, keep, enter, along }
    }

    #[inline(always)]
    fn apply(step: &Step, stretch: Stretch<'_>) {
        let &Step { lr, keep, enter, along } = step;
        let Stretch { values, gradients, slots: [velocity, ..] } = stretch;
        if velocity.is_empty() {
            values.iter_mut().zip(gradients).for_each(|(p, g)| *p -= lr * *g);
            return;
        }
        for ((p, &mut d), v) in values.iter_mut().zip(gradients).zip(velocity) {
            *v = keep * *v + enter * d;
            *p -= lr * (along.0 * d + along.1 * *v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(config: SgdConfig) -> String {
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn values_outside_their_range_are_refused() {
        let of = SgdConfig::default();
        assert_eq!(refused(SgdConfig { lr: -0.1, ..of }), "lr must be finite and at least 0, found -0.1");
        assert_eq!(refused(SgdConfig { lr: f32::NAN, ..of }), "lr must be finite and at least 0, found NaN");
        assert_eq!(
            refused(SgdConfig { momentum: -1.0, ..of }),
            "momentum must be finite and at least 0, found -1"
        );
        assert_eq!(
            refused(SgdConfig { weight_decay: f32::INFINITY, ..of }),
            "weight_decay must be finite and at least 0, found inf"
        );
        let nesterov = SgdConfig { nesterov: true, ..of };
        assert_eq!(refused(nesterov), "momentum must be above 0 with nesterov, found 0");
        let dampened = SgdConfig { momentum: 0.9, dampening: 0.1, ..nesterov };
        assert_eq!(refused(dampened), "dampening must be 0 with nesterov, found 0.1");
    }
}
