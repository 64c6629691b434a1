//! The loop itself.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Instant;

use layerwise_autograd::{Params, Tape};
use layerwise_tensor::data::Dataset;
use layerwise_tensor::{Rng, RngState};

use super::callback::{BeginView, EndView, EpochView, Halt, StepView};
use super::look::Mean;
use super::loss::Loss;
use super::plan::Plan;
use super::progress::Reporter;
use super::resume::Saver;
use super::validation::{VAL_LOSS, mean_loss};
use super::{Ended, EpochRecord, History, TrainError, Trainer};
use crate::Optimizer;
use crate::checkpoint::Position;

impl Trainer<'_> {
    pub(super) fn run<D, O>(
        self,
        params: &mut Params,
        mut opt: &mut O,
        data: &D,
        loss: impl Loss<D>,
    ) -> Result<History, TrainError>
    where
        D: Dataset,
        O: Optimizer + ?Sized,
    {
        let mut run = Run::begin(self, params, &mut opt, data.len())?;
        while run.has_another_epoch() {
            run.begin_epoch();
            while run.has_another_step() {
                run.step(data, &loss)?;
            }
            run.end_epoch(data, &loss)?;
        }
        run.end()
    }
}

/// A run under way.
pub(super) struct Run<'r, 't> {
    pub trainer: Trainer<'t>,
    pub params: &'r mut Params,
    pub opt: &'r mut dyn Optimizer,
    pub plan: Plan,
    /// Where it is.
    pub at: Position,
    /// Where the orders of the epochs and the seeds of the passes come from.
    pub rng: Rng,
    /// Of the present epoch.
    clock: Clock,
    pub tape: Tape,
    tape_for_validation: Tape,
    pub history: History,
    /// Whether it goes on, or who wants what instead.
    pub flow: ControlFlow<Halt>,
    pub saver: Saver,
    reporter: Reporter,
}

impl<'r, 't> Run<'r, 't> {
    /// At the beginning, or where an earlier run has left off.
    fn begin(
        mut trainer: Trainer<'t>,
        params: &'r mut Params,
        opt: &'r mut dyn Optimizer,
        examples: usize,
    ) -> Result<Self, TrainError> {
        let plan = Plan::new(&trainer, examples)?;
        let saver = Saver::new(&mut trainer, examples).map_err(TrainError::Checkpoint)?;
        let resumed = saver.resume(&mut trainer, params, opt, plan.steps);
        let (at, history, is_over) = resumed.map_err(TrainError::Checkpoint)?;
        let reporter = Reporter::new(&trainer, &plan, &at, &history);
        let view = BeginView { step: at.step, history: &history, params };
        let mut flow = trainer.callbacks.tell(|callback| callback.on_begin(&view));
        if is_over && flow.is_continue() {
            flow = ControlFlow::Break(Halt::End(history.ended.clone()));
        }
        let mut tape = Tape::new();
        tape.check_gradients(trainer.check);
        Ok(Run {
            rng: trainer.rng(at.draws),
            clock: Clock::since(at.seconds),
            trainer,
            params,
            opt,
            plan,
            at,
            tape,
            tape_for_validation: Tape::new(),
            history,
            flow,
            saver,
            reporter,
        })
    }

    /// Whether an epoch is to be begun or gone on with. One with some of its steps is, also where no more are asked for: it has to be measured.
    fn has_another_epoch(&self) -> bool {
        let is_begun = self.at.steps_in_epoch > 0;
        let is_wanted = self.at.epoch <= self.trainer.epochs && (is_begun || !self.has_all_steps());
        self.flow.is_continue() && is_wanted
    }

    fn has_another_step(&self) -> bool {
        let is_left = self.at.steps_in_epoch < self.plan.steps;
        self.flow.is_continue() && is_left && !self.has_all_steps()
    }

    /// Whether as many steps as asked for have been made; never if nobody has asked.
    fn has_all_steps(&self) -> bool {
        self.trainer.steps.is_some_and(|steps| self.at.step >= steps)
    }

