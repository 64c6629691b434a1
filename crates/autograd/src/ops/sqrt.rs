use super::{Op, unary, unary_backward};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::NodeId;

impl<'p> Var<'p> {
    /// `y = sqrt(x)`, for every element.
    pub fn sqrt(self) -> Var<'p> {
        unary(self, Op::Sqrt, f32::sqrt)
    }
}

/// `dx = dy / (2 y)`
pub(super) fn backward(x: NodeId, pass: Backward<'_, '_>) {
    unary_backward(x, pass, |g, _, y| g / (2.0 * y));
}

#[cfg(test)]
mod tests {
    use crate::gradcheck;
    use layerwise_tensor::Tensor;

    #[test]
    fn gradient() {
        let x = Tensor::from([0.3, 0.9, 1.0, 2.5, 7.0]);
        gradcheck(&crate::Params::new(), &[x], |_, x| x[0].sqrt()).unwrap();
    }
}
