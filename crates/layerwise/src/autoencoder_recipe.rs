//! What the sections on autoencoders train, and what comes of it.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::prelude::*;
use crate::recipe::Outcome;

/// An autoencoder and how it is trained.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AutoencoderRecipe {
    /// The section it belongs to.
    pub section: String,
    /// Encoder, decoder and loss.
    pub network: Autoencoder,
    /// What spoils the inputs, in training and where the error is measured; the targets stay clean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corruption: Option<Corruption>,
    /// The update rule.
    pub optimizer: OptimizerConfig,
    /// Examples in a step.
    pub batch_size: usize,
    /// Passes over the training images.
    pub epochs: usize,
}

/// A trained autoencoder.
pub struct TrainedAutoencoder {
    /// The autoencoder.
    pub model: AutoencoderModel,
    /// Its parameters.
    pub params: Params,
    /// How it was trained, and how well it does.
    pub outcome: Outcome,
}

impl AutoencoderRecipe {
    /// Trains the autoencoder on the training images and measures how far its outputs for the test images are from them. With a
    /// corruption it is shown spoilt images, of the test set as well, and measured against the clean ones. One seed decides the initial
    /// weights, the order of the images and the noise.
    ///
    /// # Errors
    /// As [`AutoencoderModel::fit`].
    pub fn train(&self, data: &Mnist, seed: u64, progress: Progress) -> Result<TrainedAutoencoder, FitError> {
        let start = Instant::now();
        let mut params = Params::new();
        let network = self.network.clone();
        let network = match self.corruption {
            Some(corruption) => network.corruption(corruption),
            None => network,
        };
        let model = network.build(&mut params.root(), &mut Rng::seed(seed));
        let mut opt = self.optimizer.build(&params);
        let clean = Tensor::from(data.test.to_f32());
        let spoilt = self.corruption.map(|corruption| corruption.apply(&clean, seed).values);
        let shown = spoilt.as_ref().unwrap_or(&clean);
        let test_mse =
            |params: &Params| Ok::<_, FitError>(mse(&model.reconstruct_all(params, shown)?, &clean));
        let trainer = Trainer::new(self.epochs)
            .batch_size(self.batch_size)
            .seed(seed)
            .progress(progress)
            // Test images that do not fit are an error below.
            .metric("test_mse", |params| test_mse(params).unwrap_or(f64::NAN));
        let history = model.fit(&mut params, &mut opt, trainer, &data.train)?;
        let test_mse = test_mse(&params)?;
        let outcome = Outcome {
            section: self.section.clone(),
            epochs: self.epochs,
            seed,
            test_mse: Some(test_mse),
            test_squared_error: Some(test_mse * model.inputs() as f64),
            seconds: start.elapsed().as_secs_f64(),
            history,
            ..Outcome::default()
        };
        Ok(TrainedAutoencoder { model, params, outcome })
    }
}

/// The mean squared difference of two tensors of one shape, summed in f64.
pub(crate) fn mse(a: &Tensor, b: &Tensor) -> f64 {
    let pairs = a.as_slice().iter().zip(b.as_slice());
    pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>() / a.as_slice().len() as f64
}
