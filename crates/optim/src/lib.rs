#![doc = include_str!("../README.md")]

mod checkpoint;
mod clip;
mod config;
mod constraint;
mod groups;
mod norm;
mod number;
mod optimizer;
mod rule;
mod rules;
mod schedule;
mod state;
mod trainer;
mod updater;

pub use checkpoint::{Checkpoint, CheckpointError, Checkpoints, Problem};
pub use clip::{Clip, clip_grad_norm, clip_grad_value, grad_norm};
pub use config::OptimizerConfig;
pub use constraint::Constraint;
pub use groups::Group;
pub use optimizer::{ConfigError, Optimizer};
pub use rule::{Clock, Cut, Decay, Hyper, Rule, Stretch};
pub use rules::{Adadelta, AdadeltaConfig, Adagrad, AdagradConfig, Adam, AdamConfig, AdamW, AdamWConfig};
pub use rules::{Adamax, AdamaxConfig, Lamb, LambConfig, Lion, LionConfig, Lookahead, LookaheadConfig};
pub use rules::{NAdam, NAdamConfig, RAdam, RAdamConfig, RmsProp, RmsPropConfig, Sgd, SgdConfig};
pub use schedule::{Anneal, Goal, OneCycle, PlateauConfig, ReduceOnPlateau, Schedule, Threshold};
pub use state::{OptimizerState, ParameterState, StateError};
pub use trainer::{BeginView, Callback, CallbackState, EndView, EpochView, Halt, StepView};
pub use trainer::{EarlyStopping, Ended, EpochRecord, History, JsonLines, Progress, TrainError, Trainer};
pub use trainer::{RangeCurve, RangePoint, RangeTest};
pub use updater::Updater;
