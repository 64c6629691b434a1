//! Parameter groups: what differs from one parameter to another under the same rule.

use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// What is different for some parameters.
///
/// The learning rate is a factor, so that a schedule of the rule's own rate moves all groups together.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// What the learning rate is multiplied by, at least 0. Defaults to 1.
    pub lr_scale: f32,
    /// The weight decay in place of the rule's, at least 0. Defaults to that of the rule.
    pub weight_decay: Option<f32>,
    /// The L1 penalty in place of the optimizer's, at least 0. Defaults to that of the optimizer.
    pub l1: Option<f32>,
    /// Whether the parameters stay as they are. Defaults to false.
    pub frozen: bool,
}

impl Default for Group {
    fn default() -> Self {
        Group { lr_scale: 1.0, weight_decay: None, l1: None, frozen: false }
    }
}

impl Group {
    /// Whether every value is in its range.
    ///
    /// # Errors
    /// The first that is not, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least_0("lr_scale", self.lr_scale)?;
        ConfigError::at_least_0("weight_decay", self.weight_decay.unwrap_or(0.0))?;
        ConfigError::at_least_0("l1", self.l1.unwrap_or(0.0))
    }
}

/// What a parameter has from all groups it belongs to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Membership {
    pub lr_scale: f32,
    pub weight_decay: Option<f32>,
    pub l1: Option<f32>,
    pub frozen: bool,
}

impl Default for Membership {
    fn default() -> Self {
        Membership { lr_scale: 1.0, weight_decay: None, l1: None, frozen: false }
    }
}

impl Membership {
    pub fn join(&mut self, group: &Group) {
        self.lr_scale *= group.lr_scale;
        self.weight_decay = group.weight_decay.or(self.weight_decay);
        self.l1 = group.l1.or(self.l1);
        self.frozen |= group.frozen;
    }
}

/// Whether a name matches a pattern in which `*` stands for any characters, or none.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.into_iter().any(|at| matches(rest, &name[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("*", "encoder.0.weight", true),
            ("*.bias", "encoder.0.bias", true),
            ("*.bias", "encoder.0.weight", false),
            ("encoder.*", "encoder.0.bias", true),
            ("encoder.*", "decoder.0.bias", false),
            ("*.0.*", "encoder.0.bias", true),
            ("*.0.*", "encoder.10.bias", false),
            ("0.weight", "0.weight", true),
            ("0.weight", "10.weight", false),
            ("*0*0*", "0.0", true),
            ("a*", "a", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
