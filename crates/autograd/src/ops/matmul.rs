use layerwise_tensor::{Accum, Mat, matmul};

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId, Values};

/// `y = a' b'`, where a prime stands for an optional transposition.
#[derive(Clone, Copy)]
pub(crate) struct MatMul {
    a: NodeId,
    b: NodeId,
    a_transposed: bool,
    b_transposed: bool,
}

impl<'p> Var<'p> {
    /// `a b`, for matrices `[m, k]` and `[k, n]`.
    ///
    /// # Panics
    /// If one is no matrix, or the inner extents differ.
    #[track_caller]
    pub fn matmul(self, b: Var<'p>) -> Var<'p> {
        record(self, b, false, false)
    }

    /// `a b^T`, for matrices `[m, k]` and `[n, k]`, without making the transpose.
    ///
    /// # Panics
    /// If one is no matrix, or the inner extents differ.
    #[track_caller]
    pub fn matmul_transposed(self, b: Var<'p>) -> Var<'p> {
        record(self, b, false, true)
    }

    /// `a^T b`, for matrices `[k, m]` and `[k, n]`, without making the transpose.
    ///
    /// # Panics
    /// If one is no matrix, or the inner extents differ.
    #[track_caller]
    pub fn transposed_matmul(self, b: Var<'p>) -> Var<'p> {
        record(self, b, true, false)
    }
}

#[track_caller]
fn record<'p>(a: Var<'p>, b: Var<'p>, a_transposed: bool, b_transposed: bool) -> Var<'p> {
    a.check_same_pass(b, "matmul");
    let (rows, inner) = extents(a, a_transposed);
    let (b_inner, cols) = extents(b, b_transposed);
    assert!(inner == b_inner, "matmul: [{rows}, {inner}] x [{b_inner}, {cols}]: the inner extents differ");
    let op = MatMul { a: a.node, b: b.node, a_transposed, b_transposed };
    a.pass.record(
        [rows, cols].into(),
        a.needs_gradient() || b.needs_gradient(),
        |Forward { values, out, .. }| {
            matmul(op.a(values), op.b(values), out, Accum::Replace);
            Op::MatMul(op)
        },
    )
}

#[track_caller]
fn extents(x: Var<'_>, transposed: bool) -> (usize, usize) {
    match *x.shape().dims() {
        [rows, cols] if transposed => (cols, rows),
        [rows, cols] => (rows, cols),
        _ => panic!("matmul: a value of shape {} is no matrix", x.shape()),
    }
}

impl MatMul {
    pub(crate) fn operands(self) -> [NodeId; 2] {
        [self.a, self.b]
    }

    fn a(self, values: Values<'_>) -> Mat<'_> {
        mat(values, self.a, self.a_transposed)
    }

    fn b(self, values: Values<'_>) -> Mat<'_> {
        mat(values, self.b, self.b_transposed)
    }

    /// `da = dy b^T`, `db = a^T dy`; each turned round if its operand was.
    pub(super) fn backward(self, pass: Backward<'_, '_>) {
        let Backward { values, gradient, sink, .. } = pass;
        let (a, b) = (self.a(values), self.b(values));
        let dy = Mat::new(gradient, a.rows(), b.cols());
        sink.add(self.a, |out, accum| product(dy, b.t(), self.a_transposed, out, accum));
        sink.add(self.b, |out, accum| product(a.t(), dy, self.b_transposed, out, accum));
    }
}

fn mat(values: Values<'_>, node: NodeId, transposed: bool) -> Mat<'_> {
    let (data, shape) = values.shaped(node);
    let stored = Mat::new(data, shape.dims()[0], shape.dims()[1]);
    if transposed { stored.t() } else { stored }
}

/// `a b`, or its transpose `b^T a^T`
fn product(a: Mat<'_>, b: Mat<'_>, transposed: bool, out: &mut [f32], accum: Accum) {
    if transposed { matmul(b.t(), a.t(), out, accum) } else { matmul(a, b, out, accum) }
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, gradcheck};

    #[test]
    fn gradient() {
        let none = Params::new();
        gradcheck(&none, &[noise([3, 4]), noise([4, 5])], |_, x| x[0].matmul(x[1])).unwrap();
        gradcheck(&none, &[noise([3, 4]), noise([5, 4])], |_, x| x[0].matmul_transposed(x[1])).unwrap();
        gradcheck(&none, &[noise([4, 3]), noise([4, 5])], |_, x| x[0].transposed_matmul(x[1])).unwrap();
    }

    #[test]
    fn a_matrix_times_itself() {
        gradcheck(&Params::new(), &[noise([3, 3])], |_, x| x[0].matmul(x[0])).unwrap();
        gradcheck(&Params::new(), &[noise([3, 3])], |_, x| x[0].matmul_transposed(x[0])).unwrap();
    }

    #[test]
    fn shapes_are_named() {
        let inner = "matmul: [2, 3] x [2, 3]: the inner extents differ";
        panics_with(inner, |pass| pass.input(&noise([2, 3])).matmul(pass.input(&noise([2, 3]))));
        let rank = "matmul: a value of shape [3] is no matrix";
        panics_with(rank, |pass| pass.input(&noise([2, 3])).matmul(pass.input(&noise([3]))));
    }
}
