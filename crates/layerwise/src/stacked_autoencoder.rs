//! Section 8: stacked autoencoders.
//!
//! An autoencoder learns features of images without their labels, a second one learns features of those, and so on (Hinton et al.
//! 2006; Bengio et al. 2007). Six steps make a classifier of them: train an autoencoder; encode the data; train another one on the
//! codes, as often as there are layers; encode again; train a softmax layer on the last codes; stack encoders and softmax layer into one
//! network, and fine-tune all of it with the labels.
//!
//! The fewer labels there are, the more it pays: [`Pretraining`] compares the same layers on 1 000 of them, fine-tuned from pre-trained and from
//! random weights. Over five seeds (example 08 with `--full`) pre-training gains 1.4 points there, and 0.7 with all 60 000 labels.
//!
//! The chapter, with formulas, pictures and exercises, is `docs/src/stacked_autoencoder.md` in the repository; [`recipe`] is its network.

use std::time::Instant;

use layerwise_autoencoders::TrainedLayer;
use serde::{Deserialize, Serialize};

use crate::course::{Findings, Options};
use crate::prelude::*;
use crate::recipe::Outcome;

/// A stack of autoencoders, and how it becomes a classifier.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StackRecipe {
    /// The section it belongs to.
    pub section: String,
    /// Steps 1 to 4: the autoencoders, and how each is trained.
    pub stacked: Stacked,
    /// Step 5: how the softmax layer is trained on the last codes.
    pub softmax: Labelled,
    /// Step 6: how the network of all layers is trained.
    pub fine_tuning: Labelled,
    /// The same where labels are few.
    pub few_labels: Labelled,
}

/// Training with labels: Adam, whose learning rate falls along half a cosine to 0.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Labelled {
    /// Passes over the data.
    pub epochs: usize,
    /// Examples in a step.
    pub batch_size: usize,
    /// The learning rate of the first step.
    pub lr: f32,
    /// The probability with which an input is silent in a step, as in [`Var::dropout`]. Defaults to 0.
    #[serde(default)]
    pub input_dropout: f32,
}

/// A classifier made of autoencoders, and the way there.
pub struct TrainedStack {
    /// The autoencoders, as they were before fine-tuning.
    pub autoencoders: StackedModel,
    /// The share of test images that the softmax layer classifies correctly by their codes, before fine-tuning.
    pub softmax_accuracy: f64,
    /// The network.
    pub model: Sequential,
    /// Its parameters.
    pub params: Params,
    /// Fine-tuning, epoch by epoch, with `test_accuracy`.
    pub history: History,
}

/// Hidden layers of 500, 250 and 100 sigmoid units, each pre-trained for four epochs with tied weights.
///
/// For few labels, learning rates of 0.0003, 0.001, 0.003 and 0.01 over 20 and 50 epochs were compared on 4 000 training images: the
/// largest was the best from pre-trained and from random weights (Xavier's as good as PyTorch's), and 50 epochs no better than 20.
pub fn recipe() -> StackRecipe {
    StackRecipe {
        section: "stacked_autoencoder".into(),
        stacked: Stacked::new(&[784, 500, 250, 100]).each(Autoencoder::tied).epochs(4),
        softmax: Labelled { epochs: 4, batch_size: 128, lr: 1e-2, input_dropout: 0.0 },
        fine_tuning: Labelled { epochs: 8, batch_size: 128, lr: 1e-3, input_dropout: 0.0 },
        few_labels: Labelled { epochs: 20, batch_size: 32, lr: 1e-2, input_dropout: 0.0 },
    }
}

impl Labelled {
    /// Trains a network on the first of the two data sets, and measures `test_accuracy` on the second after every epoch.
    ///
    /// # Errors
    /// As [`Trainer::fit`].
    pub fn fit<D: Classified + Sync>(
        &self,
        (model, params): (&dyn Module, &mut Params),
        [train, test]: [&D; 2],
        seed: u64,
        progress: Progress,
    ) -> Result<History, TrainError> {
        let Labelled { epochs, batch_size, lr, input_dropout } = *self;
        let steps = epochs * train.len().div_ceil(batch_size);
        let mut opt = Adam::new(params, AdamConfig { lr, ..Default::default() });
        Trainer::new(epochs)
            .batch_size(batch_size)
            .seed(seed)
            .progress(progress)
            .lr_schedule(Schedule::cosine(lr, 0.0, steps as u64))
            .metric("test_accuracy", |params| accuracy(model, params, test))
            .fit(params, &mut opt, train, |pass, batch| {
                let (inputs, labels) = D::inputs_and_labels(batch);
                model.forward(pass.input(inputs).dropout(input_dropout)).cross_entropy(labels)
            })
    }
}

