//! The sections of the course, as a list.

#[cfg(feature = "plot")]
mod figures;

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::autoencoder_recipe::{AutoencoderRecipe, TrainedAutoencoder};
use crate::prelude::*;
use crate::recipe::{Outcome, Recipe, Trained};
use crate::{activation, batch_normalization, dropout, initialization, mlp, optimizer};
use crate::{autoencoder, denoising_autoencoder};

#[cfg(feature = "plot")]
pub use figures::{Illustration, illustrations, report};

/// A section of the course.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The name of its module, its example and its chapter.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// What it shows, in a sentence or two.
    pub text: &'static str,
    /// Trains its network, and measures what the section is about.
    pub run: fn(&Mnist, &Options) -> Result<Outcome, FitError>,
}

/// All sections, in the order of the course.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "mlp",
        title: "A multi-layer perceptron with sigmoid",
        text: "784 pixels, hidden layers of 512 and 256 sigmoid units, ten logits; SGD with learning rate 0.01 and momentum 0.5. It \
               learns slowly: the gradient has to pass two sigmoids.",
        run: mlp::run,
    },
    Section {
        name: "dropout",
        title: "Dropout, and over-fitting without it",
        text: "Every hidden unit is silent with probability 0.5 in each training step. On 60 000 images and with a network that is \
               still learning there is nothing to cure, and it costs accuracy; on 1 000 images it pays.",
        run: dropout::run,
    },
    Section {
        name: "activation",
        title: "ReLU, and the vanishing gradient",
        text: "The derivative of a sigmoid is at most 1/4, that of an active ReLU is 1.",
        run: activation::run,
    },
    Section {
        name: "batch_normalization",
        title: "Batch normalisation, and internal covariate shift",
        text: "What enters an activation is normalised over the batch, then scaled and moved by two learned parameters.",
        run: batch_normalization::run,
    },
    Section {
        name: "initialization",
        title: "Initial weights: LeCun, Xavier, He",
        text: "With batch normalisation and two hidden layers the initial weights hardly matter. In thirty layers of ReLU without it \
               they decide whether the network learns.",
        run: initialization::run,
    },
    Section {
        name: "optimizer",
        title: "From gradient descent to Adam and RAdam",
        text: "The network is trained by Adam with learning rate 0.01. Below, eight rules start from the same weights and see the \
               same batches.",
        run: optimizer::run,
    },
    Section {
        name: "autoencoder",
        title: "An autoencoder, and principal components",
        text: "784 pixels pass through a code of 32 numbers and are given back. The network sees no labels. With the same number of \
               components, principal component analysis has more than twice the error.",
        run: autoencoder::run,
    },
    Section {
        name: "denoising_autoencoder",
        title: "Denoising: clean images from spoilt ones",
        text: "The input is spoilt, the target is not. To fill in what is missing, the network has to know what digits look like: its \
               first layer detects strokes.",
        run: denoising_autoencoder::run,
    },
];

/// How sections are run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Options {
    /// Epochs in place of each section's own number; the section's other measurements are shortened in proportion.
    pub epochs: Option<usize>,
    /// Where all random numbers come from.
    pub seed: u64,
    /// How training shows where it is.
    pub progress: Progress,
}

/// The epochs of the networks of sections 1 to 7.
const EPOCHS: usize = 10;

impl Options {
    /// A length of a section's measurement, in proportion to the epochs asked for; at least 1.
    pub(crate) fn scaled(&self, length: usize) -> usize {
        self.epochs.map_or(length, |epochs| (length * epochs / EPOCHS).max(1))
    }

    /// Runs a section's measurement and adds its time to the outcome's.
    pub(crate) fn timed<R>(&self, outcome: &mut Outcome, measure: impl FnOnce() -> R + Send) -> R
    where
        R: Send,
    {
        let start = Instant::now();
        let found = threads::run(measure);
        outcome.seconds += start.elapsed().as_secs_f64();
        found
    }
}

/// Trains a section's network with these options.
pub(crate) fn run_recipe(mut recipe: Recipe, data: &Mnist, options: &Options) -> Result<Trained, TrainError> {
    recipe.epochs = options.epochs.unwrap_or(recipe.epochs);
    recipe.train(data, options.seed, options.progress)
}

/// Trains a section's autoencoder with these options.
pub(crate) fn run_autoencoder(
    mut recipe: AutoencoderRecipe,
    data: &Mnist,
    options: &Options,
) -> Result<TrainedAutoencoder, FitError> {
    recipe.epochs = options.epochs.unwrap_or(recipe.epochs);
    recipe.train(data, options.seed, options.progress)
}

/// What a section measures beside its network. As data, a field with the name of the variant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Findings {
    /// Section 2.
    OverFitting(dropout::OverFitting),
    /// Section 3.
    VanishingGradient(activation::VanishingGradient),
    /// Section 4.
    CovariateShift(batch_normalization::CovariateShift),
    /// Section 5.
    DeepNetworks(Vec<initialization::DeepNetwork>),
    /// Section 6.
    Rules(Vec<optimizer::Run>),
    /// Section 7.
    Codes(Box<autoencoder::Codes>),
    /// Section 9.
    Restoration(Box<denoising_autoencoder::Restoration>),
}

/// The columns of the table of results.
pub const TABLE_HEADER: [&str; 5] = ["section", "test accuracy", "test loss", "test MSE", "seconds"];

/// What a section reached, for the table of results; empty where it has no such figure.
pub fn table_row(outcome: &Outcome) -> [String; 5] {
    let Outcome { section, test_accuracy, test_loss, test_mse, seconds, .. } = outcome;
    [
        section.clone(),
        test_accuracy.map_or(String::new(), |accuracy| format!("{:.2} %", 100.0 * accuracy)),
        test_loss.map_or(String::new(), |loss| format!("{loss:.4}")),
        test_mse.map_or(String::new(), |mse| format!("{mse:.5}")),
        format!("{seconds:.1}"),
    ]
}
