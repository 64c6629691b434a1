//! Whether what was read from outside can have been fitted.

use super::{Feature, Preprocessing, Target};
use crate::scaling::is_valid;
use crate::table::check_names;

/// Why a [`Preprocessing`] that was read from outside is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPreprocessing(String);

impl Preprocessing {
    /// Whether it can have been fitted. One that was read from outside has to be asked; another one always can.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), InvalidPreprocessing> {
        let fail = |text: String| Err(InvalidPreprocessing(text));
        if self.features.is_empty() {
            return fail("there is no input column".into());
        }
        let columns = self.features.iter().map(Feature::column).chain(self.target_columns());
        check_names(columns).or_else(|problem| fail(problem.to_string()))?;
        for feature in &self.features {
            match feature {
                Feature::Number { column, fill, shift, scale } => {
                    if !is_valid(*shift, *scale) || fill.is_some_and(|fill| !fill.is_finite()) {
                        return fail(format!("column '{column}': its scale is {scale}, its shift {shift}"));
                    }
                }
                Feature::Category { column, names, .. } => self.check_categories(column, names, 1)?,
            }
        }
        match &self.target {
            Target::None => Ok(()),
            Target::Classes { column, names, .. } => self.check_categories(column, names, 2),
            Target::Numbers(targets) => {
                match targets.iter().find(|target| !is_valid(target.shift, target.scale)) {
                    None if targets.is_empty() => fail("there is no target column".into()),
                    None => Ok(()),
                    Some(target) => fail(format!(
                        "target '{}': its scale is {}, its shift {}",
                        target.column, target.scale, target.shift
                    )),
                }
            }
        }
    }

    fn check_categories(
        &self,
        column: &str,
        names: &[String],
        least: usize,
    ) -> Result<(), InvalidPreprocessing> {
        let fail = |text: String| Err(InvalidPreprocessing(text));
        if names.len() < least {
            return fail(format!(
                "column '{column}' has {} categories, expected {least} or more",
                names.len()
            ));
        }
        check_names(names.iter().map(String::as_str))
            .or_else(|_| fail(format!("column '{column}' has a category twice")))
    }
}
