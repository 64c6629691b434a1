//! The schedules against PyTorch, for 1000 steps each; `golden/generate_schedules.py` makes the numbers.

use layerwise_autograd::Params;
use layerwise_optim::{Optimizer, PlateauConfig, ReduceOnPlateau, Schedule, Sgd, SgdConfig};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    schedules: Vec<Values>,
    plateaus: Vec<Plateau>,
}

#[derive(Deserialize)]
struct Values {
    schedule: Schedule,
    values: Vec<f32>,
}

#[derive(Deserialize)]
struct Plateau {
    config: PlateauConfig,
    /// `None` stands for NaN.
    measured: Vec<Option<f64>>,
    lrs: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/schedules.json")).expect("the generator writes it")
}

/// Fails if it is off by more than 1e-5 of itself, and for a NaN.
#[track_caller]
fn assert_close(what: &str, step: usize, found: f32, expected: f32) {
    let close = (found - expected).abs() <= 1e-5 * expected.abs();
    assert!(close, "{what}, step {step}: {found:?}, PyTorch has {expected:?}");
}

#[test]
fn schedules_follow_pytorch_for_1000_steps() {
    let golden = golden();
    assert_eq!(golden.schedules.len(), 17);
    for Values { schedule, values } in golden.schedules {
        schedule.validate().unwrap();
        assert_eq!(values.len(), 1000);
        for (step, expected) in values.into_iter().enumerate() {
            assert_close(&format!("{schedule:?}"), step, schedule.at(step as u64), expected);
        }
    }
}

#[test]
fn reduction_on_a_plateau_follows_pytorch() {
    let golden = golden();
    assert_eq!(golden.plateaus.len(), 5);
    for Plateau { config, measured, lrs } in golden.plateaus {
        let mut opt = Sgd::new(&Params::new(), SgdConfig { lr: 0.5, ..Default::default() });
        let mut plateau = ReduceOnPlateau::new(config);
        for (step, (measured, expected)) in measured.iter().zip(&lrs).enumerate() {
            plateau.step(measured.unwrap_or(f64::NAN), &mut opt);
            assert_close(&format!("{config:?}"), step, opt.lr(), *expected);
        }
        assert!(opt.lr() < 0.5, "{config:?} never reduced");
    }
}
