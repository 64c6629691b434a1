use layerwise_tensor::softmax;

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

impl<'p> Var<'p> {
    /// `y_i = e^(x_i) / sum_j e^(x_j)` over the last dimension. For a loss use [`Var::cross_entropy`], which takes the logits.
    pub fn softmax(self) -> Var<'p> {
        let (x, shape) = (self.node, self.shape());
        self.pass.record(shape, self.needs_gradient(), |Forward { values, out, .. }| {
            out.copy_from_slice(values.get(x));
            softmax::softmax(out, shape.last());
            Op::Softmax(x)
        })
    }
}

/// `dx_i = y_i (dy_i - sum_j dy_j y_j)`
pub(super) fn backward(x: NodeId, pass: Backward<'_, '_>) {
    let Backward { node, values, gradient, sink, .. } = pass;
    let (y, cols) = (values.get(node), values.shape(node).last().max(1));
    for (dy, y) in gradient.chunks_exact_mut(cols).zip(y.chunks_exact(cols)) {
        let dot: f32 = dy.iter().zip(y).map(|(dy, y)| dy * y).sum();
        dy.iter_mut().zip(y).for_each(|(dy, y)| *dy = y * (*dy - dot));
    }
    sink.hand_on(x, gradient);
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::noise;
    use crate::{Params, gradcheck};

    #[test]
    fn gradient() {
        gradcheck(&Params::new(), &[noise([3, 4])], |_, x| (x[0] * 3.0).softmax()).unwrap();
        gradcheck(&Params::new(), &[noise([5])], |_, x| x[0].softmax() * x[0]).unwrap();
    }
}
