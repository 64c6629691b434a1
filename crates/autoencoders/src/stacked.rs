use layerwise_autograd::{Activation, Params};
use layerwise_nn_layers::{Module, Sequential};
use layerwise_optim::{AdamConfig, History, OptimizerConfig, Progress, Trainer};
use layerwise_tensor::data::{Classified, TensorDataset, Unlabelled};
use layerwise_tensor::{Rng, Tensor};
use serde::{Deserialize, Serialize};

use crate::{Autoencoder, AutoencoderModel, ConfigError, DataError, FitError, Loss, Stack, data};

/// Autoencoders that are trained one after the other, each on the codes of those below, as a configuration (Bengio et al. 2007; with
/// corruption Vincent et al. 2010: every layer corrupts what it is given, and is given clean codes).
///
/// ```
/// use layerwise_autoencoders::{Corruption, Stacked};
/// use layerwise_optim::Progress;
/// use layerwise_tensor::Tensor;
///
/// let data = Tensor::from_fn([60, 12], |i| (i % 12 / 4 == i / 12 % 3) as u8 as f32);
/// let mut stacked = Stacked::new(&[12, 8, 3])
///     .each(|autoencoder| autoencoder.tied().corruption(Corruption::masking(0.25)))
///     .epochs(2)
///     .start(42)
///     .progress(Progress::Silent);
/// stacked.pretrain(&data).unwrap();
/// assert_eq!(stacked.encode_all(&data).unwrap().shape().dims(), [60, 3]);
/// let (params, autoencoder) = stacked.unroll();
/// assert_eq!(autoencoder.config().decoder_widths(), [3, 8, 12]);
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stacked {
    layers: Vec<StackedLayer>,
}

/// One autoencoder of a [`Stacked`], and how it is trained.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StackedLayer {
    /// Its widths, loss, penalties and noise.
    pub autoencoder: Autoencoder,
    /// How often it sees the data. Defaults to 10.
    pub epochs: usize,
    /// Examples per step. Defaults to 128.
    pub batch_size: usize,
    /// Its update rule. Defaults to Adam with its own defaults.
    pub optimizer: OptimizerConfig,
}

impl Stacked {
    /// One autoencoder between every two of these widths, the input's first: a sigmoid code, decoder weights of their own, and
    /// [`Loss::BceWithLogits`], for data between 0 and 1.
    ///
    /// # Panics
    /// If there are fewer than two widths, or one is 0.
    #[track_caller]
    pub fn new(widths: &[usize]) -> Self {
        assert!(
            widths.len() >= 2 && !widths.contains(&0),
            "a stack of autoencoders has at least two widths (input and code), none of them 0; found {widths:?}"
        );
        let layer = |widths| StackedLayer {
            autoencoder: Autoencoder::new(widths).code(Activation::Sigmoid).loss(Loss::BceWithLogits),
            epochs: 10,
            batch_size: 128,
            optimizer: AdamConfig::default().into(),
        };
        Stacked { layers: widths.windows(2).map(layer).collect() }
    }

    /// Changes every autoencoder.
    #[must_use]
    pub fn each(mut self, change: impl Fn(Autoencoder) -> Autoencoder) -> Self {
        self.layers.iter_mut().for_each(|layer| layer.autoencoder = change(layer.autoencoder.clone()));
        self
    }

    /// Changes one layer, counted from 0.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    #[track_caller]
    pub fn layer(mut self, index: usize, change: impl FnOnce(&mut StackedLayer)) -> Self {
        let layers = self.layers.len();
        assert!(index < layers, "stacked: layer {index} of {layers}, counted from 0");
        change(&mut self.layers[index]);
        self
    }

    /// How often each layer sees the data. Defaults to 10.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.layers.iter_mut().for_each(|layer| layer.epochs = epochs);
        self
    }

    /// Examples per step of each layer. Defaults to 128.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.layers.iter_mut().for_each(|layer| layer.batch_size = batch_size);
        self
    }

    /// The update rule of each layer. Defaults to Adam.
    #[must_use]
    pub fn optimizer(mut self, optimizer: impl Into<OptimizerConfig>) -> Self {
        let optimizer = optimizer.into();
        self.layers.iter_mut().for_each(|layer| layer.optimizer = optimizer.clone());
        self
    }

    /// The layers, from the input upwards.
    pub fn layers(&self) -> &[StackedLayer] {
        &self.layers
    }

    /// A run in which no layer has been trained yet. Everything random comes from the seed.
    ///
    /// # Panics
    /// If a configuration of an autoencoder or an update rule is not valid, or one does not take the codes of the one below.
    #[track_caller]
    pub fn start(self, seed: u64) -> StackedModel {
        for layer in &self.layers {
            ConfigError::refuse(layer.autoencoder.validate());
            if let Err(error) = layer.optimizer.validate() {
                panic!("stacked: {error}");
            }
        }
        for pair in self.layers.windows(2) {
            let code = pair[0].autoencoder.decoder_widths()[0];
            let inputs = pair[1].autoencoder.encoder_widths()[0];
            assert!(
                code == inputs,
                "stacked: an autoencoder of {inputs} inputs on one whose code has {code} numbers"
            );
        }
        StackedModel { config: self, seed, progress: Progress::Auto, trained: Vec::new() }
    }
}

