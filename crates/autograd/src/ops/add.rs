use super::{Op, binary, binary_backward};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::NodeId;

impl<'p> std::ops::Add for Var<'p> {
    type Output = Var<'p>;

    /// `y = a + b`, element by element with NumPy's broadcasting.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    fn add(self, other: Var<'p>) -> Var<'p> {
        binary("add", self, other, Op::Add, |a, b| a + b)
    }
}

/// `da = dy`, `db = dy`, summed over what was repeated
pub(super) fn backward(a: NodeId, b: NodeId, pass: Backward<'_, '_>) {
    binary_backward(a, b, pass, |g, _, _| g, |g, _, _| g);
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::for_each_broadcast;
    use crate::{Params, gradcheck};

    #[test]
    fn gradient() {
        for_each_broadcast(|a, b| gradcheck(&Params::new(), &[a, b], |_, x| x[0] + x[1]).unwrap());
    }

    #[test]
    fn an_operand_may_be_used_twice() {
        for_each_broadcast(|a, _| gradcheck(&Params::new(), &[a], |_, x| x[0] + (x[0] + 0.5)).unwrap());
    }

    #[test]
    #[should_panic(expected = "add: shapes [2, 3] and [4] do not broadcast")]
    fn shapes_are_named() {
        let (mut tape, params) = (crate::Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let zeros = |shape: &[usize]| pass.input(&layerwise_tensor::Tensor::zeros(shape));
        let _ = zeros(&[2, 3]) + zeros(&[4]);
    }
}
