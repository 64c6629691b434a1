use layerwise_tensor::elementwise;

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

impl<'p> Var<'p> {
    /// The values one after the other along dimension `axis`.
    ///
    /// # Panics
    /// If there is none, or the shapes differ in another dimension.
    #[track_caller]
    pub fn concat(parts: &[Var<'p>], axis: usize) -> Var<'p> {
        let [first, rest @ ..] = parts else { panic!("concat of no values") };
        let (outer, mut extent, inner) = first.shape().split_at_axis(axis);
        let mut needs_gradient = first.needs_gradient();
        for part in rest {
            first.check_same_pass(*part, "concat");
            let (shape, other) = (first.shape(), part.shape());
            let fits = other.rank() == shape.rank() && other.with_axis(axis, 0) == shape.with_axis(axis, 0);
            assert!(fits, "concat: shapes {shape} and {other} differ in another dimension than {axis}");
            extent += other.dims()[axis];
            needs_gradient |= part.needs_gradient();
        }
        let to = first.shape().with_axis(axis, extent);
        first.pass.record(to, needs_gradient, |Forward { values, out, workspace }| {
            let list = workspace.indices.len();
            workspace.indices.extend(parts.iter().map(|part| part.node.0));
            let mut before = 0;
            for part in parts {
                let (x, shape) = values.shaped(part.node);
                let width = shape.dims()[axis] * inner;
                for o in 0..outer {
                    out[o * extent * inner + before..][..width].copy_from_slice(&x[o * width..][..width]);
                }
                before += width;
            }
            Op::Concat { list, parts: parts.len(), axis }
        })
    }
}

/// Each part's gradient is its part of `dy`.
pub(super) fn backward(list: usize, parts: usize, axis: usize, pass: Backward<'_, '_>) {
    let Backward { node, values, workspace, gradient, sink, .. } = pass;
    let (outer, extent, inner) = values.shape(node).split_at_axis(axis);
    let mut before = 0;
    for &part in &workspace.indices[list..list + parts] {
        let width = values.shape(NodeId(part)).dims()[axis] * inner;
        sink.add(NodeId(part), |out, accum| {
            for o in 0..outer {
                let from = o * extent * inner + before;
                elementwise::map(&gradient[from..from + width], &mut out[o * width..][..width], accum, |g| g);
            }
        });
        before += width;
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, Var, gradcheck};

    #[test]
    fn gradient() {
        for (axis, shapes) in
            [(0, [[1, 3, 2], [2, 3, 2]]), (1, [[2, 1, 3], [2, 4, 3]]), (2, [[2, 3, 1], [2, 3, 2]])]
        {
            gradcheck(&Params::new(), &shapes.map(noise), |_, x| Var::concat(x, axis).square()).unwrap();
        }
        gradcheck(&Params::new(), &[noise([3])], |_, x| Var::concat(&[x[0], x[0].exp(), x[0]], 0)).unwrap();
    }

    #[test]
    fn shapes_are_named() {
        let text = "concat: shapes [2, 3] and [3, 3] differ in another dimension than 1";
        panics_with(text, |pass| Var::concat(&[pass.input(&noise([2, 3])), pass.input(&noise([3, 3]))], 1));
        panics_with("concat of no values", |_| Var::concat(&[], 0));
    }
}
