//! The small callbacks that the trainer brings along.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::callback::{Callback, CallbackState, EpochView, Halt, StepView};
use super::history::Ended;
use crate::ReduceOnPlateau;

/// The mean loss over examples.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mean {
    pub total: f64,
    pub examples: usize,
}

impl Mean {
    /// Adds a batch with its mean loss.
    pub fn add(&mut self, loss: f64, examples: usize) {
        self.total += loss * examples as f64;
        self.examples += examples;
    }

    pub fn get(&self) -> f64 {
        self.total / self.examples as f64
    }
}

/// Somebody who is called after every so manieth step, and the losses since the last time.
pub(super) struct Look<F> {
    pub every: u64,
    pub mean: Mean,
    pub look: F,
}

impl<F: FnMut(&StepView<'_>) -> ControlFlow<Halt>> Callback for Look<F> {
    fn on_step(&mut self, view: &StepView<'_>) -> ControlFlow<Halt> {
        self.mean.add(view.loss, view.examples);
        if !view.step.is_multiple_of(self.every) {
            return ControlFlow::Continue(());
        }
        let mean = std::mem::take(&mut self.mean);
        (self.look)(&StepView { loss: mean.get(), examples: mean.examples, ..*view })
    }

    fn state(&self) -> Option<CallbackState> {
        Some(CallbackState::of(&format!("every {} steps", self.every), &self.mean))
    }

    fn load_state(&mut self, state: &CallbackState) -> Result<(), String> {
        self.mean = state.data()?;
        Ok(())
    }
}

/// Ends the run when somebody has raised a flag.
pub(super) struct StopWhen<'a>(pub &'a AtomicBool);

impl Callback for StopWhen<'_> {
    fn on_step(&mut self, _view: &StepView<'_>) -> ControlFlow<Halt> {
        match self.0.load(Ordering::Relaxed) {
            true => ControlFlow::Break(Halt::End(Ended::Stopped)),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Reduces the learning rate when what is watched has stopped getting better.
pub(super) struct Plateau {
    pub watched: String,
    pub plateau: ReduceOnPlateau,
}

impl Callback for Plateau {
    fn on_epoch(&mut self, view: &mut EpochView<'_>) -> ControlFlow<Halt> {
        self.plateau.step(view.record.measured(&self.watched), view.opt);
        ControlFlow::Continue(())
    }

    fn state(&self) -> Option<CallbackState> {
        Some(CallbackState::of(&format!("plateau of {}", self.watched), &self.plateau))
    }

    fn load_state(&mut self, state: &CallbackState) -> Result<(), String> {
        let saved: ReduceOnPlateau = state.data()?;
        if saved.config() != self.plateau.config() {
            return Err(format!("saved with {:?}, now {:?}", saved.config(), self.plateau.config()));
        }
        self.plateau = saved;
        Ok(())
    }
}
