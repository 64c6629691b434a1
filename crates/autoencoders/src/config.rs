use layerwise_autograd::{Activation, Scope};
use layerwise_nn_layers::{Averaging, BatchNormConfig, Init};
use layerwise_tensor::Rng;
use serde::{Deserialize, Serialize};

use crate::data::Range;
use crate::dense::{Plan, Source};
use crate::{AutoencoderModel, ConfigError, Corruption, Emphasis};

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

/// Whose weights the decoder has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// Its own.
    #[default]
    Own,
    /// The encoder's, transposed; the biases are its own.
    Tied,
}

/// How far a reconstruction `z` is from its target `x`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// `(z - x)^2`
    #[default]
    Mse,
    /// `-(x ln z + (1 - x) ln(1 - z))`, for an output between 0 and 1 and data between 0 and 1.
    Bce,
    /// The same of `sigmoid(z)`, fused with it. The output activation is the identity; reconstructions are `sigmoid(z)`.
    BceWithLogits,
}

/// What the loss of an example is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The mean over its elements, as in PyTorch.
    #[default]
    Mean,
    /// The sum over its elements, as in most papers on autoencoders. Penalties and learning rates mean something else then.
    Sum,
}

/// What is added to the reconstruction loss. Each is a mean over the examples of a batch.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Penalties {
    pub l1: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kl: Option<KlSparsity>,
    pub contractive: f32,
}

/// `beta sum_j KL(rho || mean_j)`, where `mean_j` is the mean of code unit `j` over the batch (Ng, "Sparse autoencoder", CS294A lecture
/// notes). The mean is kept 1e-6 away from 0 and 1.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct KlSparsity {
    /// The mean activation that is asked for, in (0, 1).
    pub rho: f32,
    /// The weight of the penalty, at least 0.
    pub beta: f32,
}

/// What stands between linear maps, and how they start.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Between {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_norm: Option<BatchNormConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f32>,
    pub init: Init,
}

impl Between {
    /// Modules from one linear map to the next in the names of parameters.
    pub fn modules(&self) -> usize {
        2 + usize::from(self.batch_norm.is_some()) + usize::from(self.dropout.is_some())
    }

    pub fn validate(&self) -> Result<(), ConfigError> {
        if let Some(p) = self.dropout {
            ConfigError::check((0.0..1.0).contains(&p), || {
                format!("dropout: p is {p}, but must lie in [0, 1)")
            })?;
        }
        let Some(BatchNormConfig { eps, averaging, .. }) = self.batch_norm else { return Ok(()) };
        ConfigError::at_least_0("batch_norm: eps", eps)?;
        match averaging {
            Averaging::Exponential { momentum } => {
                ConfigError::check((0.0..=1.0).contains(&momentum), || {
                    format!("batch_norm: momentum is {momentum}, but must lie in [0, 1]")
                })
            }
            Averaging::Cumulative => Ok(()),
        }
    }
}

impl Autoencoder {
    /// An encoder with these widths, the input's first and the code's last, and a decoder with the same widths backwards. Hidden layers
    /// are followed by ReLU; code and output are linear; the loss is the mean squared error.
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

    /// Adds `weight ||J||_F^2`, averaged over the batch, where `J` is the Jacobian of the encoder at what it is given (Rifai et al. 2011,
    /// equation 4). Defaults to 0.
    ///
    /// One layer costs next to nothing: `||J||^2 = sum_j f'(z_j)^2 ||w_j||^2`. Deeper encoders multiply Jacobians from the code downwards:
    /// time and memory grow by the width of the code.
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

