use super::{Op, unary, unary_backward};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::NodeId;

impl<'p> Var<'p> {
    /// `y = ln x`, the natural logarithm, for every element.
    pub fn log(self) -> Var<'p> {
        unary(self, Op::Log, f32::ln)
    }
}

/// `dx = dy / x`
pub(super) fn backward(x: NodeId, pass: Backward<'_, '_>) {
    unary_backward(x, pass, |g, x, _| g / x);
}

#[cfg(test)]
mod tests {
    use crate::gradcheck;
    use layerwise_tensor::Tensor;

    #[test]
    fn gradient() {
        let x = Tensor::from([0.3, 0.9, 1.0, 2.5, 7.0]);
        gradcheck(&crate::Params::new(), &[x], |_, x| x[0].log()).unwrap();
    }
}
