#![doc = include_str!("../README.md")]

mod diagnostics;
mod dropout;
mod fold;
pub mod init;
mod linear;
mod metrics;
mod mlp;
mod module;
mod norm;
mod prelu;
mod sequential;
mod transposed;

pub use diagnostics::{
    Diagnostics, LayerRecord, Observer, Percentile, SATURATED, Summary, gradient_norms, layer_gradient_norms,
};
pub use dropout::{AlphaDropout, Dropout, GaussianDropout, GaussianNoise};
pub use init::Init;
pub use layerwise_autograd::Activation;
pub use linear::Linear;
pub use metrics::{ConfusionMatrix, Evaluation, RunningMean, Scores, accuracy, evaluate, top_k_accuracy};
pub use mlp::Mlp;
pub use module::Module;
pub use norm::{Affine, Averaging, BatchNorm, BatchNormConfig, LayerNorm, LayerNormConfig};
pub use prelu::PRelu;
pub use sequential::{Layer, Sequential};
pub use transposed::TransposedLinear;