    /// Whether all of it fits together: what [`Autoencoder::build`] panics with.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_widths()?;
        self.validate_activations()?;
        self.validate_penalties()?;
        self.between.validate()?;
        if let Some(corruption) = self.corruption {
            corruption.validate()?;
        }
        let Some(emphasis) = self.emphasis else { return Ok(()) };
        emphasis.validate()?;
        ConfigError::check(self.corruption.is_some(), || {
            "an emphasis on corrupted elements needs a corruption".to_owned()
        })
    }

    fn validate_widths(&self) -> Result<(), ConfigError> {
        let (encoder, decoder) = (&self.encoder, &self.decoder);
        let is_chain = |widths: &[usize]| widths.len() >= 2 && !widths.contains(&0);
        ConfigError::check(is_chain(encoder), || {
            format!("an encoder has at least two widths (input and code), none of them 0; found {encoder:?}")
        })?;
        ConfigError::check(is_chain(decoder), || {
            format!("a decoder has at least two widths (code and output), none of them 0; found {decoder:?}")
        })?;
        let ends = |widths: &[usize]| [widths[0], widths[widths.len() - 1]];
        let [inputs, code] = ends(encoder);
        ConfigError::check(ends(decoder) == [code, inputs], || {
            format!(
                "the encoder {encoder:?} makes {code} of {inputs} numbers, so the decoder must make {inputs} of {code}; \
                 its widths are {decoder:?}"
            )
        })?;
        let is_mirrored = encoder.iter().rev().eq(decoder);
        ConfigError::check(self.weights == Weights::Own || is_mirrored, || {
            format!("tied weights: the decoder {decoder:?} is not the encoder {encoder:?} backwards")
        })
    }

    fn validate_activations(&self) -> Result<(), ConfigError> {
        for (what, widths, activations) in [
            ("encoder", &self.encoder, &self.encoder_activations),
            ("decoder", &self.decoder, &self.decoder_activations),
        ] {
            let Some(activations) = activations else { continue };
            ConfigError::check(activations.len() + 1 == widths.len(), || {
                let (layers, found) = (widths.len() - 1, activations.len());
                format!("the {what} has {layers} layers and {found} activations")
            })?;
        }
        let output = self.last_activation(Part::Decoder);
        match self.loss {
            Loss::Bce => ConfigError::check(is_probability(output), || {
                format!("binary cross-entropy needs an output between 0 and 1, which {output:?} is not")
            }),
            Loss::BceWithLogits => ConfigError::check(output == Activation::Identity, || {
                format!(
                    "BceWithLogits has the sigmoid in the loss; the output activation must be the identity, found {output:?}"
                )
            }),
            Loss::Mse => Ok(()),
        }
    }

    fn validate_penalties(&self) -> Result<(), ConfigError> {
        let Penalties { l1, kl, contractive } = self.penalties;
        ConfigError::at_least_0("l1_sparsity: weight", l1)?;
        ConfigError::at_least_0("contractive: weight", contractive)?;
        if let Some(KlSparsity { rho, beta }) = kl {
            ConfigError::check(rho > 0.0 && rho < 1.0, || {
                format!("kl_sparsity: rho is {rho}, but must lie in (0, 1)")
            })?;
            ConfigError::at_least_0("kl_sparsity: beta", beta)?;
            let code = self.last_activation(Part::Encoder);
            ConfigError::check(is_probability(code), || {
                format!("kl_sparsity needs a code between 0 and 1, which {code:?} is not")
            })?;
        }
        let is_plain = self.between.batch_norm.is_none() && self.between.dropout.is_none();
        ConfigError::check(contractive == 0.0 || is_plain, || {
            "contractive: the Jacobian is that of linear layers and activations; leave out batch_norm and dropout".to_owned()
        })
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

fn is_probability(activation: Activation) -> bool {
    matches!(activation, Activation::Sigmoid | Activation::HardSigmoid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(config: &Autoencoder, text: &str) {
        assert_eq!(config.validate().unwrap_err().to_string(), text);
    }

    #[test]
    fn a_configuration_is_data() {
        let config = Autoencoder::new(&[6, 4, 2])
            .decoder(&[2, 3, 5, 6])
            .activation(Activation::LeakyRelu { slope: 0.1 })
            .loss(Loss::BceWithLogits)
            .corruption(Corruption::salt_and_pepper(0.2))
            .emphasis(Emphasis::FULL)
            .contractive(0.1)
            .init(Init::XavierUniform);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<Autoencoder>(&text).unwrap(), config);
        let short =
            r#"{"encoder":[6,2],"decoder":[2,6],"activation":"relu","code":"sigmoid","output":"identity"}"#;
        assert_eq!(
            serde_json::from_str::<Autoencoder>(short).unwrap(),
            Autoencoder::new(&[6, 2]).code(Activation::Sigmoid)
        );
    }

    #[test]
    #[should_panic(
        expected = "an encoder has at least two widths (input and code), none of them 0; found [784, 0]"
    )]
    fn a_code_has_a_width() {
        let _ = Autoencoder::new(&[784, 0]);
    }

    #[test]
    #[should_panic(
        expected = "the encoder [8, 4, 2] makes 2 of 8 numbers, so the decoder must make 8 of 2; its widths are [4, 8]"
    )]
    fn the_decoder_begins_where_the_encoder_ends() {
        let _ = Autoencoder::new(&[8, 4, 2]).decoder(&[4, 8]);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let small = || Autoencoder::new(&[8, 4, 2]);
        refused(
            &small().decoder(&[2, 8]).tied(),
            "tied weights: the decoder [2, 8] is not the encoder [8, 4, 2] backwards",
        );
        refused(
            &small().encoder_activations(&[Activation::Relu]),
            "the encoder has 2 layers and 1 activations",
        );
        refused(
            &small().loss(Loss::Bce),
            "binary cross-entropy needs an output between 0 and 1, which Identity is not",
        );
        refused(
            &small().loss(Loss::BceWithLogits).output(Activation::Sigmoid),
            "BceWithLogits has the sigmoid in the loss; the output activation must be the identity, found Sigmoid",
        );
        refused(
            &small().kl_sparsity(0.1, 1.0),
            "kl_sparsity needs a code between 0 and 1, which Identity is not",
        );
        let sigmoid = small().code(Activation::Sigmoid);
        refused(&sigmoid.clone().kl_sparsity(1.0, 1.0), "kl_sparsity: rho is 1, but must lie in (0, 1)");
        refused(
            &sigmoid.kl_sparsity(0.1, -1.0),
            "kl_sparsity: beta is -1, but must be finite and at least 0",
        );
        refused(
            &small().l1_sparsity(f32::NAN),
            "l1_sparsity: weight is NaN, but must be finite and at least 0",
        );
        refused(&small().dropout(1.0), "dropout: p is 1, but must lie in [0, 1)");
        refused(
            &small().contractive(0.1).batch_norm(),
            "contractive: the Jacobian is that of linear layers and activations; leave out batch_norm and dropout",
        );
        refused(&small().emphasis(Emphasis::FULL), "an emphasis on corrupted elements needs a corruption");
        refused(
            &small().corruption(Corruption::Masking { nu: 2.0 }),
            "masking: nu is 2, but must lie in [0, 1]",
        );
    }
}
