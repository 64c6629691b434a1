//! What a section of the course trains, and what comes of it.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::course::Findings;
use crate::prelude::*;

/// A network and how it is trained.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recipe {
    /// The section it belongs to.
    pub section: String,
    /// The layers.
    pub network: Mlp,
    /// The update rule.
    pub optimizer: OptimizerConfig,
    /// Examples in a step.
    pub batch_size: usize,
    /// Passes over the training images.
    pub epochs: usize,
}

/// What a section came to. Figures that it does not have are left out where it is written as data.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// The section.
    pub section: String,
    /// Passes over the training images.
    pub epochs: usize,
    /// Where all random numbers came from.
    pub seed: u64,
    /// The share of test images that are classified correctly, between 0 and 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<f64>,
    /// The mean cross-entropy on the test images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_loss: Option<f64>,
    /// The mean squared error of a pixel of the reconstructed test images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_mse: Option<f64>,
    /// The squared error of a reconstructed test image, summed over its pixels; the mean over the images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_squared_error: Option<f64>,
    /// The time of everything but loading the images.
    pub seconds: f64,
    /// The training loss and the test metrics, epoch by epoch.
    pub history: History,
    /// What the section measures beside its network, under a name of its own.
    #[serde(flatten)]
    pub findings: Option<Findings>,
}

/// A trained network.
pub struct Trained {
    /// The network.
    pub model: Sequential,
    /// Its parameters.
    pub params: Params,
    /// How it was trained, and how well it does.
    pub outcome: Outcome,
}

impl Recipe {
    /// Trains the network on the training images and evaluates it on the test images. One seed decides the initial weights, the
    /// order of the images and everything else that is random.
    ///
    /// # Errors
    /// As [`Trainer::fit`].
    pub fn train(&self, data: &Mnist, seed: u64, progress: Progress) -> Result<Trained, TrainError> {
        let start = Instant::now();
        let mut params = Params::new();
        let model = self.network.build(&mut params.root(), &mut Rng::seed(seed));
        let mut opt = self.optimizer.build(&params);
        let history = Trainer::new(self.epochs)
            .batch_size(self.batch_size)
            .seed(seed)
            .progress(progress)
            .metric("test_accuracy", |params| accuracy(&model, params, &data.test))
            .fit(&mut params, &mut opt, &data.train, |pass, batch| {
                model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels)
            })?;
        let Evaluation { accuracy, loss } = evaluate(&model, &params, &data.test);
        let outcome = Outcome {
            section: self.section.clone(),
            epochs: self.epochs,
            seed,
            test_accuracy: Some(accuracy),
            test_loss: Some(loss),
            test_mse: None,
            test_squared_error: None,
            seconds: start.elapsed().as_secs_f64(),
            history,
            findings: None,
        };
        Ok(Trained { model, params, outcome })
    }
}
