use layerwise_autograd::{Layout, ParamGradients, Params, Tape};

use crate::state::{OptimizerState, StateError};

/// An update rule with its state: what a training loop steps.
pub trait Optimizer {
    /// Changes the parameters by their gradients, which it may overwrite.
    ///
    /// A parameter that no pass has reached since the last step is left alone, together with its state, as in PyTorch.
    ///
    /// # Panics
    /// If the parameters are not those the rule was made for.
    #[track_caller]
    fn update(&mut self, params: &mut Params, gradients: &mut ParamGradients<'_>);

    /// The learning rate.
    fn lr(&self) -> f32;

    /// Changes the learning rate from the next step on: what schedules do.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    fn set_lr(&mut self, lr: f32);

    /// The momentum, or the decay rate of the first moment (Adam's first beta). `None` if the rule has neither.
    fn momentum(&self) -> Option<f32>;

    /// Changes the momentum from the next step on: what schedules do.
    ///
    /// # Panics
    /// If it is out of the rule's range, or the rule has none.
    #[track_caller]
    fn set_momentum(&mut self, momentum: f32);

    /// The state, to be saved.
    fn state(&self) -> OptimizerState;

    /// Goes on from a saved state. If it cannot, nothing changes.
    ///
    /// # Errors
    /// If the state belongs to another rule or to other parameters.
    fn load_state(&mut self, state: &OptimizerState) -> Result<(), StateError>;

    /// One step: [`Optimizer::update`] with the gradients in the tape; then the running statistics that passes have reported are
    /// stored, and the gradients are taken away: the next backward pass replaces them.
    ///
    /// # Panics
    /// As [`Optimizer::update`].
    #[track_caller]
    fn step(&mut self, params: &mut Params, tape: &mut Tape) {
        self.update(params, &mut tape.param_gradients());
        tape.finish_step(params);
    }
}

macro_rules! forward {
    ($(#[$doc:meta])* $pointer:ty) => {
        $(#[$doc])*
        impl<O: Optimizer + ?Sized> Optimizer for $pointer {
            fn update(&mut self, params: &mut Params, gradients: &mut ParamGradients<'_>) {
                (**self).update(params, gradients);
            }
            fn lr(&self) -> f32 {
                (**self).lr()
            }
            fn set_lr(&mut self, lr: f32) {
                (**self).set_lr(lr);
            }
            fn momentum(&self) -> Option<f32> {
                (**self).momentum()
            }
            fn set_momentum(&mut self, momentum: f32) {
                (**self).set_momentum(momentum);
            }
            fn state(&self) -> OptimizerState {
                (**self).state()
            }
            fn load_state(&mut self, state: &OptimizerState) -> Result<(), StateError> {
                (**self).load_state(state)
            }
        }
    };
}

forward! {
    /// A boxed one, for programs that choose at run time.
    Box<O>
}
forward! {
    /// A borrowed one, for functions that take it as a `dyn Optimizer`.
    &mut O
}

/// # Panics
/// If the parameters are not laid out like those the rule was made for.
#[track_caller]
pub(crate) fn check_layout(rule: &str, made_for: &Layout, params: &Params) {
    let found = params.layout();
    assert!(
        found == made_for,
        "{rule}: the optimizer was made for {}, found {}",
        describe(made_for),
        describe(found)
    );
}

/// Names and shapes of all parameters.
fn describe(layout: &Layout) -> String {
    let parameters = layout.ids().map(|id| format!("{} {}", layout.name(id), layout.shape(id)));
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    if parameters.is_empty() { "no parameters".to_owned() } else { parameters }
}

/// A hyper-parameter outside its range.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{name} must be {allowed}, found {found}")]
pub struct ConfigError {
    /// The field of the configuration.
    pub name: &'static str,
    /// The range it has to be in.
    pub allowed: &'static str,
    /// Its value.
    pub found: f32,
}

impl ConfigError {
    /// `found`, if `is_allowed` holds for it (which it must not for NaN).
    ///
    /// # Errors
    /// This one.
    pub fn check(
        name: &'static str,
        found: f32,
        allowed: &'static str,
        is_allowed: bool,
    ) -> Result<(), ConfigError> {
        if is_allowed { Ok(()) } else { Err(ConfigError { name, allowed, found }) }
    }

    /// Finite and at least 0: learning rates, decays.
    ///
    /// # Errors
    /// If it is not.
    pub fn at_least_0(name: &'static str, found: f32) -> Result<(), ConfigError> {
        ConfigError::check(name, found, "finite and at least 0", found.is_finite() && found >= 0.0)
    }

    /// Finite and above 0: what is divided by.
    ///
    /// # Errors
    /// If it is not.
    pub fn above_0(name: &'static str, found: f32) -> Result<(), ConfigError> {
        ConfigError::check(name, found, "finite and above 0", found.is_finite() && found > 0.0)
    }

    /// In [0, 1): the decay rate of an average.
    ///
    /// # Errors
    /// If it is not.
    pub fn rate(name: &'static str, found: f32) -> Result<(), ConfigError> {
        ConfigError::check(name, found, "in [0, 1)", (0.0..1.0).contains(&found))
    }
}
