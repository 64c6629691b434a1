//! Section 2: dropout.
//!
//! A network with half a million weights can learn a thousand images by heart: its training loss goes to zero while its test loss
//! rises again. Dropout (Srivastava et al. 2014) silences every hidden unit with probability one half in each step, so that no unit
//! can rely on another one to mend its mistakes; what is left is scaled by `1 / (1 - p)`, and at test time nothing is dropped.
//!
//! On all 60 000 images, with the slow learning of section 1, there is no over-fitting to cure, and dropout costs accuracy: 87 % in
//! place of 90. [`over_fitting`] shows where it pays.
//!
//! The chapter, with formulas, pictures and exercises, is `docs/src/dropout.md` in the repository; [`recipe`] is its network.

use serde::{Deserialize, Serialize};

use crate::course::{Findings, Options, run_recipe};
use crate::mlp;
use crate::prelude::*;
use crate::recipe::{Outcome, Recipe};

/// The network of section 1 with dropout after both hidden activations.
pub fn recipe() -> Recipe {
    let mlp = mlp::recipe();
    Recipe { section: "dropout".into(), network: mlp.network.dropout(0.5), ..mlp }
}

/// The section: its network, and over-fitting with and without dropout.
///
/// # Errors
/// If training diverges.
pub fn run(data: &Mnist, options: &Options) -> Result<Outcome, FitError> {
    let mut outcome = run_recipe(recipe(), data, options)?.outcome;
    let findings = options.timed(&mut outcome, || over_fitting(data, options.seed, options.scaled(100)))?;
    outcome.findings = Some(Findings::OverFitting(findings));
    Ok(outcome)
}

/// A network on few images, without and with dropout.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OverFitting {
    /// Training images.
    pub images: usize,
    /// Section 1's network.
    pub without: Vec<Fit>,
    /// The same with dropout 0.5.
    pub with: Vec<Fit>,
}

/// How well a network knows what it was trained on, and what it was not.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Fit {
    /// The epoch it was measured after.
    pub epoch: usize,
    /// The mean cross-entropy on its training images, nothing dropped.
    pub train_loss: f64,
    /// The mean cross-entropy on the test images.
    pub test_loss: f64,
    /// The share of test images that are classified correctly.
    pub test_accuracy: f64,
}

/// Images of [`over_fitting`].
const FEW: usize = 1000;
/// Measurements over its run.
const POINTS: usize = 20;

/// Trains the networks of sections 1 and 2 on the first 1 000 images, for `epochs` epochs of SGD with learning rate 0.1 and momentum
/// 0.9: enough to learn them by heart.
///
/// # Errors
/// If training diverges.
pub fn over_fitting(data: &Mnist, seed: u64, epochs: usize) -> Result<OverFitting, TrainError> {
    let few = data.train.take(FEW);
    let fit = |recipe: Recipe| {
        let mut params = Params::new();
        let model = recipe.network.build(&mut params.root(), &mut Rng::seed(seed));
        let mut opt = Sgd::new(&params, SgdConfig::with_momentum(0.1, 0.9));
        let steps_per_epoch = FEW.div_ceil(recipe.batch_size) as u64;
        let mut fits = Vec::new();
        Trainer::new(epochs)
            .batch_size(recipe.batch_size)
            .seed(seed)
            .progress(Progress::Silent)
            .every(epochs.div_ceil(POINTS) as u64 * steps_per_epoch, |at| {
                let [train, test] = [&few, &data.test].map(|set| evaluate(&model, at.params, set));
                fits.push(Fit {
                    epoch: (at.step / steps_per_epoch) as usize,
                    train_loss: train.loss,
                    test_loss: test.loss,
                    test_accuracy: test.accuracy,
                });
            })
            .fit(&mut params, &mut opt, &few, |pass, batch| {
                model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels)
            })?;
        Ok(fits)
    };
    Ok(OverFitting { images: FEW, without: fit(mlp::recipe())?, with: fit(recipe())? })
}
