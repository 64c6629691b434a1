//! Summaries against NumPy; `golden/generate_percentiles.py` makes the numbers.

use layerwise_nn_layers::Summary;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    percentages: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    values: Vec<f32>,
    mean: f64,
    variance: f64,
    percentiles: Vec<f64>,
}

#[test]
fn mean_variance_and_percentiles_are_those_of_numpy() {
    let golden: Golden = serde_json::from_str(include_str!("golden/percentiles.json")).unwrap();
    assert_eq!(golden.cases.len(), 8);
    for Case { values, mean, variance, percentiles } in golden.cases {
        let found = Summary::of(&values, &golden.percentages);
        let close = |what: &str, found: f64, expected: f64| {
            let error = (found - expected).abs();
            assert!(
                error <= 1e-12 * (1.0 + expected.abs()),
                "{what} of {} values: {found}, NumPy has {expected}",
                values.len()
            );
        };
        close("the mean", found.mean, mean);
        close("the variance", found.variance, variance);
        for (found, expected) in found.percentiles.iter().zip(&percentiles) {
            close(&format!("percentile {}", found.percent), found.value, *expected);
        }
    }
}
