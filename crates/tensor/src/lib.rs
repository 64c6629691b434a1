#![doc = include_str!("../README.md")]

mod accum;
mod activation;
pub mod bce;
mod buffer;
mod curvature;
pub mod data;
pub mod elementwise;
mod kernels;
pub mod machine;
mod matmul;
mod random;
pub mod reduce;
mod shape;
pub mod softmax;
mod tensor;
pub mod threads;

pub use accum::Accum;
pub use activation::Activation;
pub use buffer::Buffer;
pub use matmul::{Mat, linear, matmul, matmul_has_parts, matmul_in_parts};
pub use random::{Rng, RngState, Stream};
pub use shape::{MAX_RANK, Shape};
pub use tensor::Tensor;
