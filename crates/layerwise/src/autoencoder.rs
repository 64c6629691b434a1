//! Section 7: autoencoders.
//!
//! An autoencoder learns to give back what it is shown, through a layer that is too narrow to hold it: 784 pixels pass through 32 numbers,
//! the code. The encoder has to find what the images have in common, and the decoder puts it back. With linear layers the best code is
//! that of principal component analysis (Baldi and Hornik 1989); with ReLU between them the error is less than half of that.
//!
//! Nobody has shown the network a label, and yet its code tells digits apart: a softmax layer on it reads them off. A
//! variational autoencoder (Kingma and Welling 2014) also gives codes a known distribution, so that new images can be drawn from it;
//! [`code_plane`] shows one whose code is two numbers.
//!
//! The chapter, with formulas, pictures and exercises, is `docs/src/autoencoder.md` in the repository; [`recipe`] is its network.

use serde::{Deserialize, Serialize};

use crate::autoencoder_recipe::{AutoencoderRecipe, TrainedAutoencoder};
use crate::course::{Findings, Options, run_autoencoder};
use crate::prelude::*;
use crate::recipe::Outcome;
use crate::tensor::data::{Dataset, TensorDataset};

/// Numbers in the code.
const CODE: usize = 32;

/// The network of the section, and how it is trained.
pub fn recipe() -> AutoencoderRecipe {
    AutoencoderRecipe {
        section: "autoencoder".into(),
        network: Autoencoder::new(&[784, 512, 256, CODE]).activation(Activation::Relu),
        corruption: None,
        optimizer: AdamConfig { lr: 1e-3, ..Default::default() }.into(),
        batch_size: 32,
        epochs: 10,
    }
}

/// The section: its network, principal components beside it, and codes of two numbers.
///
/// # Errors
/// If training diverges.
pub fn run(data: &Mnist, options: &Options) -> Result<Outcome, FitError> {
    let mut trained = run_autoencoder(recipe(), data, options)?;
    let mut outcome = std::mem::take(&mut trained.outcome);
    let findings = options.timed(&mut outcome, || {
        let pca = Pca::fit(&data.train, CODE)?;
        Ok::<_, FitError>(Codes {
            linear: linear_baseline(&trained, &pca, data, options)?,
            plane: code_plane(data, options.seed, options.scaled(PLANE_EPOCHS))?,
            images: Some(reconstructions(&trained, &pca, data)?),
        })
    })?;
    outcome.findings = Some(Findings::Codes(findings.into()));
    Ok(outcome)
}

/// What section 7 measures beside its network.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Codes {
    /// Principal components in place of the network.
    pub linear: LinearBaseline,
    /// Codes of two numbers.
    pub plane: CodePlane,
    /// Images and what becomes of them: to be drawn, not part of the data.
    #[serde(skip)]
    pub images: Option<Reconstructions>,
}

/// The autoencoder beside principal component analysis with as many components as its code has numbers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LinearBaseline {
    /// Components.
    pub components: usize,
    /// The mean squared error of a pixel of the test images, projected on them.
    pub test_mse: f64,
    /// The same summed over the pixels of an image.
    pub test_squared_error: f64,
    /// The share of test images that a softmax layer on the components classifies correctly.
    pub softmax_accuracy: f64,
    /// The same on the autoencoder's code.
    pub code_softmax_accuracy: f64,
}

/// Images of the test set, and what they become; each `[images, 784]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Reconstructions {
    /// The first image of every digit.
    pub originals: Tensor,
    /// Those through the autoencoder.
    pub autoencoder: Tensor,
    /// Those through principal components.
    pub pca: Tensor,
    /// For some pairs of them, what the codes on the line from one to the other stand for; [`WALK`] images each.
    pub walks: Tensor,
}

/// Images of a walk from code to code.
pub const WALK: usize = 10;
/// The digits at both ends of each walk.
const WALKS: [[usize; 2]; 3] = [[0, 1], [3, 8], [4, 9]];
/// Epochs of the softmax layers.
const SOFTMAX_EPOCHS: usize = 5;

/// Compares a trained autoencoder with principal components.
///
/// # Errors
/// If training diverges.
pub fn linear_baseline(
    TrainedAutoencoder { model, params, .. }: &TrainedAutoencoder,
    pca: &Pca,
    data: &Mnist,
    options: &Options,
) -> Result<LinearBaseline, FitError> {
    let accuracy = |codes: &dyn Fn(&ImageSet) -> Result<Tensor, FitError>| {
        let [train, test] = [&data.train, &data.test].map(|set| {
            let labels = set.labels().iter().map(|&label| u32::from(label)).collect();
            Ok::<_, FitError>(TensorDataset::new(codes(set)?, labels))
        });
        softmax_accuracy(&train?, &test?, options.seed, options.scaled(SOFTMAX_EPOCHS))
    };
    let error = pca.reconstruction_error(&data.test)?;
    Ok(LinearBaseline {
        components: pca.components().nrows(),
        test_mse: error.per_pixel_mse,
        test_squared_error: error.per_image_squared_error,
        softmax_accuracy: accuracy(&|set| Ok(pca.transform(set)?))?,
        code_softmax_accuracy: accuracy(&|set| Ok(model.encode_all(params, set)?))?,
    })
}

