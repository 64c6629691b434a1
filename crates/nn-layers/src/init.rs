//! Initial values of weights.

use layerwise_autograd::Activation;
use layerwise_tensor::Rng;
use serde::{Deserialize, Serialize};

/// How the weights `[out, in]` of a linear layer start. Its bias starts at 0, but for [`Init::PytorchLinear`], where it starts as the
/// weights do.
///
/// `fan_in` is `in`, `fan_out` is `out`. A uniform distribution of variance `v` reaches from `-sqrt(3 v)` to `sqrt(3 v)`.
///
/// ```
/// use layerwise_nn_layers::{Activation, Init};
/// // The bound of He's uniform distribution: sqrt(6 / fan_in).
/// let mut weight = [0.0; 4 * 6];
/// Init::HeUniform.fill(&mut weight, 6, 4, &mut layerwise_tensor::Rng::seed(1));
/// assert!(weight.iter().all(|w| w.abs() <= 1.0));
/// assert_eq!(Init::gain(Activation::Tanh), Some(5.0 / 3.0));
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Init {
    /// Uniform in `1 / sqrt(fan_in)` on either side of 0: `torch.nn.Linear`'s ([`pytorch_linear`]). The default.
    #[default]
    PytorchLinear,
    /// Uniform with variance `1 / fan_in` (LeCun et al. 1998, section 4.6).
    LecunUniform,
    /// Normal with variance `1 / fan_in` (LeCun et al. 1998; for SELU Klambauer et al. 2017).
    LecunNormal,
    /// Uniform with variance `2 / (fan_in + fan_out)` (Glorot and Bengio 2010, equation 16).
    XavierUniform,
    /// Normal with variance `2 / (fan_in + fan_out)` (Glorot and Bengio 2010, equation 12).
    XavierNormal,
    /// Uniform with variance `2 / fan_in`, for ReLU (He et al. 2015, equation 10).
    HeUniform,
    /// Normal with variance `2 / fan_in`, for ReLU (He et al. 2015, equation 10).
    HeNormal,
    /// Variance `gain^2 / fan`: PyTorch's `kaiming_` with another mode or non-linearity, and `xavier_` with another gain.
    Scaled {
        /// What makes up for the activation ([`Init::gain`]); above 0.
        gain: f32,
        /// What the variance is divided by.
        fan: Fan,
        /// Its form.
        distribution: Distribution,
    },
    /// Normal with mean 0, drawn within two standard deviations; the variance that remains is `0.774 std^2`. PyTorch's
    /// `trunc_normal_` cuts at -2 and 2 whatever `std` is.
    TruncatedNormal {
        /// The standard deviation before the cut, at least 0.
        std: f32,
    },
    /// Orthonormal rows, or columns if there are more rows, times a gain (Saxe et al. 2014).
    Orthogonal {
        /// The length of each, above 0. PyTorch's default is 1.
        gain: f32,
    },
    /// Every unit has as many incoming weights that are not 0, at places of its own (Martens 2010, section 5). PyTorch's `sparse_`
    /// empties a share of every column instead.
    Sparse {
        /// How many, at least 1 and at most `fan_in`. Martens takes 15.
        per_unit: usize,
        /// Their standard deviation, at least 0. Martens takes 1.
        std: f32,
    },
    /// One value.
    Constant {
        /// The value, finite.
        value: f32,
    },
    /// 0
    Zeros,
}

/// What the variance of [`Init::Scaled`] is divided by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fan {
    /// `fan_in`: what passes forward keeps its variance.
    In,
    /// `fan_out`: what passes backward keeps its variance.
    Out,
    /// `(fan_in + fan_out) / 2`
    Average,
}

/// The form of [`Init::Scaled`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Uniform around 0.
    Uniform,
    /// Normal around 0.
    Normal,
}

impl Init {
    /// What makes up for an activation, as in `torch.nn.init.calculate_gain`: 1 for none and sigmoid, 5/3 for tanh, `sqrt(2)` for
    /// ReLU, `sqrt(2 / (1 + slope^2))` for the leaky one, 3/4 for SELU. `None` where PyTorch has none.
    pub fn gain(activation: Activation) -> Option<f32> {
        match activation {
            Activation::Identity | Activation::Sigmoid => Some(1.0),
            Activation::Tanh => Some(5.0 / 3.0),
            Activation::Relu => Some(std::f32::consts::SQRT_2),
            Activation::LeakyRelu { slope } => Some((2.0 / (1.0 + slope * slope)).sqrt()),
            Activation::Selu => Some(0.75),
            _ => None,
        }
    }

