//! The rules that are chosen, not fitted.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::Scaling;

/// How [`Preprocessing::fit`](crate::Preprocessing::fit) treats a table.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PreprocessingConfig {
    /// The columns to learn; all others are inputs. Defaults to none, for models that need no target.
    pub targets: Vec<String>,
    /// What is learned. Defaults to [`Task::Auto`].
    pub task: Task,
    /// What stands for a missing number. Defaults to [`Fill::Refuse`].
    pub fill: Fill,
    /// What stands for a missing category. Defaults to [`FillText::Refuse`].
    pub fill_text: FillText,
    /// What a category becomes that the training data did not have. Defaults to [`Unseen::Zeros`].
    pub unseen: Unseen,
    /// The scale of numbers. Defaults to [`Scaling::Standardise`].
    pub scaling: Scaling,
    /// The scale of numeric targets. Defaults to [`Scaling::Standardise`].
    pub target_scaling: Scaling,
    /// The largest number of categories of a column that goes in. Defaults to 100.
    pub max_categories: usize,
}

impl Default for PreprocessingConfig {
    fn default() -> Self {
        PreprocessingConfig {
            targets: Vec::new(),
            task: Task::Auto,
            fill: Fill::Refuse,
            fill_text: FillText::Refuse,
            unseen: Unseen::Zeros,
            scaling: Scaling::Standardise,
            target_scaling: Scaling::Standardise,
            max_categories: 100,
        }
    }
}

/// What is learned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Classes if there is one target, and it has texts, or at most twenty different whole numbers that come twice or more on average.
    /// Numbers otherwise.
    #[default]
    Auto,
    /// A class: one target column.
    Classification,
    /// Numbers: one target column or more.
    Regression,
}

/// The largest number of different whole numbers that count as classes by themselves.
const MOST_CLASSES: usize = 20;

impl Task {
    /// Whether a target with these numbers is a class.
    pub fn is_classification(self, numbers: &[f64]) -> bool {
        match self {
            Task::Auto => are_few_whole(numbers),
            Task::Classification => true,
            Task::Regression => false,
        }
    }
}

fn are_few_whole(numbers: &[f64]) -> bool {
    let mut different = HashSet::new();
    for x in numbers {
        different.insert(x.to_bits());
        if x.fract() != 0.0 || different.len() > MOST_CLASSES {
            return false;
        }
    }
    2 * different.len() <= numbers.len()
}

/// What stands for a missing number. Statistics are those of the values that are there, in the training data.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fill {
    /// Nothing: it is an error.
    #[default]
    Refuse,
    /// The mean.
    Mean,
    /// The median; of an even number of values the mean of the two in the middle.
    Median,
    /// The value that comes most often, the smallest of several.
    MostFrequent,
    /// This number.
    Constant(f64),
}

/// What stands for a missing category.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FillText {
    /// Nothing: it is an error.
    #[default]
    Refuse,
    /// The category that comes most often in the training data, the first in their order of several.
    MostFrequent,
    /// This text, which is a category then, whether or not a value is missing.
    Constant(String),
}

/// What a category becomes that the training data did not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unseen {
    /// None of the known: all of the column's inputs are 0. [`Examples::unseen`](crate::Examples::unseen) counts them.
    #[default]
    Zeros,
    /// An error.
    Refuse,
}
