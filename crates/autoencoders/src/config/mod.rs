//! An autoencoder as data.

mod options;
mod validate;

use layerwise_autograd::{Activation, Scope};
use layerwise_nn_layers::{BatchNormConfig, Init};
use layerwise_tensor::Rng;
use serde::{Deserialize, Serialize};

use crate::data::Range;
use crate::dense::{Plan, Source};
use crate::{AutoencoderModel, ConfigError, Corruption, Emphasis};

pub(crate) use options::{Between, Penalties};
pub use options::{KlSparsity, Loss, Scale, Weights};

/// An autoencoder as a configuration: the widths of encoder and decoder, what stands between them, the loss, the penalties, the noise.
///
/// [`Autoencoder::build`] declares the parameters and returns the model. Parameter names are those of two `torch.nn.Sequential`,
/// `encoder` and `decoder`, in which an activation counts as a module: `encoder.0.weight`, `encoder.2.weight`, ..,
/// `decoder.0.weight`, .. Weight decay is a matter of the update rule (`weight_decay`, `Updater::no_decay_on_vectors`).
///
/// ```
/// use layerwise_autoencoders::{Activation, Autoencoder, Corruption, Loss};
/// use layerwise_autograd::Params;
/// use layerwise_tensor::Rng;
///
/// let mut params = Params::new();
/// let denoising = Autoencoder::new(&[784, 256, 32])
///     .activation(Activation::Sigmoid)
///     .tied()
///     .loss(Loss::BceWithLogits)
///     .corruption(Corruption::masking(0.25))
///     .build(&mut params.root(), &mut Rng::seed(42));
/// let names: Vec<_> = params.ids().map(|id| params.name(id)).collect();
/// assert_eq!(names[..2], ["encoder.0.weight", "encoder.0.bias"]);
/// assert_eq!(names[4..], ["decoder.0.bias", "decoder.2.bias"]); // the weights are the encoder's, transposed
/// assert_eq!((denoising.inputs(), denoising.code_width()), (784, 32));
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Autoencoder {
    encoder: Vec<usize>,
    decoder: Vec<usize>,
    activation: Activation,
    code: Activation,
    output: Activation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encoder_activations: Option<Vec<Activation>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decoder_activations: Option<Vec<Activation>>,
    #[serde(default)]
    weights: Weights,
    #[serde(default)]
    loss: Loss,
    #[serde(default)]
    scale: Scale,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    corruption: Option<Corruption>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    emphasis: Option<Emphasis>,
    #[serde(default)]
    penalties: Penalties,
    #[serde(flatten)]
    between: Between,
}

impl Autoencoder {
    /// An encoder with these widths, the input's first and the code's last, and a decoder with the same widths backwards. Hidden
    /// layers are followed by ReLU; code and output are linear; the loss is the mean squared error.
    ///
    /// # Panics
    /// If there are fewer than two widths, or one is 0.
    #[track_caller]
    pub fn new(widths: &[usize]) -> Self {
        let config = Autoencoder {
            encoder: widths.to_vec(),
            decoder: widths.iter().rev().copied().collect(),
            activation: Activation::Relu,
            code: Activation::Identity,
            output: Activation::Identity,
            encoder_activations: None,
            decoder_activations: None,
            weights: Weights::default(),
            loss: Loss::default(),
            scale: Scale::default(),
            corruption: None,
            emphasis: None,
            penalties: Penalties::default(),
            between: Between::default(),
        };
        ConfigError::refuse(config.validate_widths());
        config
    }

    /// The widths of the decoder, the code's first and the input's last. Defaults to the encoder's backwards.
    ///
    /// # Panics
    /// If they do not begin with the code and end with the input, or one is 0.
    #[must_use]
    #[track_caller]
    pub fn decoder(self, widths: &[usize]) -> Self {
        let config = Autoencoder { decoder: widths.to_vec(), ..self };
        ConfigError::refuse(config.validate_widths());
        config
    }

    /// What follows hidden layers. Defaults to ReLU.
    #[must_use]
    pub fn activation(self, activation: Activation) -> Self {
        Autoencoder { activation, ..self }
    }

    /// What follows the code layer. Defaults to the identity.
    #[must_use]
    pub fn code(self, code: Activation) -> Self {
        Autoencoder { code, ..self }
    }

    /// What follows the output layer. Defaults to the identity.
    #[must_use]
    pub fn output(self, output: Activation) -> Self {
        Autoencoder { output, ..self }
    }

    /// What follows each layer of the encoder, the code included.
    #[must_use]
    pub fn encoder_activations(self, activations: &[Activation]) -> Self {
        Autoencoder { encoder_activations: Some(activations.to_vec()), ..self }
    }

    /// What follows each layer of the decoder, the output included.
    #[must_use]
    pub fn decoder_activations(self, activations: &[Activation]) -> Self {
        Autoencoder { decoder_activations: Some(activations.to_vec()), ..self }
    }

    /// Decoder weights that are the encoder's, transposed. The decoder has biases of its own.
    #[must_use]
    pub fn tied(self) -> Self {
        self.weights(Weights::Tied)
    }

    /// Whose weights the decoder has. Defaults to its own.
    #[must_use]
    pub fn weights(self, weights: Weights) -> Self {
        Autoencoder { weights, ..self }
    }

    /// The reconstruction loss. Defaults to [`Loss::Mse`].
    #[must_use]
    pub fn loss(self, loss: Loss) -> Self {
        Autoencoder { loss, ..self }
    }

    /// Whether an example's loss is a mean or a sum. Defaults to [`Scale::Mean`].
    #[must_use]
    pub fn scale(self, scale: Scale) -> Self {
        Autoencoder { scale, ..self }
    }

