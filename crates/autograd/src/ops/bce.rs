use super::pair_loss::{Formula, Kind, Reduction};
use crate::Var;

impl<'p> Var<'p> {
    /// The binary cross-entropy of probabilities: `-(t ln x + (1 - t) ln(1 - x))`, for every element.
    ///
    /// Logarithms are cut off at -100, as in PyTorch. [`Var::bce_with_logits`] needs no cut and loses no digits.
    ///
    /// # Panics
    /// If the shapes differ, or an element of `self` is below 0 or above 1.
    #[track_caller]
    pub fn bce(self, target: Var<'p>, reduction: Reduction) -> Var<'p> {
        let outside = self.with_value(|x| {
            x.iter()
                .enumerate()
                .find_map(|(i, &x)| (!(0.0..=1.0).contains(&x) && !x.is_nan()).then_some((i, x)))
        });
        if let Some((i, x)) = outside {
            panic!("bce: element {i} is {x}, which is no probability; bce_with_logits takes logits");
        }
        self.pair_loss("bce", target, reduction, |_| Kind::Bce)
    }

    /// The binary cross-entropy of `sigmoid(x)`, fused with it: `t p softplus(-x) + (1 - t) softplus(x)`, for every element. No
    /// logit overflows.
    ///
    /// `positive_weights` are the `p`, at least 0: one for all elements or one for each column; above 1 they favour recall,
    /// below 1 precision.
    ///
    /// # Panics
    /// If the shapes differ, or the weights do not fit.
    #[track_caller]
    pub fn bce_with_logits(
        self,
        target: Var<'p>,
        positive_weights: Option<&[f32]>,
        reduction: Reduction,
    ) -> Var<'p> {
        let shape = self.shape();
        let weights = positive_weights.unwrap_or(&[1.0]);
        assert!(
            weights.len() == 1 || weights.len() == shape.last(),
            "bce_with_logits: {} positive weights for a value of shape {shape}: it takes 1 or {}",
            weights.len(),
            shape.last()
        );
        for (i, weight) in weights.iter().enumerate() {
            assert!(
                weight.is_finite() && *weight >= 0.0,
                "bce_with_logits: the positive weight {i} must be finite and at least 0, found {weight}"
            );
        }
        self.pair_loss("bce_with_logits", target, reduction, |workspace| {
            Kind::BceWithLogits(positive_weights.map(|weights| {
                let (slot, buffer) = workspace.buffer(weights.len());
                buffer.copy_from_slice(weights);
                slot
            }))
        })
    }
}

/// `dx = (x - t) / (x (1 - x))`, the divisor at least 1e-12; `dt = ln(1 - x) - ln x`
pub(super) const OF_PROBABILITIES: Formula = Formula {
    value: |x, t, _| -(t * cut(x.ln()) + (1.0 - t) * cut((-x).ln_1p())),
    by_x: |x, t, _| (x - t) / (x * (1.0 - x)).max(1e-12),
    by_target: |x, _, _| cut((-x).ln_1p()) - cut(x.ln()),
};

/// `dx = (1 - t) sigmoid(x) - t p sigmoid(-x)`; `dt = p softplus(-x) - softplus(x)`
pub(super) const OF_LOGITS: Formula = Formula {
    value: |x, t, p| t * p * softplus(-x) + (1.0 - t) * softplus(x),
    by_x: |x, t, p| (1.0 - t) * sigmoid(x) - t * p * sigmoid(-x),
    by_target: |x, _, p| p * softplus(-x) - softplus(x),
};

/// At least -100. Not `f32::max`, which would make -100 of NaN.
fn cut(log: f32) -> f32 {
    if log < -100.0 { -100.0 } else { log }
}

/// `ln(1 + e^x)`
fn softplus(x: f32) -> f32 {
    (if x < 0.0 { 0.0 } else { x }) + (-x.abs()).exp().ln_1p()
}

/// `1 / (1 + e^-x)`, to the last digits for a large negative `x` as well.
fn sigmoid(x: f32) -> f32 {
    let e = (-x.abs()).exp();
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::pair_loss::tests::check;
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, Tape};
    use layerwise_tensor::Tensor;

    #[test]
    fn gradients() {
        let probability = |x: f32| 0.5 + 0.3 * x;
        let (x, t) = (noise([3, 4]), noise([4, 3]).reshape([3, 4]).map(probability));
        check(&x.map(probability), &t, |x, t, reduction| x.bce(t, reduction));
        check(&x, &t, |x, t, reduction| (x * 4.0).bce_with_logits(t, None, reduction));
        check(&x, &t, |x, t, reduction| x.bce_with_logits(t, Some(&[2.5]), reduction));
        check(&x, &t, |x, t, reduction| x.bce_with_logits(t, Some(&[0.5, 1.0, 2.0, 3.0]), reduction));
    }

    #[test]
    fn extremes_survive() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let t = pass.input(&Tensor::from([0.0, 1.0, 0.0, 1.0]));
        let x = pass.variable(&Tensor::from([1000.0, 1000.0, -60.0, -1000.0]));
        let loss = x.bce_with_logits(t, None, Reduction::None);
        loss.sum().backward();
        let tiny = (-60.0_f32).exp();
        assert_eq!(loss.value().as_slice(), [1000.0, 0.0, tiny, 1000.0]);
        assert_eq!(x.gradient().unwrap().as_slice(), [1.0, 0.0, tiny, -1.0]);
        let p = pass.input(&Tensor::from([1.0, 1.0, 0.0, 0.0]));
        assert_eq!(p.bce(t, Reduction::None).value().as_slice(), [100.0, 0.0, 0.0, 100.0]);
        let (nan, one) = (pass.scalar(f32::NAN), pass.scalar(1.0));
        assert!(nan.bce_with_logits(one, None, Reduction::Mean).item().is_nan());
        assert!(nan.bce(one, Reduction::Mean).item().is_nan());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        panics_with("bce: element 1 is 1.5, which is no probability; bce_with_logits takes logits", |pass| {
            let x = pass.input(&Tensor::from([0.5, 1.5]));
            x.bce(x, Reduction::Mean)
        });
        panics_with("bce: a value of shape [2, 3] with a target of shape [3]", |pass| {
            pass.input(&noise([2, 3]).map(f32::abs)).bce(pass.input(&noise([3])), Reduction::Mean)
        });
        panics_with(
            "bce_with_logits: 2 positive weights for a value of shape [2, 3]: it takes 1 or 3",
            |pass| {
                let x = pass.input(&noise([2, 3]));
                x.bce_with_logits(x, Some(&[1.0, 2.0]), Reduction::Mean)
            },
        );
        panics_with(
            "bce_with_logits: the positive weight 0 must be finite and at least 0, found -1",
            |pass| {
                let x = pass.input(&noise([2, 3]));
                x.bce_with_logits(x, Some(&[-1.0]), Reduction::Mean)
            },
        );
    }
}
