//! One step of the optimizer.

use layerwise_autograd::{Params, Pass, Tape, Var};

use super::Trainer;
use super::error::Stop;
use super::look::Mean;
use crate::{Clip, Optimizer, clip_grad_norm, clip_grad_value};

impl Trainer<'_> {
    /// What the schedules say about a step, from 0 on.
    pub(super) fn prepare(&self, step: u64, opt: &mut dyn Optimizer) {
        if let Some(schedule) = &self.lr_schedule {
            opt.set_lr(schedule.at(step));
        }
        if let Some(schedule) = &self.momentum_schedule {
            opt.set_momentum(schedule.at(step));
        }
    }

    /// A pass over one of the batches of a step, which is `share` of the step's examples, and the way back. Its loss.
    pub(super) fn pass(
        &self,
        params: &Params,
        tape: &mut Tape,
        seed: u64,
        share: f32,
        loss: impl for<'p> Fn(&'p Pass<'p>) -> Var<'p>,
    ) -> Result<f32, Stop> {
        let pass = tape.train(params, seed);
        let loss = loss(&pass);
        let value = loss.item();
        if !value.is_finite() {
            return Err(Stop::Loss(value, pass.first_non_finite().unwrap_or_default()));
        }
        if self.check
            && let Some(cause) = pass.first_non_finite()
        {
            return Err(Stop::Operation(value, cause));
        }
        // A product with 1 would be an operation that changes nothing.
        if share == 1.0 {
            loss.backward();
        } else {
            (loss * share).backward();
        }
        if let Some(cause) = pass.first_non_finite_gradient() {
            return Err(Stop::Operation(value, cause));
        }
        Ok(value)
    }

    /// The step itself, after its passes.
    pub(super) fn step(
        &self,
        params: &mut Params,
        opt: &mut dyn Optimizer,
        tape: &mut Tape,
        mean: Mean,
    ) -> Result<(), Stop> {
        match self.clip {
            None => {}
            Some(Clip::Value(limit)) => clip_grad_value(params, tape, limit),
            Some(Clip::GlobalNorm(max)) => {
                let norm = clip_grad_norm(params, tape, max);
                if !norm.is_finite() {
                    return Err(Stop::Norm(norm, mean.get() as f32));
                }
            }
        }
        opt.step(params, tape);
        self.constraints.iter().for_each(|(pattern, constraint)| constraint.apply(params, pattern));
        Ok(())
    }
}
