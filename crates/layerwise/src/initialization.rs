//! Section 5: initial weights.
//!
//! A layer of `fan_in` inputs multiplies the variance of its input by `fan_in` times that of its weights. Weights with the wrong
//! variance make the signal fade or grow from layer to layer, exponentially in their number. LeCun et al. (1998) chose `1 / fan_in`;
//! Glorot and Bengio (2010) a compromise between the ways forward and back, `2 / (fan_in + fan_out)`; He et al. (2015) took into
//! account that a ReLU lets only half of the signal pass, and chose `2 / fan_in`.
//!
//! In the course's network of two hidden layers, with batch normalisation, the choice hardly matters. [`deep_networks`] shows thirty
//! layers without it: with He's weights they learn, with Xavier's they stand still.
//!
//! The chapter, with formulas, pictures and exercises, is `docs/src/initialization.md` in the repository; [`recipe`] is its network.

use serde::{Deserialize, Serialize};

use crate::batch_normalization;
use crate::course::{Findings, Options, run_recipe};
use crate::prelude::*;
use crate::recipe::{Outcome, Recipe};

/// The network of section 4 with He's uniform initial weights.
pub fn recipe() -> Recipe {
    let norm = batch_normalization::recipe();
    Recipe { section: "initialization".into(), network: norm.network.init(Init::HeUniform), ..norm }
}

/// The section: its network, and thirty layers with different initial weights.
///
/// # Errors
/// If training diverges.
pub fn run(data: &Mnist, options: &Options) -> Result<Outcome, FitError> {
    let mut outcome = run_recipe(recipe(), data, options)?.outcome;
    let findings = options.timed(&mut outcome, || deep_networks(data, options.seed, options.scaled(10)))?;
    outcome.findings = Some(Findings::DeepNetworks(findings));
    Ok(outcome)
}

/// A deep network with one kind of initial weights.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DeepNetwork {
    /// Its initial weights.
    pub init: Init,
    /// The variance of each hidden layer's activations over 1 000 training images before any training, first to last.
    pub activation_variance: Vec<f64>,
    /// The share of test images that are classified correctly after each epoch. Empty if it was not trained.
    pub test_accuracy: Vec<f64>,
}

const LAYERS: usize = 30;
const WIDTH: usize = 100;
const BATCH: usize = 128;
/// Training images whose activations are looked at.
const OBSERVED: usize = 1000;

/// Thirty hidden layers of 100 ReLU: their activations at He's, Xavier's and LeCun's uniform initial weights; and with He's and Xavier's,
/// `epochs` epochs of SGD with learning rate 0.003 and batches of 128.
///
/// # Errors
/// If training diverges.
pub fn deep_networks(data: &Mnist, seed: u64, epochs: usize) -> Result<Vec<DeepNetwork>, TrainError> {
    let kinds = [(Init::HeUniform, epochs), (Init::XavierUniform, epochs), (Init::LecunUniform, 0)];
    kinds.into_iter().map(|(init, epochs)| deep_network(data, seed, init, epochs)).collect()
}

fn deep_network(data: &Mnist, seed: u64, init: Init, epochs: usize) -> Result<DeepNetwork, TrainError> {
    let widths = [vec![784], vec![WIDTH; LAYERS], vec![10]].concat();
    let mut params = Params::new();
    let model = Mlp::new(&widths).init(init).build(&mut params.root(), &mut Rng::seed(seed));
    let activation_variance = activation_variances(&model, &params, &data.train.take(OBSERVED));
    let mut opt = Sgd::new(&params, SgdConfig { lr: 0.003, ..SgdConfig::default() });
    let mut test_accuracy = Vec::new();
    Trainer::new(epochs)
        .batch_size(BATCH)
        .seed(seed)
        .progress(Progress::Silent)
        .metric("test_accuracy", |params| {
            let accuracy = accuracy(&model, params, &data.test);
            test_accuracy.push(accuracy);
            accuracy
        })
        .fit(&mut params, &mut opt, &data.train, |pass, batch| {
            model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels)
        })?;
    Ok(DeepNetwork { init, activation_variance, test_accuracy })
}

/// The variance of what every hidden layer gives, over all its units and the images.
fn activation_variances(model: &Sequential, params: &Params, images: &ImageSet) -> Vec<f64> {
    let rows: Vec<u32> = (0..images.len() as u32).collect();
    let mut observer = Observer::default();
    let mut tape = Tape::new();
    let pass = tape.eval(params);
    model.forward(pass.input(&images.batch(&rows).images));
    observer.observe(&pass);
    let layers = observer.diagnostics().layers;
    layers.iter().take(LAYERS).map(|layer| layer.activation.variance).collect()
}
