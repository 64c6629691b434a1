#![doc = include_str!("../README.md")]

pub mod file;
mod gradcheck;
mod gradients;
mod graph;
mod layers;
mod ops;
mod params;
mod pass;
#[cfg(feature = "safetensors")]
pub mod safetensors;
pub mod scalar;
mod statistics;
mod tape;
mod var;

pub use gradcheck::{Gradcheck, GradientError, gradcheck};
pub use layers::LayerValues;
pub use layerwise_tensor::{Accum, Activation, Shape, Tensor};
pub use ops::{ClassLossOptions, CustomOp, Inputs, Reduction};
pub use params::{Layout, ParamId, Params, Scope};
pub use pass::{Mode, Pass};
pub use tape::{ParamGradients, Tape};
pub use var::Var;
