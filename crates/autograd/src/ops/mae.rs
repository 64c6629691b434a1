use super::pair_loss::{Formula, Kind, Reduction};
use crate::Var;

impl<'p> Var<'p> {
    /// The absolute error `|x - t|`, for every element: PyTorch's `l1_loss`. The derivative is 0 where the two are equal.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn mae(self, target: Var<'p>, reduction: Reduction) -> Var<'p> {
        self.pair_loss("mae", target, reduction, |_| Kind::Mae)
    }
}

/// `dx = sign(x - t)`, `dt = -dx`
pub(super) const FORMULA: Formula =
    Formula { value: |x, t, _| (x - t).abs(), by_x: |x, t, _| sign(x - t), by_target: |x, t, _| sign(t - x) };

fn sign(x: f32) -> f32 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::pair_loss::tests::check;
    use crate::ops::tests::{noise, panics_with};
    use layerwise_tensor::Tensor;

    #[test]
    fn gradients() {
        let (x, t) = (Tensor::from([0.5, -1.0, 2.0]), Tensor::from([1.0, 0.5, -3.0]));
        check(&x, &t, |x, t, reduction| x.mae(t, reduction));
    }

    #[test]
    fn shapes_must_be_equal() {
        panics_with("mae: a value of shape [2, 3] with a target of shape [3]", |pass| {
            pass.input(&noise([2, 3])).mae(pass.input(&noise([3])), Reduction::Sum)
        });
    }
}
