#![doc = include_str!("../README.md")]

mod clip;
mod constraint;
mod groups;
mod norm;
mod optimizer;
mod rule;
mod rules;
mod schedule;
mod state;
mod trainer;
mod updater;

pub use clip::{Clip, clip_grad_norm, clip_grad_value, grad_norm};
pub use constraint::Constraint;
pub use groups::Group;
pub use optimizer::{ConfigError, Optimizer};
pub use rule::{Clock, Cut, Decay, Hyper, Rule, Stretch};
pub use rules::{Adam, AdamConfig, AdamW, AdamWConfig, Sgd, SgdConfig};
pub use schedule::{Anneal, Goal, OneCycle, PlateauConfig, ReduceOnPlateau, Schedule, Threshold};
pub use state::{OptimizerState, ParameterState, StateError};
pub use trainer::{
    EpochRecord, History, Progress, RangeCurve, RangePoint, RangeTest, StepView, TrainError, Trainer,
};
pub use updater::Updater;
