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
    /// Encoder, decoder, loss and noise.
    pub network: Autoencoder,
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
    /// Trains the autoencoder on the training images and measures its error on the test images, which nothing corrupts. One seed decides
    /// the initial weights, the order of the images and the noise.
    ///
    /// # Errors
    /// As [`AutoencoderModel::fit`].
    pub fn train(&self, data: &Mnist, seed: u64, progress: Progress) -> Result<TrainedAutoencoder, FitError> {
        let start = Instant::now();
        let mut params = Params::new();
        let model = self.network.build(&mut params.root(), &mut Rng::seed(seed));
        let mut opt = self.optimizer.build(&params);
        let trainer = Trainer::new(self.epochs)
            .batch_size(self.batch_size)
            .seed(seed)
            .progress(progress)
            .metric("test_mse", |params| {
                // Test images that do not fit are an error below.
                let error = model.reconstruction_error(params, &data.test);
                error.map_or(f64::NAN, |error| error.per_pixel_mse)
            });
        let history = model.fit(&mut params, &mut opt, trainer, &data.train)?;
        let error = model.reconstruction_error(&params, &data.test)?;
        let outcome = Outcome {
            section: self.section.clone(),
            epochs: self.epochs,
            seed,
            test_mse: Some(error.per_pixel_mse),
            test_squared_error: Some(error.per_image_squared_error),
            seconds: start.elapsed().as_secs_f64(),
            history,
            ..Outcome::default()
        };
        Ok(TrainedAutoencoder { model, params, outcome })
    }
}
