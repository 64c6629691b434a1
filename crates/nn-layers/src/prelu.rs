use layerwise_autograd::{ParamId, Scope, Var};

use crate::Module;

/// `y = x` where `x > 0`, else `slope x` with a learned slope (He et al. 2015, equation 1).
///
/// # Shapes
/// - `x [.., features]`, `y [.., features]`
/// - `weight [1]` or `[features]`: the slope, 0.25 at first, as in the paper and in PyTorch
#[derive(Clone, Copy, Debug)]
pub struct PRelu {
    weight: ParamId,
}

impl PRelu {
    /// One slope for all elements. Declares `weight`.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn new(scope: &mut Scope<'_>) -> Self {
        PRelu::per_feature(scope, 1)
    }

    /// A slope for each of the features. Declares `weight`.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn per_feature(scope: &mut Scope<'_>, features: usize) -> Self {
        PRelu { weight: scope.parameter("weight", [features], |values| values.fill(0.25)) }
    }

    /// The slope.
    pub fn weight(&self) -> ParamId {
        self.weight
    }
}

impl Module for PRelu {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        x.prelu(x.pass().param(self.weight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerwise_autograd::{Params, Tensor, gradcheck};

    #[test]
    fn gradient() {
        let x =
            Tensor::from_fn([5, 3], |i| (i as f32 * 0.7 + 0.2).sin() + if i % 2 == 0 { 1.5 } else { -1.5 });
        for features in [1, 3] {
            let mut params = Params::new();
            let layer = PRelu::per_feature(&mut params.root(), features);
            assert_eq!(params.get("weight").unwrap(), Tensor::full([features], 0.25));
            gradcheck(&params, std::slice::from_ref(&x), |_, x| layer.forward(x[0])).unwrap();
        }
    }
}
