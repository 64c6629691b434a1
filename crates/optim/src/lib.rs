#![doc = include_str!("../README.md")]

mod config;
mod groups;
mod optimizer;
mod rule;
mod rules;
mod state;
mod trainer;
mod updater;

pub use config::OptimizerConfig;
pub use groups::Group;
pub use optimizer::{ConfigError, Optimizer};
pub use rule::{Clock, Cut, Decay, Hyper, Rule, Stretch};
pub use rules::{Adadelta, AdadeltaConfig, Adagrad, AdagradConfig, Adam, AdamConfig, AdamW, AdamWConfig};
pub use rules::{Adamax, AdamaxConfig, Lamb, LambConfig, Lion, LionConfig, Lookahead, LookaheadConfig};
pub use rules::{NAdam, NAdamConfig, RAdam, RAdamConfig, RmsProp, RmsPropConfig, Sgd, SgdConfig};
pub use state::{OptimizerState, ParameterState, StateError};
pub use trainer::{EpochRecord, History, Progress, TrainError, Trainer};
pub use updater::Updater;
