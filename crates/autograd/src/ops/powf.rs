use super::{Op, unary, unary_backward};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::NodeId;

impl<'p> Var<'p> {
    /// `y = x^p`, for every element. NaN where `x` is negative and `p` is no integer.
    pub fn powf(self, p: f32) -> Var<'p> {
        unary(self, |x| Op::Powf(x, p), |x| x.powf(p))
    }
}

/// `dx = dy p x^(p - 1)`; 0 where `p` is 0, whatever `x` is.
pub(super) fn backward(x: NodeId, p: f32, pass: Backward<'_, '_>) {
    unary_backward(x, pass, |g, x, _| if p == 0.0 { 0.0 } else { g * p * x.powf(p - 1.0) });
}

#[cfg(test)]
mod tests {
    use crate::{Params, gradcheck};
    use layerwise_tensor::Tensor;

    #[test]
    fn gradient() {
        let x = [Tensor::from([0.3, 0.9, 1.0, 2.5])];
        for p in [-1.5, 0.0, 0.5, 1.0, 3.0] {
            gradcheck(&Params::new(), &x, |_, x| x[0].powf(p)).unwrap();
        }
    }
}
