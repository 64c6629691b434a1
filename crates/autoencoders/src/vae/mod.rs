//! A variational autoencoder as data.

mod model;

use layerwise_autograd::{Activation, Scope};
use layerwise_nn_layers::{Init, Linear};
use layerwise_tensor::Rng;
use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::config::Between;
use crate::dense::{self, Dense, Plan};

pub use model::VaeTerms;

/// A variational autoencoder as a configuration (Kingma and Welling 2014).
///
/// The encoder gives the mean and the logarithm of the variance of a normal distribution over codes; the decoder is trained on a
/// sample of it. Parameters are named `encoder.0.weight`, .. (hidden layers), `mean.weight`, `log_var.weight`,
/// `decoder.0.weight`, ..
///
/// ```
/// use layerwise_autoencoders::Vae;
/// use layerwise_autograd::Params;
/// use layerwise_tensor::Rng;
///
/// let mut params = Params::new();
/// let vae = Vae::new(&[784, 400, 20]).build(&mut params.root(), &mut Rng::seed(42));
/// let images = vae.sample(&params, 5, 7);
/// assert_eq!(images.shape().dims(), [5, 784]);
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Vae {
    widths: Vec<usize>,
    activation: Activation,
    #[serde(default)]
    likelihood: Likelihood,
    #[serde(default = "one")]
    beta: f32,
    #[serde(default)]
    init: Init,
}

fn one() -> f32 {
    1.0
}

/// The distribution of an example, given its code.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likelihood {
    /// Each element is 1 with a probability that the decoder gives (binary cross-entropy); data between 0 and 1.
    #[default]
    Bernoulli,
    /// Each element is normal around what the decoder gives.
    Gaussian {
        /// The standard deviation of all of them, above 0.
        std: f32,
    },
}

impl Vae {
    /// An encoder with these widths, the input's first and the code's last, and a decoder with the same widths backwards. Hidden
    /// layers are followed by ReLU.
    ///
    /// # Panics
    /// If there are fewer than two widths, or one is 0.
    #[track_caller]
    pub fn new(widths: &[usize]) -> Self {
        let vae = Vae {
            widths: widths.to_vec(),
            activation: Activation::Relu,
            likelihood: Likelihood::default(),
            beta: 1.0,
            init: Init::default(),
        };
        ConfigError::refuse(vae.validate());
        vae
    }

    /// What follows hidden layers. Defaults to ReLU.
    #[must_use]
    pub fn activation(self, activation: Activation) -> Self {
        Vae { activation, ..self }
    }

    /// The distribution of an example, given its code. Defaults to [`Likelihood::Bernoulli`].
    #[must_use]
    pub fn likelihood(self, likelihood: Likelihood) -> Self {
        Vae { likelihood, ..self }
    }

    /// The weight of the divergence from the prior (Higgins et al. 2017). Defaults to 1.
    #[must_use]
    pub fn beta(self, beta: f32) -> Self {
        Vae { beta, ..self }
    }

    /// How the weights start. Defaults to PyTorch's initial values; with any other, biases start at 0.
    #[must_use]
    pub fn init(self, init: Init) -> Self {
        Vae { init, ..self }
    }

    /// Whether all of it fits together: what [`Vae::build`] panics with.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let widths = &self.widths;
        ConfigError::check(widths.len() >= 2 && !widths.contains(&0), || {
            format!(
                "a variational autoencoder has at least two widths (input and code), none of them 0; found {widths:?}"
            )
        })?;
        ConfigError::at_least_0("beta", self.beta)?;
        let Likelihood::Gaussian { std } = self.likelihood else { return Ok(()) };
        ConfigError::check(std > 0.0 && std.is_finite(), || {
            format!("gaussian likelihood: std is {std}, but must be finite and above 0")
        })
    }

    /// Declares the parameters below `scope` with values drawn from `rng`, and returns the model.
    ///
    /// # Panics
    /// If the names are taken, or the configuration is not valid ([`Vae::validate`]).
    #[track_caller]
    pub fn build(&self, scope: &mut Scope<'_>, rng: &mut Rng) -> VaeModel {
        ConfigError::refuse(self.validate());
        let between = Between { init: self.init, ..Between::default() };
        let [hidden @ .., code] = &self.widths[..] else { unreachable!("there are two widths at least") };
        let backwards: Vec<usize> = self.widths.iter().rev().copied().collect();
        let upwards = vec![self.activation; hidden.len() - 1];
        let downwards: Vec<_> = upwards.iter().copied().chain([Activation::Identity]).collect();
        let plan = Plan {
            first: 0,
            widths: hidden,
            activations: &upwards,
            between: &between,
            source: dense::Source::New,
        };
        let encoder = plan.declare(&mut scope.child("encoder"), rng);
        let last = hidden[hidden.len() - 1];
        let mean = Linear::with_init(&mut scope.child("mean"), last, *code, self.init, rng);
        let log_var = Linear::with_init(&mut scope.child("log_var"), last, *code, self.init, rng);
        let plan = Plan { widths: &backwards, activations: &downwards, ..plan };
        let decoder = plan.declare(&mut scope.child("decoder"), rng);
        VaeModel { config: self.clone(), encoder, mean, log_var, decoder }
    }

    /// How many numbers its weights are at least; `None` if too many to count.
    #[cfg(feature = "safetensors")]
    pub(crate) fn least_count(&self) -> Option<usize> {
        crate::config::least_count(&self.widths)?.checked_mul(2)
    }
}

/// A variational autoencoder: what [`Vae::build`] makes. It holds ids of parameters, not their values.
#[derive(Clone, Debug)]
pub struct VaeModel {
    config: Vae,
    encoder: Dense,
    mean: Linear,
    log_var: Linear,
    decoder: Dense,
}
