//! Section 4: batch normalisation.
//!
//! While a network learns, the inputs of every layer change with the layers below it: internal covariate shift, in the words of Ioffe
//! and Szegedy (2015). Batch normalisation takes the mean and the variance of the batch out of what enters an activation, and
//! gives the layer two parameters, gamma and beta, to put back what it needs. What a layer gives, and the gradient that it hands
//! on to the layer below, then depend neither on the scale of its weights nor on an offset, and a network learns faster and with larger steps.
//!
//! [`covariate_shift`] repeats the paper's first experiment (section 4.1).
//!
//! The chapter, with formulas, pictures and exercises, is `docs/src/batch_normalization.md` in the repository; [`recipe`] is its network.

use serde::{Deserialize, Serialize};

use crate::activation;
use crate::course::{Findings, Options, run_recipe};
use crate::prelude::*;
use crate::recipe::{Outcome, Recipe};

/// The network of section 3 with batch normalisation in front of each activation.
pub fn recipe() -> Recipe {
    let relu = activation::recipe();
    Recipe { section: "batch_normalization".into(), network: relu.network.batch_norm(), ..relu }
}

/// The section: its network, and the paper's experiment.
///
/// # Errors
/// If training diverges.
pub fn run(data: &Mnist, options: &Options) -> Result<Outcome, FitError> {
    let mut outcome = run_recipe(recipe(), data, options)?.outcome;
    let steps = options.scaled(STEPS as usize) as u64;
    let findings = options.timed(&mut outcome, || covariate_shift(data, options.seed, steps))?;
    outcome.findings = Some(Findings::CovariateShift(findings));
    Ok(outcome)
}

/// The experiment of Ioffe and Szegedy 2015, section 4.1: three hidden layers of 100 sigmoid units.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CovariateShift {
    /// Without batch normalisation.
    pub without: ShiftTrace,
    /// With it.
    pub with: ShiftTrace,
}

/// A network on its way.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ShiftTrace {
    /// From the first measurement to the last step.
    pub points: Vec<ShiftPoint>,
    /// By what factor the range of a sigmoid's input, from the 15th to the 85th percentile, grows from the first measurement to the last in
    /// the last hidden layer; the geometric mean over its units.
    pub growth: f64,
}

/// What a network had come to after some steps.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct ShiftPoint {
    /// Steps.
    pub step: u64,
    /// The share of test images that are classified correctly.
    pub test_accuracy: f64,
    /// The 15th, 50th and 85th percentile, over test images, of what enters one sigmoid of the last hidden layer: that of the unit
    /// that drifts farther than half of the others.
    pub percentiles: [f64; 3],
}

const WIDTH: usize = 100;
/// In percent.
const PERCENTAGES: [f64; 3] = [15.0, 50.0, 85.0];
const BATCH: usize = 60;
const STEPS: u64 = 50_000;
/// Measurements over a run.
const POINTS: u64 = 100;
/// Test images whose activations are looked at.
const OBSERVED: usize = 1000;

/// Trains 784-100-100-100-10 with sigmoid for `steps` steps (50 000 in the paper) of 60 images by SGD with learning rate 0.2 and momentum 0.9, without and
/// with batch normalisation.
///
/// # Errors
/// If training diverges.
pub fn covariate_shift(data: &Mnist, seed: u64, steps: u64) -> Result<CovariateShift, TrainError> {
    let mlp = Mlp::new(&[784, WIDTH, WIDTH, WIDTH, 10]).activation(Activation::Sigmoid);
    Ok(CovariateShift {
        without: trace(&mlp, data, seed, steps)?,
        with: trace(&mlp.clone().batch_norm(), data, seed, steps)?,
    })
}

fn trace(mlp: &Mlp, data: &Mnist, seed: u64, steps: u64) -> Result<ShiftTrace, TrainError> {
    let observed = data.test.take(OBSERVED);
    let mut params = Params::new();
    let model = mlp.build(&mut params.root(), &mut Rng::seed(seed));
    let mut opt = Sgd::new(&params, SgdConfig::with_momentum(0.2, 0.9));
    let (mut at_step, mut accuracies, mut units) = (Vec::new(), Vec::new(), Vec::new());
    Trainer::new(steps.div_ceil((data.train.len() / BATCH) as u64) as usize)
        .steps(steps)
        .batch_size(BATCH)
        .seed(seed)
        .progress(Progress::Silent)
        .every(steps.div_ceil(POINTS), |at| {
            at_step.push(at.step);
            accuracies.push(accuracy(&model, at.params, &data.test));
            units.push(inputs_of_the_last_sigmoids(&model, at.params, &observed));
        })
        .fit(&mut params, &mut opt, &data.train, |pass, batch| {
            model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels)
        })?;
    let unit = typical_unit(&units);
    let points = at_step.into_iter().zip(accuracies).zip(&units);
    let points = points.map(|((step, test_accuracy), units)| {
        let percentiles = units[unit];
        ShiftPoint { step, test_accuracy, percentiles }
    });
    Ok(ShiftTrace { points: points.collect(), growth: growth(&units) })
}

/// For each unit of the last hidden layer the percentiles of what enters its sigmoid.
fn inputs_of_the_last_sigmoids(model: &Sequential, params: &Params, images: &ImageSet) -> Vec<[f64; 3]> {
    let rows: Vec<u32> = (0..images.len() as u32).collect();
    let mut tape = Tape::new();
    let pass = tape.eval(params);
    model.forward(pass.input(&images.batch(&rows).images));
    let mut inputs = Vec::new();
    pass.visit_layers(|layer| {
        // The last layer with an activation is what remains.
        if layer.activation.is_some() {
            inputs = layer.pre_activation.to_vec();
        }
    });
    let of_unit = |unit| {
        let values: Vec<f32> = inputs.iter().skip(unit).step_by(WIDTH).copied().collect();
        let percentiles = Summary::of(&values, &PERCENTAGES).percentiles;
        std::array::from_fn(|i| percentiles[i].value)
    };
    (0..WIDTH).map(of_unit).collect()
}

/// The unit whose percentiles drift farther than those of half of the others. `measured` is measurements x units x percentiles.
fn typical_unit(measured: &[Vec<[f64; 3]>]) -> usize {
    let [first, .., last] = measured else { return 0 };
    let drift = |&unit: &usize| (0..3).map(|i| (last[unit][i] - first[unit][i]).abs()).sum::<f64>();
    let mut units: Vec<usize> = (0..WIDTH).collect();
    units.sort_by(|a, b| drift(a).total_cmp(&drift(b)));
    units[WIDTH / 2]
}

/// By what factor the range between the outer percentiles grows, the geometric mean over the units.
fn growth(measured: &[Vec<[f64; 3]>]) -> f64 {
    let [first, .., last] = measured else { return 1.0 };
    let range = |at: &[f64; 3]| at[2] - at[0];
    let logs = first.iter().zip(last).map(|(first, last)| (range(last) / range(first)).ln());
    (logs.sum::<f64>() / WIDTH as f64).exp()
}
