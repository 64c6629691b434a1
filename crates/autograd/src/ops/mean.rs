use layerwise_tensor::{Accum, Shape, reduce};

use super::Op;
use crate::Var;
use crate::graph::Forward;

impl<'p> Var<'p> {
    /// The mean of all elements, accumulated in f64; NaN of nothing.
    ///
    /// Its backward pass is that of the sum, divided by the number of elements.
    pub fn mean(self) -> Var<'p> {
        let x = self.node;
        let count = self.shape().len();
        self.pass.record(Shape::SCALAR, self.needs_gradient(), |Forward { values, out, .. }| {
            out[0] = (reduce::sum(values.get(x)) / count as f64) as f32;
            Op::Sum { x, scale: 1.0 / count as f32 }
        })
    }

    /// The means along a dimension, which the result does not have.
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn mean_axis(self, axis: usize) -> Var<'p> {
        let (x, shape) = (self.node, self.shape());
        let scale = 1.0 / shape.split_at_axis(axis).1 as f32;
        self.pass.record(
            shape.without_axis(axis),
            self.needs_gradient(),
            |Forward { values, out, .. }| {
                reduce::sum_axis(values.get(x), shape, axis, out, Accum::Replace);
                out.iter_mut().for_each(|mean| *mean *= scale);
                Op::SumAxis { x, axis, scale }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::noise;
    use crate::{Params, gradcheck};

    #[test]
    fn gradient() {
        let x = [noise([2, 3, 4])];
        gradcheck(&Params::new(), &x, |_, x| x[0].square().mean()).unwrap();
        for axis in 0..3 {
            gradcheck(&Params::new(), &x, |_, x| x[0].square().mean_axis(axis)).unwrap();
        }
    }
}
