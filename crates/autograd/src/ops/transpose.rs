use layerwise_tensor::Accum;

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

impl<'p> Var<'p> {
    /// `y [n, m] = x^T`, for a matrix `x [m, n]`. In front of a product use [`Var::matmul_transposed`] or
    /// [`Var::transposed_matmul`], which need no copy.
    ///
    /// # Panics
    /// If it is no matrix.
    #[track_caller]
    pub fn transpose(self) -> Var<'p> {
        let [rows, cols] = *self.shape().dims() else {
            panic!("transpose: a value of shape {} is no matrix", self.shape())
        };
        let x = self.node;
        self.pass.record([cols, rows].into(), self.needs_gradient(), |Forward { values, out, .. }| {
            transpose(values.get(x), rows, cols, out, Accum::Replace);
            Op::Transpose(x)
        })
    }
}

/// `dx = dy^T`
pub(super) fn backward(x: NodeId, pass: Backward<'_, '_>) {
    let Backward { node, values, gradient, sink, .. } = pass;
    let shape = values.shape(node);
    sink.add(x, |out, accum| transpose(gradient, shape.dims()[0], shape.dims()[1], out, accum));
}

/// `out [cols, rows] (+)= x^T`, for `x [rows, cols]`
fn transpose(x: &[f32], rows: usize, cols: usize, out: &mut [f32], accum: Accum) {
    for row in 0..rows {
        for col in 0..cols {
            accum.apply(&mut out[col * rows + row], x[row * cols + col]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, gradcheck};

    #[test]
    fn gradient() {
        gradcheck(&Params::new(), &[noise([3, 4])], |_, x| x[0].transpose()).unwrap();
        gradcheck(&Params::new(), &[noise([3, 3])], |_, x| x[0].transpose() + x[0]).unwrap();
    }

    #[test]
    fn only_a_matrix_can_be_transposed() {
        let text = "transpose: a value of shape [2, 3, 4] is no matrix";
        panics_with(text, |pass| pass.input(&noise([2, 3, 4])).transpose());
    }
}
