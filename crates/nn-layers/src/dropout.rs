//! Noise in training passes; in evaluation passes these layers do nothing. Each draws a stream of its own from the pass.

use layerwise_autograd::Var;
use serde::{Deserialize, Serialize};

use crate::Module;

/// Inverted dropout: zeroes every element with probability `p` and divides the others by `1 - p` ([`Var::dropout`]; Srivastava et
/// al. 2014). `p` is the share that is *dropped*, as in PyTorch; the paper's is the share that is kept. Any shape.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dropout {
    p: f32,
}

impl Dropout {
    /// Drops or perturbs with this probability.
    ///
    /// # Panics
    /// If `p` is not in [0, 1).
    #[track_caller]
    pub fn new(p: f32) -> Self {
        assert!((0.0..1.0).contains(&p), "dropout: p is {p}, but must lie in [0, 1)");
        Dropout { p }
    }

    /// Refuses a probability that was read from somewhere and is out of its range.
    #[track_caller]
    pub(crate) fn check(self) {
        Dropout::new(self.p);
    }
}

impl Module for Dropout {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        x.dropout(self.p)
    }
}

/// Multiplies by normal noise of mean 1 and standard deviation `sqrt(p / (1 - p))` ([`Var::gaussian_dropout`]; Srivastava et al. 2014,
/// section 10, whose `p` is the share that is kept: its `sqrt((1 - p) / p)` is ours). Any shape.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GaussianDropout {
    p: f32,
}

impl GaussianDropout {
    /// Drops or perturbs with this probability.
    ///
    /// # Panics
    /// If `p` is not in [0, 1).
    #[track_caller]
    pub fn new(p: f32) -> Self {
        assert!((0.0..1.0).contains(&p), "gaussian_dropout: p is {p}, but must lie in [0, 1)");
        GaussianDropout { p }
    }
}

impl Module for GaussianDropout {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        x.gaussian_dropout(self.p)
    }
}

/// Dropout that keeps mean 0 and variance 1, for networks with SELU ([`Var::alpha_dropout`]; Klambauer et al. 2017). Any shape.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AlphaDropout {
    p: f32,
}

impl AlphaDropout {
    /// Drops or perturbs with this probability.
    ///
    /// # Panics
    /// If `p` is not in [0, 1).
    #[track_caller]
    pub fn new(p: f32) -> Self {
        assert!((0.0..1.0).contains(&p), "alpha_dropout: p is {p}, but must lie in [0, 1)");
        AlphaDropout { p }
    }
}

impl Module for AlphaDropout {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        x.alpha_dropout(self.p)
    }
}

/// Adds normal noise of mean 0 ([`Var::gaussian_noise`]). Any shape.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GaussianNoise {
    std: f32,
}

impl GaussianNoise {
    /// Noise of this standard deviation.
    ///
    /// # Panics
    /// If `std` is negative or not finite.
    #[track_caller]
    pub fn new(std: f32) -> Self {
        assert!(
            std >= 0.0 && std.is_finite(),
            "gaussian_noise: std is {std}, but must be finite and at least 0"
        );
        GaussianNoise { std }
    }
}

impl Module for GaussianNoise {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        x.gaussian_noise(self.std)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::tests::panic_of;
    use crate::{Layer, Sequential};
    use layerwise_autograd::{Params, Tape, Tensor};

    #[test]
    fn layers_are_noisy_in_training_alone_and_each_for_itself() {
        let x = Tensor::full([100], 1.0);
        let params = Params::new();
        let layers: [Layer; 4] = [
            Dropout::new(0.5).into(),
            GaussianDropout::new(0.5).into(),
            AlphaDropout::new(0.5).into(),
            GaussianNoise::new(0.5).into(),
        ];
        for layer in layers {
            let mut tape = Tape::new();
            let pass = tape.train(&params, 3);
            let [a, b] = [pass.input(&x), pass.input(&x)].map(|x| layer.forward(x).value());
            assert!(a != b && a != x, "{layer:?}");
            let model = Sequential::new().then(layer.clone()).then(layer);
            assert_eq!(model.forward(tape.eval(&params).input(&x)).value(), x);
        }
    }

    #[test]
    fn wrong_values_are_refused_when_built() {
        let (text, file, line) = panic_of(|| drop(Layer::from(Dropout::new(-0.1))));
        assert_eq!(text, "dropout: p is -0.1, but must lie in [0, 1)");
        assert_eq!((file.as_str(), line), (file!(), line!() - 2));
        let text = panic_of(|| drop(Layer::from(GaussianNoise::new(f32::INFINITY)))).0;
        assert_eq!(text, "gaussian_noise: std is inf, but must be finite and at least 0");
    }
}