/// A run of [`Stacked`]: the layers that have been trained so far. It can be cloned between layers and gone on with; the outcome
/// is that of a run without a break, bit for bit.
///
/// Each layer is trained on codes that are computed once, `[examples, code_width]`, straight from the data through all layers
/// below: no codes in between are kept. 60 000 codes of 1000 numbers are 240 MB.
#[derive(Clone, Debug)]
pub struct StackedModel {
    config: Stacked,
    seed: u64,
    progress: Progress,
    trained: Vec<TrainedLayer>,
}

/// A trained layer of a [`StackedModel`].
#[derive(Clone, Debug)]
pub struct TrainedLayer {
    /// The autoencoder.
    pub model: AutoencoderModel,
    /// Its parameters.
    pub params: Params,
    /// How its training went.
    pub history: History,
}

impl StackedModel {
    /// How progress is shown. Defaults to [`Progress::Auto`].
    #[must_use]
    pub fn progress(self, progress: Progress) -> Self {
        StackedModel { progress, ..self }
    }

    /// What it is a run of.
    pub fn config(&self) -> &Stacked {
        &self.config
    }

    /// The layers that have been trained, from the input upwards.
    pub fn trained(&self) -> &[TrainedLayer] {
        &self.trained
    }

    /// Whether all layers have been trained.
    pub fn is_complete(&self) -> bool {
        self.trained.len() == self.config.layers.len()
    }

    /// Trains the next layer on the codes of those below (the first on the data), and returns how that went.
    ///
    /// # Errors
    /// As [`AutoencoderModel::fit`]; nothing changes then.
    ///
    /// # Panics
    /// If all layers have been trained.
    #[track_caller]
    pub fn pretrain_layer<D: Unlabelled + Sync>(&mut self, data: &D) -> Result<&History, FitError> {
        let index = self.trained.len();
        assert!(!self.is_complete(), "pretrain_layer: all {index} layers have been trained");
        let StackedLayer { autoencoder, epochs, batch_size, optimizer } = &self.config.layers[index];
        // Each layer has a generator of its own, which does not depend on how far the others have drawn.
        let mut rng = Rng::seed(self.seed);
        let mut rng = (0..=index).map(|_| rng.split()).last().expect("there is one at least");
        let mut params = Params::new();
        let model = autoencoder.build(&mut params.root(), &mut rng);
        let mut opt = optimizer.build(&params);
        let trainer =
            Trainer::new(*epochs).batch_size(*batch_size).seed(rng.next_u64()).progress(self.progress);
        let history = if index == 0 {
            model.fit(&mut params, &mut opt, trainer, data)?
        } else {
            model.fit(&mut params, &mut opt, trainer, &self.encode_all(data)?)?
        };
        self.trained.push(TrainedLayer { model, params, history });
        Ok(&self.trained[index].history)
    }

    /// Trains all layers that have not been trained yet, and returns the histories of all.
    ///
    /// # Errors
    /// As [`AutoencoderModel::fit`]; the layers trained until then stay.
    pub fn pretrain<D: Unlabelled + Sync>(&mut self, data: &D) -> Result<Vec<History>, FitError> {
        while !self.is_complete() {
            self.pretrain_layer(data)?;
        }
        Ok(self.trained.iter().map(|layer| layer.history.clone()).collect())
    }

    /// The codes of all examples after the layers trained so far, `[examples, code_width]`.
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite.
    ///
    /// # Panics
    /// If no layer has been trained.
    #[track_caller]
    pub fn encode_all<D: Unlabelled + Sync>(&self, data: &D) -> Result<Tensor, DataError> {
        let (params, encoder) = self.stack().encoder();
        let widths =
            [self.trained[0].model.inputs(), self.trained[self.trained.len() - 1].model.code_width()];
        data::map(&params, data, widths, |x| encoder.forward(x))
    }

    /// [`StackedModel::encode_all`] with the labels: what a classifier is trained on.
    ///
    /// # Errors
    /// As [`StackedModel::encode_all`].
    ///
    /// # Panics
    /// If no layer has been trained.
    #[track_caller]
    pub fn features<D: Classified + Sync>(&self, data: &D) -> Result<TensorDataset, DataError> {
        Ok(TensorDataset::new(self.encode_all(data)?, data::labels(data)))
    }

    /// The trained layers, on the way to one network.
    pub fn stack(&self) -> Stack<'_> {
        self.trained.iter().fold(Stack::new(), |stack, layer| stack.then(&layer.model, &layer.params))
    }

    /// [`Stack::new_classifier`] of the trained layers, to be fine-tuned.
    ///
    /// # Panics
    /// If no layer has been trained, or there are no classes.
    #[track_caller]
    pub fn into_classifier(self, classes: usize, rng: &mut Rng) -> (Params, Sequential) {
        self.stack().new_classifier(classes, rng)
    }

    /// [`Stack::unroll`] of the trained layers.
    ///
    /// # Panics
    /// As [`Stack::unroll`].
    #[track_caller]
    pub fn unroll(&self) -> (Params, AutoencoderModel) {
        self.stack().unroll()
    }
}
