//! The initialisers against PyTorch; `golden/generate_init.py` makes the numbers.

use layerwise_nn_layers::{Activation, Init};
use layerwise_tensor::Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    fan_in: usize,
    fan_out: usize,
    gains: Vec<(Activation, f64)>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    init: Init,
    kind: Kind,
    /// The bound of a uniform distribution, the standard deviation of a normal one.
    scale: f64,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Uniform,
    Normal,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/init.json")).expect("what generate_init.py writes")
}

#[test]
fn gains_are_those_of_pytorch() {
    for (activation, expected) in golden().gains {
        let found = Init::gain(activation).map(f64::from);
        assert!(
            found.is_some_and(|found| (found - expected).abs() < 1e-6),
            "{activation:?}: {found:?} {expected}"
        );
    }
}

/// A uniform distribution is known by its bounds and its variance; a normal one by its variance, and by the share of the values within
/// one and within two standard deviations, all to four standard errors.
#[test]
fn distributions_are_those_that_pytorch_asks_for() {
    let Golden { fan_in, fan_out, cases, .. } = golden();
    assert_eq!(cases.len(), 12);
    for Case { init, kind, scale } in cases {
        let mut weight = vec![f32::NAN; fan_in * fan_out];
        init.fill(&mut weight, fan_in, fan_out, &mut Rng::seed(7));
        let values = || weight.iter().map(|&w| f64::from(w));
        let n = weight.len() as f64;
        let mean = values().sum::<f64>() / n;
        let variance = values().map(|w| w * w).sum::<f64>() / n;
        let (expected, kurtosis) = match kind {
            Kind::Uniform => (scale * scale / 3.0, 1.8),
            Kind::Normal => (scale * scale, 3.0),
        };
        assert!(mean.abs() < 4.0 * (expected / n).sqrt(), "{init:?}: the mean is {mean}");
        let error = (variance / expected - 1.0).abs();
        assert!(
            error < 4.0 * ((kurtosis - 1.0) / n).sqrt(),
            "{init:?}: the variance is {variance}, not {expected}"
        );
        let largest = values().fold(0.0, |largest: f64, w| largest.max(w.abs()));
        if kind == Kind::Uniform {
            // Rounding to f32 may take the bound up by half a unit.
            assert!(
                largest <= scale * (1.0 + 6e-8) && largest > 0.9999 * scale,
                "{init:?}: {largest} {scale}"
            );
            continue;
        }
        for (within, share) in [(1.0, 0.682_689_5), (2.0, 0.954_499_7)] {
            let found = values().filter(|w| w.abs() < within * scale).count() as f64 / n;
            let error = 4.0 * (share * (1.0 - share) / n).sqrt();
            assert!((found - share).abs() < error, "{init:?}: {found} within {within} standard deviations");
        }
    }
}
