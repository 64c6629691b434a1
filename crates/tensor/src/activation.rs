use serde::{Deserialize, Serialize};

use crate::kernels::{Isa, Kernel, Simd, dispatch, exp, sigmoid, tanh};
use crate::threads::{PART, for_each_part};

/// A function applied to every element between two layers.
///
/// Formulas with their derivatives; each equals PyTorch's function of the same name with its default parameters.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activation {
    /// `x`
    #[default]
    Identity,
    /// `y = 1 / (1 + e^-x)`, `y' = y (1 - y)`
    Sigmoid,
    /// `y = tanh x`, `y' = 1 - y^2`
    Tanh,
    /// `y = 1.7159 tanh(2 x / 3)`, `y' = 2/3 (1.7159 - y^2 / 1.7159)` (LeCun et al. 1998, section 4.4): about 1 at 1.
    LecunTanh,
    /// `max(0, x)`; the derivative at 0 is 0.
    Relu,
    /// `x` if `x > 0`, else `slope x` (Maas et al. 2013).
    LeakyRelu {
        /// The slope below zero, at least 0. PyTorch's default is 0.01.
        slope: f32,
    },
    /// `x` if `x > 0`, else `alpha (e^x - 1)` (Clevert et al. 2016).
    Elu {
        /// Minus the limit at minus infinity. PyTorch's default is 1.
        alpha: f32,
    },
    /// `1.0507 x` if `x > 0`, else `1.0507 * 1.6733 (e^x - 1)` (Klambauer et al. 2017, which gives more digits).
    Selu,
    /// `x Phi(x)` with the normal distribution function (Hendrycks and Gimpel 2016).
    Gelu,
    /// The approximation of [`Activation::Gelu`] with tanh: `x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2`.
    GeluTanh,
    /// `x sigmoid(x)`, also called swish (Ramachandran et al. 2017).
    Silu,
    /// `x tanh(softplus(x))` (Misra 2019).
    Mish,
    /// `ln(1 + e^x)`
    Softplus,
    /// `x / (1 + |x|)`
    Softsign,
    /// `clamp(x / 6 + 1/2, 0, 1)`
    HardSigmoid,
    /// `clamp(x, -1, 1)`
    HardTanh,
    /// `x clamp(x / 6 + 1/2, 0, 1)`
    HardSwish,
}

const LECUN_SCALE: f32 = 1.7159;
const SELU_SCALE: f32 = 1.050_701;
const SELU_ALPHA: f32 = 1.673_263_2;
const SQRT_2_OVER_PI: f32 = 0.797_884_6;
const GELU_CUBIC: f32 = 0.044_715;

impl Activation {
    /// One of each kind, with constants that are not their defaults: for whatever goes through all of them.
    pub const EACH: [Activation; 17] = [
        Activation::Identity,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::LecunTanh,
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::Elu { alpha: 0.7 },
        Activation::Selu,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Silu,
        Activation::Mish,
        Activation::Softplus,
        Activation::Softsign,
        Activation::HardSigmoid,
        Activation::HardTanh,
        Activation::HardSwish,
    ];

    /// Refuses constants out of their range: what builds layers calls it.
    ///
    /// # Panics
    /// If a slope is negative, or a constant is not finite.
    #[track_caller]
    pub fn check(self) {
        match self {
            // The derivative is taken from the output, which has to have the sign of the input.
            Activation::LeakyRelu { slope } => assert!(
                slope >= 0.0 && slope.is_finite(),
                "leaky_relu: slope is {slope}, but must be finite and at least 0"
            ),
            Activation::Elu { alpha } => {
                assert!(alpha.is_finite(), "elu: alpha is {alpha}, but must be finite");
            }
            _ => {}
        }
    }

    /// `y = f(x)` in place, on all threads.
    pub fn forward(self, values: &mut [f32]) {
        for_each_part(values, PART, |values| dispatch(Isa::best(), Forward { activation: self, values }));
    }

    /// Whether [`Activation::backward`] wants the output `y` of the forward pass rather than its input `x`.
    ///
    /// Where the derivative is as exact from `y`, the input need not be kept, and the function can be fused with the linear
    /// map in front of it.
    pub fn backward_from_output(self) -> bool {
        use Activation::*;
        matches!(
            self,
            Identity
                | Sigmoid
                | Tanh
                | LecunTanh
                | Relu
                | LeakyRelu { .. }
                | Softplus
                | HardSigmoid
                | HardTanh
        )
    }

