use layerwise_nn_layers::{Averaging, BatchNormConfig, Init};
use serde::{Deserialize, Serialize};

use crate::ConfigError;

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

/// `beta sum_j KL(rho || mean_j)`, where `mean_j` is the mean of code unit `j` over the batch (Ng, "Sparse autoencoder", CS294A
/// lecture notes). The mean is kept 1e-6 away from 0 and 1.
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
