//! The metrics of classifiers against scikit-learn; `golden/generate_metrics.py` makes the numbers.

use layerwise_autograd::{Activation, Params, Tensor};
use layerwise_nn_layers::{ConfusionMatrix, Scores, accuracy, top_k_accuracy};
use layerwise_tensor::data::TensorDataset;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    classes: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    labels: Vec<u32>,
    logits: Vec<f32>,
    confusion: Vec<u64>,
    accuracy: f64,
    top_k: Vec<f64>,
    per_class: Vec<[f64; 3]>,
    #[serde(rename = "macro")]
    macro_average: [f64; 3],
    weighted: [f64; 3],
}

#[track_caller]
fn assert_close(what: &str, found: Scores, expected: [f64; 3]) {
    let found = [found.precision, found.recall, found.f1];
    let far = found.iter().zip(expected).any(|(found, expected)| (found - expected).abs() > 1e-12);
    assert!(!far, "{what}: {found:?}, scikit-learn has {expected:?}");
}

#[test]
fn metrics_are_those_of_scikit_learn() {
    let golden: Golden = serde_json::from_str(include_str!("golden/metrics.json")).unwrap();
    assert_eq!(golden.cases.len(), 3);
    for (i, case) in golden.cases.into_iter().enumerate() {
        let (params, classes) = (Params::new(), golden.classes);
        let logits = Tensor::new([case.labels.len(), classes], case.logits);
        let mut matrix = ConfusionMatrix::new(classes);
        matrix.add_logits(&logits, &case.labels);
        let counts: Vec<u64> =
            (0..classes * classes).map(|at| matrix.count(at / classes, at % classes)).collect();
        assert_eq!(counts, case.confusion, "case {i}");
        for (class, &expected) in case.per_class.iter().enumerate() {
            assert_close(&format!("case {i}, class {class}"), matrix.scores(class), expected);
        }
        assert_close(&format!("case {i}, macro"), matrix.macro_average(), case.macro_average);
        assert_close(&format!("case {i}, weighted"), matrix.weighted_average(), case.weighted);
        assert!((matrix.accuracy() - case.accuracy).abs() < 1e-12, "case {i}");

        let data = TensorDataset::new(logits, case.labels);
        assert_eq!(ConfusionMatrix::of(&Activation::Identity, &params, &data, classes), matrix);
        assert!((accuracy(&Activation::Identity, &params, &data) - case.accuracy).abs() < 1e-12);
        for (k, &expected) in case.top_k.iter().enumerate() {
            let found = top_k_accuracy(&Activation::Identity, &params, &data, k + 1);
            assert!((found - expected).abs() < 1e-12, "case {i}, top {}: {found} {expected}", k + 1);
        }
    }
}
