//! Schedules: learning rate or momentum as a function of the step.

mod one_cycle;
mod plateau;

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::ConfigError;

pub use one_cycle::{Anneal, OneCycle};
pub use plateau::{Goal, PlateauConfig, ReduceOnPlateau, Threshold};

/// A learning rate, or a momentum, as a function of the step: data without state.
///
/// Steps count from 0. Values are absolute, computed in f64, and at least 0. A schedule that comes to an end holds its last value. The
/// unit of a step is the caller's: the [`Trainer`](crate::Trainer) takes one value per step of the optimizer.
///
/// The functions that make one check their arguments; what has been read from a file is checked by [`Schedule::validate`], and where that
/// fails, [`Schedule::at`] means nothing.
///
/// ```
/// use layerwise_optim::Schedule;
///
/// // 100 steps of warm-up, then half a cosine down to 0.
/// let lr = Schedule::linear(0.01, 0.1, 100).then(Schedule::cosine(0.1, 0.0, 900));
/// assert_eq!((lr.at(0), lr.at(50), lr.at(100)), (0.01, 0.055, 0.1));
/// assert!((lr.at(550) - 0.05).abs() < 1e-8);
/// assert_eq!((lr.at(1000), lr.at(5000), lr.steps()), (0.0, 0.0, Some(1000)));
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// [`Schedule::constant`]
    Constant(f32),
    /// [`Schedule::step`]
    Step {
        /// The first value.
        start: f32,
        /// Steps between two changes.
        every: u64,
        /// What the value is multiplied by.
        factor: f32,
    },
    /// [`Schedule::multi_step`]
    MultiStep {
        /// The first value.
        start: f32,
        /// The steps at which it changes.
        milestones: Vec<u64>,
        /// What the value is multiplied by.
        factor: f32,
    },
    /// [`Schedule::exponential`]
    Exponential {
        /// The first value.
        start: f32,
        /// What the value is multiplied by in every step.
        factor: f32,
    },
    /// [`Schedule::linear`]
    Linear {
        /// The first value.
        start: f32,
        /// The last value.
        end: f32,
        /// The step that has it.
        steps: u64,
    },
    /// [`Schedule::polynomial`]
    Polynomial {
        /// The first value.
        start: f32,
        /// The last value.
        end: f32,
        /// The step that has it.
        steps: u64,
        /// The exponent.
        power: f32,
    },
    /// [`Schedule::cosine`]
    Cosine {
        /// The first value.
        start: f32,
        /// The last value.
        end: f32,
        /// The step that has it.
        steps: u64,
    },
    /// [`Schedule::warm_restarts`]
    WarmRestarts {
        /// The first value of every period.
        start: f32,
        /// What each period goes down to.
        end: f32,
        /// Steps of the first period.
        period: u64,
        /// How many times longer each period is than the one before.
        growth: u64,
    },
    /// [`OneCycle::lr`]
    OneCycleLr(OneCycle),
    /// [`OneCycle::momentum`]
    OneCycleMomentum(OneCycle),
    /// [`Schedule::then_at`]
    Then {
        /// What comes first.
        first: Box<Schedule>,
        /// The first step of the other.
        at: u64,
        /// What comes afterwards; its steps count from there.
        then: Box<Schedule>,
    },
    /// [`Schedule::times`]
    Product(Box<Schedule>, Box<Schedule>),
}

/// Each panics where [`Schedule::validate`] would fail, with the value and its range.
impl Schedule {
    /// The same value in every step.
    #[track_caller]
    pub fn constant(value: f32) -> Self {
        Schedule::Constant(value).checked()
    }

    /// Multiplied by `factor` after every `every` steps (PyTorch's StepLR): `start factor^floor(step / every)`.
    #[track_caller]
    pub fn step(start: f32, every: u64, factor: f32) -> Self {
        Schedule::Step { start, every, factor }.checked()
    }

    /// Multiplied by `factor` at each of the milestones, which ascend (MultiStepLR).
    #[track_caller]
    pub fn multi_step(start: f32, milestones: impl Into<Vec<u64>>, factor: f32) -> Self {
        Schedule::MultiStep { start, milestones: milestones.into(), factor }.checked()
    }

    /// Multiplied by `factor` in every step (ExponentialLR): `start factor^step`.
    #[track_caller]
    pub fn exponential(start: f32, factor: f32) -> Self {
        Schedule::Exponential { start, factor }.checked()
    }

