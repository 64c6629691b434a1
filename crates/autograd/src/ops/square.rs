use super::{Op, unary, unary_backward};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::NodeId;

impl<'p> Var<'p> {
    /// `y = x^2`, for every element.
    pub fn square(self) -> Var<'p> {
        unary(self, Op::Square, |x| x * x)
    }
}

/// `dx = 2 dy x`
pub(super) fn backward(x: NodeId, pass: Backward<'_, '_>) {
    unary_backward(x, pass, |g, x, _| 2.0 * g * x);
}

#[cfg(test)]
mod tests {
    use crate::gradcheck;
    use layerwise_tensor::Tensor;

    #[test]
    fn gradient() {
        let x = Tensor::from([-2.0, -0.3, 0.0, 0.7, 1.9]);
        gradcheck(&crate::Params::new(), &[x], |_, x| x[0].square()).unwrap();
    }
}
