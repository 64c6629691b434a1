use layerwise_autograd::{Activation, Var};

/// A function of one value with parameters of its own somewhere in a [`layerwise_autograd::Params`].
///
/// A module is a small value that holds parameter ids and constants, so it is cheap to copy and can be shared between threads. What
/// mode it runs in and which parameters it reads is up to the pass that `x` belongs to.
pub trait Module: Send + Sync {
    /// The module's value at `x`.
    ///
    /// # Panics
    /// If the shape of `x` does not fit.
    #[track_caller]
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p>;

    /// What to call it where it has to be named: the name of its type.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }
}

/// An activation is a layer without parameters, for inputs of any shape.
impl Module for Activation {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        x.activation(*self)
    }
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        (**self).forward(x)
    }

    fn name(&self) -> &str {
        (**self).name()
    }
}
