//! Sections 8 and 10 on a few images: what they measure, and that it does not depend on the number of threads.

use layerwise::course::{Findings, Options};
use layerwise::prelude::*;
use layerwise::recipe::Outcome;
use layerwise::stacked_autoencoder::{self, Stacking};
use layerwise::stacked_denoising_autoencoder;

type Run = fn(&Mnist, &Options) -> Result<Outcome, FitError>;

/// The outcome after an epoch on 320 images, without the time it took.
fn outcome(run: Run, threads: usize, seed: u64) -> Outcome {
    let all = Mnist::embedded();
    let data = Mnist { train: all.train.take(320), test: all.test.take(100) };
    let options = Options { epochs: Some(1), seed, progress: Progress::Silent };
    let mut outcome = threads::run_on(threads, || run(&data, &options)).expect("it trains");
    outcome.seconds = 0.0;
    outcome.history.epochs.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
    outcome
}

fn stackings(outcome: &Outcome) -> Vec<&Stacking> {
    match outcome.findings.as_ref().expect("it measures something") {
        Findings::Pretraining(found) => vec![&found.stacking],
        Findings::StackedDenoising(found) => vec![&found.denoising, &found.plain],
        other => panic!("findings of another section: {other:?}"),
    }
}

#[test]
fn both_sections_give_the_same_bits_on_any_number_of_threads() {
    for run in [stacked_autoencoder::run as Run, stacked_denoising_autoencoder::run] {
        let one = outcome(run, 1, 7);
        assert_eq!(outcome(run, 2, 7), one);
        assert_ne!(outcome(run, 2, 8), one);
    }
}

#[test]
fn every_step_of_a_stack_is_measured() {
    for run in [stacked_autoencoder::run as Run, stacked_denoising_autoencoder::run] {
        let outcome = outcome(run, 2, 7);
        assert_eq!((outcome.epochs, outcome.history.epochs.len()), (1, 1));
        assert_eq!(outcome.test_accuracy, outcome.history.last("test_accuracy"));
        let [mse, squared_error] = [outcome.test_mse, outcome.test_squared_error].map(Option::unwrap);
        assert!((squared_error / mse - 784.0).abs() < 1e-6 && mse > 0.0 && mse < 1.0);
        for stacking in stackings(&outcome) {
            let widths: Vec<_> = stacking.layers.iter().map(|layer| (layer.inputs, layer.code)).collect();
            assert_eq!(widths, [(784, 500), (500, 250), (250, 100)]);
            assert!(stacking.layers.iter().all(|layer| layer.losses.len() == 1 && layer.losses[0] > 0.0));
            assert_eq!(stacking.few_labels.len(), 2, "a tenth of twenty epochs");
            assert_eq!(stacking.filters.len() % 784, 0);
            assert!(!stacking.filters.is_empty());
        }
        // The filters are for the pictures alone.
        let json = serde_json::to_string(&outcome).unwrap();
        assert!(json.len() < 3000, "{} bytes", json.len());
        let read: Outcome = serde_json::from_str(&json).unwrap();
        assert!(stackings(&read).iter().all(|stacking| stacking.filters.is_empty()));
    }
}

#[test]
fn noise_is_what_the_sections_differ_in() {
    let outcome = outcome(stacked_denoising_autoencoder::run, 2, 7);
    let plain = self::outcome(stacked_autoencoder::run, 2, 7);
    let [denoising, same] = stackings(&outcome)[..] else { panic!("two stacks") };
    assert_eq!(same, stackings(&plain)[0], "section 8's stack on the same budget");
    assert!(denoising.layers[0].losses[0] > same.layers[0].losses[0], "restoring is harder");
}
