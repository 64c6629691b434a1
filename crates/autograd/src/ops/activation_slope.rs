use layerwise_tensor::Activation;

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

/// Elements whose derivative is taken at a time, on the stack.
const PART: usize = 256;

impl<'p> Var<'p> {
    /// `y = f'(x)`, for every element: the slope of an activation as a value that is differentiated in turn, as penalties on a
    /// Jacobian need it (Rifai et al. 2011).
    pub fn activation_slope(self, activation: Activation) -> Var<'p> {
        let x = self.node;
        self.pass.record(self.shape(), self.needs_gradient(), |Forward { values, out, .. }| {
            let mut saved = [0.0; PART];
            for (out, x) in out.chunks_mut(PART).zip(values.get(x).chunks(PART)) {
                let saved = &mut saved[..x.len()];
                saved.copy_from_slice(x);
                if activation.backward_from_output() {
                    activation.forward(saved);
                }
                out.fill(1.0);
                activation.backward(saved, out);
            }
            Op::ActivationSlope(x, activation)
        })
    }
}

/// `dx = dy f''(x)`
pub(super) fn backward(x: NodeId, activation: Activation, pass: Backward<'_, '_>) {
    super::unary_backward(x, pass, |g, x, _| g * activation.second_derivative(x));
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::noise;
    use crate::{Params, Tape, gradcheck};
    use layerwise_tensor::{Activation, Tensor};

    #[test]
    fn gradient() {
        // Away from the kinks, on both sides of each.
        let x = [Tensor::from([-4.1, -2.6, -1.3, -0.4, 0.2, 0.6, 1.2, 2.5, 3.7])];
        let curved = [
            Activation::Sigmoid,
            Activation::Tanh,
            Activation::Elu { alpha: 0.7 },
            Activation::Gelu,
            Activation::Mish,
        ];
        for f in curved {
            gradcheck(&Params::new(), &x, |_, x| x[0].activation_slope(f))
                .unwrap_or_else(|e| panic!("{f:?}: {e}"));
        }
    }

    #[test]
    fn it_is_what_the_backward_pass_multiplies_by() {
        let x = noise([3, 257]).map(|x| 3.0 * x);
        for f in [Activation::Sigmoid, Activation::Relu, Activation::Silu, Activation::HardSigmoid] {
            let (mut tape, params) = (Tape::new(), Params::new());
            let pass = tape.eval(&params);
            let x = pass.variable(&x);
            let slope = x.activation_slope(f).value();
            x.activation(f).sum().backward();
            assert_eq!(x.gradient().unwrap(), slope, "{f:?}");
        }
    }
}
