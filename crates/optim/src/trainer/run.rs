//! The loop itself.

use std::ops::ControlFlow;
use std::time::Instant;

use layerwise_autograd::{Params, Pass, Tape, Var};
use layerwise_tensor::Rng;
use layerwise_tensor::data::Dataset;

use super::callback::{BeginView, EndView, EpochView, Halt, StepView};
use super::error::Stop;
use super::look::Mean;
use super::progress::Reporter;
use super::{Ended, EpochRecord, History, TrainError, Trainer};
use crate::{Clip, Optimizer, clip_grad_norm, clip_grad_value};

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
        let mut order = self.first_order(data.len())?;
        let batches = self.batches(order.len());
        let mut rng = Rng::seed(self.seed);
        let mut tape = Tape::new();
        let mut history = History::default();
        let mut reporter = Reporter::new(self.progress, self.epochs, batches);
        let mut step = 0;
        let begin = BeginView { step, history: &history, params };
        let mut flow = self.callbacks.tell(|callback| callback.on_begin(&begin));
        'run: for epoch in 1..=self.epochs {
            let start = Instant::now();
            if self.shuffle {
                rng.split().stream(0).permute_into(&mut order);
            }
            let mut mean = Mean::default();
            for (i, rows) in order.chunks(self.batch_size).take(batches).enumerate() {
                if flow.is_break() {
                    break 'run;
                }
                let batch = data.batch(rows);
                self.prepare(step, opt);
                let value = self.step(params, opt, &mut tape, rng.next_u64(), |pass| loss(pass, &batch));
                step += 1;
                let value = f64::from(value.map_err(|stop| stop.at(epoch, step))?);
                mean.add(value, rows.len());
                reporter.step(i + 1, mean.get());
                let view = StepView { step, epoch, loss: value, examples: rows.len(), lr: opt.lr(), params };
                flow = self.callbacks.tell(|callback| callback.on_step(&view));
                if Some(step) == self.steps {
                    break;
                }
            }
            if flow.is_break() {
                break;
            }
            let metrics =
                self.metrics.iter_mut().map(|(name, measure)| (name.clone(), measure(params))).collect();
            let seconds = start.elapsed().as_secs_f64();
            let record = EpochRecord { epoch, loss: mean.get(), lr: opt.lr(), seconds, metrics };
            reporter.epoch(&record);
            let mut view = EpochView { step, record: &record, params, opt: &mut *opt };
            flow = self.callbacks.tell(|callback| callback.on_epoch(&mut view));
            history.epochs.push(record);
            if Some(step) == self.steps {
                break;
            }
        }
        history.ended = ended(flow, step)?;
        let mut view = EndView { step, history: &history, params };
        let flow = self.callbacks.tell(|callback| callback.on_end(&mut view));
        ended(flow, step)?;
        Ok(history)
    }

    /// What the schedules say about a step, from 0 on.
    fn prepare(&self, step: u64, opt: &mut dyn Optimizer) {
        if let Some(schedule) = &self.lr_schedule {
            opt.set_lr(schedule.at(step));
        }
        if let Some(schedule) = &self.momentum_schedule {
            opt.set_momentum(schedule.at(step));
        }
    }

    /// One step. Its loss, or why there is none.
    fn step(
        &self,
        params: &mut Params,
        opt: &mut dyn Optimizer,
        tape: &mut Tape,
        seed: u64,
        loss: impl for<'p> Fn(&'p Pass<'p>) -> Var<'p>,
    ) -> Result<f32, Stop> {
        let pass = tape.train(params, seed);
        let loss = loss(&pass);
        let value = loss.item();
        if !value.is_finite() {
            return Err(Stop::Loss(value, pass.first_non_finite().unwrap_or_default()));
        }
        loss.backward();
        match self.clip {
            None => {}
            Some(Clip::Value(limit)) => clip_grad_value(params, tape, limit),
            Some(Clip::GlobalNorm(max)) => {
                let norm = clip_grad_norm(params, tape, max);
                if !norm.is_finite() {
                    return Err(Stop::Norm(norm, value));
                }
            }
        }
        opt.step(params, tape);
        self.constraints.iter().for_each(|(pattern, constraint)| constraint.apply(params, pattern));
        Ok(value)
    }

    fn first_order(&self, examples: usize) -> Result<Vec<u32>, TrainError> {
        if examples == 0 {
            return Err(TrainError::NoExamples);
        }
        if self.batches(examples) == 0 {
            return Err(TrainError::NoBatches { examples, batch_size: self.batch_size });
        }
        Ok((0..examples as u32).collect())
    }

    /// Batches in an epoch.
    fn batches(&self, examples: usize) -> usize {
        if self.drop_last { examples / self.batch_size } else { examples.div_ceil(self.batch_size) }
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
