//! Saving a run and going on with it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use layerwise_autograd::Params;
use serde_json::{Value, json};

use super::callback::Halt;
use super::{Ended, History, TrainError, Trainer};
use crate::checkpoint::{Position, Run, encode};
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

/// Writes the checkpoints of a run; does nothing without any.
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

    /// Puts everything back to where the newest checkpoint was written, if there is one and that is wanted. Whether the run was over for
    /// good then.
    pub fn resume(
        &self,
        trainer: &mut Trainer<'_>,
        params: &mut Params,
        opt: &mut dyn Optimizer,
        (at, history): (&mut Position, &mut History),
        steps_in_epoch: usize,
    ) -> Result<bool, CheckpointError> {
        let Some(checkpoints) = self.checkpoints.as_ref().filter(|checkpoints| checkpoints.resume) else {
            return Ok(false);
        };
        let Some((path, checkpoint, warnings)) = checkpoints.newest()? else {
            return Ok(false);
        };
        let mut restore = || -> Result<(), Problem> {
            self.check(&checkpoint, &checkpoints.config, steps_in_epoch)?;
            checkpoint.check_params(params)?;
            trainer.callbacks.load(&checkpoint.callbacks)?;
            opt.load_state(&checkpoint.optimizer)?;
            checkpoint.load_params(params)
        };
        restore().map_err(|problem| problem.at(&path))?;
        let Run { position, history: saved, is_over, .. } = checkpoint.run;
        (*at, *history) = (position, saved);
        history.warnings.extend(warnings);
        Ok(is_over)
    }

    /// Whether a checkpoint is one of this run.
    fn check(&self, checkpoint: &Checkpoint, config: &Value, steps_in_epoch: usize) -> Result<(), Problem> {
        let Run { settings, config: saved_config, position, .. } = &checkpoint.run;
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

    /// After a step: one is written if it is time, or if the run ends here.
    pub fn after_step(
        &mut self,
        trainer: &Trainer<'_>,
        params: &Params,
        opt: &dyn Optimizer,
        state: (&Position, &History),
        flow: &ControlFlow<Halt>,
    ) -> Result<(), TrainError> {
        let Some(checkpoints) = &self.checkpoints else { return Ok(()) };
        let step = state.0.step;
        let is_time = checkpoints.steps.is_some_and(|steps| step.is_multiple_of(steps));
        if is_time || flow.is_break() || Some(step) == trainer.steps {
            self.save(trainer, params, opt, state, flow)?;
        }
        Ok(())
    }

    /// Writes one. Where a callback has failed, the run is not in a state to go on from.
    pub fn save(
        &mut self,
        trainer: &Trainer<'_>,
        params: &Params,
        opt: &dyn Optimizer,
        (at, history): (&Position, &History),
        flow: &ControlFlow<Halt>,
    ) -> Result<(), TrainError> {
        let Some(checkpoints) = &self.checkpoints else { return Ok(()) };
        let ended = match flow {
            ControlFlow::Break(Halt::Fail(_)) => return Ok(()),
            ControlFlow::Break(Halt::End(ended)) => ended.clone(),
            ControlFlow::Continue(()) => Ended::Finished,
        };
        refuse_non_finite(params, at.step)?;
        // A run that somebody has stopped goes on; one that has stopped by itself would only have to be told so again.
        let is_over = matches!(ended, Ended::Early { .. });
        let (settings, config) = (self.settings.clone(), checkpoints.config.clone());
        let history = History { ended, ..history.clone() };
        let run = Run { settings, config, position: at.clone(), history, is_over };
        let bytes = encode(run, params, opt.state(), &trainer.callbacks.states());
        let written = checkpoints.write(at.step, &bytes);
        self.last = Some(written.map_err(TrainError::Checkpoint)?);
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
