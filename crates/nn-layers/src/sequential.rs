use std::fmt;
use std::sync::Arc;

use layerwise_autograd::{Activation, Var};

use crate::{
    AlphaDropout, BatchNorm, Dropout, GaussianDropout, GaussianNoise, LayerNorm, Linear, Module, PRelu,
    TransposedLinear,
};

/// Modules one after the other: the output of each is the input of the next.
///
/// ```
/// use layerwise_autograd::{Activation, Params, Tape, Tensor};
/// use layerwise_nn_layers::{Linear, Module, Sequential};
/// use layerwise_tensor::Rng;
///
/// let (mut params, mut rng) = (Params::new(), Rng::seed(0));
/// let mut root = params.root();
/// let model = Sequential::new()
///     .then(Linear::new(&mut root.child(0), 4, 8, &mut rng))
///     .then(Activation::Tanh)
///     .then(Linear::new(&mut root.child(2), 8, 2, &mut rng));
/// let mut tape = Tape::new();
/// let pass = tape.eval(&params);
/// assert_eq!(model.forward(pass.input(&Tensor::zeros([5, 4]))).shape().dims(), [5, 2]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sequential {
    layers: Vec<Layer>,
}

/// A module in a [`Sequential`].
///
/// Those of this crate are called directly, so that a panic still points to the caller's line; [`Layer::custom`] takes any other.
#[derive(Clone)]
#[non_exhaustive]
pub enum Layer {
    /// `f(x W^T + b)`
    Linear(Linear),
    /// `f(x W + b)` with another layer's weight
    TransposedLinear(TransposedLinear),
    /// `f(x)`
    Activation(Activation),
    /// Zeroes elements in training.
    Dropout(Dropout),
    /// Multiplies by noise in training.
    GaussianDropout(GaussianDropout),
    /// Dropout for SELU.
    AlphaDropout(AlphaDropout),
    /// Adds noise in training.
    GaussianNoise(GaussianNoise),
    /// Normalises over the batch.
    BatchNorm(BatchNorm),
    /// Normalises over the features.
    LayerNorm(LayerNorm),
    /// ReLU with a learned slope.
    PRelu(PRelu),
    /// A sequence inside the sequence.
    Sequential(Sequential),
    /// A module of the user's.
    Custom(Arc<dyn Module>),
}

impl Layer {
    /// A module of the user's.
    pub fn custom(module: impl Module + 'static) -> Self {
        Layer::Custom(Arc::new(module))
    }
}

impl From<Linear> for Layer {
    fn from(linear: Linear) -> Self {
        Layer::Linear(linear)
    }
}

impl From<TransposedLinear> for Layer {
    fn from(layer: TransposedLinear) -> Self {
        Layer::TransposedLinear(layer)
    }
}

impl From<Activation> for Layer {
    /// # Panics
    /// If a constant of the activation is out of its range.
    #[track_caller]
    fn from(activation: Activation) -> Self {
        activation.check();
        Layer::Activation(activation)
    }
}

impl From<Dropout> for Layer {
    fn from(layer: Dropout) -> Self {
        Layer::Dropout(layer)
    }
}

impl From<GaussianDropout> for Layer {
    fn from(layer: GaussianDropout) -> Self {
        Layer::GaussianDropout(layer)
    }
}

impl From<AlphaDropout> for Layer {
    fn from(layer: AlphaDropout) -> Self {
        Layer::AlphaDropout(layer)
    }
}

impl From<GaussianNoise> for Layer {
    fn from(layer: GaussianNoise) -> Self {
        Layer::GaussianNoise(layer)
    }
}

impl From<BatchNorm> for Layer {
    fn from(layer: BatchNorm) -> Self {
        Layer::BatchNorm(layer)
    }
}

impl From<LayerNorm> for Layer {
    fn from(layer: LayerNorm) -> Self {
        Layer::LayerNorm(layer)
    }
}

impl From<PRelu> for Layer {
    fn from(layer: PRelu) -> Self {
        Layer::PRelu(layer)
    }
}

impl From<Sequential> for Layer {
    fn from(sequential: Sequential) -> Self {
        Layer::Sequential(sequential)
    }
}

impl Module for Layer {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        match self {
            Layer::Linear(linear) => linear.forward(x),
            Layer::TransposedLinear(layer) => layer.forward(x),
            Layer::Activation(activation) => activation.forward(x),
            Layer::Dropout(layer) => layer.forward(x),
            Layer::GaussianDropout(layer) => layer.forward(x),
            Layer::AlphaDropout(layer) => layer.forward(x),
            Layer::GaussianNoise(layer) => layer.forward(x),
            Layer::BatchNorm(layer) => layer.forward(x),
            Layer::LayerNorm(layer) => layer.forward(x),
            Layer::PRelu(layer) => layer.forward(x),
            Layer::Sequential(sequential) => sequential.forward(x),
            Layer::Custom(module) => module.forward(x),
        }
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layer::Linear(linear) => linear.fmt(f),
            Layer::TransposedLinear(layer) => layer.fmt(f),
            Layer::Activation(activation) => activation.fmt(f),
            Layer::Dropout(layer) => layer.fmt(f),
            Layer::GaussianDropout(layer) => layer.fmt(f),
            Layer::AlphaDropout(layer) => layer.fmt(f),
            Layer::GaussianNoise(layer) => layer.fmt(f),
            Layer::BatchNorm(layer) => layer.fmt(f),
            Layer::LayerNorm(layer) => layer.fmt(f),
            Layer::PRelu(layer) => layer.fmt(f),
            Layer::Sequential(sequential) => sequential.fmt(f),
            Layer::Custom(_) => f.write_str("a custom module"),
        }
    }
}

impl Sequential {
    /// No layers: the identity.
    pub fn new() -> Self {
        Sequential::default()
    }

    /// The same with one more layer at the end.
    ///
    /// # Panics
    /// If it is an activation with a constant out of its range.
    #[must_use]
    #[track_caller]
    pub fn then(mut self, layer: impl Into<Layer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }
}

impl Module for Sequential {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        let mut x = x;
        // A loop, not a fold: a closure would hide the caller's line.
        for layer in &self.layers {
            x = layer.forward(x);
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerwise_autograd::{Params, Tape, Tensor};

    struct Double;

    impl Module for Double {
        fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
            x * 2.0
        }
    }

    #[test]
    fn layers_follow_each_other_and_users_modules_are_welcome() {
        let inner = Sequential::new().then(Layer::custom(Double)).then(Activation::Relu);
        let model = Sequential::new().then(inner).then(Layer::custom(Double));
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        assert_eq!(model.forward(pass.input(&Tensor::from([-1.0, 3.0]))).value().as_slice(), [0.0, 12.0]);
        assert_eq!(
            format!("{model:?}"),
            "Sequential { layers: [Sequential { layers: [a custom module, Relu] }, a custom module] }"
        );
    }
}
