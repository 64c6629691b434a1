use crate::Activation;

impl Activation {
    /// `f''(x)`, the derivative of the derivative: what a penalty on a Jacobian is differentiated by. Computed in f64.
    ///
    /// Where the derivative has a jump (ReLU at 0, the ends of the hard functions) it is 0.
    pub fn second_derivative(self, x: f32) -> f32 {
        self.curvature(f64::from(x)) as f32
    }

    fn curvature(self, x: f64) -> f64 {
        use Activation::*;
        let s = 1.0 / (1.0 + (-x).exp());
        let s1 = s * (1.0 - s); // sigmoid'
        let s2 = s1 * (1.0 - 2.0 * s); // sigmoid''
        let of_tanh = |t: f64| -2.0 * t * (1.0 - t * t);
        match self {
            Identity | Relu | LeakyRelu { .. } | HardSigmoid | HardTanh => 0.0,
            Sigmoid => s2,
            Tanh => of_tanh(x.tanh()),
            LecunTanh => 1.7159 * 4.0 / 9.0 * of_tanh((x * 2.0 / 3.0).tanh()),
            Elu { alpha } => below_zero(x, f64::from(alpha)),
            Selu => below_zero(x, 1.050_701 * 1.673_263_2),
            Gelu => (2.0 - x * x) * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt(),
            GeluTanh => gelu_tanh(x),
            Silu => 2.0 * s1 + x * s2,
            Mish => {
                let t = (x.max(0.0) + (-x.abs()).exp().ln_1p()).tanh();
                let t1 = (1.0 - t * t) * s;
                2.0 * t1 + x * (of_tanh(t) * s * s + (1.0 - t * t) * s1)
            }
            Softplus => s1,
            Softsign => -2.0 * x.signum() / (1.0 + x.abs()).powi(3),
            HardSwish => f64::from(u8::from(x.abs() < 3.0)) / 3.0,
        }
    }
}

fn below_zero(x: f64, alpha: f64) -> f64 {
    if x > 0.0 { 0.0 } else { alpha * x.exp() }
}

/// `f = x sigmoid(v)` with `v = c (x + k x^3)`.
fn gelu_tanh(x: f64) -> f64 {
    let (c, k) = (2.0 * (2.0 / std::f64::consts::PI).sqrt(), 0.044_715);
    let (v, v1, v2) = (c * (x + k * x.powi(3)), c * (1.0 + 3.0 * k * x * x), 6.0 * c * k * x);
    let s = 1.0 / (1.0 + (-v).exp());
    let s1 = s * (1.0 - s);
    2.0 * s1 * v1 + x * (s1 * (1.0 - 2.0 * s) * v1 * v1 + s1 * v2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURVED: [Activation; 11] = [
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::LecunTanh,
        Activation::Elu { alpha: 0.7 },
        Activation::Selu,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Silu,
        Activation::Mish,
        Activation::Softplus,
        Activation::HardSwish,
    ];

    fn derivative(f: Activation, x: f32) -> f64 {
        let (mut saved, mut gradient) = ([x], [1.0]);
        if f.backward_from_output() {
            f.forward(&mut saved);
        }
        f.backward(&saved, &mut gradient);
        f64::from(gradient[0])
    }

    #[test]
    fn it_is_the_slope_of_the_derivative() {
        for f in CURVED.into_iter().chain([Activation::Softsign, Activation::Relu, Activation::HardTanh]) {
            // Away from the kinks.
            for x in [-5.3, -2.1, -0.8, -0.3, 0.4, 0.7, 1.6, 2.4, 4.9] {
                let h = 1.0 / 64.0;
                let slope =
                    |k: f32| (derivative(f, x + k * h) - derivative(f, x - k * h)) / f64::from(2.0 * k * h);
                let numeric = (4.0 * slope(1.0) - slope(2.0)) / 3.0;
                let found = f64::from(f.second_derivative(x));
                assert!((found - numeric).abs() < 2e-5, "{f:?} at {x}: {found}, differences say {numeric}");
            }
        }
    }

    #[test]
    fn it_is_finite_far_away() {
        for f in CURVED {
            for x in [-1e4, -100.0, 100.0, 1e4] {
                assert!(f.second_derivative(x).is_finite(), "{f:?} at {x}");
            }
        }
    }
}
