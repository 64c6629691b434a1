//! Which learning rates a problem stands.

use std::ops::ControlFlow;

use layerwise_autograd::{Params, Pass, Var};
use layerwise_tensor::data::Dataset;
use layerwise_tensor::threads;
use serde::{Deserialize, Serialize};

use super::callback::Callbacks;
use super::{Halt, Progress, TrainError, Trainer};
use crate::{ConfigError, Optimizer, Schedule};

/// The constants of [`Trainer::range_test`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RangeTest {
    /// The learning rate of the first step, above 0. Defaults to 1e-6.
    pub min_lr: f32,
    /// The learning rate of the last step, above `min_lr`. Defaults to 10.
    pub max_lr: f32,
    /// The number of steps, at least 2. Defaults to 100.
    pub steps: u64,
    /// The decay rate of the average that smooths the loss, in [0, 1). Defaults to 0.9.
    pub smoothing: f32,
    /// The test ends when the smoothed loss is more than so many times its lowest value; above 1. Defaults to 4.
    pub divergence: f32,
}

impl Default for RangeTest {
    fn default() -> Self {
        RangeTest { min_lr: 1e-6, max_lr: 10.0, steps: 100, smoothing: 0.9, divergence: 4.0 }
    }
}

impl RangeTest {
    /// Whether every number is in its range.
    ///
    /// # Errors
    /// The first that is not, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::above_0("min_lr", self.min_lr)?;
        let max_fits = self.max_lr.is_finite() && self.max_lr > self.min_lr;
        ConfigError::check("max_lr", self.max_lr, "finite and above min_lr", max_fits)?;
        ConfigError::check("steps", self.steps as f32, "at least 2", self.steps >= 2)?;
        ConfigError::rate("smoothing", self.smoothing)?;
        let divergence_fits = self.divergence.is_finite() && self.divergence > 1.0;
        ConfigError::check("divergence", self.divergence, "finite and above 1", divergence_fits)
    }

    /// From the first learning rate to the last, by the same factor in every step.
    fn schedule(&self) -> Schedule {
        let ratio = f64::from(self.max_lr) / f64::from(self.min_lr);
        Schedule::exponential(self.min_lr, ratio.powf(1.0 / (self.steps - 1) as f64) as f32)
    }
}

/// What a range test has seen, step by step, until its end or until the loss diverged.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RangeCurve {
    /// One per step, in order of the learning rate.
    pub points: Vec<RangePoint>,
}

/// One step of a range test.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct RangePoint {
    /// The learning rate with which the step was made.
    pub lr: f32,
    /// The loss of its batch, before the step.
    pub loss: f64,
    /// The average of the losses so far, in which older ones count less and less.
    pub smoothed: f64,
}

impl RangeCurve {
    /// The learning rate at which the smoothed loss falls fastest, over the logarithm of the learning rate. `None` if there are
    /// fewer than three points, or it never falls.
    ///
    /// The fall is taken over a tenth of the points (at least two steps), so that the noise of single batches does not decide. The first
    /// tenth is left out: the average rests on few losses there.
    pub fn suggestion(&self) -> Option<f32> {
        let tenth = self.points.len() / 10;
        let width = tenth.max(2);
        let fall = |window: &[RangePoint]| window[0].smoothed - window[width].smoothed;
        let windows = self.points.windows(width + 1).skip(tenth);
        let steepest = windows.max_by(|a, b| fall(a).total_cmp(&fall(b)))?;
        (fall(steepest) > 0.0).then_some(steepest[width / 2].lr)
    }
}

/// The loss averaged with a rate of decay, and corrected for its start at 0 (as Adam does it).
struct Smooth {
    decay: f64,
    average: f64,
    /// What all weights together still lack to 1.
    missing: f64,
}

impl Smooth {
    fn new(decay: f32) -> Self {
        Smooth { decay: decay.into(), average: 0.0, missing: 1.0 }
    }

    fn add(&mut self, loss: f64) -> f64 {
        self.average = self.decay * self.average + (1.0 - self.decay) * loss;
        self.missing *= self.decay;
        self.average / (1.0 - self.missing)
    }
}

