use std::ops::ControlFlow;
use std::path::Path;

use layerwise_autograd::Params;
use layerwise_optim::{Callback, EndView, EpochView, Halt, StepView};

use super::{EventError, EventWriter};

/// A callback of the trainer that writes event files: for each epoch, at its last step, `epoch/loss`, `epoch/lr`, and each metric under its name.
///
/// A file that cannot be written ends the run with an error.
///
/// ```
/// use layerwise_autograd::{Params, Tensor};
/// use layerwise_interchange::tensorboard::TensorBoard;
/// use layerwise_optim::{Progress, Sgd, SgdConfig, Trainer};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [1], |w| w[0] = 1.0);
/// let mut opt = Sgd::new(&params, SgdConfig { lr: 0.25, ..Default::default() });
/// let board = TensorBoard::create(std::env::temp_dir().join("layerwise-runs").join("second"))?;
/// Trainer::new(3)
///     .progress(Progress::Silent)
///     .callback(board.every(10).histograms())
///     .fit(&mut params, &mut opt, &Tensor::zeros([10, 1]), |pass, _| pass.param(w).square().sum())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TensorBoard {
    events: EventWriter,
    every: Option<u64>,
    histograms: bool,
    total: f64,
    examples: usize,
}

impl TensorBoard {
    /// Writes to a new file in this folder.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self, EventError> {
        let events = EventWriter::create(folder)?;
        Ok(TensorBoard { events, every: None, histograms: false, total: 0.0, examples: 0 })
    }

    /// Writes `step/loss`, the mean loss since the last time, and `step/lr` after every so many steps as well. Defaults to never.
    ///
    /// # Panics
    /// If `steps` is 0.
    #[must_use]
    #[track_caller]
    pub fn every(self, steps: u64) -> Self {
        assert!(steps > 0, "the number of steps between two events must be at least 1, found 0");
        TensorBoard { every: Some(steps), ..self }
    }

    /// Writes a histogram of every parameter after each epoch as well, under its name. Defaults to none.
    #[must_use]
    pub fn histograms(self) -> Self {
        TensorBoard { histograms: true, ..self }
    }

    /// The file, for events of your own.
    pub fn events(&mut self) -> &mut EventWriter {
        &mut self.events
    }

    fn step(&mut self, view: &StepView<'_>) -> Result<(), EventError> {
        let Some(every) = self.every else { return Ok(()) };
        self.total += view.loss * view.examples as f64;
        self.examples += view.examples;
        if !view.step.is_multiple_of(every) {
            return Ok(());
        }
        let loss = std::mem::take(&mut self.total) / std::mem::take(&mut self.examples) as f64;
        self.events.scalar("step/loss", view.step, loss)?;
        self.events.scalar("step/lr", view.step, f64::from(view.lr))
    }

    fn epoch(&mut self, view: &EpochView<'_>) -> Result<(), EventError> {
        let (step, record) = (view.step, view.record);
        self.events.scalar("epoch/loss", step, record.loss)?;
        self.events.scalar("epoch/lr", step, f64::from(record.lr))?;
        for (name, &value) in &record.metrics {
            self.events.scalar(name, step, value)?;
        }
        if self.histograms {
            self.parameters(step, view.params)?;
        }
        self.events.flush()
    }

    fn parameters(&mut self, step: u64, params: &Params) -> Result<(), EventError> {
        let trainable = params.ids().filter(|&id| params.layout().is_trainable(id));
        trainable.into_iter().try_for_each(|id| self.events.histogram(params.name(id), step, &params[id]))
    }
}

impl Callback for TensorBoard {
    fn on_step(&mut self, view: &StepView<'_>) -> ControlFlow<Halt> {
        Halt::on_error(self.step(view))
    }

    fn on_epoch(&mut self, view: &mut EpochView<'_>) -> ControlFlow<Halt> {
        Halt::on_error(self.epoch(view))
    }

    fn on_end(&mut self, _view: &mut EndView<'_>) -> ControlFlow<Halt> {
        Halt::on_error(self.events.flush())
    }
}
