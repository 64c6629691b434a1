//! What happens around the steps of a run.

use std::ops::ControlFlow;

use layerwise_autograd::Params;

use super::Trainer;
use crate::{Clip, Constraint, Optimizer, PlateauConfig, ReduceOnPlateau, Schedule, clip};

/// The name that stands for the mean training loss of an epoch.
pub(super) const LOSS: &str = "loss";

/// A run after some of its steps: what [`Trainer::every`] shows.
#[derive(Clone, Copy, Debug)]
pub struct StepView<'p> {
    /// How many steps have been made since the beginning of the run.
    pub step: u64,
    /// The mean training loss over the examples since the last look, each taken when its batch was trained on.
    pub loss: f64,
    /// The parameters as they are now.
    pub params: &'p Params,
}

type Look<'a> = Box<dyn FnMut(&StepView<'_>) -> ControlFlow<()> + Send + 'a>;

/// Who is called after every so manieth step, and the losses since the last time. `Break` ends the run.
pub(super) struct Call<'a> {
    pub every: u64,
    pub mean: Mean,
    pub call: Look<'a>,
}

/// The mean loss over examples.
#[derive(Default)]
pub(super) struct Mean {
    total: f64,
    examples: usize,
}

impl Mean {
    /// Adds a batch with its mean loss.
    pub fn add(&mut self, loss: f32, examples: usize) {
        self.total += f64::from(loss) * examples as f64;
        self.examples += examples;
    }

    pub fn get(&self) -> f64 {
        self.total / self.examples as f64
    }
}

impl<'a> Trainer<'a> {
    /// Ends the run after this many steps, within an epoch if need be. Its metrics are measured then. Defaults to all the steps of all
    /// epochs.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn steps(self, steps: u64) -> Self {
        assert!(steps > 0, "the number of steps must be at least 1, found 0");
        Trainer { steps: Some(steps), ..self }
    }

    /// The learning rate of every step, the first of which is 0. It stays at its last value after the run. Defaults to the optimizer's
    /// own.
    ///
    /// # Panics
    /// If the schedule is not valid, or the run reduces the learning rate on a plateau.
    #[must_use]
    #[track_caller]
    pub fn lr_schedule(self, schedule: Schedule) -> Self {
        schedule.refuse_invalid();
        let lr_schedule = Some(schedule);
        Trainer { lr_schedule, ..self }.refuse_two_masters()
    }

    /// The momentum of every step (Adam's first beta), the first of which is 0. Defaults to the optimizer's own.
    ///
    /// # Panics
    /// If the schedule is not valid.
    #[must_use]
    #[track_caller]
    pub fn momentum_schedule(self, schedule: Schedule) -> Self {
        schedule.refuse_invalid();
        Trainer { momentum_schedule: Some(schedule), ..self }
    }

    /// Reduces the learning rate when something has stopped getting better, looked at after every epoch: `"loss"`, which is the epoch's mean
    /// training loss, or a metric of this name. See [`ReduceOnPlateau`].
    ///
    /// # Panics
    /// If a number is out of its range, or the run has a schedule of the learning rate.
    #[must_use]
    #[track_caller]
    pub fn reduce_on_plateau(self, watched: impl Into<String>, config: PlateauConfig) -> Self {
        let plateau = Some((watched.into(), ReduceOnPlateau::new(config)));
        Trainer { plateau, ..self }.refuse_two_masters()
    }

    /// Clips the gradients before every step. Defaults to as they are.
    ///
    /// # Panics
    /// If the number is out of its range.
    #[must_use]
    #[track_caller]
    pub fn clip(self, clip: Clip) -> Self {
        clip::refuse(clip);
        Trainer { clip: Some(clip), ..self }
    }

    /// Puts the parameters whose names match `pattern` back to what they have to be, after every step ([`Constraint::apply`]). May be called for
    /// several; they are applied in that order.
    #[must_use]
    pub fn constraint(mut self, pattern: impl Into<String>, constraint: Constraint) -> Self {
        self.constraints.push((pattern.into(), constraint));
        self
    }

    /// Calls `look` after every `steps` steps, for curves over steps instead of epochs.
    ///
    /// # Panics
    /// If `steps` is 0.
    #[must_use]
    #[track_caller]
    pub fn every(self, steps: u64, mut look: impl FnMut(&StepView<'_>) + Send + 'a) -> Self {
        assert!(steps > 0, "the number of steps between two calls must be at least 1, found 0");
        self.call(steps, move |view| {
            look(view);
            ControlFlow::Continue(())
        })
    }

    /// [`Trainer::every`], with a say in whether the run goes on.
    pub(super) fn call(
        mut self,
        every: u64,
        call: impl FnMut(&StepView<'_>) -> ControlFlow<()> + Send + 'a,
    ) -> Self {
        self.calls.push(Call { every, mean: Mean::default(), call: Box::new(call) });
        self
    }

    #[track_caller]
    fn refuse_two_masters(self) -> Self {
        assert!(
            self.lr_schedule.is_none() || self.plateau.is_none(),
            "the learning rate follows a schedule or is reduced on plateaus, not both"
        );
        self
    }

    /// What can only be checked with the parameters and the optimizer.
    ///
    /// # Panics
    /// If something does not fit.
    #[track_caller]
    pub(super) fn refuse_unfit(&self, params: &Params, opt: &(impl Optimizer + ?Sized)) {
        for (pattern, constraint) in &self.constraints {
            constraint.refuse(params, pattern);
        }
        let has_momentum = self.momentum_schedule.is_none() || opt.momentum().is_some();
        assert!(has_momentum, "a schedule of the momentum for an optimizer that has none");
        if let Some((watched, _)) = &self.plateau {
            let known = watched == LOSS || self.metrics.iter().any(|(name, _)| name == watched);
            let names = || self.metrics.iter().map(|(name, _)| format!(", {name:?}")).collect::<String>();
            assert!(known, "a plateau of {watched:?}, which is not measured; there is {LOSS:?}{}", names());
        }
    }
}