impl Trainer<'_> {
    /// The learning-rate range test (Smith 2017, section 3.3): trains while the learning rate grows exponentially, and records the loss.
    /// Parameters and optimizer are afterwards as they were before: the test has a copy of the parameters, and the optimizer's state
    /// is put back.
    ///
    /// Batches, seed, clipping and constraints are those of the run. Its schedules, plateau, metrics, callbacks and numbers of epochs and
    /// steps are left out. That the loss diverges is a result, not an error: the curve ends there, without the point that was not finite.
    ///
    /// ```
    /// use layerwise_autograd::{Params, Tensor};
    /// use layerwise_optim::{Optimizer, RangeTest, Sgd, SgdConfig, Trainer};
    ///
    /// let x = Tensor::from_fn([100, 1], |i| i as f32 / 50.0 - 1.0);
    /// let mut params = Params::new();
    /// let w = params.root().parameter("w", [1, 1], |_| ());
    /// let mut opt = Sgd::new(&params, SgdConfig::default());
    /// let trainer = Trainer::new(1).batch_size(10);
    /// let curve = trainer.range_test(RangeTest::default(), &params, &mut opt, &x, |pass, rows| {
    ///     let x = pass.input(rows);
    ///     x.matmul(pass.param(w)).mse(x * 3.0)
    /// });
    /// let curve = curve.unwrap();
    /// assert!((0.01..1.0).contains(&curve.suggestion().unwrap()));
    /// assert_eq!((params[w][0], opt.lr()), (0.0, 0.001)); // as before
    /// ```
    ///
    /// # Errors
    /// If there is nothing to train on.
    ///
    /// # Panics
    /// If a number of the test is out of its range, and as [`Trainer::fit`].
    #[track_caller]
    pub fn range_test<D, O>(
        self,
        test: RangeTest,
        params: &Params,
        opt: &mut O,
        data: &D,
        loss: impl for<'p> Fn(&'p Pass<'p>, &D::Batch<'_>) -> Var<'p> + Send,
    ) -> Result<RangeCurve, TrainError>
    where
        D: Dataset + Sync,
        O: Optimizer + Send + ?Sized,
    {
        if let Err(error) = test.validate() {
            panic!("RangeTest: {error}");
        }
        let schedule = test.schedule();
        let mut points = Vec::new();
        let mut smooth = Smooth::new(test.smoothing);
        let mut lowest = f64::INFINITY;
        // Every epoch has a step, so there are enough of them.
        let run = self.only_batches(test.steps as usize).steps(test.steps).lr_schedule(schedule.clone());
        let run = run.look(1, |view| {
            let smoothed = smooth.add(view.loss);
            points.push(RangePoint { lr: schedule.at(view.step - 1), loss: view.loss, smoothed });
            lowest = lowest.min(smoothed);
            if smoothed > f64::from(test.divergence) * lowest {
                return Halt::end("the loss diverges");
            }
            ControlFlow::Continue(())
        });
        run.refuse_unfit(params, opt);
        let state = opt.state();
        let mut copy = params.clone();
        let result = threads::run(|| run.run(&mut copy, opt, data, loss));
        opt.load_state(&state).expect("an optimizer goes on from its own state");
        match result {
            Err(error @ (TrainError::NoExamples | TrainError::NoBatches { .. })) => Err(error),
            _ => Ok(RangeCurve { points }),
        }
    }

    /// The same batches and steps without anything that changes the learning rate or looks at the run.
    fn only_batches(self, epochs: usize) -> Self {
        Trainer {
            epochs,
            progress: Progress::Silent,
            metrics: Vec::new(),
            lr_schedule: None,
            momentum_schedule: None,
            plateau: false,
            watched: Vec::new(),
            callbacks: Callbacks::default(),
            checkpoints: None,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(smoothed: &[f64]) -> RangeCurve {
        let point = |(i, &smoothed): (usize, &f64)| RangePoint { lr: 0.5 + i as f32, loss: 0.0, smoothed };
        RangeCurve { points: smoothed.iter().enumerate().map(point).collect() }
    }

    #[test]
    fn the_suggestion_is_where_the_loss_falls_fastest() {
        for (smoothed, expected) in [
            (&[5.0, 5.0, 4.0, 1.0, 0.5, 3.0][..], Some(2.5)), // falls by 1, 4, 3.5, -2 around points 1 to 4
            (&[3.0, 2.0, 1.0], Some(1.5)),
            (&[3.0, 2.0], None),
            (&[1.0, 2.0, 3.0], None),
            (&[], None),
        ] {
            assert_eq!(curve(smoothed).suggestion(), expected, "{smoothed:?}");
        }
    }

    #[test]
    fn noise_does_not_decide_the_suggestion() {
        // Down from 3 at point 20 to 1 at point 40; every other value is 0.5 higher, and the first ones fall fast.
        let smoothed = |i: usize| {
            let trend = 3.0 - 2.0 * ((i as f64 - 20.0) / 20.0).clamp(0.0, 1.0);
            trend + if i.is_multiple_of(2) { 0.5 } else { 0.0 } + if i < 4 { 5.0 - i as f64 } else { 0.0 }
        };
        let curve = curve(&(0..60).map(smoothed).collect::<Vec<_>>());
        let found = curve.suggestion().unwrap();
        assert!((23.0..38.0).contains(&found), "{found}");
    }

    #[test]
    fn smoothing_starts_at_the_first_loss() {
        let mut smooth = Smooth::new(0.5);
        // 2; (0.5 * 2 + 4) / 1.5; (0.25 * 2 + 0.5 * 4 + 1) / 1.75
        for (loss, expected) in [(2.0, 2.0), (4.0, 10.0 / 3.0), (1.0, 2.0)] {
            assert!((smooth.add(loss) - expected).abs() < 1e-12);
        }
        let mut raw = Smooth::new(0.0);
        assert_eq!((raw.add(2.0), raw.add(5.0)), (2.0, 5.0));
    }

    #[test]
    fn numbers_outside_their_range_are_refused() {
        let of = RangeTest::default();
        for (test, text) in [
            (RangeTest { min_lr: 0.0, ..of }, "min_lr must be finite and above 0, found 0"),
            (RangeTest { max_lr: 1e-6, ..of }, "max_lr must be finite and above min_lr, found 0.000001"),
            (RangeTest { steps: 1, ..of }, "steps must be at least 2, found 1"),
            (RangeTest { smoothing: 1.0, ..of }, "smoothing must be in [0, 1), found 1"),
            (RangeTest { divergence: 1.0, ..of }, "divergence must be finite and above 1, found 1"),
        ] {
            assert_eq!(test.validate().unwrap_err().to_string(), text);
        }
    }
}
