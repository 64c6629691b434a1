#![doc = include_str!("../README.md")]

#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(feature = "tensorboard")]
pub mod tensorboard;

#[cfg(feature = "safetensors")]
pub use layerwise_autograd::safetensors;
