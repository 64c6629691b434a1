//! The training loop.

mod callback;
mod control;
mod early;
mod error;
mod history;
mod look;
mod loss;
mod plan;
mod progress;
mod range_test;
mod resume;
mod run;
mod step;
mod validation;
mod writers;

use layerwise_autograd::{Params, Pass, Var};
use layerwise_tensor::data::Dataset;
use layerwise_tensor::threads;

use crate::{Checkpoints, Clip, Constraint, Optimizer, Schedule};
use callback::Callbacks;

pub use callback::{BeginView, Callback, CallbackState, EndView, EpochView, Halt, StepView};
pub use early::EarlyStopping;
pub use error::TrainError;
pub use history::{Ended, EpochRecord, History};
pub(crate) use look::Mean;
pub use progress::Progress;
pub use range_test::{RangeCurve, RangePoint, RangeTest};
pub use writers::JsonLines;

/// What is measured at the end of every epoch.
type Metric<'a> = Box<dyn FnMut(&Params) -> f64 + Send + 'a>;

/// The name of something that has to be measured.
struct Watched {
    /// Who wants it, for the message.
    by: &'static str,
    name: String,
}

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
    steps: Option<u64>,
    lr_schedule: Option<Schedule>,
    momentum_schedule: Option<Schedule>,
    /// Whether it is reduced on plateaus.
    plateau: bool,
    watched: Vec<Watched>,
    clip: Option<Clip>,
    /// With the pattern of the names.
    constraints: Vec<(String, Constraint)>,
    callbacks: Callbacks<'a>,
    validation_split: Option<f64>,
    /// Batches in a step.
    accumulate: usize,
    /// Whether every operation is looked at.
    check: bool,
    checkpoints: Option<Checkpoints>,
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
            steps: None,
            lr_schedule: None,
            momentum_schedule: None,
            plateau: false,
            watched: Vec::new(),
            clip: None,
            constraints: Vec::new(),
            callbacks: Callbacks::default(),
            validation_split: None,
            accumulate: 1,
            check: false,
            checkpoints: None,
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

    /// Trains: for every batch of `data`, runs `loss` in a training pass, then backward, then a step of `opt`. `opt` may be a
    /// `dyn Optimizer + Send` that was chosen at run time.
    ///
    /// Runs on our worker threads ([`threads::run`]), all of the machine's unless the caller is on some already.
    ///
    /// # Errors
    /// If there is nothing to train on, the loss is not finite, a callback has failed, or a checkpoint cannot be written or gone on from; the
    /// parameters are then those after the last good step.
    ///
    /// # Panics
    /// Where `loss` does, and if it returns anything but a single number. If a constraint matches no parameter, a plateau watches a metric that
    /// is not measured, or a schedule has values that the optimizer refuses.
    #[track_caller]
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
        self.refuse_unfit(params, opt);
        threads::run(move || self.run(params, opt, data, loss))
    }
}