impl StackRecipe {
    /// All lengths in proportion to the epochs asked for.
    pub(crate) fn scaled(mut self, options: &Options) -> Self {
        for index in 0..self.stacked.layers().len() {
            self.stacked = self.stacked.layer(index, |layer| layer.epochs = options.scaled(layer.epochs));
        }
        self.softmax.epochs = options.scaled(self.softmax.epochs);
        self.few_labels.epochs = options.scaled(self.few_labels.epochs);
        self.fine_tuning.epochs = options.epochs.unwrap_or(self.fine_tuning.epochs);
        self
    }

    /// Steps 1 to 4: trains the autoencoders, each on the codes of the one before. Labels play no part.
    ///
    /// # Errors
    /// As [`StackedModel::pretrain`].
    pub fn pretrain(
        &self,
        images: &ImageSet,
        seed: u64,
        progress: Progress,
    ) -> Result<StackedModel, FitError> {
        let mut autoencoders = self.stacked.clone().start(seed).progress(progress);
        autoencoders.pretrain(images)?;
        Ok(autoencoders)
    }

    /// All six steps. One seed decides everything that is random.
    ///
    /// # Errors
    /// As [`StackedModel::pretrain`] and [`Trainer::fit`].
    pub fn train(&self, data: &Mnist, seed: u64, progress: Progress) -> Result<TrainedStack, FitError> {
        let autoencoders = self.pretrain(&data.train, seed, progress)?;
        let [train, test] = [autoencoders.features(&data.train)?, autoencoders.features(&data.test)?];
        let mut softmax_params = Params::new();
        let code_width = autoencoders.trained().last().map_or(0, |layer| layer.model.code_width());
        let softmax = Linear::new(&mut softmax_params.root(), code_width, CLASSES, &mut Rng::seed(seed));
        let codes = [&train, &test];
        self.softmax.fit((&softmax, &mut softmax_params), codes, seed, Progress::Silent)?;
        let softmax_accuracy = accuracy(&softmax, &softmax_params, &test);

        let (mut params, model) = autoencoders.stack().classifier(&softmax, &softmax_params);
        let images = [&data.train, &data.test];
        let history = self.fine_tuning.fit((&model, &mut params), images, seed, progress)?;
        Ok(TrainedStack { autoencoders, softmax_accuracy, model, params, history })
    }

    /// The same layers and a softmax layer with random weights: Xavier's, for sigmoids.
    pub fn random_network(&self, seed: u64) -> (Params, Sequential) {
        let layers = self.stacked.layers();
        let inputs = layers[0].autoencoder.encoder_widths()[0];
        let codes = layers.iter().map(|layer| layer.autoencoder.decoder_widths()[0]);
        let widths: Vec<usize> = [inputs].into_iter().chain(codes).chain([CLASSES]).collect();
        let network = Mlp::new(&widths).activation(Activation::Sigmoid).init(Init::XavierUniform);
        let mut params = Params::new();
        let model = network.build(&mut params.root(), &mut Rng::seed(seed));
        (params, model)
    }
}

/// Digits.
const CLASSES: usize = 10;

/// The section: its stack, and what pre-training is worth where labels are few.
///
/// # Errors
/// If training diverges.
pub fn run(data: &Mnist, options: &Options) -> Result<Outcome, FitError> {
    let recipe = recipe().scaled(options);
    let (mut outcome, stacking) = stacking(&recipe, data, options)?;
    let random = options.timed(&mut outcome, || {
        few_labels(&recipe, recipe.random_network(options.seed), data, options.seed)
    })?;
    outcome.findings =
        Some(Findings::Pretraining(Pretraining { labels: few(data, options.seed).len(), stacking, random }));
    Ok(outcome)
}

/// What pre-training is worth.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Pretraining {
    /// Images of the measurement with few labels.
    pub labels: usize,
    /// The section's stack.
    pub stacking: Stacking,
    /// The test accuracy of the same layers with random weights, after every epoch of training on few labels.
    pub random: Vec<f64>,
}

/// A stack of autoencoders, step by step.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stacking {
    /// The autoencoders, from the input upwards.
    pub layers: Vec<LayerErrors>,
    /// The test accuracy of the softmax layer on the codes, before fine-tuning.
    pub softmax_accuracy: f64,
    /// The test accuracy of the network after fine-tuning on all labels.
    pub fine_tuned_accuracy: f64,
    /// The test accuracy after every epoch of fine-tuning on few labels, which starts with a softmax layer of random weights.
    pub few_labels: Vec<f64>,
    /// The weights of the first units of the first layer, `[units, pixels]`, before fine-tuning. Left out where it is written as data.
    #[serde(skip)]
    pub filters: Vec<f32>,
}

