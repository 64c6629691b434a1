//! The losses against PyTorch; `golden_losses/generate.py` makes the numbers.

use layerwise_autograd::{ClassLossOptions, Params, Reduction, Tape, Tensor, Var};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    reduction: String,
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

const LABELS: [i32; 6] = [2, 0, 4, -100, 1, 3];
const KEPT_LABELS: [u8; 6] = [2, 0, 4, 1, 1, 3];
const WEIGHTS: Option<&[f32]> = Some(&[0.5, 2.0, 1.25, 3.0, 0.75]);
const SIGNS: [f32; 6] = [1.0, -1.0, -1.0, 1.0, -1.0, 1.0];

/// Any negative label.
const NEGATIVE: Option<usize> = Some(usize::MAX);

type Loss = for<'p> fn(&[Var<'p>], Reduction) -> Var<'p>;

const fn options(
    weights: Option<&'static [f32]>,
    label_smoothing: f32,
    ignore_index: Option<usize>,
    reduction: Reduction,
) -> ClassLossOptions<'static> {
    ClassLossOptions { weights, label_smoothing, ignore_index, reduction }
}

/// The names and their order are those of `golden_losses/generate.py`.
const LOSSES: [(&str, Loss); 23] = [
    ("cross_entropy, plain", |x, r| x[0].cross_entropy_with(&KEPT_LABELS, options(None, 0.0, None, r))),
    ("cross_entropy, weights", |x, r| x[0].cross_entropy_with(&KEPT_LABELS, options(WEIGHTS, 0.0, None, r))),
    ("cross_entropy, smoothing", |x, r| x[0].cross_entropy_with(&KEPT_LABELS, options(None, 0.1, None, r))),
    ("cross_entropy, ignore", |x, r| x[0].cross_entropy_with(&LABELS, options(None, 0.0, NEGATIVE, r))),
    ("cross_entropy, ignore 1", |x, r| x[0].cross_entropy_with(&KEPT_LABELS, options(None, 0.0, Some(1), r))),
    ("cross_entropy, all", |x, r| x[0].cross_entropy_with(&LABELS, options(WEIGHTS, 0.25, NEGATIVE, r))),
    ("cross_entropy of probabilities", |x, r| {
        x[0].cross_entropy_of_probabilities(x[1], options(None, 0.0, None, r))
    }),
    ("cross_entropy of probabilities, all", |x, r| {
        x[0].cross_entropy_of_probabilities(x[1], options(WEIGHTS, 0.25, None, r))
    }),
    ("nll", |x, r| x[0].nll_with(&KEPT_LABELS, options(None, 0.0, None, r))),
    ("nll, all", |x, r| x[0].nll_with(&LABELS, options(WEIGHTS, 0.0, NEGATIVE, r))),
    ("bce", |x, r| x[0].bce(x[1], r)),
    ("bce_with_logits", |x, r| x[0].bce_with_logits(x[1], None, r)),
    ("bce_with_logits, one weight", |x, r| x[0].bce_with_logits(x[1], Some(&[2.5]), r)),
    ("bce_with_logits, weights", |x, r| x[0].bce_with_logits(x[1], WEIGHTS, r)),
    ("bce_with_logits of extremes", |x, r| x[0].bce_with_logits(x[1], None, r)),
    ("mse", |x, r| x[0].mse_with(x[1], r)),
    ("mae", |x, r| x[0].mae(x[1], r)),
    ("huber", |x, r| x[0].huber(x[1], 1.0, r)),
    ("huber, delta", |x, r| x[0].huber(x[1], 0.375, r)),
    ("kl_div", |x, r| x[0].kl_div(x[1], r)),
    ("cosine_embedding", |x, r| {
        let target = x[0].pass().input(&Tensor::from(SIGNS));
        x[0].cosine_embedding(x[1], target, -0.5, r)
    }),
    ("cosine_embedding, no margin", |x, r| {
        let target = x[0].pass().input(&Tensor::from(SIGNS));
        x[0].cosine_embedding(x[1], target, 0.0, r)
    }),
    ("cosine_embedding, of the opposite", |x, r| {
        let target = x[0].pass().input(&Tensor::from([-1.0; 6]));
        x[0].cosine_embedding(x[1], target, 0.25, r)
    }),
];

fn golden() -> Vec<Case> {
    let golden = include_str!("golden_losses/losses.json");
    serde_json::from_str::<Golden>(golden).expect("what generate.py writes").cases
}

/// Fails where an element is off by more than 1e-5 of itself and 2e-7 of the tensor's largest element, and for a NaN.
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
    for Case { name, reduction, inputs, output } in &golden() {
        let (_, loss) = LOSSES.iter().find(|(ours, _)| ours == name).expect("a loss of that name");
        let pass = tape.train(&params, 0);
        let tensor = |shape: &[usize], values: &[f32]| Tensor::new(shape, values.to_vec());
        let vars: Vec<_> = inputs.iter().map(|x| pass.variable(&tensor(&x.shape, &x.values))).collect();
        let (what, reduction) = match reduction.as_str() {
            "mean" => (format!("{name}, mean"), Reduction::Mean),
            "sum" => (format!("{name}, sum"), Reduction::Sum),
            _ => (format!("{name}, none"), Reduction::None),
        };
        let y = loss(&vars, reduction);
        assert_close(&what, &y.value(), &output.shape, &output.values);
        y.backward_with(&tensor(&output.shape, &output.weights));
        for (i, (var, input)) in vars.iter().zip(inputs).enumerate() {
            let gradient = var.gradient().unwrap_or_else(|| panic!("{what}: input {i} has no gradient"));
            assert_close(&format!("{what}, gradient by input {i}"), &gradient, &input.shape, &input.gradient);
        }
    }
}

#[test]
fn every_loss_has_golden_values_for_every_reduction() {
    let found: Vec<_> = golden().into_iter().map(|case| (case.name, case.reduction)).collect();
    let expected: Vec<_> = LOSSES
        .iter()
        .flat_map(|(name, _)| ["mean", "sum", "none"].map(|r| (name.to_string(), r.to_owned())))
        .collect();
    assert_eq!(found, expected);
}
