use layerwise_autograd::{Activation, ParamId, Params};

use crate::{Layer, Linear, Sequential};

impl Sequential {
    /// The model for inference: the same function in an evaluation pass, with less to compute.
    ///
    /// Batch normalisations that follow a linear layer become part of its weight and bias ([`crate::BatchNorm::fold_into`]),
    /// activations part of the linear layer in front of them, and dropout and noise are left out, in nested sequences too. A
    /// normalisation stays where it cannot be folded: behind anything else than a linear layer with a bias and without an activation
    /// of its own, or one that the model uses more than once. Modules of your own stay as they are, and what is inside them is not
    /// looked at.
    ///
    /// `params` are those of the new model afterwards; with this one they no longer fit. Keep a clone to go on training.
    ///
    /// ```
    /// use layerwise_autograd::Params;
    /// use layerwise_nn_layers::Mlp;
    /// use layerwise_tensor::Rng;
    ///
    /// let mut params = Params::new();
    /// let mlp = Mlp::new(&[4, 8, 2]).batch_norm().dropout(0.5);
    /// let model = mlp.build(&mut params.root(), &mut Rng::seed(0));
    /// assert_eq!(model.layers().len(), 5);
    /// let mut folded = params.clone();
    /// assert_eq!(model.fold_batch_norm(&mut folded).layers().len(), 2);
    /// ```
    ///
    /// # Panics
    /// If a normalisation has another number of features than the linear layer in front has outputs.
    #[must_use]
    #[track_caller]
    pub fn fold_batch_norm(&self, params: &mut Params) -> Sequential {
        fold(self, self, params)
    }
}

#[track_caller]
fn fold(sequence: &Sequential, model: &Sequential, params: &mut Params) -> Sequential {
    let mut folded: Vec<Layer> = vec![];
    for layer in sequence.layers() {
        let linear = match folded.last() {
            Some(&Layer::Linear(linear)) if linear.activation() == Activation::Identity => Some(linear),
            _ => None,
        };
        match (layer, linear) {
            (Layer::Dropout(_) | Layer::GaussianDropout(_), _) => {}
            (Layer::AlphaDropout(_) | Layer::GaussianNoise(_), _) => {}
            (Layer::BatchNorm(norm), Some(linear)) if has_room(linear, model) => {
                norm.fold_into(&linear, params);
            }
            (&Layer::Activation(activation), Some(linear)) => {
                folded.pop();
                folded.push(linear.with_activation(activation).into());
            }
            (Layer::Sequential(inner), _) => folded.push(fold(inner, model, params).into()),
            (other, _) => folded.push(other.clone()),
        }
    }
    folded.into_iter().fold(Sequential::new(), Sequential::then)
}

/// Whether a change of a linear layer's weight and bias can stand for what follows it in one place.
fn has_room(linear: Linear, model: &Sequential) -> bool {
    linear.bias().is_some() && uses(model, linear.weight()) == 1
}

/// How often a model uses a weight.
fn uses(model: &Sequential, weight: ParamId) -> usize {
    let of = |layer: &Layer| match layer {
        Layer::Linear(linear) => usize::from(linear.weight() == weight),
        Layer::TransposedLinear(layer) => usize::from(layer.weight() == weight),
        Layer::Sequential(inner) => uses(inner, weight),
        _ => 0,
    };
    model.layers().iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchNorm, Dropout, GaussianNoise, Init, Mlp, Module, TransposedLinear};
    use layerwise_autograd::{Tape, Tensor};
    use layerwise_tensor::Rng;

    fn x() -> Tensor {
        Tensor::from_fn([8, 4], |i| (i as f32 * 0.7).sin() * 2.0)
    }

    /// Checks that a model and its folded form agree, and returns the kinds of its layers.
    #[track_caller]
    fn folded_agrees(model: &Sequential, params: &mut Params) -> Vec<String> {
        // Statistics that are not those a normalisation starts with.
        let mut rng = Rng::seed(4);
        for id in params.ids() {
            let name = params.name(id).to_owned();
            if name.contains("running_") || name.ends_with("bias") {
                params[id].iter_mut().for_each(|value| *value = 0.5 + rng.normal(0.0, 1.0).abs());
            }
        }
        let run = |model: &Sequential, params: &Params| {
            let mut tape = Tape::new();
            model.forward(tape.eval(params).input(&x())).value()
        };
        let before = run(model, params);
        let folded = model.fold_batch_norm(params);
        let after = run(&folded, params);
        let largest = before.map(f32::abs).max().unwrap();
        for (a, b) in before.as_slice().iter().zip(after.as_slice()) {
            assert!((a - b).abs() <= 1e-5 * a.abs() + 1e-6 * largest, "{a} {b}");
        }
        folded
            .layers()
            .iter()
            .map(|layer| format!("{layer:?}").split([' ', '(']).next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn an_mlp_becomes_linear_layers() {
        let mut params = Params::new();
        let mlp =
            Mlp::new(&[4, 9, 7, 3]).activation(Activation::Gelu).batch_norm().dropout(0.5).input_dropout(0.2);
        let model = mlp.build(&mut params.root(), &mut Rng::seed(1));
        assert_eq!(folded_agrees(&model, &mut params), ["Linear", "Linear", "Linear"]);
    }

    #[test]
    fn a_weight_that_is_tied_is_not_changed() {
        let (mut params, mut rng) = (Params::new(), Rng::seed(1));
        let mut root = params.root();
        let linear = Linear::new(&mut root.child(0), 4, 3, &mut rng);
        let norm = BatchNorm::new(&mut root.child(1), 3);
        let back = TransposedLinear::of(&linear, &mut root.child(2), [3, 4], Init::Zeros, &mut rng);
        let after = BatchNorm::new(&mut root.child(3), 4);
        let model = Sequential::new().then(linear).then(norm).then(back).then(after);
        let kinds = ["Linear", "BatchNorm", "TransposedLinear", "BatchNorm"];
        assert_eq!(folded_agrees(&model, &mut params), kinds);
    }

    #[test]
    fn what_cannot_be_folded_stays() {
        let mut params = Params::new();
        let mut root = params.root();
        let mut rng = Rng::seed(1);
        let shared = Linear::new(&mut root.child(0), 4, 4, &mut rng);
        let without = Linear::without_bias(&mut root.child(1), 4, 4, &mut rng);
        let plain = Linear::new(&mut root.child(2), 4, 4, &mut rng);
        let [a, b, c, d] = [3, 4, 5, 6].map(|at| BatchNorm::new(&mut root.child(at), 4));
        let inner = Sequential::new().then(plain).then(Dropout::new(0.5)).then(c).then(Activation::Tanh);
        let model =
            Sequential::new().then(a).then(shared).then(b).then(GaussianNoise::new(1.0)).then(without);
        let model = model.then(d).then(Activation::Relu).then(inner).then(shared);
        let kinds =
            ["BatchNorm", "Linear", "BatchNorm", "Linear", "BatchNorm", "Relu", "Sequential", "Linear"];
        assert_eq!(folded_agrees(&model, &mut params), kinds);
        // Folded, it has no normalisation left to fold in the inner sequence.
        let folded = model.fold_batch_norm(&mut params.clone());
        let Layer::Sequential(inner) = &folded.layers()[6] else { panic!("a sequence") };
        assert_eq!(inner.layers().len(), 1);
    }
}
