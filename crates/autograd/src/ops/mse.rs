use layerwise_tensor::threads::{PART, for_each_part};
use layerwise_tensor::{Accum, Shape, reduce};

use super::Op;
use super::pair_loss::{Formula, Kind, Reduction};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

impl<'p> Var<'p> {
    /// The mean over all elements of `(x - target)^2`, accumulated in f64.
    ///
    /// # Panics
    /// If the shapes differ: a broadcast here is nearly always a mistake.
    #[track_caller]
    pub fn mse(self, target: Var<'p>) -> Var<'p> {
        self.check_same_pass(target, "mse");
        let (shape, other) = (self.shape(), target.shape());
        assert!(shape == other, "mse: a value of shape {shape} with a target of shape {other}");
        let (x, t) = (self.node, target.node);
        let needs_gradient = self.needs_gradient() || target.needs_gradient();
        self.pass.record(Shape::SCALAR, needs_gradient, |Forward { values, out, .. }| {
            let squares = reduce::squared_distance(values.get(x), values.get(t));
            out[0] = (squares / shape.len() as f64) as f32;
            Op::Mse(x, t)
        })
    }

    /// [`Var::mse`] with another reduction: the sum of the squares, or the squares themselves.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn mse_with(self, target: Var<'p>, reduction: Reduction) -> Var<'p> {
        match reduction {
            // An operation of its own, with the squares in f64.
            Reduction::Mean => self.mse(target),
            _ => self.pair_loss("mse", target, reduction, |_| Kind::Mse),
        }
    }
}

/// `dx = 2 (x - t)`, `dt = -dx`
pub(super) const FORMULA: Formula = Formula {
    value: |x, t, _| (x - t) * (x - t),
    by_x: |x, t, _| 2.0 * (x - t),
    by_target: |x, t, _| 2.0 * (t - x),
};

/// `dx = 2 dy (x - t) / n`, `dt = -dx`
pub(super) fn backward(x: NodeId, target: NodeId, pass: Backward<'_, '_>) {
    let Backward { values, gradient, sink, .. } = pass;
    let (xs, ts) = (values.get(x), values.get(target));
    let scale = 2.0 * gradient[0] / xs.len() as f32;
    let write = |out: &mut [f32], accum: Accum, scale: f32| {
        for_each_part(
            (out, (xs, ts)),
            PART,
            #[inline(always)]
            |(out, (xs, ts))| {
                for (out, (x, t)) in out.iter_mut().zip(xs.iter().zip(ts)) {
                    accum.apply(out, scale * (x - t));
                }
            },
        );
    };
    sink.add(x, |out, accum| write(out, accum, scale));
    sink.add(target, |out, accum| write(out, accum, -scale));
}

#[cfg(test)]
mod tests {
    use crate::ops::pair_loss::tests::check;
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, gradcheck};

    #[test]
    fn gradient() {
        gradcheck(&Params::new(), &[noise([3, 4]), noise([3, 4]).map(|x| x * x)], |_, x| x[0].mse(x[1]))
            .unwrap();
        check(&noise([3, 4]), &noise([3, 4]).map(|x| x * x), |x, t, reduction| x.mse_with(t, reduction));
    }

    #[test]
    fn shapes_must_be_equal() {
        let text = "mse: a value of shape [2, 3] with a target of shape [3]";
        panics_with(text, |pass| pass.input(&noise([2, 3])).mse(pass.input(&noise([3]))));
    }
}
