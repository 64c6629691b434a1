use std::ops::ControlFlow;

use layerwise_autograd::Params;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Ended, EpochRecord, History};
use crate::Optimizer;
use crate::checkpoint::Problem;

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

    /// What a run that is resumed has to know of this one; asked for before [`Callback::on_begin`] and with every checkpoint. `None` if
    /// it keeps nothing from step to step.
    fn state(&self) -> Option<CallbackState> {
        None
    }

    /// Goes on from a state with the same `kind`, before [`Callback::on_begin`].
    ///
    /// # Errors
    /// If the state cannot be its own.
    fn load_state(&mut self, _state: &CallbackState) -> Result<(), String> {
        Ok(())
    }
}

/// What a callback keeps in a checkpoint.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CallbackState {
    /// Whose state it is, for the message where it meets another one's.
    pub kind: String,
    /// Anything, JSON for instance.
    pub text: String,
    /// Numbers that are better not written as text.
    pub numbers: Vec<f32>,
}

impl CallbackState {
    /// Some data as JSON. Numbers come back with the same bits.
    pub(super) fn of(kind: &str, data: &impl Serialize) -> Self {
        let text = serde_json::to_string(data).expect("plain data with texts as keys");
        CallbackState { kind: kind.to_owned(), text, numbers: Vec::new() }
    }

    /// The data of [`CallbackState::of`].
    pub(super) fn data<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_str(&self.text).map_err(|error| error.to_string())
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
    fn state(&self) -> Option<CallbackState> {
        (**self).state()
    }
    fn load_state(&mut self, state: &CallbackState) -> Result<(), String> {
        (**self).load_state(state)
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

    /// The states of those that have one.
    pub fn states(&self) -> Vec<CallbackState> {
        self.0.iter().filter_map(|callback| callback.state()).collect()
    }

    /// Loads the states of those that have one, which must be of the same kinds in the same order.
    pub fn load(&mut self, states: &[CallbackState]) -> Result<(), Problem> {
        let kinds =
            |states: &[CallbackState]| states.iter().map(|state| state.kind.clone()).collect::<Vec<_>>();
        let (saved, found) = (kinds(states), kinds(&self.states()));
        if saved != found {
            return Err(Problem::Callbacks { saved, found });
        }
        let with_state = self.0.iter_mut().filter(|callback| callback.state().is_some());
        for (callback, state) in with_state.zip(states) {
            let failed = |message| Problem::Callback { kind: state.kind.clone(), message };
            callback.load_state(state).map_err(failed)?;
        }
        Ok(())
    }
}