    /// On a line from `start` in step 0 to `end` in step `steps` (LinearLR): a warm-up.
    #[track_caller]
    pub fn linear(start: f32, end: f32, steps: u64) -> Self {
        Schedule::Linear { start, end, steps }.checked()
    }

    /// `end + (start - end) (1 - step / steps)^power` (PolynomialLR, whose `end` is 0).
    #[track_caller]
    pub fn polynomial(start: f32, end: f32, steps: u64, power: f32) -> Self {
        Schedule::Polynomial { start, end, steps, power }.checked()
    }

    /// Half a cosine from `start` in step 0 to `end` in step `steps`, where it stays (CosineAnnealingLR, which would go up again):
    /// `end + (start - end) (1 + cos(pi step / steps)) / 2`.
    #[track_caller]
    pub fn cosine(start: f32, end: f32, steps: u64) -> Self {
        Schedule::Cosine { start, end, steps }.checked()
    }

    /// [`Schedule::cosine`] again and again, each `growth` times as long as the one before, the first `period` steps (Loshchilov and
    /// Hutter 2017, equation 5; CosineAnnealingWarmRestarts).
    #[track_caller]
    pub fn warm_restarts(start: f32, end: f32, period: u64, growth: u64) -> Self {
        Schedule::WarmRestarts { start, end, period, growth }.checked()
    }

    /// This one for its [`Schedule::steps`], then another, whose steps count from there (SequentialLR).
    ///
    /// # Panics
    /// If this one has no end, or is constant: say when with [`Schedule::then_at`].
    #[must_use]
    #[track_caller]
    pub fn then(self, other: Schedule) -> Self {
        let steps = self.steps().filter(|&steps| steps > 0);
        let Some(at) = steps else {
            panic!("Schedule: {self:?} has no end; say with then_at when the next begins")
        };
        self.then_at(at, other)
    }

    /// This one before step `at`, which is at least 1, and another from there on; its steps count from there.
    #[must_use]
    #[track_caller]
    pub fn then_at(self, at: u64, other: Schedule) -> Self {
        Schedule::Then { first: Box::new(self), at, then: Box::new(other) }.checked()
    }

    /// The product of two.
    #[must_use]
    #[track_caller]
    pub fn times(self, other: Schedule) -> Self {
        Schedule::Product(Box::new(self), Box::new(other)).checked()
    }

    /// This one multiplied by a constant.
    #[must_use]
    #[track_caller]
    pub fn scaled(self, factor: f32) -> Self {
        self.times(Schedule::constant(factor))
    }

    #[track_caller]
    fn checked(self) -> Self {
        self.refuse_invalid();
        self
    }

    /// # Panics
    /// With the error of [`Schedule::validate`].
    #[track_caller]
    pub(crate) fn refuse_invalid(&self) {
        if let Err(error) = self.validate() {
            panic!("Schedule: {error}");
        }
    }
}

impl Schedule {
    /// The value in a step; the first is 0.
    pub fn at(&self, step: u64) -> f32 {
        self.value(step) as f32
    }

    /// The value in f64, at most `f32::MAX`.
    fn value(&self, step: u64) -> f64 {
        let value = match *self {
            Schedule::Constant(value) => value.into(),
            Schedule::Step { start, every, factor } => geometric(start, factor, step / every.max(1)),
            Schedule::MultiStep { start, ref milestones, factor } => {
                geometric(start, factor, milestones.partition_point(|&at| at <= step) as u64)
            }
            Schedule::Exponential { start, factor } => geometric(start, factor, step),
            Schedule::Linear { start, end, steps } => between(start, end, 1.0 - share(step, steps)),
            Schedule::Polynomial { start, end, steps, power } => {
                between(start, end, (1.0 - share(step, steps)).powf(power.into()))
            }
            Schedule::Cosine { start, end, steps } => between(start, end, cosine(share(step, steps))),
            Schedule::WarmRestarts { start, end, period, growth } => {
                between(start, end, cosine(share_of_period(step, period, growth)))
            }
            Schedule::OneCycleLr(ref cycle) => cycle.lr_at(step),
            Schedule::OneCycleMomentum(ref cycle) => cycle.momentum_at(step),
            Schedule::Then { ref first, at, ref then } => match step.checked_sub(at) {
                None => first.value(step),
                Some(step) => then.value(step),
            },
            Schedule::Product(ref a, ref b) => a.value(step) * b.value(step),
        };
        value.min(f32::MAX.into())
    }