    /// The limit at minus infinity; `None` if there is none. A unit whose output stays there passes nothing on, forward or backward.
    pub fn lower_limit(self) -> Option<f32> {
        use Activation::*;
        match self {
            Identity => None,
            LeakyRelu { slope } => (slope == 0.0).then_some(0.0),
            Tanh | Softsign | HardTanh => Some(-1.0),
            LecunTanh => Some(-LECUN_SCALE),
            Elu { alpha } => Some(-alpha),
            Selu => Some(-SELU_SCALE * SELU_ALPHA),
            Sigmoid | Relu | Gelu | GeluTanh | Silu | Mish | Softplus | HardSigmoid | HardSwish => Some(0.0),
        }
    }

    /// The largest derivative, to three digits: what a derivative is small against.
    pub fn steepest(self) -> f32 {
        use Activation::*;
        match self {
            Sigmoid => 0.25,
            HardSigmoid => 1.0 / 6.0,
            LecunTanh => 2.0 / 3.0 * LECUN_SCALE,
            LeakyRelu { slope } => slope.max(1.0),
            Elu { alpha } => alpha.max(1.0),
            Selu => SELU_SCALE * SELU_ALPHA,
            Gelu | GeluTanh => 1.13,
            Silu => 1.10,
            Mish => 1.09,
            HardSwish => 1.5,
            Identity | Tanh | Relu | Softplus | Softsign | HardTanh => 1.0,
        }
    }

    /// `dx = dy f'` in place, on all threads, with the derivative taken at `saved`: the output or the input of the forward pass, as
    /// [`Activation::backward_from_output`] says.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn backward(self, saved: &[f32], gradient: &mut [f32]) {
        assert_eq!(saved.len(), gradient.len(), "elements of an activation and of its gradient");
        if self == Activation::Identity {
            return;
        }
        for_each_part((gradient, saved), PART, |(gradient, saved)| {
            dispatch(Isa::best(), Backward { activation: self, saved, gradient });
        });
    }

    #[inline(always)]
    pub(crate) fn forward_kernel<S: Simd>(self, values: &mut [f32]) {
        use Activation::*;
        match self {
            Identity => {}
            Sigmoid => map(values, |x| sigmoid::<S>(x)),
            Tanh => map(values, |x| tanh::<S>(x)),
            LecunTanh => map(values, |x| LECUN_SCALE * tanh::<S>(x * (2.0 / 3.0))),
            // Not `if x <= 0.0 { 0.0 } else { x }`: what stays as it is would not be written. Stores of some lanes of a vector take AMD's processors
            // a dozen cycles each, and what they wrote cannot be read back at once.
            Relu => map(values, |x| if x.is_nan() { f32::NAN } else { x.max(0.0) }),
            LeakyRelu { slope } => map(values, |x| x * if x > 0.0 { 1.0 } else { slope }),
            Elu { alpha } => map(values, |x| if x > 0.0 { x } else { alpha * x.exp_m1() }),
            Selu => map(values, |x| SELU_SCALE * if x > 0.0 { x } else { SELU_ALPHA * x.exp_m1() }),
            Gelu => map(values, |x| x * normal_cdf(x)),
            // (1 + tanh z) / 2 = sigmoid(2 z), which does not cancel on the left.
            GeluTanh => map(values, |x| x * sigmoid::<S>(2.0 * gelu_inner(x))),
            Silu => map(values, |x| x * sigmoid::<S>(x)),
            Mish => map(values, |x| x * tanh::<S>(softplus(x))),
            Softplus => map(values, softplus),
            Softsign => map(values, |x| x / (1.0 + x.abs())),
            HardSigmoid => map(values, hard_sigmoid),
            HardTanh => map(values, |x| x.clamp(-1.0, 1.0)),
            HardSwish => map(values, |x| x * hard_sigmoid(x)),
        }
    }

    /// `gradient *= f'`; `v` is the output where [`Activation::backward_from_output`], else the input.
    #[inline(always)]
    fn backward_kernel<S: Simd>(self, saved: &[f32], gradient: &mut [f32]) {
        use Activation::*;
        match self {
            Identity => {}
            Sigmoid => scale(saved, gradient, |y| y * (1.0 - y)),
            Tanh => scale(saved, gradient, |y| 1.0 - y * y),
            LecunTanh => scale(saved, gradient, |y| 2.0 / 3.0 * (LECUN_SCALE - y * y / LECUN_SCALE)),
            Relu => scale(saved, gradient, |y| if y > 0.0 { 1.0 } else { 0.0 }),
            LeakyRelu { slope } => scale(saved, gradient, |y| if y > 0.0 { 1.0 } else { slope }),
            Elu { alpha } => scale(saved, gradient, |x| if x > 0.0 { 1.0 } else { alpha * exp::<S>(x) }),
            Selu => {
                scale(saved, gradient, |x| SELU_SCALE * if x > 0.0 { 1.0 } else { SELU_ALPHA * exp::<S>(x) });
            }
            Gelu => scale(saved, gradient, |x| normal_cdf(x) + x * normal_pdf(x)),
            GeluTanh => scale(saved, gradient, |x| {
                let s = sigmoid::<S>(2.0 * gelu_inner(x));
                let inner = SQRT_2_OVER_PI * (1.0 + 3.0 * GELU_CUBIC * x * x);
                s + x * 2.0 * s * (1.0 - s) * inner
            }),
            Silu => scale(saved, gradient, |x| {
                let s = sigmoid::<S>(x);
                s * (1.0 + x * (1.0 - s))
            }),
            Mish => scale(saved, gradient, |x| {
                let t = tanh::<S>(softplus(x));
                t + x * sigmoid::<S>(x) * (1.0 - t * t)
            }),
            Softplus => scale(saved, gradient, |y| -(-y).exp_m1()),
            Softsign => scale(saved, gradient, |x| {
                let d = 1.0 + x.abs();
                1.0 / (d * d)
            }),
            HardSigmoid => scale(saved, gradient, |y| if y > 0.0 && y < 1.0 { 1.0 / 6.0 } else { 0.0 }),
            HardTanh => scale(saved, gradient, |y| if y > -1.0 && y < 1.0 { 1.0 } else { 0.0 }),
            HardSwish => scale(saved, gradient, |x| match x {
                x if x <= -3.0 => 0.0,
                x if x >= 3.0 => 1.0,
                x => x / 3.0 + 0.5,
            }),
        }
    }
}

