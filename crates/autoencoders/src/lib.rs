#![doc = include_str!("../README.md")]

mod anomaly;
mod config;
mod corruption;
mod data;
mod dense;
mod eigen;
mod error;
#[cfg(feature = "safetensors")]
mod file;
mod model;
mod pca;
mod penalty;
mod stack;
mod stacked;
mod vae;

pub use anomaly::{AnomalyDetector, auroc, quantile};
pub use config::{Autoencoder, KlSparsity, Loss, Scale, Weights};
pub use corruption::{Corrupted, Corruption, Emphasis};
pub use error::{ConfigError, DataError, FitError};
pub use layerwise_autograd::Activation;
#[cfg(feature = "safetensors")]
pub use layerwise_autograd::safetensors::{LoadError, LoadProblem, SaveError};
pub use model::{AutoencoderModel, ReconstructionError};
pub use pca::Pca;
pub use stack::Stack;
pub use stacked::{Stacked, StackedLayer, StackedModel, TrainedLayer};
pub use vae::{Likelihood, Vae, VaeModel, VaeTerms};
