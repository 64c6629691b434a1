use std::ops::Range;

use layerwise_tensor::Accum;

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

impl<'p> Var<'p> {
    /// The elements with an index in `range` along dimension `axis`.
    ///
    /// # Panics
    /// If there is no such dimension, or the range goes beyond it.
    #[track_caller]
    pub fn slice(self, axis: usize, range: Range<usize>) -> Var<'p> {
        let shape = self.shape();
        let (outer, extent, inner) = shape.split_at_axis(axis);
        let Range { start, end } = range;
        assert!(
            start <= end && end <= extent,
            "slice: {start}..{end} along dimension {axis} of a value of shape {shape}, which has {extent} there"
        );
        let x = self.node;
        let to = shape.with_axis(axis, end - start);
        self.pass.record(to, self.needs_gradient(), |Forward { values, out, .. }| {
            let (x, width) = (values.get(x), (end - start) * inner);
            for o in 0..outer {
                let from = (o * extent + start) * inner;
                out[o * width..][..width].copy_from_slice(&x[from..from + width]);
            }
            Op::Slice { x: self.node, axis, start }
        })
    }
}

/// `dx = dy` inside the range, 0 outside
pub(super) fn backward(x: NodeId, axis: usize, start: usize, pass: Backward<'_, '_>) {
    let Backward { node, values, gradient, sink, .. } = pass;
    let (outer, extent, inner) = values.shape(x).split_at_axis(axis);
    let width = values.shape(node).dims()[axis] * inner;
    sink.add(x, |out, accum| {
        if accum == Accum::Replace {
            out.fill(0.0);
        }
        for o in 0..outer {
            let out = &mut out[(o * extent + start) * inner..][..width];
            out.iter_mut().zip(&gradient[o * width..]).for_each(|(out, g)| *out += g);
        }
    });
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, gradcheck};

    #[test]
    fn gradient() {
        for (axis, range) in [(0, 1..2), (1, 0..3), (2, 1..4), (2, 2..2)] {
            gradcheck(&Params::new(), &[noise([2, 3, 4])], |_, x| x[0].slice(axis, range.clone()).square())
                .unwrap();
        }
        // Overlapping slices of one value.
        gradcheck(&Params::new(), &[noise([5])], |_, x| x[0].slice(0, 0..3) * x[0].slice(0, 1..4)).unwrap();
    }

    #[test]
    fn a_range_stays_inside() {
        let text = "slice: 1..5 along dimension 0 of a value of shape [4], which has 4 there";
        panics_with(text, |pass| pass.input(&noise([4])).slice(0, 1..5));
    }
}
