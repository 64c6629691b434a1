//! One step of the optimizer.

use std::iter;

use layerwise_autograd::{Params, Pass, Tape, Var};
use layerwise_tensor::Rng;
use layerwise_tensor::data::Dataset;

use super::Trainer;
use super::error::Stop;
use super::look::Mean;
use super::loss::Loss;
use super::run::Run;
use crate::{Clip, clip_grad_norm, clip_grad_value};

impl Run<'_, '_> {
    /// Sets what the schedules say about the next step.
    pub fn set_schedules(&mut self) {
        let Trainer { lr_schedule, momentum_schedule, .. } = &self.trainer;
        if let Some(schedule) = lr_schedule {
            self.opt.set_lr(schedule.at(self.at.step));
        }
        if let Some(schedule) = momentum_schedule {
            self.opt.set_momentum(schedule.at(self.at.step));
        }
    }

    /// Passes over the batches of the next step, whose gradients add up in the tape. Their mean loss.
    pub fn gradients<D: Dataset>(&mut self, data: &D, loss: &impl Loss<D>) -> Result<Mean, Stop> {
        let rows = self.plan.group(self.at.steps_in_epoch);
        let mut mean = Mean::default();
        for (batch, seed) in rows.chunks(self.plan.batch).zip(seeds(&mut self.rng)) {
            let examples = data.batch(batch);
            let share = batch.len() as f32 / rows.len() as f32;
            let tape = &mut self.tape;
            let value = self.trainer.pass(self.params, tape, seed, share, |pass| loss(pass, &examples))?;
            mean.add(value.into(), batch.len());
        }
        Ok(mean)
    }

    /// The step itself, with the gradients in the tape.
    pub fn update(&mut self, mean: Mean) -> Result<(), Stop> {
        let Run { trainer, params, opt, tape, .. } = self;
        match trainer.clip {
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
        trainer.constraints.iter().for_each(|(pattern, constraint)| constraint.apply(params, pattern));
        Ok(())
    }
}

/// The seeds of the passes of a step. They cost the run's generator one draw however many they are, so that the orders of later epochs depend
/// on the number of steps alone.
fn seeds(rng: &mut Rng) -> impl Iterator<Item = u64> {
    let first = rng.next_u64();
    let mut further = Rng::seed(first);
    iter::once(first).chain(iter::repeat_with(move || further.next_u64()))
}

impl Trainer<'_> {
    /// A pass over one of the batches of a step, which is `share` of the step's examples, and the way back. Its loss.
    fn pass(
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
}
