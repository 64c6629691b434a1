//! The loop itself.

use std::ops::ControlFlow;
use std::time::Instant;

use layerwise_autograd::{Params, Pass, Tape, Var};
use layerwise_tensor::data::Dataset;
use layerwise_tensor::{Rng, RngState};

use super::callback::{BeginView, EndView, EpochView, Halt, StepView};
use super::look::Mean;
use super::plan::Plan;
use super::progress::Reporter;
use super::resume::Saver;
use super::validation::{VAL_LOSS, mean_loss};
use super::{Ended, EpochRecord, History, TrainError, Trainer};
use crate::Optimizer;
use crate::checkpoint::Position;

impl Trainer<'_> {
    pub(super) fn run<D, O>(
        mut self,
        params: &mut Params,
        mut opt: &mut O,
        data: &D,
        loss: impl for<'p> Fn(&'p Pass<'p>, &D::Batch<'_>) -> Var<'p>,
    ) -> Result<History, TrainError>
    where
        D: Dataset,
        O: Optimizer + ?Sized,
    {
        let opt: &mut dyn Optimizer = &mut opt;
        let mut plan = Plan::new(&self, data.len())?;
        let (mut at, mut history) = (Position::default(), History::default());
        let mut saver = Saver::new(&mut self, data.len()).map_err(TrainError::Checkpoint)?;
        // Apart from what a run makes of it from here on: whether an earlier one has ended for good.
        let resumed = saver.resume(&mut self, params, opt, (&mut at, &mut history), plan.steps());
        let is_over = resumed.map_err(TrainError::Checkpoint)?;
        let mut reporter = Reporter::new(&self, &plan, &at);
        history.warnings.iter().for_each(|warning| reporter.note(warning));
        let mut tape = Tape::new();
        tape.check_gradients(self.check);
        let mut tape_for_validation = Tape::new();
        let view = BeginView { step: at.step, history: &history, params };
        let mut flow = self.callbacks.tell(|callback| callback.on_begin(&view));
        if is_over && flow.is_continue() {
            flow = ControlFlow::Break(Halt::End(history.ended.clone()));
        }
        while flow.is_continue() && !self.is_complete(&at) {
            let (start, before) = (Instant::now(), at.seconds);
            // The order is that of the beginning of the epoch, also where a run is resumed within it.
            let mut rng = self.rng(at.epoch_draws);
            plan.shuffle(&mut rng);
            if at.steps_in_epoch > 0 {
                rng = self.rng(at.draws);
            }
            for rows in plan.groups().skip(at.steps_in_epoch) {
                if self.steps.is_some_and(|steps| at.step >= steps) {
                    break;
                }
                self.prepare(at.step, opt);
                let (epoch, step) = (at.epoch, at.step + 1);
                let mut mean = Mean::default();
                for batch in rows.chunks(plan.batch) {
                    let examples = data.batch(batch);
                    let share = batch.len() as f32 / rows.len() as f32;
                    let value = self
                        .pass(params, &mut tape, rng.next_u64(), share, |pass| loss(pass, &examples))
                        .map_err(|stop| stop.at(epoch, step))?;
                    mean.add(value.into(), batch.len());
                }
                self.step(params, opt, &mut tape, mean).map_err(|stop| stop.at(epoch, step))?;
                at.step = step;
                at.steps_in_epoch += 1;
                at.loss.add(mean.get(), mean.examples);
                at.draws = rng.state().position;
                reporter.step(&at);
                let (loss, lr) = (mean.get(), opt.lr());
                let view = StepView { step, epoch, loss, examples: mean.examples, lr, params };
                flow = self.callbacks.tell(|callback| callback.on_step(&view));
                at.seconds = before + start.elapsed().as_secs_f64();
                saver.after_step(&self, params, opt, (&at, &history), &flow)?;
                if flow.is_break() {
                    break;
                }
            }
            if flow.is_break() {
                break;
            }
            let mut metrics: std::collections::BTreeMap<_, _> =
                self.metrics.iter_mut().map(|(name, measure)| (name.clone(), measure(params))).collect();
            if !plan.validation.is_empty() {
                let measured = mean_loss(&mut tape_for_validation, params, data, &plan.validation, &loss);
                metrics.insert(VAL_LOSS.to_owned(), measured);
            }
            let seconds = before + start.elapsed().as_secs_f64();
            let record = EpochRecord { epoch: at.epoch, loss: at.loss.get(), lr: opt.lr(), seconds, metrics };
            reporter.epoch(&record);
            let mut view = EpochView { step: at.step, record: &record, params, opt: &mut *opt };
            flow = self.callbacks.tell(|callback| callback.on_epoch(&mut view));
            history.epochs.push(record);
            let is_whole = at.steps_in_epoch == plan.steps();
            at = Position { epoch_draws: rng.state().position, ..Position::of_epoch(at.epoch + 1, at.step) };
            if is_whole {
                saver.save(&self, params, opt, (&at, &history), &flow)?;
            } else {
                break;
            }
        }
        history.ended = ended(flow, at.step)?;
        reporter.end(&at, &history, saver.last());
        let mut view = EndView { step: at.step, history: &history, params };
        let flow = self.callbacks.tell(|callback| callback.on_end(&mut view));
        ended(flow, at.step)?;
        Ok(history)
    }

    /// Whether there is nothing left to do.
    fn is_complete(&self, at: &Position) -> bool {
        let steps_made = self.steps.is_some_and(|steps| at.step >= steps);
        at.epoch > self.epochs || steps_made && at.steps_in_epoch == 0
    }

    /// The run's generator after so many draws.
    fn rng(&self, draws: u64) -> Rng {
        Rng::from_state(RngState { seed: self.seed, position: draws })
    }
}

/// Why a run is over.
fn ended(flow: ControlFlow<Halt>, step: u64) -> Result<Ended, TrainError> {
    match flow {
        ControlFlow::Continue(()) => Ok(Ended::Finished),
        ControlFlow::Break(Halt::End(ended)) => Ok(ended),
        ControlFlow::Break(Halt::Fail(message)) => Err(TrainError::Callback { step, message }),
    }
}
