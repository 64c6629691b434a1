//! The training loop.

mod history;
mod progress;

use std::time::Instant;

use layerwise_autograd::{Params, Pass, Tape, Var};
use layerwise_tensor::data::Dataset;
use layerwise_tensor::{Rng, threads};

use crate::Optimizer;
use progress::Reporter;

pub use history::{EpochRecord, History};
pub use progress::Progress;

/// Why a training run ended early.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// There is nothing to train on.
    #[error("the data set has no examples")]
    NoExamples,
    /// A batch has fewer examples than asked for, and smaller ones are dropped.
    #[error(
        "the data set has {examples} examples, fewer than a batch of {batch_size}, and smaller batches are dropped"
    )]
    NoBatches {
        /// Examples in the data set.
        examples: usize,
        /// Examples in a batch.
        batch_size: usize,
    },
    /// The loss is NaN or infinite. The parameters are those of the step before.
    #[error("the loss is {loss} in epoch {epoch}, step {step} of the run; {cause}")]
    Diverged {
        /// The epoch, from 1 on.
        epoch: usize,
        /// The step since the beginning of the run, from 1 on.
        step: usize,
        /// The loss.
        loss: f32,
        /// The first operation whose result is not finite.
        cause: String,
    },
}

/// What is measured at the end of every epoch.
type Metric<'a> = Box<dyn FnMut(&Params) -> f64 + Send + 'a>;

/// The training loop: epochs of shuffled batches, a backward pass and a step for each.
///
/// Everything random comes from one seed: the order of the examples, and what each pass draws. The run is the same, bit for
/// bit, on any number of threads.
///
/// ```
/// use layerwise_autograd::{Params, Tensor};
/// use layerwise_optim::{Progress, Sgd, SgdConfig, Trainer};
///
/// // y = 3 x, from 100 examples.
/// let x = Tensor::from_fn([100, 1], |i| i as f32 / 50.0 - 1.0);
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [1, 1], |_| ());
/// let mut opt = Sgd::new(&params, SgdConfig { lr: 0.5, ..Default::default() });
/// let history = Trainer::new(20)
///     .batch_size(10)
///     .progress(Progress::Silent)
///     .metric("w", |params| f64::from(params[w][0]))
///     .fit(&mut params, &mut opt, &x, |pass, rows| {
///         let x = pass.input(rows);
///         x.matmul(pass.param(w)).mse(x * 3.0)
///     })
///     .unwrap();
/// assert!((params[w][0] - 3.0).abs() < 1e-4);
/// assert_eq!(history.epochs.len(), 20);
/// assert_eq!(history.last("w"), Some(f64::from(params[w][0])));
/// ```
pub struct Trainer<'a> {
    epochs: usize,
    batch_size: usize,
    seed: u64,
    shuffle: bool,
    drop_last: bool,
    progress: Progress,
    metrics: Vec<(String, Metric<'a>)>,
}

impl<'a> Trainer<'a> {
    /// A run of this many epochs: batches of 32, shuffled with seed 0, the last smaller one kept, progress shown.
    pub fn new(epochs: usize) -> Self {
        Trainer {
            epochs,
            batch_size: 32,
            seed: 0,
            shuffle: true,
            drop_last: false,
            progress: Progress::Auto,
            metrics: Vec::new(),
        }
    }

