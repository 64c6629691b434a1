//! The update rules, one file each: the formula, its source, what equals PyTorch and what does not.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod lamb;
mod lion;
mod lookahead;
mod nadam;
mod radam;
mod rmsprop;
mod sgd;

pub use adadelta::{Adadelta, AdadeltaConfig};
pub use adagrad::{Adagrad, AdagradConfig};
pub use adam::{Adam, AdamConfig, AdamW, AdamWConfig};
pub use adamax::{Adamax, AdamaxConfig};
pub use lamb::{Lamb, LambConfig};
pub use lion::{Lion, LionConfig};
pub(crate) use lookahead::levels;
pub use lookahead::{Lookahead, LookaheadConfig};
pub use nadam::{NAdam, NAdamConfig};
pub use radam::{RAdam, RAdamConfig};
pub use rmsprop::{RmsProp, RmsPropConfig};
pub use sgd::{Sgd, SgdConfig};

use crate::ConfigError;

/// What all rules with two moments check.
fn validate_moments(lr: f32, betas: (f32, f32), eps: f32, weight_decay: f32) -> Result<(), ConfigError> {
    ConfigError::at_least_0("lr", lr)?;
    ConfigError::rate("beta1", betas.0)?;
    ConfigError::rate("beta2", betas.1)?;
    ConfigError::at_least_0("eps", eps)?;
    ConfigError::at_least_0("weight_decay", weight_decay)
}

/// Moves a running average by one step: `average = rate average + (1 - rate) x`. Rounded as in PyTorch's `lerp`.
#[inline(always)]
fn move_average(average: &mut f32, rate: f32, x: f32) {
    *average += (1.0 - rate) * (x - *average);
}

/// Moves the running average of squares: `average = rate average + (1 - rate) x^2`. Rounded as in PyTorch's `addcmul`.
#[inline(always)]
fn move_square_average(average: &mut f32, rate: f32, x: f32) {
    *average = rate * *average + (1.0 - rate) * (x * x);
}

/// The weights in a running average that started at 0, together: `1 - rate^step`. Dividing by them corrects the start.
fn weight_so_far(rate: f32, step: u64) -> f64 {
    1.0 - f64::from(rate).powf(step as f64)
}
