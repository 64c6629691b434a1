//! The update rules, one file each: the formula, its source, what equals PyTorch and what does not.

mod sgd;

pub use sgd::{Sgd, SgdConfig};
