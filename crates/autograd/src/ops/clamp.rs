use super::{Op, unary, unary_backward};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::NodeId;

impl<'p> Var<'p> {
    /// `y = min(max(x, low), high)`, for every element; the derivative at the two ends is 0, as in PyTorch.
    ///
    /// # Panics
    /// If `low > high`, or one of them is NaN.
    #[track_caller]
    pub fn clamp(self, low: f32, high: f32) -> Var<'p> {
        assert!(low <= high, "clamp: the lower end {low} is not at or below the upper end {high}");
        unary(self, |x| Op::Clamp(x, low, high), |x| x.clamp(low, high))
    }
}

/// `dx = dy` where `low < x < high`, else 0
pub(super) fn backward(x: NodeId, low: f32, high: f32, pass: Backward<'_, '_>) {
    unary_backward(x, pass, |g, x, _| if x > low && x < high { g } else { 0.0 });
}

#[cfg(test)]
mod tests {
    use crate::{Params, Tape, gradcheck};
    use layerwise_tensor::Tensor;

    #[test]
    fn gradient() {
        let x = Tensor::from([-2.0, -0.5, 0.3, 0.9, 1.9]);
        gradcheck(&Params::new(), &[x], |_, x| x[0].clamp(-1.0, 1.0)).unwrap();
    }

    #[test]
    fn the_ends_are_flat() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let x = pass.variable(&Tensor::from([-1.0, 0.9, 1.0]));
        x.clamp(-1.0, 1.0).sum().backward();
        assert_eq!(x.gradient().unwrap().as_slice(), [0.0, 1.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "clamp: the lower end 1 is not at or below the upper end 0")]
    fn ends_are_in_order() {
        let (mut tape, params) = (Tape::new(), Params::new());
        tape.eval(&params).scalar(0.0).clamp(1.0, 0.0);
    }
}
