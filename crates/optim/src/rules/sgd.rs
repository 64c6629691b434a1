use layerwise_autograd::{ParamGradients, Params};
use layerwise_tensor::{Buffer, threads};
use serde::{Deserialize, Serialize};

use crate::optimizer::{ConfigError, Optimizer, check_layout, for_each_reached};

/// Numbers that one thread updates at a time.
const PART: usize = 1 << 15;

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

impl SgdConfig {
    /// Whether every value is in its range.
    ///
    /// # Errors
    /// The first that is not, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let at_least_0 = |name, value: f32| {
            ConfigError::check(name, value, "finite and at least 0", value.is_finite() && value >= 0.0)
        };
        at_least_0("lr", self.lr)?;
        at_least_0("momentum", self.momentum)?;
        at_least_0("weight_decay", self.weight_decay)?;
        ConfigError::check("dampening", self.dampening, "finite", self.dampening.is_finite())?;
        if self.nesterov {
            ConfigError::check("momentum", self.momentum, "above 0 with nesterov", self.momentum > 0.0)?;
            ConfigError::check("dampening", self.dampening, "0 with nesterov", self.dampening == 0.0)?;
        }
        Ok(())
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
#[derive(Clone, Debug)]
pub struct Sgd {
    config: SgdConfig,
    velocity: Buffer,
    /// Whether a parameter has made its first step.
    moving: Vec<bool>,
}

impl Sgd {
    /// The rule for these parameters.
    ///
    /// # Panics
    /// If a hyper-parameter is outside its range ([`SgdConfig::validate`]).
    #[track_caller]
    pub fn new(params: &Params, config: SgdConfig) -> Self {
        config.validate().unwrap_or_else(|error| panic!("Sgd: {error}"));
        Sgd { config, velocity: Buffer::zeros(params.flat().len()), moving: vec![false; params.len()] }
    }

    /// The hyper-parameters.
    pub fn config(&self) -> &SgdConfig {
        &self.config
    }
}

impl Optimizer for Sgd {
    fn lr(&self) -> f32 {
        self.config.lr
    }

    fn set_lr(&mut self, lr: f32) {
        let config = SgdConfig { lr, ..self.config };
        config.validate().unwrap_or_else(|error| panic!("Sgd: {error}"));
        self.config = config;
    }

    fn update(&mut self, params: &mut Params, gradients: &mut ParamGradients<'_>) {
        check_layout(&self.velocity, params);
        let Sgd { config, velocity, moving } = self;
        let (layout, values) = params.flat_mut();
        for_each_reached(
            layout,
            gradients,
            |id| moving[id.index()],
            |range, is_moving| {
                let (p, g, v) =
                    (&mut values[range.clone()], &gradients.flat[range.clone()], &mut velocity[range]);
                if config.momentum == 0.0 {
                    threads::for_each_part((p, g), PART, |(p, g)| descend(config, p, g));
                } else {
                    threads::for_each_part((p, (g, v)), PART, |(p, (g, v))| roll(config, is_moving, p, g, v));
                }
            },
        );
        layout.ids().filter(|&id| gradients.reached(id)).for_each(|id| moving[id.index()] = true);
    }
}

/// Without momentum there is no velocity to keep.
#[inline(always)]
fn descend(config: &SgdConfig, values: &mut [f32], gradients: &[f32]) {
    for (p, &g) in values.iter_mut().zip(gradients) {
        *p -= config.lr * (g + config.weight_decay * *p);
    }
}

#[inline(always)]
fn roll(config: &SgdConfig, is_moving: bool, values: &mut [f32], gradients: &[f32], velocity: &mut [f32]) {
    let &SgdConfig { lr, momentum, dampening, nesterov, weight_decay } = config;
    // The first velocity is the gradient itself, whatever the momentum and the dampening.
    let (keep, enter) = if is_moving { (momentum, 1.0 - dampening) } else { (0.0, 1.0) };
    let ahead = if nesterov { (1.0, momentum) } else { (0.0, 1.0) };
    for ((p, &g), v) in values.iter_mut().zip(gradients).zip(velocity) {
        let d = g + weight_decay * *p;
        *v = keep * *v + enter * d;
        *p -= lr * (ahead.0 * d + ahead.1 * *v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerwise_autograd::Tape;

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

    #[test]
    #[should_panic(expected = "Sgd: lr must be finite and at least 0, found -1")]
    fn a_rule_is_not_made_of_them() {
        Sgd::new(&Params::new(), SgdConfig { lr: -1.0, ..Default::default() });
    }

    #[test]
    #[should_panic(expected = "the optimizer was made for parameters of 0 numbers, found 16")]
    fn parameters_are_those_it_was_made_for() {
        let mut opt = Sgd::new(&Params::new(), SgdConfig::default());
        let mut params = Params::new();
        params.root().parameter("w", [3], |_| ());
        opt.step(&mut params, &mut Tape::new());
    }

    #[test]
    fn gradients_of_several_passes_add_up_and_a_step_takes_them_away() {
        let mut params = Params::new();
        let w = params.root().parameter("w", [2], |w| w.fill(1.0));
        let mut opt = Sgd::new(&params, SgdConfig { lr: 0.1, ..Default::default() });
        let mut tape = Tape::new();
        for _ in 0..3 {
            tape.train(&params, 0).param(w).sum().backward();
        }
        assert_eq!(tape.gradient(&params, "w").unwrap().as_slice(), [3.0, 3.0]);
        opt.step(&mut params, &mut tape);
        assert!(tape.gradient(&params, "w").is_none());
        assert_eq!(params[w], [0.7, 0.7]);
        opt.step(&mut params, &mut tape);
        assert_eq!(params[w], [0.7, 0.7]);
    }
}
