use serde::{Deserialize, Serialize};

use crate::{ConfigError, Optimizer};

/// The constants of [`ReduceOnPlateau`]; PyTorch's by default.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct PlateauConfig {
    /// Whether less is better, or more. Defaults to [`Goal::Min`].
    pub goal: Goal,
    /// What the learning rate is multiplied by, in (0, 1). Defaults to 0.1.
    pub factor: f32,
    /// How many measurements in a row may be no better than the best; the next one reduces. Defaults to 10.
    pub patience: u64,
    /// How much better is better. Defaults to `Threshold::Relative(1e-4)`.
    pub threshold: Threshold,
    /// For how many measurements after a reduction no bad ones are counted. Defaults to 0.
    pub cooldown: u64,
    /// The least learning rate, at least 0. Defaults to 0.
    pub min_lr: f32,
    /// A reduction by no more than this is left out; at least 0. Defaults to 1e-8.
    pub eps: f32,
}

/// Which way a measurement is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Less is better: a loss.
    #[default]
    Min,
    /// More is better: an accuracy.
    Max,
}

/// By how much a measurement has to beat the best so far. At least 0.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// By this share of the best.
    Relative(f64),
    /// By this much.
    Absolute(f64),
}

impl Default for PlateauConfig {
    fn default() -> Self {
        PlateauConfig {
            goal: Goal::Min,
            factor: 0.1,
            patience: 10,
            threshold: Threshold::Relative(1e-4),
            cooldown: 0,
            min_lr: 0.0,
            eps: 1e-8,
        }
    }
}

impl PlateauConfig {
    /// Whether every number is in its range.
    ///
    /// # Errors
    /// The first that is not, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let factor = self.factor;
        ConfigError::check("factor", factor, "in (0, 1)", factor > 0.0 && factor < 1.0)?;
        let (Threshold::Relative(threshold) | Threshold::Absolute(threshold)) = self.threshold;
        ConfigError::at_least_0("threshold", threshold as f32)?;
        ConfigError::at_least_0("min_lr", self.min_lr)?;
        ConfigError::at_least_0("eps", self.eps)
    }

    fn is_better(&self, measured: f64, best: f64) -> bool {
        match (self.goal, self.threshold) {
            (Goal::Min, Threshold::Relative(threshold)) => measured < best * (1.0 - threshold),
            (Goal::Min, Threshold::Absolute(threshold)) => measured < best - threshold,
            (Goal::Max, Threshold::Relative(threshold)) => measured > best * (1.0 + threshold),
            (Goal::Max, Threshold::Absolute(threshold)) => measured > best + threshold,
        }
    }
}

/// Reduces the learning rate when a measurement, usually one per epoch, has stopped getting better (PyTorch's ReduceLROnPlateau). Its state is
/// data.
///
/// ```
/// use layerwise_autograd::Params;
/// use layerwise_optim::{Optimizer, PlateauConfig, ReduceOnPlateau, Sgd, SgdConfig};
///
/// let mut opt = Sgd::new(&Params::new(), SgdConfig { lr: 0.5, ..Default::default() });
/// let mut plateau = ReduceOnPlateau::new(PlateauConfig { patience: 1, ..Default::default() });
/// for (loss, lr) in [(2.0, 0.5), (1.0, 0.5), (1.1, 0.5), (1.0, 0.05), (0.9, 0.05)] {
///     plateau.step(loss, &mut opt);
///     assert_eq!(opt.lr(), lr);
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct ReduceOnPlateau {
    config: PlateauConfig,
    /// Nothing before the first measurement that is a number.
    best: Option<f64>,
    bad: u64,
    cooldown: u64,
}

impl ReduceOnPlateau {
    /// Without any measurement yet.
    ///
    /// # Panics
    /// If a number is out of its range ([`PlateauConfig::validate`]).
    #[track_caller]
    pub fn new(config: PlateauConfig) -> Self {
        if let Err(error) = config.validate() {
            panic!("ReduceOnPlateau: {error}");
        }
        ReduceOnPlateau { config, best: None, bad: 0, cooldown: 0 }
    }

    /// Its constants.
    pub fn config(&self) -> &PlateauConfig {
        &self.config
    }

    /// Takes a measurement into account, and reduces the learning rate if it is time. One that is NaN counts as bad.
    pub fn step(&mut self, measured: f64, opt: &mut (impl Optimizer + ?Sized)) {
        let PlateauConfig { goal, factor, patience, cooldown, min_lr, eps, .. } = self.config;
        let worst = if goal == Goal::Min { f64::INFINITY } else { f64::NEG_INFINITY };
        if self.config.is_better(measured, self.best.unwrap_or(worst)) {
            self.best = Some(measured);
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.bad = 0;
        }
        if self.bad <= patience {
            return;
        }
        (self.bad, self.cooldown) = (0, cooldown);
        let lr = f64::from(opt.lr());
        let reduced = (lr * f64::from(factor)).max(min_lr.into());
        if lr - reduced > eps.into() {
            opt.set_lr(reduced as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_their_range_are_refused() {
        let of = PlateauConfig::default();
        for (config, text) in [
            (PlateauConfig { factor: 1.0, ..of }, "factor must be in (0, 1), found 1"),
            (PlateauConfig { factor: 0.0, ..of }, "factor must be in (0, 1), found 0"),
            (
                PlateauConfig { threshold: Threshold::Absolute(-0.5), ..of },
                "threshold must be finite and at least 0, found -0.5",
            ),
            (PlateauConfig { min_lr: -1.0, ..of }, "min_lr must be finite and at least 0, found -1"),
            (PlateauConfig { eps: f32::NAN, ..of }, "eps must be finite and at least 0, found NaN"),
        ] {
            assert_eq!(config.validate().unwrap_err().to_string(), text);
        }
    }

    #[test]
    #[should_panic(expected = "ReduceOnPlateau: factor must be in (0, 1), found 2")]
    fn what_is_made_in_a_program_is_checked() {
        ReduceOnPlateau::new(PlateauConfig { factor: 2.0, ..Default::default() });
    }

    #[test]
    fn the_state_is_data_before_and_after_a_measurement() {
        let mut opt = crate::Sgd::new(&layerwise_autograd::Params::new(), crate::SgdConfig::default());
        let mut plateau = ReduceOnPlateau::new(PlateauConfig::default());
        for measured in [f64::NAN, 0.5] {
            let text = serde_json::to_string(&plateau).unwrap();
            assert_eq!(serde_json::from_str::<ReduceOnPlateau>(&text).unwrap(), plateau);
            plateau.step(measured, &mut opt);
        }
        assert_eq!((plateau.best, plateau.bad), (Some(0.5), 0));
    }
}
