use super::pair_loss::{Formula, Kind, Reduction};
use crate::Var;

impl<'p> Var<'p> {
    /// The terms `t (ln t - x)` of the Kullback-Leibler divergence of probabilities `t` from log-probabilities `x`, for every
    /// element; 0 where `t` is 0.
    ///
    /// The divergence itself, averaged over a batch, is [`Reduction::Sum`] divided by the batch (PyTorch's `batchmean`): the mean
    /// over all elements, as everywhere in PyTorch, is smaller by the number of classes. The derivative by a target of 0, which is
    /// infinite, is left out.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn kl_div(self, target: Var<'p>, reduction: Reduction) -> Var<'p> {
        self.pair_loss("kl_div", target, reduction, |_| Kind::KlDiv)
    }
}

/// `dx = -t`, `dt = ln t + 1 - x`
pub(super) const FORMULA: Formula = Formula {
    value: |x, t, _| if t == 0.0 { 0.0 } else { t * (t.ln() - x) },
    by_x: |_, t, _| -t,
    by_target: |x, t, _| if t == 0.0 { 0.0 } else { t.ln() + 1.0 - x },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::pair_loss::tests::check;
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, Tape};
    use layerwise_tensor::Tensor;

    #[test]
    fn gradients() {
        let target = noise([2, 3]).map(|t| 0.5 + 0.4 * t);
        check(&noise([2, 3]), &target, |x, t, reduction| (x * 2.0).log_softmax().kl_div(t, reduction));
    }

    #[test]
    fn it_is_zero_for_equal_distributions() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let t = pass.input(&Tensor::from([0.25, 0.75, 0.0]));
        assert_eq!(t.log().kl_div(t, Reduction::None).value().as_slice(), [0.0; 3]);
    }

    #[test]
    fn shapes_must_be_equal() {
        panics_with("kl_div: a value of shape [2, 3] with a target of shape [3]", |pass| {
            pass.input(&noise([2, 3])).kl_div(pass.input(&noise([3])), Reduction::Sum)
        });
    }
}
