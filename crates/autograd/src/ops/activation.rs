use layerwise_tensor::Activation;
use layerwise_tensor::threads::{PART, for_each_part};

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

impl<'p> Var<'p> {
    /// `y = f(x)`, for every element; formulas and derivatives stand at [`Activation`].
    ///
    /// # Panics
    /// If a constant of the function is out of its range.
    #[track_caller]
    pub fn activation(self, activation: Activation) -> Var<'p> {
        activation.check();
        let x = self.node;
        self.pass.record(self.shape(), self.needs_gradient(), |Forward { values, out, .. }| {
            // What a thread has just copied is still near.
            for_each_part((out, values.get(x)), PART, |(out, x)| {
                out.copy_from_slice(x);
                activation.forward(out);
            });
            Op::Activation(x, activation)
        })
    }

    /// `y = 1 / (1 + e^-x)`
    pub fn sigmoid(self) -> Var<'p> {
        self.activation(Activation::Sigmoid)
    }

    /// `y = tanh x`
    pub fn tanh(self) -> Var<'p> {
        self.activation(Activation::Tanh)
    }

    /// `y = max(0, x)`; the derivative at 0 is 0.
    pub fn relu(self) -> Var<'p> {
        self.activation(Activation::Relu)
    }
}

/// `dx = dy f'`, from `y` or from `x`, whichever the function's derivative is exact in
pub(super) fn backward(x: NodeId, activation: Activation, pass: Backward<'_, '_>) {
    let Backward { node, values, gradient, sink, .. } = pass;
    let saved = if activation.backward_from_output() { values.get(node) } else { values.get(x) };
    activation.backward(saved, gradient);
    sink.hand_on(x, gradient);
}

#[cfg(test)]
mod tests {
    use crate::{Params, Tape, gradcheck};
    use layerwise_tensor::{Activation, Tensor};

    #[test]
    fn gradient() {
        // Away from the kinks, on both sides of each.
        let x = [Tensor::from([-4.1, -2.6, -1.3, -0.4, -0.1, 0.2, 0.6, 1.2, 2.5, 3.7])];
        for f in Activation::EACH {
            gradcheck(&Params::new(), &x, |_, x| x[0].activation(f)).unwrap_or_else(|e| panic!("{f:?}: {e}"));
        }
    }

    #[test]
    fn relu_is_flat_at_zero() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let x = pass.variable(&Tensor::from([0.0, -0.0, 1.0]));
        x.relu().sum().backward();
        assert_eq!(x.gradient().unwrap().as_slice(), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for f in Activation::EACH {
            let mut x = [f32::NAN];
            f.forward(&mut x);
            assert!(x[0].is_nan(), "{f:?} turns NaN into {}", x[0]);
        }
    }
}
