use layerwise_tensor::softmax;

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

impl<'p> Var<'p> {
    /// `y_i = x_i - ln sum_j e^(x_j)` over the last dimension, without forming the probabilities.
    pub fn log_softmax(self) -> Var<'p> {
        let (x, shape) = (self.node, self.shape());
        self.pass.record(shape, self.needs_gradient(), |Forward { values, out, .. }| {
            out.copy_from_slice(values.get(x));
            softmax::log_softmax(out, shape.last());
            Op::LogSoftmax(x)
        })
    }
}

/// `dx_i = dy_i - e^(y_i) sum_j dy_j`
pub(super) fn backward(x: NodeId, pass: Backward<'_, '_>) {
    let Backward { node, values, gradient, sink, .. } = pass;
    let (y, cols) = (values.get(node), values.shape(node).last().max(1));
    for (dy, y) in gradient.chunks_exact_mut(cols).zip(y.chunks_exact(cols)) {
        let total: f32 = dy.iter().sum();
        dy.iter_mut().zip(y).for_each(|(dy, y)| *dy -= y.exp() * total);
    }
    sink.hand_on(x, gradient);
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::noise;
    use crate::{Params, gradcheck};

    #[test]
    fn gradient() {
        gradcheck(&Params::new(), &[noise([3, 4])], |_, x| (x[0] * 3.0).log_softmax()).unwrap();
    }
}
