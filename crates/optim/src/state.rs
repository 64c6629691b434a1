//! The state of an optimizer as data, to be saved and restored exactly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::rule::Clock;

/// Everything an optimizer has learned on its way: [`Optimizer::state`](crate::Optimizer::state) and
/// [`Optimizer::load_state`](crate::Optimizer::load_state). A run that goes on with it takes the same steps, bit for bit.
///
/// Groups and the other hyper-parameters are not in it: they belong to the program, which makes the optimizer before it loads.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OptimizerState {
    /// The name of the rule.
    pub rule: String,
    /// The learning rate at the time, which a schedule may have changed.
    pub lr: f32,
    /// The momentum at the time, if the rule has one.
    pub momentum: Option<f32>,
    /// One for each trainable parameter, in their order.
    pub parameters: Vec<ParameterState>,
    /// Steps that are counted for all parameters together, in rules that do so.
    pub counter: Option<u64>,
}

/// The state for one parameter.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ParameterState {
    /// The parameter.
    pub name: String,
    /// How many steps it has made.
    pub clock: Clock,
    /// What the rule keeps for each of its elements, by PyTorch's names (`momentum_buffer`, `exp_avg`, ..).
    pub slots: BTreeMap<String, Vec<f32>>,
}

/// Why a state cannot be restored.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It belongs to another rule.
    #[error("the state is one of {found}, the optimizer is {expected}")]
    Rule {
        /// The rule of the optimizer.
        expected: String,
        /// The rule of the state.
        found: String,
    },
    /// It belongs to another model.
    #[error("parameter {at} is {expected:?} in the optimizer and {found:?} in the state")]
    Parameter {
        /// Its place.
        at: usize,
        /// Its name in the optimizer; nothing if there are fewer.
        expected: Option<String>,
        /// Its name in the state; nothing if there are fewer.
        found: Option<String>,
    },
    /// A buffer is missing or has another size.
    #[error("{slot} of {parameter} should have {expected} numbers, found {found:?}")]
    Slot {
        /// The parameter.
        parameter: String,
        /// The buffer.
        slot: String,
        /// The elements of the parameter.
        expected: usize,
        /// The elements in the state; nothing if there is no such buffer.
        found: Option<usize>,
    },
    /// The learning rate or the momentum is out of its range.
    #[error("in the state, {0}")]
    Hyper(#[from] ConfigError),
    /// The rule had momentum when the state was saved, and was made without it now.
    #[error("{rule}: made without momentum, it keeps no velocity, the momentum of the state is {found:?}")]
    Momentum {
        /// The rule.
        rule: String,
        /// The momentum in the state.
        found: Option<f32>,
    },
    /// A parameter's clock cannot be one that has counted steps.
    #[error("{parameter} cannot have made {} steps with a product of {}", found.step, found.product)]
    Clock {
        /// The parameter.
        parameter: String,
        /// Its clock in the state.
        found: Clock,
    },
    /// The steps of all parameters together are missing, or too many.
    #[error("the counter of {rule} must be below 2^53, found {found:?}")]
    Counter {
        /// The rule of the optimizer.
        rule: String,
        /// The counter in the state, if there is one.
        found: Option<u64>,
    },
}

/// More steps than anyone has made: larger ones are damaged, and adding 1 to them could overflow.
pub(crate) const TOO_MANY_STEPS: u64 = 1 << 53;

impl OptimizerState {
    /// Whether it is the state of this rule.
    pub(crate) fn check_rule(&self, rule: &str) -> Result<(), StateError> {
        if self.rule == rule {
            return Ok(());
        }
        Err(StateError::Rule { expected: rule.to_owned(), found: self.rule.clone() })
    }

    /// Whether it has these buffers for parameters of these names and sizes.
    pub(crate) fn check_parameters<'a>(
        &self,
        mut expected: impl Iterator<Item = (&'a str, usize)>,
        slots: &[&str],
    ) -> Result<(), StateError> {
        let mut found = self.parameters.iter();
        for at in 0.. {
            let (expected, found) = (expected.next(), found.next());
            let name = found.map(|found| found.name.clone());
            let (Some((parameter, len)), Some(found)) = (expected, found) else {
                if expected.is_none() && found.is_none() {
                    break;
                }
                let expected = expected.map(|(name, _)| name.to_owned());
                return Err(StateError::Parameter { at, expected, found: name });
            };
            if parameter != found.name {
                return Err(StateError::Parameter { at, expected: Some(parameter.to_owned()), found: name });
            }
            let clock = found.clock;
            if clock.step >= TOO_MANY_STEPS || !clock.product.is_finite() {
                return Err(StateError::Clock { parameter: parameter.to_owned(), found: clock });
            }
            for &slot in slots {
                let found = found.slots.get(slot).map(Vec::len);
                if found != Some(len) {
                    let (parameter, slot) = (parameter.to_owned(), slot.to_owned());
                    return Err(StateError::Slot { parameter, slot, expected: len, found });
                }
            }
        }
        Ok(())
    }
}
