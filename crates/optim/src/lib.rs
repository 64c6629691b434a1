#![doc = include_str!("../README.md")]

mod optimizer;
mod rules;
mod trainer;

pub use optimizer::{ConfigError, Optimizer};
pub use rules::{Sgd, SgdConfig};
pub use trainer::{EpochRecord, History, Progress, TrainError, Trainer};
