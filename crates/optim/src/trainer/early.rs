use std::ops::ControlFlow;

use layerwise_autograd::Params;
use serde::{Deserialize, Serialize};

use super::callback::{BeginView, Callback, CallbackState, EndView, EpochView, Halt};
use super::history::Ended;
use crate::{ConfigError, Goal, number};

/// The constants of [`Trainer::early_stopping`](crate::Trainer::early_stopping).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlyStopping {
    /// Whether less is better, or more. Defaults to [`Goal::Min`].
    pub goal: Goal,
    /// The run ends after so many epochs in a row that were no better than the best; at least 1. Defaults to 10.
    pub patience: u64,
    /// By how much the best has to be beaten, at least 0. Defaults to 0: by anything.
    pub min_delta: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        EarlyStopping { goal: Goal::Min, patience: 10, min_delta: 0.0 }
    }
}

impl EarlyStopping {
    /// Whether every number is in its range.
    ///
    /// # Errors
    /// The first that is not, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::check("patience", self.patience as f32, "at least 1", self.patience > 0)?;
        ConfigError::at_least_0("min_delta", self.min_delta as f32)
    }

    /// NaN is never better.
    fn is_better(&self, measured: f64, best: Option<Best>) -> bool {
        match (best, self.goal) {
            (None, _) => !measured.is_nan(),
            (Some(best), Goal::Min) => measured < best.value - self.min_delta,
            (Some(best), Goal::Max) => measured > best.value + self.min_delta,
        }
    }
}

/// Where it was best so far.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
struct Best {
    #[serde(with = "number")]
    value: f64,
    epoch: usize,
}

/// Watches, and keeps the best parameters.
pub(super) struct Early {
    watched: String,
    config: EarlyStopping,
    best: Option<Best>,
    bad: u64,
    /// All parameters of the best epoch, running statistics included; empty before there is one.
    params: Vec<f32>,
}

impl Early {
    pub fn new(watched: String, config: EarlyStopping) -> Self {
        Early { watched, config, best: None, bad: 0, params: Vec::new() }
    }

    fn keep(&mut self, params: &Params) {
        self.params.resize(params.flat().len(), 0.0);
        self.params.copy_from_slice(params.flat());
    }
}

impl Callback for Early {
    fn on_begin(&mut self, view: &BeginView<'_>) -> ControlFlow<Halt> {
        let (found, expected) = (self.params.len(), view.params.flat().len());
        match self.best.is_some() && found != expected {
            true => Halt::on_error(Err(format!(
                "early stopping: {found} best parameters for a model of {expected}"
            ))),
            false => ControlFlow::Continue(()),
        }
    }

    fn on_epoch(&mut self, view: &mut EpochView<'_>) -> ControlFlow<Halt> {
        let measured = view.record.measured(&self.watched);
        if self.config.is_better(measured, self.best) {
            self.best = Some(Best { value: measured, epoch: view.record.epoch });
            self.bad = 0;
            self.keep(view.params);
            return ControlFlow::Continue(());
        }
        self.bad += 1;
        if self.bad < self.config.patience {
            return ControlFlow::Continue(());
        }
        let Best { value: best, epoch } = self.best.unwrap_or(Best { value: f64::NAN, epoch: 0 });
        ControlFlow::Break(Halt::End(Ended::Early { watched: self.watched.clone(), best, epoch }))
    }

    fn on_end(&mut self, view: &mut EndView<'_>) -> ControlFlow<Halt> {
        if self.best.is_some() {
            view.params.flat_mut().1.copy_from_slice(&self.params);
        }
        ControlFlow::Continue(())
    }

    fn state(&self) -> Option<CallbackState> {
        let state = CallbackState::of(&format!("early stopping by {}", self.watched), &(self.best, self.bad));
        Some(CallbackState { numbers: self.params.clone(), ..state })
    }

    fn load_state(&mut self, state: &CallbackState) -> Result<(), String> {
        (self.best, self.bad) = state.data()?;
        self.params.clone_from(&state.numbers);
        Ok(())
    }
}
