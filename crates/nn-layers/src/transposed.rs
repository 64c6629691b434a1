use layerwise_autograd::{Activation, ParamId, Scope, Var};
use layerwise_tensor::Rng;

use crate::{Init, Linear, Module};

/// `y = f(x W + b)` with the weight of a [`Linear`] as it is stored: the same map in the other direction, with a bias of its own. Decoders with
/// tied weights are made of these.
///
/// # Shapes
/// - `x [.., in]`, `y [.., out]`
/// - `weight [in, out]`, the other layer's; `bias [out]`
#[derive(Clone, Copy, Debug)]
pub struct TransposedLinear {
    weight: ParamId,
    bias: ParamId,
    activation: Activation,
}

impl TransposedLinear {
    /// The transpose of a layer that has `widths[0]` outputs and `widths[1]` inputs, without an activation. Declares `bias`, which starts as that
    /// of [`Linear::with_init`].
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn of(linear: &Linear, scope: &mut Scope<'_>, widths: [usize; 2], init: Init, rng: &mut Rng) -> Self {
        let [inputs, outputs] = widths;
        let bias = scope.parameter("bias", [outputs], |values| init.fill_bias(values, inputs, rng));
        TransposedLinear { weight: linear.weight(), bias, activation: Activation::Identity }
    }

    /// The same layer with an activation.
    ///
    /// # Panics
    /// If a constant of it is out of its range.
    #[track_caller]
    pub fn with_activation(self, activation: Activation) -> Self {
        activation.check();
        TransposedLinear { activation, ..self }
    }

    /// The weight, `[in, out]`.
    pub fn weight(&self) -> ParamId {
        self.weight
    }

    /// The bias, `[out]`.
    pub fn bias(&self) -> ParamId {
        self.bias
    }

    /// What follows the linear map.
    pub fn activation(&self) -> Activation {
        self.activation
    }
}

impl Module for TransposedLinear {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        let pass = x.pass();
        let z = x.matmul(pass.param(self.weight)) + pass.param(self.bias);
        if self.activation == Activation::Identity { z } else { z.activation(self.activation) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerwise_autograd::{Params, Tape, Tensor, gradcheck};

    /// A linear layer from 3 to 2, and its transpose.
    fn layers() -> (Params, Linear, TransposedLinear) {
        let (mut params, mut rng) = (Params::new(), Rng::seed(3));
        let linear = Linear::new(&mut params.root().child(0), 3, 2, &mut rng);
        let mut scope = params.root();
        let back = TransposedLinear::of(&linear, &mut scope.child(1), [2, 3], Init::PytorchLinear, &mut rng);
        (params, linear, back)
    }

    #[test]
    fn gradient_of_a_weight_used_twice() {
        let (params, linear, back) = layers();
        let x = [Tensor::from_fn([4, 3], |i| (i as f32 * 0.7).sin())];
        for activation in [Activation::Identity, Activation::Sigmoid, Activation::Silu] {
            let back = back.with_activation(activation);
            gradcheck(&params, &x, |_, x| back.forward(linear.forward(x[0]))).unwrap();
        }
    }

    #[test]
    fn it_is_the_other_direction() {
        let (mut params, _, back) = layers();
        params.set("0.weight", &Tensor::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        params.set("1.bias", &Tensor::from([0.0, 0.0, -30.0]));
        let mut tape = Tape::new();
        let pass = tape.eval(&params);
        let y =
            back.with_activation(Activation::Relu).forward(pass.input(&Tensor::new([1, 2], vec![1.0, 2.0])));
        assert_eq!(y.value().as_slice(), [9.0, 12.0, 0.0]);
    }
}
