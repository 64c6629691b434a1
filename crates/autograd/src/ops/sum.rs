use layerwise_tensor::{Accum, Shape, reduce};

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

impl<'p> Var<'p> {
    /// The sum of all elements, accumulated in f64.
    pub fn sum(self) -> Var<'p> {
        let x = self.node;
        self.pass.record(Shape::SCALAR, self.needs_gradient(), |Forward { values, out, .. }| {
            out[0] = reduce::sum(values.get(x)) as f32;
            Op::Sum { x, scale: 1.0 }
        })
    }

    /// The sums along a dimension, which the result does not have.
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn sum_axis(self, axis: usize) -> Var<'p> {
        let (x, shape) = (self.node, self.shape());
        self.pass.record(
            shape.without_axis(axis),
            self.needs_gradient(),
            |Forward { values, out, .. }| {
                reduce::sum_axis(values.get(x), shape, axis, out, Accum::Replace);
                Op::SumAxis { x, axis, scale: 1.0 }
            },
        )
    }
}

/// `dx = scale dy`, repeated for every element; `scale` is 1 for a sum and `1 / n` for a mean
pub(super) fn backward(x: NodeId, scale: f32, pass: Backward<'_, '_>) {
    let Backward { gradient, sink, .. } = pass;
    let g = scale * gradient[0];
    sink.add(x, |out, accum| out.iter_mut().for_each(|out| accum.apply(out, g)));
}

/// The same, repeated along a dimension
pub(super) fn backward_axis(x: NodeId, axis: usize, scale: f32, pass: Backward<'_, '_>) {
    let Backward { values, gradient, sink, .. } = pass;
    let (_, extent, inner) = values.shape(x).split_at_axis(axis);
    sink.add(x, |out, accum| {
        for (i, out) in out.iter_mut().enumerate() {
            accum.apply(out, scale * gradient[i / (extent * inner) * inner + i % inner]);
        }
    });
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::noise;
    use crate::{Params, gradcheck};

    #[test]
    fn gradient() {
        let x = [noise([2, 3, 4])];
        gradcheck(&Params::new(), &x, |_, x| x[0].square().sum()).unwrap();
        for axis in 0..3 {
            gradcheck(&Params::new(), &x, |_, x| x[0].square().sum_axis(axis)).unwrap();
        }
    }
}
