//! Saving a run and going on with it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use layerwise_autograd::Params;
use serde_json::{Value, json};

use super::callback::Halt;
use super::run::Run;
use super::{Ended, History, TrainError, Trainer};
use crate::checkpoint::{Position, SavedRun, encode};
use crate::{Checkpoint, CheckpointError, Checkpoints, Optimizer, Problem};

impl Trainer<'_> {
    /// Writes checkpoints, and goes on from one if asked to ([`Checkpoints::resume`]): the run ends with the bits of one that was never
    /// interrupted, its parameters, running statistics, optimizer and history, except for seconds. What a metric keeps to itself from one
    /// measurement to the next is the program's to restore.
    ///
    /// A checkpoint that cannot be written ends the run with an error; those before are still there. None is written while a parameter is NaN
    /// or infinite.
    #[must_use]
    pub fn checkpoints(self, checkpoints: Checkpoints) -> Self {
        Trainer { checkpoints: Some(checkpoints), ..self }
    }

    /// What decides over the course of a run, apart from the program's own configuration.
    fn settings(&self, examples: usize) -> BTreeMap<String, Value> {
        [
            ("seed", json!(self.seed)),
            ("examples", json!(examples)),
            ("batch_size", json!(self.batch_size)),
            ("accumulate", json!(self.accumulate)),
            ("shuffle", json!(self.shuffle)),
            ("drop_last", json!(self.drop_last)),
            ("validation_split", json!(self.validation_split)),
            ("lr_schedule", json!(self.lr_schedule)),
            ("momentum_schedule", json!(self.momentum_schedule)),
            ("clip", json!(self.clip)),
            ("constraints", json!(self.constraints)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// Where the checkpoints of a run go, if there are any.
pub(super) struct Saver {
    checkpoints: Option<Checkpoints>,
    settings: BTreeMap<String, Value>,
    last: Option<PathBuf>,
}

impl Saver {
    pub fn new(trainer: &mut Trainer<'_>, examples: usize) -> Result<Self, CheckpointError> {
        let checkpoints = trainer.checkpoints.take();
        checkpoints.as_ref().map_or(Ok(()), Checkpoints::open)?;
        Ok(Saver { checkpoints, settings: trainer.settings(examples), last: None })
    }

    /// The checkpoint that was written last.
    pub fn last(&self) -> Option<&Path> {
        self.last.as_deref()
    }

    /// Puts everything back to where the newest checkpoint was written, if there is one and that is wanted. Where the run is then, and whether
    /// it was over for good.
    pub fn resume(
        &self,
        trainer: &mut Trainer<'_>,
        params: &mut Params,
        opt: &mut dyn Optimizer,
        steps_in_epoch: usize,
    ) -> Result<(Position, History, bool), CheckpointError> {
        let beginning = (Position::default(), History::default(), false);
        let Some(checkpoints) = self.checkpoints.as_ref().filter(|checkpoints| checkpoints.resume) else {
            return Ok(beginning);
        };
        let Some((path, checkpoint, warnings)) = checkpoints.newest()? else {
            return Ok(beginning);
        };
        let mut restore = || -> Result<(), Problem> {
            self.check(&checkpoint, &checkpoints.config, steps_in_epoch)?;
            checkpoint.check_params(params)?;
            trainer.callbacks.load(&checkpoint.callbacks)?;
            opt.load_state(&checkpoint.optimizer)?;
            checkpoint.load_params(params)
        };
        restore().map_err(|problem| problem.at(&path))?;
        let SavedRun { position, mut history, is_over, .. } = checkpoint.run;
        history.warnings.extend(warnings);
        Ok((position, history, is_over))
    }

    /// Whether a checkpoint is one of this run.
    fn check(&self, checkpoint: &Checkpoint, config: &Value, steps_in_epoch: usize) -> Result<(), Problem> {
        let SavedRun { settings, config: saved_config, position, .. } = &checkpoint.run;
        let here = self.settings.iter().map(|(name, value)| (name.as_str(), value));
        for (name, found) in here.chain([("config", config)]) {
            let saved = if name == "config" { Some(saved_config) } else { settings.get(name) };
            let saved = saved.unwrap_or(&Value::Null);
            if saved != found {
                let (saved, found) = (saved.clone(), found.clone());
                return Err(Problem::Setting { name: name.to_owned(), saved, found });
            }
        }
        if position.steps_in_epoch > steps_in_epoch {
            let made = position.steps_in_epoch;
            return Err(Problem::Header(format!("{made} steps in an epoch of {steps_in_epoch}")));
        }
        Ok(())
    }
}

impl Run<'_, '_> {
    /// Writes a checkpoint after a step if it is time, or if the run ends here.
    pub fn save_after_step(&mut self) -> Result<(), TrainError> {
        let Some(checkpoints) = &self.saver.checkpoints else { return Ok(()) };
        let step = self.at.step;
        let is_time = checkpoints.steps.is_some_and(|steps| step.is_multiple_of(steps));
        if is_time || self.flow.is_break() || Some(step) == self.trainer.steps { self.save() } else { Ok(()) }
    }

    /// Writes a checkpoint. Where a callback has failed, the run is not in a state to go on from.
    pub fn save(&mut self) -> Result<(), TrainError> {
        let Some(checkpoints) = &self.saver.checkpoints else { return Ok(()) };
        let ended = match &self.flow {
            ControlFlow::Break(Halt::Fail(_)) => return Ok(()),
            ControlFlow::Break(Halt::End(ended)) => ended.clone(),
            ControlFlow::Continue(()) => Ended::Finished,
        };
        refuse_non_finite(self.params, self.at.step)?;
        // A run that somebody has stopped goes on; one that has stopped by itself would only have to be told so again.
        let is_over = matches!(ended, Ended::Early { .. });
        let (settings, config) = (self.saver.settings.clone(), checkpoints.config.clone());
        let history = History { ended, ..self.history.clone() };
        let run = SavedRun { settings, config, position: self.at.clone(), history, is_over };
        let bytes = encode(run, self.params, self.opt.state(), &self.trainer.callbacks.states());
        let written = checkpoints.write(self.at.step, &bytes).map_err(TrainError::Checkpoint)?;
        self.saver.last = Some(written);
        Ok(())
    }
}

/// The last good checkpoint is not replaced by one that is lost.
fn refuse_non_finite(params: &Params, step: u64) -> Result<(), TrainError> {
    for id in params.ids() {
        if let Some(&found) = params[id].iter().find(|x| !x.is_finite()) {
            return Err(TrainError::Parameter { step, parameter: params.name(id).to_owned(), found });
        }
    }
    Ok(())
}