    /// Draws the order of the examples. It is that of the beginning of the epoch, also where the run goes on within it.
    fn begin_epoch(&mut self) {
        self.clock = Clock::since(self.at.seconds);
        self.rng = self.trainer.rng(self.at.epoch_draws);
        self.plan.shuffle(&mut self.rng);
        if self.at.steps_in_epoch > 0 {
            self.rng = self.trainer.rng(self.at.draws);
        }
    }

    /// Gradients of the next examples, the step of the optimizer, and whoever is interested in it.
    fn step<D: Dataset>(&mut self, data: &D, loss: &impl Loss<D>) -> Result<(), TrainError> {
        self.set_schedules();
        let mean = self.gradients(data, loss).and_then(|mean| self.update(mean).map(|()| mean));
        let mean = mean.map_err(|stop| stop.at(self.at.epoch, self.at.step + 1))?;
        self.count(mean);
        self.tell_of_step(mean);
        self.save_after_step()
    }

    /// Moves on to where the run is after a step.
    fn count(&mut self, mean: Mean) {
        let at = &mut self.at;
        at.step += 1;
        at.steps_in_epoch += 1;
        at.loss.add(mean.get(), mean.examples);
        at.draws = self.rng.state().position;
    }

    fn tell_of_step(&mut self, mean: Mean) {
        self.reporter.step(&self.at);
        let Position { step, epoch, .. } = self.at;
        let (loss, examples, lr) = (mean.get(), mean.examples, self.opt.lr());
        let view = StepView { step, epoch, loss, examples, lr, params: self.params };
        self.flow = self.trainer.callbacks.tell(|callback| callback.on_step(&view));
        self.at.seconds = self.clock.seconds();
    }

    /// Measures, and tells of it; an epoch that was cut off is left as it is.
    fn end_epoch<D: Dataset>(&mut self, data: &D, loss: &impl Loss<D>) -> Result<(), TrainError> {
        if self.flow.is_break() {
            return Ok(());
        }
        let record = self.record(data, loss);
        self.tell_of_epoch(record);
        let is_whole = self.at.steps_in_epoch == self.plan.steps;
        let next = Position::of_epoch(self.at.epoch + 1, self.at.step);
        self.at = Position { epoch_draws: self.rng.state().position, ..next };
        // One that is not whole goes on, given more steps, from the checkpoint of its last one.
        if is_whole { self.save() } else { Ok(()) }
    }

    /// Measures what the epoch has come to.
    fn record<D: Dataset>(&mut self, data: &D, loss: &impl Loss<D>) -> EpochRecord {
        let params = &*self.params;
        let metrics = self.trainer.metrics.iter_mut();
        let mut metrics: BTreeMap<_, _> =
            metrics.map(|(name, measure)| (name.clone(), measure(params))).collect();
        if !self.plan.validation.is_empty() {
            let measured =
                mean_loss(&mut self.tape_for_validation, params, data, &self.plan.validation, loss);
            metrics.insert(VAL_LOSS.to_owned(), measured);
        }
        let (epoch, loss, lr) = (self.at.epoch, self.at.loss.get(), self.opt.lr());
        EpochRecord { epoch, loss, lr, seconds: self.clock.seconds(), metrics }
    }

    fn tell_of_epoch(&mut self, record: EpochRecord) {
        self.reporter.epoch(&record);
        let step = self.at.step;
        let mut view = EpochView { step, record: &record, params: self.params, opt: self.opt };
        self.flow = self.trainer.callbacks.tell(|callback| callback.on_epoch(&mut view));
        self.history.epochs.push(record);
    }

    /// Says why there are no more steps.
    fn end(mut self) -> Result<History, TrainError> {
        let step = self.at.step;
        self.history.ended = ended(self.flow, step)?;
        self.reporter.end(&self.at, &self.history, self.saver.last());
        let mut view = EndView { step, history: &self.history, params: self.params };
        let flow = self.trainer.callbacks.tell(|callback| callback.on_end(&mut view));
        ended(flow, step)?;
        Ok(self.history)
    }
}

impl Trainer<'_> {
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

/// How long an epoch takes, which an earlier run may have begun.
struct Clock {
    before: f64,
    start: Instant,
}

impl Clock {
    fn since(before: f64) -> Self {
        Clock { before, start: Instant::now() }
    }

    fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }
}
