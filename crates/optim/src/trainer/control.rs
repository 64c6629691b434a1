//! What happens around the steps of a run.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use layerwise_autograd::Params;

use super::callback::{Callback, Halt, StepView};
use super::early::{Early, EarlyStopping};
use super::history::LOSS;
use super::look::{Look, Mean, Plateau, StopWhen};
use super::validation::VAL_LOSS;
use super::{Trainer, Watched};
use crate::{Clip, Constraint, Optimizer, PlateauConfig, ReduceOnPlateau, Schedule, clip};

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
        let (watched, plateau) = (watched.into(), ReduceOnPlateau::new(config));
        let mut trainer = Trainer { plateau: true, ..self }.refuse_two_masters();
        trainer.watched.push(Watched { by: "a plateau", name: watched.clone() });
        trainer.callback(Plateau { watched, plateau })
    }

    /// Ends the run when something has stopped getting better, looked at after every epoch: `"loss"`, which is the epoch's mean training loss,
    /// `"val_loss"` or another metric. [`History::ended`] is then [`Ended::Early`].
    ///
    /// Whichever way the run ends, its parameters and running statistics are then those of the best epoch, unless there was none.
    ///
    /// ```
    /// use layerwise_autograd::{Params, Tensor};
    /// use layerwise_optim::{EarlyStopping, Ended, Progress, Sgd, SgdConfig, Trainer};
    ///
    /// let data = Tensor::zeros([32, 1]);
    /// let mut params = Params::new();
    /// let w = params.root().parameter("w", [1], |w| w[0] = 3.0);
    /// let mut opt = Sgd::new(&params, SgdConfig { lr: 1.0, ..Default::default() });
    /// let history = Trainer::new(100)
    ///     .progress(Progress::Silent)
    ///     .validate(&data, |pass, _| pass.param(w).square().sum()) // 4, 1, 0, 1, 4, ..
    ///     .early_stopping("val_loss", EarlyStopping { patience: 2, ..Default::default() })
    ///     .fit(&mut params, &mut opt, &data, |pass, _| pass.param(w).sum())
    ///     .unwrap();
    /// assert_eq!(history.epochs.len(), 5);
    /// assert_eq!(history.ended, Ended::Early { watched: "val_loss".into(), best: 0.0, epoch: 3 });
    /// assert_eq!(params[w][0], 0.0);
    /// ```
    ///
    /// [`History::ended`]: crate::History::ended
    /// [`Ended::Early`]: crate::Ended::Early
    ///
    /// # Panics
    /// If a number is out of its range.
    #[must_use]
    #[track_caller]
    pub fn early_stopping(mut self, watched: impl Into<String>, config: EarlyStopping) -> Self {
        if let Err(error) = config.validate() {
            panic!("EarlyStopping: {error}");
        }
        let watched = watched.into();
        self.watched.push(Watched { by: "early stopping", name: watched.clone() });
        self.callback(Early::new(watched, config))
    }

    /// Makes one step of the optimizer for so many batches. Their gradients are averaged over the examples, so that a step is that of one
    /// large batch, for whose values there need not be room. It has the examples that the large one would have, in every epoch. Batch
    /// normalisation sees the small batches, each of which has masks and noise of its own. The last step of an epoch may have fewer. Defaults
    /// to 1.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn accumulate(self, batches: usize) -> Self {
        assert!(batches > 0, "the number of batches in a step must be at least 1, found 0");
        Trainer { accumulate: batches, ..self }
    }

    /// Looks at the result and at the gradients of every operation, and ends the run before a step with NaN or infinity in one of them:
    /// [`TrainError::Operation`](crate::TrainError::Operation) names the first. It takes time, so it is for finding out. Without it, only the
    /// loss is looked at, and where it is not finite the operations of that pass.
    #[must_use]
    pub fn check_operations(self) -> Self {
        Trainer { check: true, ..self }
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

    /// Goes along with the run; see [`Callback`]. May be called for several. `&mut callback` is one too, for what the program looks at
    /// afterwards.
    #[must_use]
    pub fn callback(mut self, callback: impl Callback + Send + 'a) -> Self {
        self.callbacks.0.push(Box::new(callback));
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
        self.look(steps, move |view| {
            look(view);
            ControlFlow::Continue(())
        })
    }

    /// [`Trainer::every`], with a say in whether the run goes on.
    pub(super) fn look(
        self,
        every: u64,
        look: impl FnMut(&StepView<'_>) -> ControlFlow<Halt> + Send + 'a,
    ) -> Self {
        self.callback(Look { every, mean: Mean::default(), look })
    }

    /// Ends the run after the current step when `flag` is true: what a program's handler of Ctrl-C sets. [`History::ended`] is then
    /// [`Ended::Stopped`]. The library handles no signals itself.
    ///
    /// ```
    /// use std::sync::atomic::AtomicBool;
    ///
    /// use layerwise_autograd::{Params, Tensor};
    /// use layerwise_optim::{Ended, Progress, Sgd, SgdConfig, Trainer};
    ///
    /// static STOP: AtomicBool = AtomicBool::new(true); // nearly always false
    /// let mut params = Params::new();
    /// let w = params.root().parameter("w", [1], |w| w[0] = 1.0);
    /// let mut opt = Sgd::new(&params, SgdConfig { lr: 0.25, ..Default::default() });
    /// let trainer = Trainer::new(100).progress(Progress::Silent).stop_when(&STOP);
    /// let history = trainer
    ///     .fit(&mut params, &mut opt, &Tensor::zeros([10, 1]), |pass, _| pass.param(w).square().sum())
    ///     .unwrap();
    /// assert_eq!((history.ended, params[w][0]), (Ended::Stopped, 0.5));
    /// ```
    ///
    /// [`History::ended`]: crate::History::ended
    /// [`Ended::Stopped`]: crate::Ended::Stopped
    #[must_use]
    pub fn stop_when(self, flag: &'a AtomicBool) -> Self {
        self.callback(StopWhen(flag))
    }

    #[track_caller]
    fn refuse_two_masters(self) -> Self {
        assert!(
            self.lr_schedule.is_none() || !self.plateau,
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
        for Watched { by, name } in &self.watched {
            let metrics = || self.measured();
            let known = name == LOSS || metrics().any(|metric| metric == name);
            let names = || metrics().map(|name| format!(", {name:?}")).collect::<String>();
            assert!(known, "{by} of {name:?}, which is not measured; there is {LOSS:?}{}", names());
        }
    }

    /// What is measured after an epoch.
    fn measured(&self) -> impl Iterator<Item = &str> {
        let split = self.validation_split.map(|_| VAL_LOSS);
        split.into_iter().chain(self.metrics.iter().map(|(name, _)| name.as_str()))
    }
}
