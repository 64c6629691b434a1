//! The activations against PyTorch; `golden/generate.py` makes the numbers.

use layerwise_tensor::Activation;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    x: Vec<f32>,
    weights: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    activation: Activation,
    /// `f(x)`
    values: Vec<f64>,
    /// The gradient of `sum(weights * f(x))` by `x`.
    gradient: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/activations.json")).expect("what generate.py writes")
}

/// The absolute errors allowed beside the relative one, of values and of weighted gradients, where f32 or PyTorch cancels.
fn floors(activation: Activation) -> (f64, f64) {
    match activation {
        // The derivative comes from `y`. Close to 1 that is known to one unit, 6e-8, which `1 - y^2` doubles.
        Activation::Sigmoid | Activation::Tanh | Activation::LecunTanh => (0.0, 2e-7),
        // PyTorch takes `1 + erf` or `1 + tanh`, in f64; our tails are the exact ones.
        Activation::Gelu | Activation::GeluTanh => (1e-15, 1e-14),
        _ => (0.0, 0.0),
    }
}

/// Fails where an element is off by more than 1e-5 of itself and `floor`, and for a NaN.
#[track_caller]
fn assert_close(what: &str, x: &[f32], found: &[f32], expected: &[f64], floor: f64) {
    assert!(found.len() == x.len() && expected.len() == x.len(), "{what}: numbers of elements");
    for ((x, &found), expected) in x.iter().zip(found).zip(expected) {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= 1e-5 * expected.abs() + floor, "{what} at {x}: {found}, PyTorch has {expected}");
    }
}

#[test]
fn values_are_those_of_pytorch() {
    let Golden { x, cases, .. } = golden();
    for Case { activation, values, .. } in cases {
        let mut found = x.clone();
        activation.forward(&mut found);
        assert_close(&format!("{activation:?}"), &x, &found, &values, floors(activation).0);
    }
}

#[test]
fn gradients_are_those_of_pytorch() {
    let Golden { x, weights, cases } = golden();
    for Case { activation, gradient, .. } in cases {
        let mut saved = x.clone();
        if activation.backward_from_output() {
            activation.forward(&mut saved);
        }
        let mut found = weights.clone();
        activation.backward(&saved, &mut found);
        assert_close(&format!("the gradient of {activation:?}"), &x, &found, &gradient, floors(activation).1);
    }
}

#[test]
fn every_activation_has_golden_values() {
    use Activation::*;
    let found: Vec<_> = golden().cases.into_iter().map(|case| case.activation).collect();
    let expected = [
        Identity,
        Sigmoid,
        Tanh,
        LecunTanh,
        Relu,
        LeakyRelu { slope: 0.01 },
        LeakyRelu { slope: 0.25 },
        Elu { alpha: 1.0 },
        Elu { alpha: 0.5 },
        Selu,
        Gelu,
        GeluTanh,
        Silu,
        Mish,
        Softplus,
        Softsign,
        HardSigmoid,
        HardTanh,
        HardSwish,
    ];
    assert_eq!(found, expected);
}