/// The share of test codes that a softmax layer classifies correctly, after `epochs` epochs of Adam on the others.
fn softmax_accuracy(
    train: &TensorDataset,
    test: &TensorDataset,
    seed: u64,
    epochs: usize,
) -> Result<f64, FitError> {
    let mut params = Params::new();
    let width = Dataset::batch(test, &[0]).inputs.shape().last();
    let softmax = Linear::new(&mut params.root(), width, 10, &mut Rng::seed(seed));
    let mut opt = Adam::new(&params, AdamConfig { lr: 1e-2, ..Default::default() });
    let trainer = Trainer::new(epochs).batch_size(100).seed(seed).progress(Progress::Silent);
    trainer.fit(&mut params, &mut opt, train, |pass, batch| {
        softmax.forward(pass.input(&batch.inputs)).cross_entropy(&batch.labels)
    })?;
    Ok(evaluate(&softmax, &params, test).accuracy)
}

fn reconstructions(
    TrainedAutoencoder { model, params, .. }: &TrainedAutoencoder,
    pca: &Pca,
    data: &Mnist,
) -> Result<Reconstructions, FitError> {
    let digits = first_of_each_class(&data.test);
    let codes = model.encode_all(params, &digits)?;
    let code = |digit: usize| &codes.as_slice()[digit * CODE..][..CODE];
    let on_lines = Tensor::from_fn([WALKS.len() * WALK, CODE], |i| {
        let (place, unit) = (i / CODE, i % CODE);
        let ([from, to], t) = (WALKS[place / WALK], (place % WALK) as f32 / (WALK - 1) as f32);
        (1.0 - t) * code(from)[unit] + t * code(to)[unit]
    });
    Ok(Reconstructions {
        originals: digits.to_f32().into(),
        autoencoder: model.reconstruct_all(params, &digits)?,
        pca: pca.inverse_transform(&pca.transform(&digits)?)?,
        walks: model.decode_all(params, &on_lines)?,
    })
}

/// The first image of every class, in the order of the classes.
pub(crate) fn first_of_each_class(images: &ImageSet) -> ImageSet {
    let labels = images.labels();
    let first = |class| labels.iter().position(|&label| usize::from(label) == class);
    images.subset(&(0..images.classes()).filter_map(first).collect::<Vec<_>>())
}

/// A variational autoencoder whose code is two numbers, so that codes can be looked at.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CodePlane {
    /// Passes over the training images.
    pub epochs: usize,
    /// The mean over the test images of the negative log-likelihood of an image, given a code drawn for it.
    pub reconstruction: f64,
    /// The mean over the test images of the divergence of the distribution of that code from the standard normal one.
    pub divergence: f64,
    /// What there is to look at: to be drawn, not part of the data.
    #[serde(skip)]
    pub plane: Option<Plane>,
}

/// Codes of two numbers.
#[derive(Clone, PartialEq, Debug)]
pub struct Plane {
    /// The mean codes of test images, `[images, 2]`.
    pub codes: Tensor,
    /// Their digits.
    pub labels: Vec<u8>,
    /// What codes on a square grid stand for, [`GRID`] squared images; the first number of a code grows from left to right, the second
    /// from the bottom up.
    pub grid: Tensor,
}

/// Images along each side of the grid of codes.
pub const GRID: usize = 15;
/// The grid reaches as far as this from 0: two standard deviations of the prior.
const REACH: f32 = 2.0;
const PLANE_EPOCHS: usize = 6;
/// Test images whose codes are shown.
const SHOWN: usize = 3000;

/// Trains a variational autoencoder 784-256-2 for `epochs` epochs, 128 images at a time.
///
/// # Errors
/// If training diverges.
pub fn code_plane(data: &Mnist, seed: u64, epochs: usize) -> Result<CodePlane, FitError> {
    let mut params = Params::new();
    let vae = Vae::new(&[784, 256, 2]).build(&mut params.root(), &mut Rng::seed(seed));
    let mut opt = Adam::new(&params, AdamConfig { lr: 2e-3, ..Default::default() });
    let trainer = Trainer::new(epochs).batch_size(128).seed(seed).progress(Progress::Silent);
    vae.fit(&mut params, &mut opt, trainer, &data.train)?;

    let [reconstruction, divergence] = terms(&vae, &params, &data.test, seed);
    let shown = data.test.take(SHOWN);
    let on_grid = Tensor::from_fn([GRID * GRID, 2], |i| {
        let (row, column) = (i / 2 / GRID, i / 2 % GRID);
        let place = if i % 2 == 0 { column } else { GRID - 1 - row };
        REACH * (2.0 * place as f32 / (GRID - 1) as f32 - 1.0)
    });
    let plane = Plane {
        codes: vae.encode_all(&params, &shown)?,
        labels: shown.labels().to_vec(),
        grid: vae.decode_all(&params, &on_grid)?,
    };
    Ok(CodePlane { epochs, reconstruction, divergence, plane: Some(plane) })
}

/// The means over all images of the two parts of the negative evidence lower bound, with codes drawn from `seed`.
pub fn terms(vae: &VaeModel, params: &Params, images: &ImageSet, seed: u64) -> [f64; 2] {
    let mut tape = Tape::new();
    let mut sums = [0.0; 2];
    for (i, batch) in images.batches(500).enumerate() {
        let pass = tape.train(params, seed.wrapping_add(i as u64)); // a training pass draws codes
        let terms = vae.terms(&pass, &batch.images);
        for (sum, term) in sums.iter_mut().zip([terms.reconstruction, terms.divergence]) {
            *sum += f64::from(term.item()) * batch.len() as f64;
        }
    }
    sums.map(|sum| sum / images.len() as f64)
}
