use super::{Op, unary, unary_backward};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::NodeId;

impl<'p> Var<'p> {
    /// `y = |x|`; the derivative at 0 is 0, for every element.
    pub fn abs(self) -> Var<'p> {
        unary(self, Op::Abs, f32::abs)
    }
}

/// `dx = dy sign(x)`
pub(super) fn backward(x: NodeId, pass: Backward<'_, '_>) {
    unary_backward(x, pass, |g, x, _| if x == 0.0 { 0.0 } else { g * x.signum() });
}

#[cfg(test)]
mod tests {
    use crate::gradcheck;
    use layerwise_tensor::Tensor;

    #[test]
    fn gradient() {
        let x = Tensor::from([-2.0, -0.3, 0.4, 0.7, 1.9]);
        gradcheck(&crate::Params::new(), &[x], |_, x| x[0].abs()).unwrap();
    }

    #[test]
    fn the_derivative_at_zero_is_zero() {
        let (mut tape, params) = (crate::Tape::new(), crate::Params::new());
        let pass = tape.eval(&params);
        let x = pass.variable(&Tensor::from([0.0, -0.0]));
        x.abs().sum().backward();
        assert_eq!(x.gradient().unwrap().as_slice(), [0.0, 0.0]);
    }
}
