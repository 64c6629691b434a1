use serde::{Deserialize, Serialize};

use super::{Schedule, at_least_1, between, cosine};
use crate::ConfigError;

/// One cycle (Smith and Topin 2018): the learning rate goes up to a maximum and down to almost nothing, the momentum the other way. As
/// PyTorch's OneCycleLR defines it:
///
/// | | first | at the peak | last |
/// | --- | --- | --- | --- |
/// | learning rate | `max_lr / div_factor` | `max_lr` | `max_lr / div_factor / final_div_factor` |
/// | momentum | `max_momentum` | `base_momentum` | `max_momentum` |
///
/// ```
/// use layerwise_optim::OneCycle;
/// let cycle = OneCycle { pct_start: 0.25, ..OneCycle::new(0.5, 100) };
/// let (lr, momentum) = (cycle.lr(), cycle.momentum());
/// assert_eq!((lr.at(0), lr.at(24), lr.at(99)), (0.02, 0.5, 2e-6));
/// assert_eq!((momentum.at(0), momentum.at(24), momentum.at(99)), (0.95, 0.85, 0.95));
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default = "OneCycle::empty")]
pub struct OneCycle {
    /// The learning rate at the peak, above 0. Has to be given.
    pub max_lr: f32,
    /// The steps of the whole cycle, at least 1. Has to be given.
    pub total_steps: u64,
    /// The share of the steps on the way up, in [0, 1], with three phases in [0, 0.5]. Defaults to 0.3.
    pub pct_start: f32,
    /// The form of the ways. Defaults to [`Anneal::Cosine`].
    pub anneal: Anneal,
    /// The momentum at the peak, in [0, 1). Defaults to 0.85.
    pub base_momentum: f32,
    /// The momentum at both ends, in [0, 1). Defaults to 0.95.
    pub max_momentum: f32,
    /// What `max_lr` is divided by for the first learning rate, above 0. Defaults to 25.
    pub div_factor: f32,
    /// What the first learning rate is divided by for the last one, above 0. Defaults to 1e4.
    pub final_div_factor: f32,
    /// Whether the way down is as long as the way up and leads to the first learning rate, with a third phase to the last one (as in
    /// the paper). Defaults to false: one way down for all the remaining steps.
    pub three_phase: bool,
}

/// The form of the way between two values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anneal {
    /// Half a cosine.
    #[default]
    Cosine,
    /// A line.
    Linear,
}

impl OneCycle {
    /// A cycle with everything else at its default.
    pub fn new(max_lr: f32, total_steps: u64) -> Self {
        OneCycle { max_lr, total_steps, ..OneCycle::empty() }
    }

    /// What fields have that data does not mention. [`OneCycle::validate`] refuses it.
    fn empty() -> Self {
        OneCycle {
            max_lr: 0.0,
            total_steps: 0,
            pct_start: 0.3,
            anneal: Anneal::Cosine,
            base_momentum: 0.85,
            max_momentum: 0.95,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }

    /// Its learning rate.
    ///
    /// # Panics
    /// If a number is out of its range.
    #[track_caller]
    pub fn lr(self) -> Schedule {
        Schedule::OneCycleLr(self).checked()
    }

    /// Its momentum.
    ///
    /// # Panics
    /// If a number is out of its range.
    #[track_caller]
    pub fn momentum(self) -> Schedule {
        Schedule::OneCycleMomentum(self).checked()
    }

    /// Whether every number is in its range.
    ///
    /// # Errors
    /// The first that is not, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::above_0("max_lr", self.max_lr)?;
        at_least_1("total_steps", self.total_steps)?;
        let (most, allowed) = match self.three_phase {
            true => (0.5, "in [0, 0.5] with three_phase"),
            false => (1.0, "in [0, 1]"),
        };
        ConfigError::check("pct_start", self.pct_start, allowed, (0.0..=most).contains(&self.pct_start))?;
        ConfigError::rate("base_momentum", self.base_momentum)?;
        ConfigError::rate("max_momentum", self.max_momentum)?;
        ConfigError::above_0("div_factor", self.div_factor)?;
        ConfigError::above_0("final_div_factor", self.final_div_factor)
    }

    pub(super) fn lr_at(&self, step: u64) -> f64 {
        let peak = f64::from(self.max_lr);
        let first = peak / f64::from(self.div_factor);
        self.along([first, peak, first / f64::from(self.final_div_factor)], step)
    }

    pub(super) fn momentum_at(&self, step: u64) -> f64 {
        self.along([self.max_momentum, self.base_momentum, self.max_momentum].map(f64::from), step)
    }

    /// Where a quantity is that is `first` at the beginning, `peak` at the peak and `last` at the end.
    fn along(&self, [first, peak, last]: [f64; 3], step: u64) -> f64 {
        let end = self.total_steps.saturating_sub(1);
        let step = step.min(end) as f64;
        let up = f64::from(self.pct_start) * self.total_steps as f64;
        // The last steps of the first two phases; not whole numbers in general.
        let (turn, back) = (up - 1.0, 2.0 * up - 2.0);
        let (steps, values) = if step <= turn {
            ((0.0, turn), (first, peak))
        } else if !self.three_phase {
            ((turn, end as f64), (peak, last))
        } else if step <= back {
            ((turn, back), (peak, first))
        } else {
            ((back, end as f64), (first, last))
        };
        // A phase of a single step is at its end.
        let gone = if steps.1 > steps.0 { (step - steps.0) / (steps.1 - steps.0) } else { 1.0 };
        let left = match self.anneal {
            Anneal::Cosine => cosine(gone),
            Anneal::Linear => 1.0 - gone,
        };
        between(values.0, values.1, left)
    }
}