    /// Draws a weight `[fan_out, fan_in]`. One draw of `rng` seeds all of it.
    ///
    /// # Panics
    /// If a constant is out of its range, or the weight has not `fan_out * fan_in` elements.
    #[track_caller]
    pub fn fill(self, weight: &mut [f32], fan_in: usize, fan_out: usize, rng: &mut Rng) {
        self.check();
        assert!(
            weight.len() == fan_in * fan_out,
            "init: a weight of {} elements is no [{fan_out}, {fan_in}]",
            weight.len()
        );
        let scaled = |gain, fan, distribution| Init::Scaled { gain, fan, distribution };
        let root_2 = std::f32::consts::SQRT_2;
        match self {
            Init::PytorchLinear => pytorch_linear(weight, fan_in, rng),
            Init::LecunUniform => {
                scaled(1.0, Fan::In, Distribution::Uniform).fill(weight, fan_in, fan_out, rng);
            }
            Init::LecunNormal => {
                scaled(1.0, Fan::In, Distribution::Normal).fill(weight, fan_in, fan_out, rng);
            }
            Init::XavierUniform => {
                scaled(1.0, Fan::Average, Distribution::Uniform).fill(weight, fan_in, fan_out, rng);
            }
            Init::XavierNormal => {
                scaled(1.0, Fan::Average, Distribution::Normal).fill(weight, fan_in, fan_out, rng);
            }
            Init::HeUniform => {
                scaled(root_2, Fan::In, Distribution::Uniform).fill(weight, fan_in, fan_out, rng);
            }
            Init::HeNormal => {
                scaled(root_2, Fan::In, Distribution::Normal).fill(weight, fan_in, fan_out, rng);
            }
            Init::Scaled { gain, fan, distribution } => {
                if weight.is_empty() {
                    return;
                }
                let fan = match fan {
                    Fan::In => fan_in as f64,
                    Fan::Out => fan_out as f64,
                    Fan::Average => (fan_in + fan_out) as f64 / 2.0,
                };
                let std = f64::from(gain) / fan.sqrt();
                let stream = rng.split().stream(0);
                match distribution {
                    Distribution::Uniform => {
                        let bound = (3.0_f64.sqrt() * std) as f32;
                        stream.fill_uniform(0, weight, -bound, bound);
                    }
                    Distribution::Normal => stream.fill_normal(0, weight, 0.0, std as f32),
                }
            }
            Init::TruncatedNormal { std } => {
                rng.split().stream(0).fill_truncated_normal(0, weight, 0.0, std, -2.0 * std, 2.0 * std);
            }
            Init::Orthogonal { gain } => orthogonal(weight, fan_in, fan_out, gain, rng),
            Init::Sparse { per_unit, std } => sparse(weight, fan_in, per_unit, std, rng),
            Init::Constant { value } => weight.fill(value),
            Init::Zeros => weight.fill(0.0),
        }
    }

    /// The bias, `[fan_out]`, that goes with the weight.
    pub(crate) fn fill_bias(self, bias: &mut [f32], fan_in: usize, rng: &mut Rng) {
        match self {
            Init::PytorchLinear => pytorch_linear(bias, fan_in, rng),
            _ => bias.fill(0.0),
        }
    }

    /// Refuses constants out of their range.
    #[track_caller]
    pub(crate) fn check(self) {
        match self {
            Init::Scaled { gain, .. } | Init::Orthogonal { gain } => {
                assert!(
                    gain > 0.0 && gain.is_finite(),
                    "init: gain is {gain}, but must be finite and above 0"
                );
            }
            Init::TruncatedNormal { std } | Init::Sparse { std, .. } => {
                assert!(
                    std >= 0.0 && std.is_finite(),
                    "init: std is {std}, but must be finite and at least 0"
                );
            }
            Init::Constant { value } => {
                assert!(value.is_finite(), "init: value is {value}, but must be finite");
            }
            _ => {}
        }
    }
}

/// The orthogonal factor of a normal matrix, by Gram and Schmidt's method in f64, each vector projected twice.
fn orthogonal(weight: &mut [f32], fan_in: usize, fan_out: usize, gain: f32, rng: &mut Rng) {
    let (count, len) = (fan_in.min(fan_out), fan_in.max(fan_out));
    let mut normal = vec![0.0; count * len];
    rng.split().stream(0).fill_normal(0, &mut normal, 0.0, 1.0);
    let mut vectors: Vec<f64> = normal.iter().map(|&x| f64::from(x)).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for i in 0..count {
        let (before, rest) = vectors.split_at_mut(i * len);
        let vector = &mut rest[..len];
        for _ in 0..2 {
            for other in before.chunks_exact(len) {
                let along = dot(other, vector);
                vector.iter_mut().zip(other).for_each(|(x, other)| *x -= along * other);
            }
        }
        let length = dot(vector, vector).sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
    }
    for (at, weight) in weight.iter_mut().enumerate() {
        let (row, col) = (at / fan_in, at % fan_in);
        let value = if fan_out <= fan_in { vectors[row * len + col] } else { vectors[col * len + row] };
        *weight = (f64::from(gain) * value) as f32;
    }
}