/// How one autoencoder of a stack learned.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LayerErrors {
    /// The width of its input.
    pub inputs: usize,
    /// The width of its code.
    pub code: usize,
    /// The training loss of every epoch: the cross-entropy of an element of its input, of which a part is the input's own entropy.
    pub losses: Vec<f64>,
}

/// Trains a section's stack on all labels and on few, and measures every step. The outcome's reconstruction errors are those of the
/// unrolled stack before any fine-tuning.
pub(crate) fn stacking(
    recipe: &StackRecipe,
    data: &Mnist,
    options: &Options,
) -> Result<(Outcome, Stacking), FitError> {
    let start = Instant::now();
    let TrainedStack { autoencoders, softmax_accuracy, model, params, history } =
        recipe.train(data, options.seed, options.progress)?;
    let Evaluation { accuracy, loss } = evaluate(&model, &params, &data.test);
    let (unrolled_params, unrolled) = autoencoders.unroll();
    let error = unrolled.reconstruction_error(&unrolled_params, &data.test)?;
    let pretrained = autoencoders.stack().new_classifier(CLASSES, &mut Rng::seed(options.seed));
    let stacking = Stacking {
        layers: autoencoders.trained().iter().map(layer_errors).collect(),
        softmax_accuracy,
        fine_tuned_accuracy: accuracy,
        few_labels: few_labels(recipe, pretrained, data, options.seed)?,
        filters: filters(&autoencoders.trained()[0]),
    };
    let outcome = Outcome {
        section: recipe.section.clone(),
        epochs: recipe.fine_tuning.epochs,
        seed: options.seed,
        test_accuracy: Some(accuracy),
        test_loss: Some(loss),
        test_mse: Some(error.per_pixel_mse),
        test_squared_error: Some(error.per_image_squared_error),
        seconds: start.elapsed().as_secs_f64(),
        history,
        findings: None,
    };
    Ok((outcome, stacking))
}

/// Labelled images of the measurement with few labels: a hundred of each digit.
const FEW: usize = 1000;

pub(crate) fn few(data: &Mnist, seed: u64) -> ImageSet {
    data.train.stratified_take(FEW.min(data.train.len()), seed)
}

/// Trains a network on few labels: the test accuracy after every epoch.
fn few_labels(
    recipe: &StackRecipe,
    (mut params, model): (Params, Sequential),
    data: &Mnist,
    seed: u64,
) -> Result<Vec<f64>, TrainError> {
    let images = [&few(data, seed), &data.test];
    let history = recipe.few_labels.fit((&model, &mut params), images, seed, Progress::Silent)?;
    Ok(history.epochs.iter().filter_map(|epoch| epoch.metrics.get("test_accuracy").copied()).collect())
}

/// What pre-training is worth with some number of labels: the test accuracy of the same layers, fine-tuned in the same way.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Worth {
    /// Images that were fine-tuned on.
    pub labels: usize,
    /// From weights that were pre-trained on all images, and a softmax layer of random weights.
    pub pretrained: f64,
    /// From random weights.
    pub random: f64,
}

/// Pre-trains a recipe's layers once, then fine-tunes from there and from random weights: on few labels, which the seed chooses, and on all.
///
/// # Errors
/// If training diverges.
pub fn worth(recipe: &StackRecipe, data: &Mnist, seed: u64) -> Result<[Worth; 2], FitError> {
    let autoencoders = recipe.pretrain(&data.train, seed, Progress::Silent)?;
    let pretrained = autoencoders.stack().new_classifier(CLASSES, &mut Rng::seed(seed));
    let random = recipe.random_network(seed);
    let worth = |images: &ImageSet, how: Labelled| -> Result<Worth, TrainError> {
        let accuracy_from = |(params, model): &(Params, Sequential)| -> Result<f64, TrainError> {
            let mut params = params.clone();
            how.fit((model, &mut params), [images, &data.test], seed, Progress::Silent)?;
            Ok(accuracy(model, &params, &data.test))
        };
        let [pretrained, random] = [accuracy_from(&pretrained)?, accuracy_from(&random)?];
        Ok(Worth { labels: images.len(), pretrained, random })
    };
    Ok([worth(&few(data, seed), recipe.few_labels)?, worth(&data.train, recipe.fine_tuning)?])
}

fn layer_errors(layer: &TrainedLayer) -> LayerErrors {
    LayerErrors {
        inputs: layer.model.inputs(),
        code: layer.model.code_width(),
        losses: layer.history.epochs.iter().map(|epoch| epoch.loss).collect(),
    }
}

/// Units whose weights are shown.
const FILTERS: usize = 60;

/// The first rows of the weight of an encoder's first layer.
fn filters(layer: &TrainedLayer) -> Vec<f32> {
    let weight = layer.params.id("encoder.0.weight").map_or(&[][..], |id| &layer.params[id]);
    weight.iter().copied().take(FILTERS * layer.model.inputs()).collect()
}