    /// Noise on the inputs of training passes: a denoising autoencoder (Vincent et al. 2008). Defaults to none.
    #[must_use]
    pub fn corruption(self, corruption: Corruption) -> Self {
        Autoencoder { corruption: Some(corruption), ..self }
    }

    /// Makes corrupted and other elements count differently in training passes (Vincent et al. 2010, section 3.4).
    #[must_use]
    pub fn emphasis(self, emphasis: Emphasis) -> Self {
        Autoencoder { emphasis: Some(emphasis), ..self }
    }

    /// Adds `weight sum_j |code_j|`, averaged over the batch. Defaults to 0.
    #[must_use]
    pub fn l1_sparsity(mut self, weight: f32) -> Self {
        self.penalties.l1 = weight;
        self
    }

    /// Adds [`KlSparsity`], for a code between 0 and 1.
    #[must_use]
    pub fn kl_sparsity(mut self, rho: f32, beta: f32) -> Self {
        self.penalties.kl = Some(KlSparsity { rho, beta });
        self
    }

    /// Adds `weight ||J||_F^2`, averaged over the batch, where `J` is the Jacobian of the encoder at what it is given (Rifai et
    /// al. 2011, equation 4). Defaults to 0.
    ///
    /// One layer costs next to nothing: `||J||^2 = sum_j f'(z_j)^2 ||w_j||^2`. Deeper encoders multiply Jacobians from the code
    /// downwards: time and memory grow by the width of the code.
    #[must_use]
    pub fn contractive(mut self, weight: f32) -> Self {
        self.penalties.contractive = weight;
        self
    }

    /// Batch normalisation between every hidden linear layer and its activation, with PyTorch's defaults; none at code and output.
    #[must_use]
    pub fn batch_norm(mut self) -> Self {
        self.between.batch_norm = Some(BatchNormConfig::default());
        self
    }

    /// Dropout with probability `p` after every hidden activation; none at code and output.
    #[must_use]
    pub fn dropout(mut self, p: f32) -> Self {
        self.between.dropout = Some(p);
        self
    }

    /// How the weights start. Defaults to PyTorch's initial values; with any other, biases start at 0.
    #[must_use]
    pub fn init(mut self, init: Init) -> Self {
        self.between.init = init;
        self
    }

    /// The widths of the encoder, the input's first and the code's last.
    pub fn encoder_widths(&self) -> &[usize] {
        &self.encoder
    }

    /// The widths of the decoder, the code's first and the output's last.
    pub fn decoder_widths(&self) -> &[usize] {
        &self.decoder
    }

    /// Declares the parameters below `scope` with values drawn from `rng`, and returns the model.
    ///
    /// # Panics
    /// If the names are taken, or the configuration is not valid ([`Autoencoder::validate`]).
    #[track_caller]
    pub fn build(&self, scope: &mut Scope<'_>, rng: &mut Rng) -> AutoencoderModel {
        ConfigError::refuse(self.validate());
        AutoencoderModel::declare(self.clone(), scope, rng)
    }

    fn last_activation(&self, part: Part) -> Activation {
        self.activations(part).last().copied().unwrap_or_default()
    }

    /// What follows each layer of the encoder or the decoder.
    pub(crate) fn activations(&self, part: Part) -> Vec<Activation> {
        let (widths, given, last) = match part {
            Part::Encoder => (&self.encoder, &self.encoder_activations, self.code),
            Part::Decoder => (&self.decoder, &self.decoder_activations, self.output),
        };
        given.clone().unwrap_or_else(|| {
            let mut all = vec![self.activation; widths.len() - 1];
            all[widths.len() - 2] = last;
            all
        })
    }

    /// The layers of the encoder or the decoder, from module 0 on.
    pub(crate) fn plan<'a>(
        &'a self,
        part: Part,
        activations: &'a [Activation],
        source: Source<'a>,
    ) -> Plan<'a> {
        let widths = match part {
            Part::Encoder => &self.encoder,
            Part::Decoder => &self.decoder,
        };
        Plan { first: 0, widths, activations, between: &self.between, source }
    }

    pub(crate) fn objective(&self) -> Objective {
        Objective {
            loss: self.loss,
            scale: self.scale,
            corruption: self.corruption,
            emphasis: self.emphasis,
            penalties: self.penalties,
        }
    }

    pub(crate) fn weight_sharing(&self) -> Weights {
        self.weights
    }

    pub(crate) fn between(&self) -> &Between {
        &self.between
    }

    /// What the data has to be.
    pub(crate) fn range(&self) -> Range {
        match self.loss {
            Loss::Mse => Range::Finite,
            Loss::Bce | Loss::BceWithLogits => Range::Probabilities,
        }
    }

    /// How many numbers its weights are; `None` if too many to count.
    #[cfg(feature = "safetensors")]
    pub(crate) fn least_count(&self) -> Option<usize> {
        let decoder = if self.weights == Weights::Tied { &[][..] } else { &self.decoder };
        least_count(&self.encoder)?.checked_add(least_count(decoder)?)
    }
}

/// The weights of linear layers between these widths; `None` if too many to count.
#[cfg(feature = "safetensors")]
pub(crate) fn least_count(widths: &[usize]) -> Option<usize> {
    widths.windows(2).try_fold(0_usize, |sum, pair| sum.checked_add(pair[0].checked_mul(pair[1])?))
}

/// Half of an autoencoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Encoder,
    Decoder,
}

/// What is minimised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Objective {
    pub loss: Loss,
    pub scale: Scale,
    pub corruption: Option<Corruption>,
    pub emphasis: Option<Emphasis>,
    pub penalties: Penalties,
}
