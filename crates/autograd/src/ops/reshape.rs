use layerwise_tensor::Shape;

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::NodeId;

impl<'p> Var<'p> {
    /// The same elements under another shape, without a copy.
    ///
    /// # Panics
    /// If it has another number of elements.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Var<'p> {
        let (from, to) = (self.shape(), shape.into());
        assert!(
            from.len() == to.len(),
            "reshape: a value of shape {from} has {} elements, shape {to} has {}",
            from.len(),
            to.len()
        );
        self.alias(Op::Reshape(self.node), to, self.needs_gradient())
    }
}

/// `dx = dy` under the shape of `x`
pub(super) fn backward(x: NodeId, pass: Backward<'_, '_>) {
    pass.sink.hand_on(x, pass.gradient);
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, gradcheck};

    #[test]
    fn gradient() {
        let x = [noise([3, 4])];
        gradcheck(&Params::new(), &x, |_, x| x[0].reshape([2, 6]).square()).unwrap();
        // The reshaped value and its origin are both used.
        gradcheck(&Params::new(), &x, |_, x| x[0].square() + x[0].reshape([12]).exp().reshape([3, 4]))
            .unwrap();
    }

    #[test]
    fn elements_are_counted() {
        let text = "reshape: a value of shape [2, 3] has 6 elements, shape [4] has 4";
        panics_with(text, |pass| pass.input(&noise([2, 3])).reshape([4]));
    }
}
