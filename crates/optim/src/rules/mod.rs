//! The update rules, one file each: the formula, its source, what equals PyTorch and what does not.

mod adam;
mod sgd;

pub use adam::{Adam, AdamConfig, AdamW, AdamWConfig};
pub use sgd::{Sgd, SgdConfig};
