use layerwise_tensor::{Accum, Shape, reduce};

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

impl<'p> Var<'p> {
    /// The largest of all elements; of several equal ones the first receives the gradient.
    ///
    /// # Panics
    /// If there is no element.
    #[track_caller]
    pub fn max(self) -> Var<'p> {
        let flat = self.reshape([self.shape().len()]);
        flat.max_axis(0).reshape(Shape::SCALAR)
    }

    /// The largest elements along a dimension, which the result does not have; of several equal ones the first receives
    /// the gradient.
    ///
    /// # Panics
    /// If there is no such dimension, or it is empty.
    #[track_caller]
    pub fn max_axis(self, axis: usize) -> Var<'p> {
        let (x, shape) = (self.node, self.shape());
        let to = shape.without_axis(axis);
        assert!(shape.dims()[axis] > 0, "max: dimension {axis} of a value of shape {shape} is empty");
        self.pass.record(to, self.needs_gradient(), |Forward { values, out, workspace }| {
            let places = workspace.indices.len();
            workspace.indices.resize(places + to.len(), 0);
            reduce::max_axis(values.get(x), shape, axis, out, |at, index| {
                workspace.indices[places + at] = index as u32;
            });
            Op::MaxAxis { x, axis, places }
        })
    }
}

/// `dx = dy` at the maximum, 0 elsewhere
pub(super) fn backward_axis(x: NodeId, axis: usize, places: usize, pass: Backward<'_, '_>) {
    let Backward { values, workspace, gradient, sink, .. } = pass;
    let (_, extent, inner) = values.shape(x).split_at_axis(axis);
    sink.add(x, |out, accum| {
        if accum == Accum::Replace {
            out.fill(0.0);
        }
        for (at, g) in gradient.iter().enumerate() {
            let index = workspace.indices[places + at] as usize;
            out[(at / inner * extent + index) * inner + at % inner] += g;
        }
    });
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, Tape, gradcheck};
    use layerwise_tensor::Tensor;

    #[test]
    fn gradient() {
        // No two are closer than the differences reach.
        let x = [Tensor::from_fn([2, 3, 4], |i| (i * 7 % 24) as f32 * 0.1)];
        gradcheck(&Params::new(), &x, |_, x| x[0].max()).unwrap();
        for axis in 0..3 {
            gradcheck(&Params::new(), &x, |_, x| x[0].max_axis(axis)).unwrap();
        }
    }

    #[test]
    fn the_first_of_equals_receives_the_gradient() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let x = pass.variable(&Tensor::from([1.0, 2.0, 2.0]));
        x.max().backward();
        assert_eq!(x.gradient().unwrap().as_slice(), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn nothing_has_no_maximum() {
        panics_with("max: dimension 0 of a value of shape [0] is empty", |pass| {
            pass.input(&noise([0])).max()
        });
    }
}