#[inline(always)]
fn map(values: &mut [f32], f: impl Fn(f32) -> f32) {
    for value in values {
        *value = f(*value);
    }
}

#[inline(always)]
fn scale(saved: &[f32], gradient: &mut [f32], derivative: impl Fn(f32) -> f32) {
    for (gradient, &saved) in gradient.iter_mut().zip(saved) {
        *gradient *= derivative(saved);
    }
}

/// `ln(1 + e^x)` without overflow.
fn softplus(x: f32) -> f32 {
    // Written so that NaN stays NaN (`max` would drop it).
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

#[inline(always)]
fn hard_sigmoid(x: f32) -> f32 {
    ((x + 3.0) / 6.0).clamp(0.0, 1.0)
}

#[inline(always)]
fn gelu_inner(x: f32) -> f32 {
    SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x)
}

fn normal_pdf(x: f32) -> f32 {
    const ONE_OVER_SQRT_2_PI: f32 = 0.398_942_3;
    ONE_OVER_SQRT_2_PI * (-0.5 * x * x).exp()
}

/// The standard normal distribution function, absolute error below 1e-7 and relative error below 2e-7 down to `x = -10`
/// (Numerical Recipes, section 6.2: `erfc` by a Chebyshev polynomial, computed in f64).
fn normal_cdf(x: f32) -> f32 {
    const CHEBYSHEV: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let z = f64::from(x) * -std::f64::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * z.abs());
    let polynomial = CHEBYSHEV.iter().rev().fold(0.0, |sum, &c| sum * t + c);
    let erfc = t * (-z * z + polynomial).exp();
    (0.5 * if z >= 0.0 { erfc } else { 2.0 - erfc }) as f32
}

struct Forward<'a> {
    activation: Activation,
    values: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        self.activation.forward_kernel::<S>(self.values);
    }
}