    /// How many steps it takes; afterwards its last value holds. `None` if it has no end, 0 for a constant.
    pub fn steps(&self) -> Option<u64> {
        match *self {
            Schedule::Constant(_) => Some(0),
            Schedule::Step { .. } | Schedule::Exponential { .. } | Schedule::WarmRestarts { .. } => None,
            Schedule::MultiStep { ref milestones, .. } => Some(milestones.last().copied().unwrap_or(0)),
            Schedule::Linear { steps, .. }
            | Schedule::Polynomial { steps, .. }
            | Schedule::Cosine { steps, .. } => Some(steps),
            Schedule::OneCycleLr(ref cycle) | Schedule::OneCycleMomentum(ref cycle) => {
                Some(cycle.total_steps)
            }
            Schedule::Then { at, ref then, .. } => Some(then.steps()?.saturating_add(at)),
            Schedule::Product(ref a, ref b) => Some(a.steps()?.max(b.steps()?)),
        }
    }

    /// Whether every number is in its range.
    ///
    /// # Errors
    /// The first that is not, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match *self {
            Schedule::Constant(value) => ConfigError::at_least_0("value", value),
            Schedule::Step { start, every, factor } => {
                ConfigError::at_least_0("start", start)?;
                at_least_1("every", every)?;
                ConfigError::above_0("factor", factor)
            }
            Schedule::MultiStep { start, ref milestones, factor } => {
                ConfigError::at_least_0("start", start)?;
                milestones.windows(2).try_for_each(|pair| {
                    let found = pair[1] as f32;
                    ConfigError::check("milestones", found, "in ascending order", pair[0] < pair[1])
                })?;
                ConfigError::above_0("factor", factor)
            }
            Schedule::Exponential { start, factor } => {
                ConfigError::at_least_0("start", start)?;
                ConfigError::above_0("factor", factor)
            }
            Schedule::Linear { start, end, steps } | Schedule::Cosine { start, end, steps } => {
                from_to(start, end, "steps", steps)
            }
            Schedule::Polynomial { start, end, steps, power } => {
                from_to(start, end, "steps", steps)?;
                ConfigError::above_0("power", power)
            }
            Schedule::WarmRestarts { start, end, period, growth } => {
                from_to(start, end, "period", period)?;
                at_least_1("growth", growth)
            }
            Schedule::OneCycleLr(ref cycle) | Schedule::OneCycleMomentum(ref cycle) => cycle.validate(),
            Schedule::Then { ref first, at, ref then } => {
                at_least_1("at", at)?;
                first.validate()?;
                then.validate()
            }
            Schedule::Product(ref a, ref b) => {
                a.validate()?;
                b.validate()
            }
        }
    }
}

fn from_to(start: f32, end: f32, name: &'static str, steps: u64) -> Result<(), ConfigError> {
    ConfigError::at_least_0("start", start)?;
    ConfigError::at_least_0("end", end)?;
    at_least_1(name, steps)
}

fn at_least_1(name: &'static str, found: u64) -> Result<(), ConfigError> {
    ConfigError::check(name, found as f32, "at least 1", found >= 1)
}

/// `start factor^times`; finite, so that 0 times it is 0.
fn geometric(start: f32, factor: f32, times: u64) -> f64 {
    f64::from(start) * f64::from(factor).powf(times as f64).min(f64::MAX)
}

/// How much of `steps` has passed, at most 1.
fn share(step: u64, steps: u64) -> f64 {
    step.min(steps) as f64 / steps as f64
}

/// How much of the period that `step` falls into has passed, below 1.
fn share_of_period(mut step: u64, mut period: u64, growth: u64) -> f64 {
    if growth <= 1 {
        step %= period.max(1);
    }
    while step >= period && growth > 1 && period > 0 {
        step -= period;
        period = period.saturating_mul(growth);
    }
    share(step, period)
}

/// From 1 to 0 along half a cosine.
fn cosine(share: f64) -> f64 {
    (1.0 + (PI * share).cos()) / 2.0
}

/// `start` at 1, `end` at 0.
fn between(start: impl Into<f64>, end: impl Into<f64>, share_of_start: f64) -> f64 {
    let (start, end) = (start.into(), end.into());
    end + (start - end) * share_of_start
}

#[cfg(test)]
mod tests;
