use super::pair_loss::Reduction;
use crate::Var;

impl<'p> Var<'p> {
    /// Draws pairs of vectors together or apart by the cosine of their angle, for vectors `[batch, features]` and a target of
    /// shape `[batch]`, 1 for pairs that belong together and -1 for those that do not:
    ///
    /// ```text
    /// 1 - cos                    where the target is 1
    /// max(0, cos - margin)       where it is -1
    /// cos = a b / sqrt((a a + 1e-12) (b b + 1e-12))
    /// ```
    ///
    /// It is composed from other operations. The result is a scalar, or `[batch]` without a reduction.
    ///
    /// # Panics
    /// If the shapes do not fit, a target is neither 1 nor -1, or the margin is not between -1 and 1.
    #[track_caller]
    pub fn cosine_embedding(
        self,
        other: Var<'p>,
        target: Var<'p>,
        margin: f32,
        reduction: Reduction,
    ) -> Var<'p> {
        let (a, b, t) = (self.shape(), other.shape(), target.shape());
        assert!(
            a.rank() == 2 && a == b && t.dims() == [a.dims()[0]],
            "cosine_embedding: vectors of shapes {a} and {b} with a target of shape {t}; it takes \
             [batch, features] twice and [batch]"
        );
        assert!(
            (-1.0..=1.0).contains(&margin),
            "cosine_embedding: the margin must be between -1 and 1, found {margin}"
        );
        let wrong = target
            .with_value(|t| t.iter().enumerate().find_map(|(i, &t)| (t.abs() != 1.0).then_some((i, t))));
        if let Some((i, t)) = wrong {
            panic!("cosine_embedding: the target of example {i} is {t}, neither 1 nor -1");
        }
        let squares = |x: Var<'p>| x.square().sum_axis(1) + 1e-12;
        let cos = (self * other).sum_axis(1) / (squares(self) * squares(other)).sqrt();
        // 1 where the target is 1, 0 where it is -1; and the other way round.
        let target = target.detach();
        let (together, apart) = (target.affine(0.5, 0.5), target.affine(-0.5, 0.5));
        (together * (1.0 - cos) + apart * (cos - margin).relu()).reduced(reduction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, gradcheck};
    use layerwise_tensor::Tensor;

    #[test]
    fn gradient() {
        let target = Tensor::from([1.0, -1.0, -1.0, 1.0]);
        let inputs = [noise([4, 3]), noise([4, 4]).reshape([16]).map(|x| x + 0.25)];
        let b = Tensor::new([4, 3], inputs[1].as_slice()[..12].to_vec());
        for reduction in [Reduction::Mean, Reduction::Sum, Reduction::None] {
            gradcheck(&Params::new(), &[inputs[0].clone(), b.clone()], |pass, x| {
                x[0].cosine_embedding(x[1], pass.input(&target), -0.9, reduction)
            })
            .unwrap();
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let shapes = "cosine_embedding: vectors of shapes [2, 3] and [2, 3] with a target of shape [3]; it takes \
                      [batch, features] twice and [batch]";
        panics_with(shapes, |pass| {
            let x = pass.input(&noise([2, 3]));
            x.cosine_embedding(x, pass.input(&noise([3])), 0.0, Reduction::Mean)
        });
        panics_with("cosine_embedding: the target of example 1 is 0, neither 1 nor -1", |pass| {
            let x = pass.input(&noise([2, 3]));
            x.cosine_embedding(x, pass.input(&Tensor::from([1.0, 0.0])), 0.0, Reduction::Mean)
        });
        panics_with("cosine_embedding: the margin must be between -1 and 1, found 2", |pass| {
            let x = pass.input(&noise([2, 3]));
            x.cosine_embedding(x, pass.input(&Tensor::from([1.0, -1.0])), 2.0, Reduction::Mean)
        });
    }
}