struct Backward<'a> {
    activation: Activation,
    saved: &'a [f32],
    gradient: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        self.activation.backward_kernel::<S>(self.saved, self.gradient);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const VECTORISED: [Activation; 9] = [
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::LecunTanh,
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::Silu,
        Activation::HardSigmoid,
        Activation::HardTanh,
        Activation::HardSwish,
    ];

    /// Each, and some with constants on the other side.
    pub(crate) fn all() -> impl Iterator<Item = Activation> + Clone {
        Activation::EACH
            .into_iter()
            .chain([Activation::LeakyRelu { slope: 0.0 }, Activation::Elu { alpha: 2.0 }])
    }

    #[test]
    fn far_down_each_reaches_its_limit() {
        for activation in all() {
            let mut far = [-1e9];
            activation.forward(&mut far);
            match activation.lower_limit() {
                Some(limit) => assert_eq!(far, [limit], "{activation:?}"),
                None => assert!(far[0] <= -1e8, "{activation:?}"),
            }
        }
    }

    #[test]
    fn no_derivative_is_above_the_steepest() {
        for activation in all() {
            let mut saved: Vec<f32> = (-6001..6000).map(|i| i as f32 / 1000.0).collect();
            if activation.backward_from_output() {
                activation.forward(&mut saved);
            }
            let mut derivative = vec![1.0; saved.len()];
            activation.backward(&saved, &mut derivative);
            let largest = derivative.into_iter().fold(f32::MIN, f32::max);
            let error = largest / activation.steepest() - 1.0;
            assert!(error.abs() < 3e-3, "{activation:?}: {largest}");
        }
    }

    /// What each is in f64, with the library's functions.
    fn plain(activation: Activation, x: f64) -> f64 {
        let sigmoid = 1.0 / (1.0 + (-x).exp());
        match activation {
            Activation::Sigmoid => sigmoid,
            Activation::Tanh => x.tanh(),
            Activation::LecunTanh => f64::from(LECUN_SCALE) * (x * 2.0 / 3.0).tanh(),
            Activation::Relu => x.max(0.0),
            Activation::LeakyRelu { slope } => x.max(f64::from(slope) * x),
            Activation::Silu => x * sigmoid,
            Activation::HardSigmoid => (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Activation::HardTanh => x.clamp(-1.0, 1.0),
            Activation::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            other => panic!("{other:?} is not vectorised"),
        }
    }

    #[test]
    fn every_instruction_set_agrees_with_the_plain_functions_at_any_length() {
        for len in [0, 1, 7, 15, 16, 17, 31, 100] {
            let x: Vec<f32> = (0..len).map(|i| (i as f32 * 0.77).sin() * 9.0).collect();
            for activation in VECTORISED {
                for isa in Isa::available() {
                    let mut y = x.clone();
                    dispatch(isa, Forward { activation, values: &mut y });
                    for (x, y) in x.iter().zip(y) {
                        let truth = plain(activation, f64::from(*x));
                        let error = (f64::from(y) - truth).abs();
                        assert!(
                            error <= 1e-6 * truth.abs() + 1e-9,
                            "{isa:?} {activation:?} {x}: {y}, {truth}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so_and_infinity_has_its_limit() {
        let value = |isa, activation, x: f32, len| {
            let mut y = vec![x; len];
            dispatch(isa, Forward { activation, values: &mut y });
            y
        };
        for (isa, activation) in Isa::available().into_iter().flat_map(|isa| VECTORISED.map(|a| (isa, a))) {
            for len in [1, 16, 37] {
                let y = value(isa, activation, f32::NAN, len);
                assert!(y.iter().all(|y| y.is_nan()), "{isa:?} {activation:?}: {y:?}");
                for x in [f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0] {
                    // The product of 0 and infinity is not a number.
                    let truth = plain(activation, f64::from(x)) as f32;
                    if !truth.is_nan() {
                        assert_eq!(
                            value(isa, activation, x, len),
                            vec![truth; len],
                            "{isa:?} {activation:?} {x}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_has_the_same_derivatives() {
        // From 1 on: ReLU has no derivative at 0 to compare with.
        let x: Vec<f32> = (1..38).map(|i| (i as f32 * 0.77).sin() * 5.0).collect();
        for activation in VECTORISED {
            let mut saved = x.clone();
            if activation.backward_from_output() {
                activation.forward(&mut saved);
            }
            let all: Vec<Vec<f32>> = Isa::available()
                .into_iter()
                .map(|isa| {
                    let mut gradient = vec![1.0; x.len()];
                    dispatch(isa, Backward { activation, saved: &saved, gradient: &mut gradient });
                    gradient
                })
                .collect();
            for (i, &x) in x.iter().enumerate() {
                let numeric =
                    (plain(activation, f64::from(x) + 1e-6) - plain(activation, f64::from(x) - 1e-6)) / 2e-6;
                for gradient in &all {
                    assert!((f64::from(gradient[i]) - numeric).abs() < 1e-5, "{activation:?} {x}: {numeric}");
                }
            }
        }
    }
}