    /// Examples per step. Defaults to 32.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn batch_size(self, batch_size: usize) -> Self {
        assert!(batch_size > 0, "the batch size must be at least 1, found 0");
        Trainer { batch_size, ..self }
    }

    /// Where the order of the examples and the random numbers of the passes come from. Defaults to 0.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Trainer { seed, ..self }
    }

    /// Takes the examples in the order of the data set, in every epoch.
    #[must_use]
    pub fn in_order(self) -> Self {
        Trainer { shuffle: false, ..self }
    }

    /// Leaves out the last batch of an epoch if it is smaller than the others.
    #[must_use]
    pub fn drop_last(self) -> Self {
        Trainer { drop_last: true, ..self }
    }

    /// How progress is shown. Defaults to [`Progress::Auto`].
    #[must_use]
    pub fn progress(self, progress: Progress) -> Self {
        Trainer { progress, ..self }
    }

    /// Measures something at the end of every epoch, for the history and the display.
    #[must_use]
    pub fn metric(
        mut self,
        name: impl Into<String>,
        measure: impl FnMut(&Params) -> f64 + Send + 'a,
    ) -> Self {
        self.metrics.push((name.into(), Box::new(measure)));
        self
    }

    /// Trains: for every batch of `data`, runs `loss` in a training pass, then backward, then a step of `opt`.
    ///
    /// Runs on our worker threads ([`threads::run`]), all of the machine's unless the caller is on some already.
    ///
    /// # Errors
    /// If there is nothing to train on, or the loss is not finite; the parameters are then those after the last good step.
    ///
    /// # Panics
    /// Where `loss` does, and if it returns anything but a single number.
    pub fn fit<D, O>(
        self,
        params: &mut Params,
        opt: &mut O,
        data: &D,
        loss: impl for<'p> Fn(&'p Pass<'p>, &D::Batch<'_>) -> Var<'p> + Send,
    ) -> Result<History, TrainError>
    where
        D: Dataset + Sync,
        O: Optimizer + Send + ?Sized,
    {
        threads::run(move || self.run(params, opt, data, loss))
    }

    fn run<D, O>(
        mut self,
        params: &mut Params,
        opt: &mut O,
        data: &D,
        loss: impl for<'p> Fn(&'p Pass<'p>, &D::Batch<'_>) -> Var<'p>,
    ) -> Result<History, TrainError>
    where
        D: Dataset,
        O: Optimizer + ?Sized,
    {
        let mut order = self.first_order(data.len())?;
        let steps = self.steps(order.len());
        let mut rng = Rng::seed(self.seed);
        let mut tape = Tape::new();
        let mut history = History::default();
        let mut reporter = Reporter::new(self.progress, self.epochs, steps);
        for epoch in 1..=self.epochs {
            let start = Instant::now();
            if self.shuffle {
                rng.split().stream(0).permute_into(&mut order);
            }
            let mut total = 0.0;
            let mut examples = 0;
            for (i, rows) in order.chunks(self.batch_size).take(steps).enumerate() {
                let batch = data.batch(rows);
                let step = (epoch - 1) * steps + i + 1;
                let value = self.step(params, opt, &mut tape, rng.next_u64(), |pass| loss(pass, &batch));
                let value =
                    value.map_err(|(loss, cause)| TrainError::Diverged { epoch, step, loss, cause })?;
                total += f64::from(value) * rows.len() as f64;
                examples += rows.len();
                reporter.step(i + 1, total / examples as f64);
            }
            let metrics =
                self.metrics.iter_mut().map(|(name, measure)| (name.clone(), measure(params))).collect();
            let seconds = start.elapsed().as_secs_f64();
            history.epochs.push(EpochRecord { epoch, loss: total / examples as f64, seconds, metrics });
            reporter.epoch(&history.epochs[epoch - 1]);
        }
        Ok(history)
    }

    /// One step; the loss and what made it so if it is not finite.
    fn step(
        &self,
        params: &mut Params,
        opt: &mut (impl Optimizer + ?Sized),
        tape: &mut Tape,
        seed: u64,
        loss: impl for<'p> Fn(&'p Pass<'p>) -> Var<'p>,
    ) -> Result<f32, (f32, String)> {
        let pass = tape.train(params, seed);
        let loss = loss(&pass);
        let value = loss.item();
        if !value.is_finite() {
            return Err((value, pass.first_non_finite().unwrap_or_default()));
        }
        loss.backward();
        opt.step(params, tape);
        Ok(value)
    }

    fn first_order(&self, examples: usize) -> Result<Vec<u32>, TrainError> {
        if examples == 0 {
            return Err(TrainError::NoExamples);
        }
        if self.steps(examples) == 0 {
            return Err(TrainError::NoBatches { examples, batch_size: self.batch_size });
        }
        Ok((0..examples as u32).collect())
    }

    /// Steps in an epoch.
    fn steps(&self, examples: usize) -> usize {
        if self.drop_last { examples / self.batch_size } else { examples.div_ceil(self.batch_size) }
    }
}
