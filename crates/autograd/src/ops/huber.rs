use super::pair_loss::{Formula, Kind, Reduction};
use crate::Var;

impl<'p> Var<'p> {
    /// The squared error near the target and the absolute error far from it (Huber 1964), with `d = x - t`, for every element:
    ///
    /// ```text
    /// d^2 / 2                        where |d| <= delta
    /// delta (|d| - delta / 2)        elsewhere
    /// ```
    ///
    /// # Panics
    /// If the shapes differ, or `delta` is not finite and above 0.
    #[track_caller]
    pub fn huber(self, target: Var<'p>, delta: f32, reduction: Reduction) -> Var<'p> {
        assert!(delta.is_finite() && delta > 0.0, "huber: delta must be finite and above 0, found {delta}");
        self.pair_loss("huber", target, reduction, |_| Kind::Huber(delta))
    }
}

/// `dx = min(max(d, -delta), delta)`, `dt = -dx`
pub(super) const FORMULA: Formula = Formula {
    value: |x, t, delta| {
        let d = (x - t).abs();
        if d <= delta { 0.5 * d * d } else { delta * (d - 0.5 * delta) }
    },
    by_x: |x, t, delta| (x - t).clamp(-delta, delta),
    by_target: |x, t, delta| (t - x).clamp(-delta, delta),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::pair_loss::tests::check;
    use crate::ops::tests::panics_with;
    use layerwise_tensor::Tensor;

    #[test]
    fn gradients() {
        let (x, t) = (Tensor::from([0.5, -1.0, 2.0, 0.25]), Tensor::from([1.0, 0.5, -3.0, 0.0]));
        check(&x, &t, |x, t, reduction| x.huber(t, 0.75, reduction));
        check(&x, &t, |x, t, reduction| x.huber(t, 100.0, reduction));
    }

    #[test]
    fn delta_is_above_zero() {
        panics_with("huber: delta must be finite and above 0, found 0", |pass| {
            pass.scalar(1.0).huber(pass.scalar(0.0), 0.0, Reduction::Mean)
        });
    }
}
