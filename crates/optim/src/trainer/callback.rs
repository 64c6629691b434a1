use std::ops::ControlFlow;

use layerwise_autograd::Params;

use super::{Ended, EpochRecord, History};
use crate::Optimizer;

/// Something that goes along with a training run: [`Trainer::callback`](crate::Trainer::callback). Each of its functions does nothing
/// unless it is written.
///
/// All callbacks of a run are told of everything, in the order in which they were given to the trainer, also when one of them wants the
/// run to end; the wish of the first one counts. None is told of a run that ends with an error, beyond being dropped.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use layerwise_autograd::{Params, Tensor};
/// use layerwise_optim::{Callback, Ended, EpochView, Halt, Progress, Sgd, SgdConfig, StepView, Trainer};
///
/// /// Counts examples, and ends the run when the loss is small.
/// struct Enough {
///     examples: usize,
/// }
///
/// impl Callback for Enough {
///     fn on_step(&mut self, view: &StepView<'_>) -> ControlFlow<Halt> {
///         self.examples += view.examples;
///         ControlFlow::Continue(())
///     }
///     fn on_epoch(&mut self, view: &mut EpochView<'_>) -> ControlFlow<Halt> {
///         match view.record.loss < 0.1 {
///             true => Halt::end("the loss is small"),
///             false => ControlFlow::Continue(()),
///         }
///     }
/// }
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [1], |w| w[0] = 1.0);
/// let mut opt = Sgd::new(&params, SgdConfig { lr: 0.25, ..Default::default() });
/// let mut enough = Enough { examples: 0 };
/// let history = Trainer::new(100)
///     .progress(Progress::Silent)
///     .callback(&mut enough)
///     .fit(&mut params, &mut opt, &Tensor::zeros([10, 1]), |pass, _| pass.param(w).square().sum())
///     .unwrap();
/// assert_eq!((history.epochs.len(), enough.examples), (3, 30)); // losses 1, 1/4, 1/16
/// assert_eq!(history.ended, Ended::Callback("the loss is small".into()));
/// ```
pub trait Callback {
    /// Before the first step.
    fn on_begin(&mut self, _view: &BeginView<'_>) -> ControlFlow<Halt> {
        ControlFlow::Continue(())
    }

    /// After a step of the optimizer. It should allocate nothing.
    fn on_step(&mut self, _view: &StepView<'_>) -> ControlFlow<Halt> {
        ControlFlow::Continue(())
    }

    /// After an epoch and its metrics.
    fn on_epoch(&mut self, _view: &mut EpochView<'_>) -> ControlFlow<Halt> {
        ControlFlow::Continue(())
    }

    /// After the last step or epoch. Only [`Halt::Fail`] still changes something.
    fn on_end(&mut self, _view: &mut EndView<'_>) -> ControlFlow<Halt> {
        ControlFlow::Continue(())
    }
}

/// One that the program looks at after the run.
impl<C: Callback + ?Sized> Callback for &mut C {
    fn on_begin(&mut self, view: &BeginView<'_>) -> ControlFlow<Halt> {
        (**self).on_begin(view)
    }
    fn on_step(&mut self, view: &StepView<'_>) -> ControlFlow<Halt> {
        (**self).on_step(view)
    }
    fn on_epoch(&mut self, view: &mut EpochView<'_>) -> ControlFlow<Halt> {
        (**self).on_epoch(view)
    }
    fn on_end(&mut self, view: &mut EndView<'_>) -> ControlFlow<Halt> {
        (**self).on_end(view)
    }
}

/// What a callback wants to happen instead of the next step.
#[derive(Clone, PartialEq, Debug)]
pub enum Halt {
    /// The run ends here and is a success: [`History::ended`] says this.
    End(Ended),
    /// The run ends here with [`TrainError::Callback`](crate::TrainError::Callback) and this text: a file could not be written, say.
    Fail(String),
}

impl Halt {
    /// Ends the run, which says why.
    pub fn end(why: impl Into<String>) -> ControlFlow<Halt> {
        ControlFlow::Break(Halt::End(Ended::Callback(why.into())))
    }

    /// Fails with the error if there is one.
    pub fn on_error<E: std::fmt::Display>(result: Result<(), E>) -> ControlFlow<Halt> {
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Halt::Fail(error.to_string())),
        }
    }
}

/// A run before its first step.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BeginView<'r> {
    /// How many steps have been made, 0 unless the run is resumed.
    pub step: u64,
    /// The epochs that have been made, none unless the run is resumed.
    pub history: &'r History,
    /// The parameters.
    pub params: &'r Params,
}

/// A run after some of its steps.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StepView<'r> {
    /// How many steps have been made since the beginning of the run.
    pub step: u64,
    /// The epoch, from 1 on.
    pub epoch: usize,
    /// The mean training loss over the examples since the last look, each taken when its batch was trained on. A callback looks at every
    /// step.
    pub loss: f64,
    /// The examples since the last look.
    pub examples: usize,
    /// The learning rate of the step.
    pub lr: f32,
    /// The parameters as they are now.
    pub params: &'r Params,
}

/// A run after an epoch.
#[non_exhaustive]
pub struct EpochView<'r> {
    /// How many steps have been made since the beginning of the run.
    pub step: u64,
    /// The epoch.
    pub record: &'r EpochRecord,
    /// The parameters as they are now.
    pub params: &'r Params,
    /// The optimizer, whose learning rate may be changed.
    pub opt: &'r mut dyn Optimizer,
}

/// A run that is over.
#[non_exhaustive]
pub struct EndView<'r> {
    /// How many steps have been made since the beginning of the run.
    pub step: u64,
    /// All epochs, and why the run has ended.
    pub history: &'r History,
    /// The parameters, which may be changed: put back to the best ones, say.
    pub params: &'r mut Params,
}

/// All callbacks of a run.
#[derive(Default)]
pub(super) struct Callbacks<'a>(pub Vec<Box<dyn Callback + Send + 'a>>);

impl Callbacks<'_> {
    /// Tells all of them. The first wish counts.
    pub fn tell(
        &mut self,
        mut what: impl FnMut(&mut (dyn Callback + Send)) -> ControlFlow<Halt>,
    ) -> ControlFlow<Halt> {
        let mut wish = ControlFlow::Continue(());
        for callback in &mut self.0 {
            let flow = what(&mut **callback);
            if wish.is_continue() {
                wish = flow;
            }
        }
        wish
    }
}
