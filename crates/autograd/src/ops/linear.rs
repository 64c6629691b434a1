use layerwise_tensor::{Activation, Mat, linear, matmul, reduce};

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId, Values};

/// `y [.., out] = f(x [.., in] w^T + b)`, one node for the three.
#[derive(Clone, Copy)]
pub(crate) struct Linear {
    x: NodeId,
    weight: NodeId,
    bias: Option<NodeId>,
    activation: Activation,
}

impl<'p> Var<'p> {
    /// `f(x w^T + b)`, with `x [.., in]`, `weight [out, in]` as PyTorch stores it, and `bias [out]`, in one pass over memory.
    ///
    /// An activation whose derivative needs its input ([`Activation::backward_from_output`]) becomes an operation of its own.
    ///
    /// # Panics
    /// If the shapes do not fit, or a constant of the activation is out of its range.
    #[track_caller]
    pub fn linear(self, weight: Var<'p>, bias: Option<Var<'p>>, activation: Activation) -> Var<'p> {
        let (shape, w) = (self.shape(), weight.shape());
        let what = Label(weight);
        self.check_same_pass(weight, "linear");
        let [outputs, inputs] = *w.dims() else {
            panic!("linear{what}: a weight of shape {w} is no matrix [out, in]")
        };
        assert!(
            shape.rank() > 0 && shape.last() == inputs,
            "linear{what}: the input {shape} has {} features, the weight {w} takes {inputs}",
            shape.last()
        );
        if let Some(bias) = bias {
            self.check_same_pass(bias, "linear");
            let b = bias.shape();
            assert!(
                b.dims() == [outputs],
                "linear{what}: the weight {w} with a bias of shape {b}, expected [{outputs}]"
            );
        }
        activation.check();
        if !activation.backward_from_output() {
            return self.linear(weight, bias, Activation::Identity).activation(activation);
        }
        let op = Linear { x: self.node, weight: weight.node, bias: bias.map(|bias| bias.node), activation };
        let needs = self.needs_gradient() || weight.needs_gradient() || bias.is_some_and(Var::needs_gradient);
        self.pass.record(
            shape.with_axis(shape.rank() - 1, outputs),
            needs,
            |Forward { values, out, .. }| {
                linear(
                    op.x(values),
                    op.weight(values),
                    op.bias.map(|bias| values.get(bias)),
                    activation,
                    out,
                );
                Op::Linear(op)
            },
        )
    }
}

impl Linear {
    fn x(self, values: Values<'_>) -> Mat<'_> {
        let (x, shape) = values.shaped(self.x);
        Mat::new(x, shape.rows(), shape.last())
    }

    fn weight(self, values: Values<'_>) -> Mat<'_> {
        let (weight, shape) = values.shaped(self.weight);
        Mat::new(weight, shape.dims()[0], shape.dims()[1])
    }

    /// The parameter's path without its last part: the layer's.
    pub(crate) fn weight_node(self) -> NodeId {
        self.weight
    }

    pub(crate) fn bias_node(self) -> Option<NodeId> {
        self.bias
    }

    pub(crate) fn activation(self) -> Activation {
        self.activation
    }

    /// `x w^T + b`, which the forward pass has not kept.
    pub(crate) fn pre_activation(self, values: Values<'_>, out: &mut [f32]) {
        let bias = self.bias.map(|bias| values.get(bias));
        linear(self.x(values), self.weight(values), bias, Activation::Identity, out);
    }

    /// `dz = dy f'(z)`, `db = sum over rows of dz`, `dw = dz^T x`, `dx = dz w`
    pub(super) fn backward(self, pass: Backward<'_, '_>) {
        let Backward { node, values, gradient, sink, .. } = pass;
        self.activation.backward(values.get(node), gradient);
        let (x, weight) = (self.x(values), self.weight(values));
        if let Some(bias) = self.bias {
            sink.add(bias, |out, accum| reduce::sum_rows(gradient, out, accum));
        }
        let dz = Mat::new(gradient, x.rows(), weight.rows());
        sink.add_product(self.weight, dz, (self.x, x));
        sink.add(self.x, |out, accum| matmul(dz, weight, out, accum));
    }
}

/// ` (0.weight)` for a weight that is a parameter, nothing for another.
struct Label<'p>(Var<'p>);

impl std::fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_param() {
            Some(id) => write!(f, " ({})", self.0.pass.params().name(id)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, Tape, gradcheck};
    use layerwise_tensor::Activation;

    #[test]
    fn gradient() {
        let inputs = [noise([5, 4]), noise([3, 4]), noise([3])];
        for f in [Activation::Identity, Activation::Sigmoid, Activation::Tanh, Activation::Gelu] {
            gradcheck(&Params::new(), &inputs, |_, x| x[0].linear(x[1], Some(x[2]), f)).unwrap();
            gradcheck(&Params::new(), &inputs[..2], |_, x| x[0].linear(x[1], None, f)).unwrap();
        }
    }

    #[test]
    fn any_number_of_leading_dimensions() {
        for shape in [&[4][..], &[2, 3, 4]] {
            let inputs = [noise(shape), noise([3, 4]), noise([3])];
            gradcheck(&Params::new(), &inputs, |_, x| x[0].linear(x[1], Some(x[2]), Activation::Sigmoid))
                .unwrap();
        }
    }

    #[test]
    fn it_equals_its_parts() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let [x, w, b] = [noise([5, 4]), noise([3, 4]), noise([3])].map(|t| pass.input(&t));
        let fused = x.linear(w, Some(b), Activation::Sigmoid);
        assert_eq!(fused.value(), (x.matmul_transposed(w) + b).sigmoid().value());
    }

    #[test]
    fn the_layer_and_both_shapes_are_named() {
        let mut params = Params::new();
        let w = params.root().child("encoder").parameter("weight", [3, 4], |_| ());
        let mut tape = Tape::new();
        let pass = tape.eval(&params);
        let x = pass.input(&noise([2, 5]));
        let text = crate::ops::tests::panic_text(|| {
            x.linear(pass.param(w), None, Activation::Identity);
        });
        let expected = "linear (encoder.weight): the input [2, 5] has 5 features, the weight [3, 4] takes 4";
        assert_eq!(text, expected);
        let bias = "linear: the weight [3, 4] with a bias of shape [4], expected [3]";
        panics_with(bias, |pass| {
            let [x, w, b] = [noise([2, 4]), noise([3, 4]), noise([4])].map(|t| pass.input(&t));
            x.linear(w, Some(b), Activation::Identity)
        });
    }
}
