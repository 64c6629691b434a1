//! The differentiable operations against PyTorch; `golden/generate.py` makes the numbers.

use layerwise_autograd::{Activation, Params, Tape, Tensor, Var};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    inputs: Vec<Input>,
    output: Output,
}

#[derive(Deserialize)]
struct Input {
    shape: Vec<usize>,
    values: Vec<f32>,
    /// Of `sum(weights * output)`.
    gradient: Vec<f64>,
}

#[derive(Deserialize)]
struct Output {
    shape: Vec<usize>,
    values: Vec<f64>,
    weights: Vec<f32>,
}

type Operation = for<'p> fn(&[Var<'p>]) -> Var<'p>;

const LABELS: [u8; 6] = [2, 0, 4, 1, 1, 3];

/// The names and their order are those of `golden/generate.py`.
const OPERATIONS: [(&str, Operation); 53] = [
    ("add", |x| x[0] + x[1]),
    ("sub", |x| x[0] - x[1]),
    ("mul", |x| x[0] * x[1]),
    ("div", |x| x[0] / x[1]),
    ("add of equal shapes", |x| x[0] + x[1]),
    ("mul by itself", |x| x[0] * x[0] * x[0]),
    ("number - x", |x| 2.5 - x[0]),
    ("number / x", |x| 2.5 / x[0]),
    ("x / number", |x| -x[0] / 1.5),
    ("detach", |x| x[0] * x[0].detach()),
    ("exp", |x| x[0].exp()),
    ("log", |x| x[0].log()),
    ("sqrt", |x| x[0].sqrt()),
    ("square", |x| x[0].square()),
    ("powf 3", |x| x[0].powf(3.0)),
    ("powf 2.5", |x| x[0].powf(2.5)),
    ("powf -1.5", |x| x[0].powf(-1.5)),
    ("abs", |x| x[0].abs()),
    ("clamp", |x| x[0].clamp(-0.5, 0.75)),
    ("transpose", |x| x[0].transpose()),
    ("reshape", |x| x[0].reshape([2, 6])),
    ("slice rows", |x| x[0].slice(0, 1..3)),
    ("slice the middle", |x| x[0].slice(1, 1..3)),
    ("concat", |x| Var::concat(&[x[0], x[1], x[0]], 1)),
    ("sum", |x| x[0].sum()),
    ("mean", |x| x[0].mean()),
    ("max", |x| x[0].max()),
    ("sum_axis 0", |x| x[0].sum_axis(0)),
    ("sum_axis 1", |x| x[0].sum_axis(1)),
    ("sum_axis 2", |x| x[0].sum_axis(2)),
    ("mean_axis 0", |x| x[0].mean_axis(0)),
    ("mean_axis 1", |x| x[0].mean_axis(1)),
    ("max_axis 0", |x| x[0].max_axis(0)),
    ("max_axis 1", |x| x[0].max_axis(1)),
    ("max_axis of three", |x| x[0].max_axis(1)),
    ("matmul", |x| x[0].matmul(x[1])),
    ("matmul_transposed", |x| x[0].matmul_transposed(x[1])),
    ("transposed_matmul", |x| x[0].transposed_matmul(x[1])),
    ("linear", |x| x[0].linear(x[1], Some(x[2]), Activation::Identity)),
    ("linear without a bias", |x| x[0].linear(x[1], None, Activation::Identity)),
    ("linear and sigmoid", |x| x[0].linear(x[1], Some(x[2]), Activation::Sigmoid)),
    ("linear and tanh", |x| x[0].linear(x[1], Some(x[2]), Activation::Tanh)),
    ("linear and relu", |x| x[0].linear(x[1], Some(x[2]), Activation::Relu)),
    ("linear and gelu", |x| x[0].linear(x[1], Some(x[2]), Activation::Gelu)),
    ("softmax", |x| x[0].softmax()),
    ("softmax of extremes", |x| x[0].softmax()),
    ("log_softmax", |x| x[0].log_softmax()),
    ("log_softmax of extremes", |x| x[0].log_softmax()),
    ("log_softmax of shifted", |x| x[0].log_softmax()),
    ("cross_entropy", |x| x[0].cross_entropy(&LABELS)),
    ("cross_entropy of extremes", |x| x[0].cross_entropy(&LABELS[..2])),
    ("cross_entropy of shifted", |x| x[0].cross_entropy(&LABELS[..2])),
    ("mse", |x| x[0].mse(x[1])),
];

fn golden() -> Vec<Case> {
    let golden = include_str!("golden/operations.json");
    serde_json::from_str::<Golden>(golden).expect("what generate.py writes").cases
}

/// Fails where an element is off by more than 1e-5 of itself and 2e-7 of the tensor's largest element, and for a NaN.
///
/// The second term is for small sums of large numbers: they carry the rounding of what was added up.
#[track_caller]
fn assert_close(what: &str, found: &Tensor, shape: &[usize], expected: &[f64]) {
    assert_eq!(found.shape().dims(), shape, "{what}");
    assert_eq!(found.as_slice().len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    for (i, (&found, expected)) in found.as_slice().iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        let allowed = 1e-5 * expected.abs() + 2e-7 * largest;
        assert!(error <= allowed, "{what}, element {i}: {found}, PyTorch has {expected}");
    }
}

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    let params = Params::new();
    let mut tape = Tape::new();
    for (Case { name, inputs, output }, (_, operation)) in golden().iter().zip(OPERATIONS) {
        let pass = tape.train(&params, 0);
        let tensor = |shape: &[usize], values: &[f32]| Tensor::new(shape, values.to_vec());
        let vars: Vec<_> = inputs.iter().map(|x| pass.variable(&tensor(&x.shape, &x.values))).collect();
        let y = operation(&vars);
        assert_close(name, &y.value(), &output.shape, &output.values);
        y.backward_with(&tensor(&output.shape, &output.weights));
        for (i, (var, input)) in vars.iter().zip(inputs).enumerate() {
            let gradient = var.gradient().unwrap_or_else(|| panic!("{name}: input {i} has no gradient"));
            assert_close(&format!("{name}, gradient by input {i}"), &gradient, &input.shape, &input.gradient);
        }
    }
}

#[test]
fn every_operation_has_golden_values() {
    let names: Vec<_> = golden().into_iter().map(|case| case.name).collect();
    assert_eq!(names, OPERATIONS.map(|(name, _)| name));
}
