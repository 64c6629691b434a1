//! Section 9: denoising autoencoders.
//!
//! An autoencoder with a wide code can copy its input and learn nothing. A denoising one (Vincent et al. 2008) is shown spoilt images and
//! has to give back the clean ones: it has to know what digits look like. Its first layer then detects strokes, where a plain one's
//! filters look like noise. [`restoration`] shows what each makes of spoilt images.
//!
//! The chapter, with formulas, pictures and exercises, is `docs/src/denoising_autoencoder.md` in the repository; [`recipe`] is its network.

use serde::{Deserialize, Serialize};

use crate::autoencoder::first_of_each_class;
use crate::autoencoder_recipe::{AutoencoderRecipe, TrainedAutoencoder, mse};
use crate::course::{Findings, Options, run_autoencoder};
use crate::prelude::*;
use crate::recipe::Outcome;

/// Units of the code.
const UNITS: usize = 500;

/// The section's network: half of the pixels of every image are set to 0.
pub fn recipe() -> AutoencoderRecipe {
    let corruption = Some(kinds()[0].1);
    AutoencoderRecipe { section: "denoising_autoencoder".into(), corruption, ..plain_recipe() }
}

/// The same without noise.
pub fn plain_recipe() -> AutoencoderRecipe {
    AutoencoderRecipe {
        section: "plain_autoencoder".into(),
        network: Autoencoder::new(&[784, UNITS]).code(Activation::Relu).tied().loss(Loss::Mse),
        corruption: None,
        optimizer: AdamConfig { lr: 1e-3, ..Default::default() }.into(),
        batch_size: 128,
        epochs: 5,
    }
}

/// The kinds of noise that are compared, each with a name for tables; the first is that of the section's network.
pub fn kinds() -> [(&'static str, Corruption); 3] {
    [
        ("masking 0.5", Corruption::masking(0.5)),
        ("Gaussian 0.5", Corruption::gaussian(0.5)),
        ("salt and pepper 0.3", Corruption::salt_and_pepper(0.3)),
    ]
}

/// The section: its network, whose error is that of spoilt test images against the clean ones. Beside it one without noise, and those of
/// the other kinds of noise.
///
/// # Errors
/// If training diverges.
pub fn run(data: &Mnist, options: &Options) -> Result<Outcome, FitError> {
    let mut trained = run_autoencoder(recipe(), data, options)?;
    let mut outcome = std::mem::take(&mut trained.outcome);
    let epochs = options.epochs.unwrap_or(OTHER_EPOCHS);
    let findings = options.timed(&mut outcome, || restoration(&trained, data, options.seed, epochs))?;
    outcome.findings = Some(Findings::Restoration(findings.into()));
    Ok(outcome)
}

/// Epochs of the networks beside the section's own.
const OTHER_EPOCHS: usize = 2;

/// A plain autoencoder and denoising ones on spoilt test images.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Restoration {
    /// Epochs of all networks but the section's own.
    pub epochs: usize,
    /// By kind of noise.
    pub kinds: Vec<RestorationError>,
    /// The filters of plain and denoising autoencoder, and images for each kind of noise: to be drawn, not part of the data.
    #[serde(skip)]
    pub images: Option<RestoredImages>,
}

/// How far spoilt test images are from the clean ones, by the mean squared error of a pixel, before and after they pass through an
/// autoencoder.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RestorationError {
    /// The kind of noise in words.
    pub name: String,
    /// The noise.
    pub corruption: Corruption,
    /// Of the spoilt images themselves.
    pub spoilt_mse: f64,
    /// After the plain autoencoder.
    pub plain_mse: f64,
    /// After the one that was trained with this noise.
    pub denoising_mse: f64,
}

/// What there is to look at.
#[derive(Clone, PartialEq, Debug)]
pub struct RestoredImages {
    /// The weights of the first units of the plain autoencoder, `[units, 784]`.
    pub plain_filters: Tensor,
    /// Those of the section's network.
    pub denoising_filters: Tensor,
    /// A test image of every digit, `[digits, 784]`.
    pub originals: Tensor,
    /// For every kind of noise: those images spoilt, through the plain autoencoder, and through the denoising one.
    pub restored: Vec<[Tensor; 3]>,
}

/// Filters that are shown.
const FILTERS: usize = 100;

/// Compares the section's trained network, a plain one and one for each other kind of noise, trained for `epochs` epochs, on test images
/// that all kinds of noise have spoilt.
///
/// # Errors
/// If training diverges.
pub fn restoration(
    section: &TrainedAutoencoder,
    data: &Mnist,
    seed: u64,
    epochs: usize,
) -> Result<Restoration, FitError> {
    let train = |recipe: AutoencoderRecipe| {
        AutoencoderRecipe { epochs, ..recipe }.train(data, seed, Progress::Silent)
    };
    let plain = train(plain_recipe())?;
    let digits = Tensor::from(first_of_each_class(&data.test).to_f32());
    let clean = Tensor::from(data.test.to_f32());
    let (mut found, mut restored) = (Vec::new(), Vec::new());
    for (name, corruption) in kinds() {
        let other;
        let denoising = if corruption == kinds()[0].1 {
            section
        } else {
            other = train(AutoencoderRecipe { corruption: Some(corruption), ..plain_recipe() })?;
            &other
        };
        let through = |network: &TrainedAutoencoder, spoilt: &Tensor| {
            network.model.reconstruct_all(&network.params, spoilt)
        };
        let spoilt = corruption.apply(&clean, seed).values;
        found.push(RestorationError {
            name: name.into(),
            corruption,
            spoilt_mse: mse(&spoilt, &clean),
            plain_mse: mse(&through(&plain, &spoilt)?, &clean),
            denoising_mse: mse(&through(denoising, &spoilt)?, &clean),
        });
        let spoilt = corruption.apply(&digits, seed).values;
        let images = [through(&plain, &spoilt)?, through(denoising, &spoilt)?];
        let [by_plain, by_denoising] = images;
        restored.push([spoilt, by_plain, by_denoising]);
    }
    let images = RestoredImages {
        plain_filters: filters(&plain.params),
        denoising_filters: filters(&section.params),
        originals: digits,
        restored,
    };
    Ok(Restoration { epochs, kinds: found, images: Some(images) })
}

/// The weights of the first units of the first layer.
fn filters(params: &Params) -> Tensor {
    let weight = params.get("encoder.0.weight").expect("autoencoders have an encoder");
    Tensor::new([FILTERS, 784], weight.as_slice()[..FILTERS * 784].to_vec())
}