#[track_caller]
fn sparse(weight: &mut [f32], fan_in: usize, per_unit: usize, std: f32, rng: &mut Rng) {
    if weight.is_empty() {
        return;
    }
    assert!(
        (1..=fan_in).contains(&per_unit),
        "init: per_unit is {per_unit}, but must lie in 1..={fan_in}, the number of inputs"
    );
    weight.fill(0.0);
    let mut rng = rng.split();
    let mut places: Vec<usize> = (0..fan_in).collect();
    for unit in weight.chunks_exact_mut(fan_in) {
        // The first steps of a shuffle.
        for k in 0..per_unit {
            let left = (fan_in - k) as u128;
            let other = k + ((u128::from(rng.next_u64()) * left) >> 64) as usize;
            places.swap(k, other);
            unit[places[k]] = rng.normal(0.0, std);
        }
    }
}

/// PyTorch's default for a linear layer, weight and bias alike: uniform in `[-b, b)` with `b = 1 / sqrt(fan_in)`.
///
/// It comes from He's initialisation with the gain of a leaky ReLU of slope `sqrt(5)`, which is what
/// `torch.nn.Linear.reset_parameters` asks for; its variance, `1 / (3 fan_in)`, is a third of LeCun's. Without inputs there is nothing
/// to scale by: the values stay 0.
pub fn pytorch_linear(values: &mut [f32], fan_in: usize, rng: &mut Rng) {
    if fan_in > 0 {
        let bound = (1.0 / (fan_in as f64).sqrt()) as f32;
        rng.split().stream(0).fill_uniform(0, values, -bound, bound);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_variance_are_those_of_pytorch() {
        let fan_in = 300;
        let mut values = vec![0.0; 300_000];
        pytorch_linear(&mut values, fan_in, &mut Rng::seed(1));
        let bound = 1.0 / (fan_in as f32).sqrt();
        let largest = values.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
        assert!(largest <= bound && largest > 0.9999 * bound, "{largest} {bound}");
        let n = values.len() as f64;
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let variance = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / n;
        let expected = 1.0 / (3.0 * fan_in as f64);
        // Four standard errors each; the kurtosis of a uniform distribution is 9/5.
        assert!(mean.abs() < 4.0 * (expected / n).sqrt(), "{mean}");
        assert!((variance / expected - 1.0).abs() < 4.0 * (0.8 / n).sqrt(), "{variance} {expected}");
    }

    #[test]
    fn every_call_draws_other_values() {
        let mut rng = Rng::seed(1);
        let (mut a, mut b) = ([0.0; 8], [0.0; 8]);
        pytorch_linear(&mut a, 4, &mut rng);
        pytorch_linear(&mut b, 4, &mut rng);
        assert_ne!(a, b);
        pytorch_linear(&mut b, 4, &mut Rng::seed(1));
        assert_eq!(a, b);
    }

    /// The values of a weight `[fan_out, fan_in]`, their largest magnitude and their variance.
    fn drawn(init: Init, fan_in: usize, fan_out: usize) -> (Vec<f32>, f64, f64) {
        let mut weight = vec![f32::NAN; fan_in * fan_out];
        init.fill(&mut weight, fan_in, fan_out, &mut Rng::seed(1));
        let largest = weight.iter().fold(0.0, |m: f64, &x| m.max(f64::from(x).abs()));
        let variance = weight.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / weight.len() as f64;
        (weight, largest, variance)
    }

    #[test]
    fn bounds_and_variances_are_those_of_the_formulas() {
        let (fan_in, fan_out) = (200, 900);
        let n = (fan_in * fan_out) as f64;
        let (i, o) = (fan_in as f64, fan_out as f64);
        // `torch.nn.init`: bound sqrt(3) gain / sqrt(fan), gain sqrt(6 / (in + out)); std gain / sqrt(fan).
        for (init, variance) in [
            (Init::PytorchLinear, 1.0 / (3.0 * i)),
            (Init::LecunUniform, 1.0 / i),
            (Init::XavierUniform, 2.0 / (i + o)),
            (Init::HeUniform, 2.0 / i),
            (Init::Scaled { gain: 2.5, fan: Fan::Out, distribution: Distribution::Uniform }, 6.25 / o),
            (
                Init::Scaled { gain: 0.75, fan: Fan::Average, distribution: Distribution::Uniform },
                1.125 / (i + o),
            ),
        ] {
            let (_, largest, found) = drawn(init, fan_in, fan_out);
            let bound = (3.0 * variance).sqrt();
            assert!(largest <= bound * (1.0 + 1e-6) && largest > 0.999 * bound, "{init:?} {largest} {bound}");
            assert!((found / variance - 1.0).abs() < 4.0 * (0.8 / n).sqrt(), "{init:?} {found} {variance}");
        }
        for (init, variance) in [
            (Init::LecunNormal, 1.0 / i),
            (Init::XavierNormal, 2.0 / (i + o)),
            (Init::HeNormal, 2.0 / i),
            (Init::Scaled { gain: 2.5, fan: Fan::Out, distribution: Distribution::Normal }, 6.25 / o),
        ] {
            let (_, largest, found) = drawn(init, fan_in, fan_out);
            assert!((found / variance - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{init:?} {found} {variance}");
            assert!(largest > 4.0 * variance.sqrt(), "{init:?}");
        }
        // 1 - 2 a phi(a) / (2 Phi(a) - 1) at a = 2.
        let (_, largest, found) = drawn(Init::TruncatedNormal { std: 0.5 }, fan_in, fan_out);
        assert!(largest <= 1.0 && (found / (0.25 * 0.773_741) - 1.0).abs() < 0.02, "{largest} {found}");
    }

    #[test]
    fn gains_are_those_of_pytorch() {
        // `torch.nn.init.calculate_gain`
        for (activation, gain) in [
            (Activation::Identity, 1.0),
            (Activation::Sigmoid, 1.0),
            (Activation::Tanh, 1.666_666_6),
            (Activation::Relu, std::f32::consts::SQRT_2),
            (Activation::LeakyRelu { slope: 0.01 }, 1.414_142_8),
            (Activation::LeakyRelu { slope: 0.2 }, 1.386_750_5),
            (Activation::Selu, 0.75),
        ] {
            let found = Init::gain(activation).unwrap();
            assert!((found - gain).abs() < 1e-6, "{activation:?} {found}");
        }
        assert_eq!(Init::gain(Activation::Gelu), None);
    }

    #[test]
    fn the_shorter_side_is_orthonormal() {
        for (fan_in, fan_out) in [(40, 17), (17, 40), (20, 20), (5, 1), (1, 5)] {
            let (w, ..) = drawn(Init::Orthogonal { gain: 1.5 }, fan_in, fan_out);
            let count = fan_in.min(fan_out);
            let at = |vector: usize, i: usize| match fan_out <= fan_in {
                true => w[vector * fan_in + i],
                false => w[i * fan_in + vector],
            };
            for a in 0..count {
                for b in 0..count {
                    let dot: f32 = (0..fan_in.max(fan_out)).map(|i| at(a, i) * at(b, i)).sum();
                    let expected = if a == b { 2.25 } else { 0.0 };
                    assert!((dot - expected).abs() < 1e-5, "[{fan_out}, {fan_in}] {a} {b}: {dot}");
                }
            }
        }
    }

    #[test]
    fn every_unit_has_as_many_inputs() {
        let (w, _, variance) = drawn(Init::Sparse { per_unit: 15, std: 2.0 }, 60, 2000);
        for unit in w.chunks_exact(60) {
            assert_eq!(unit.iter().filter(|&&x| x != 0.0).count(), 15);
        }
        assert!((variance / (4.0 * 15.0 / 60.0) - 1.0).abs() < 0.05, "{variance}");
        // No place is preferred.
        for place in 0..60 {
            let count = w.iter().skip(place).step_by(60).filter(|&&x| x != 0.0).count();
            assert!((400..600).contains(&count), "{place} {count}");
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        let text = |init: Init| crate::linear::tests::panic_of(|| drop(drawn(init, 6, 2))).0;
        assert_eq!(text(Init::Orthogonal { gain: 0.0 }), "init: gain is 0, but must be finite and above 0");
        let std = "init: std is -1, but must be finite and at least 0";
        assert_eq!(text(Init::TruncatedNormal { std: -1.0 }), std);
        let sparse = "init: per_unit is 7, but must lie in 1..=6, the number of inputs";
        assert_eq!(text(Init::Sparse { per_unit: 7, std: 1.0 }), sparse);
        let value = "init: value is NaN, but must be finite";
        assert_eq!(text(Init::Constant { value: f32::NAN }), value);
        assert_eq!(drawn(Init::Constant { value: 2.0 }, 1, 2).0, [2.0, 2.0]);
    }
}
