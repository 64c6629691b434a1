//! Linear layers with what stands between them, declared one after the other.

use layerwise_autograd::{Activation, Scope};
use layerwise_nn_layers::{BatchNorm, Dropout, Linear, Sequential, TransposedLinear};
use layerwise_tensor::Rng;

use crate::config::Between;

/// A sequence of linear layers, and what its parts are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dense {
    pub layers: Sequential,
    /// The linear maps without their activations. Tied ones are not among them.
    pub linears: Vec<Linear>,
    pub activations: Vec<Activation>,
}

/// Where the weights of a sequence come from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// They are drawn.
    New,
    /// They are those of another one, from the last to the first, transposed.
    Tied(&'a [Linear]),
}

/// What a sequence is declared from.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    /// The number of the first module.
    pub first: usize,
    /// The input's, then each layer's.
    pub widths: &'a [usize],
    /// One for each layer.
    pub activations: &'a [Activation],
    pub between: &'a Between,
    pub source: Source<'a>,
}

impl Plan<'_> {
    /// The number of the module after the last one.
    pub fn end(&self) -> usize {
        self.first + self.activations.len() * self.between.modules()
    }

    /// Declares the layers under the names `scope.0`, ..; normalisation and dropout come after hidden layers, not after the last one.
    pub fn declare(&self, scope: &mut Scope<'_>, rng: &mut Rng) -> Dense {
        let mut dense = Dense { activations: self.activations.to_vec(), ..Dense::default() };
        for i in 0..self.activations.len() {
            self.declare_layer(i, scope, &mut dense, rng);
        }
        dense
    }

    fn declare_layer(&self, i: usize, scope: &mut Scope<'_>, dense: &mut Dense, rng: &mut Rng) {
        let Plan { activations, between, .. } = *self;
        let (widths, activation) = ([self.widths[i], self.widths[i + 1]], activations[i]);
        let at = self.first + i * between.modules();
        let is_hidden = i + 1 < activations.len();
        let norm = between.batch_norm.filter(|_| is_hidden);
        let fused = if norm.is_some() { Activation::Identity } else { activation };
        let mut layers = std::mem::take(&mut dense.layers);
        layers = match self.source {
            Source::New => {
                let linear = Linear::with_init(&mut scope.child(at), widths[0], widths[1], between.init, rng);
                dense.linears.push(linear);
                layers.then(linear.with_activation(fused))
            }
            Source::Tied(linears) => {
                let linear = &linears[linears.len() - 1 - i];
                let tied = TransposedLinear::of(linear, &mut scope.child(at), widths, between.init, rng);
                layers.then(tied.with_activation(fused))
            }
        };
        if let Some(config) = norm {
            let norm = BatchNorm::with_config(&mut scope.child(at + 1), widths[1], config);
            layers = layers.then(norm).then(activation);
        }
        if let Some(p) = between.dropout.filter(|_| is_hidden) {
            layers = layers.then(Dropout::new(p));
        }
        dense.layers = layers;
    }
}
