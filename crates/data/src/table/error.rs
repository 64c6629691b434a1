//! What can be wrong with a table.

use std::io;

/// A table that cannot be used: which one, where, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct TableError {
    /// The file, or the name the table was given.
    pub file: String,
    /// What is wrong with it.
    pub problem: TableProblem,
}

/// What is wrong with a table. Lines count from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableProblem {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// There is nothing in the file.
    #[error("the file is empty, expected {expected}")]
    Empty {
        /// What belongs there.
        expected: &'static str,
    },
    /// There is nothing but a header, or a part without rows.
    #[error("there are no rows")]
    NoRows,
    /// Rows are numbered by `u32`.
    #[error("there are more than 4294967295 rows")]
    TooManyRows,
    /// A row has more or fewer fields than the first line.
    #[error("line {line}: found {found} fields, expected {expected} as in the first line")]
    Ragged {
        /// The line where the row begins.
        line: u64,
        /// Its fields.
        found: u64,
        /// Those of the first line.
        expected: u64,
    },
    /// A column of a table made in a program has another length than the first.
    #[error("column '{column}' has {found} rows, expected {expected} as in the first column")]
    Length {
        /// The column.
        column: String,
        /// Its rows.
        found: usize,
        /// Those of the first.
        expected: usize,
    },
    /// A field is not text.
    #[error("line {line}, field {field}: the bytes are not UTF-8")]
    NotUtf8 {
        /// The line where the row begins.
        line: u64,
        /// The field, from 1 on.
        field: usize,
    },
    /// Two columns have one name.
    #[error("columns {first} and {second} are both named '{name}'")]
    DuplicateColumn {
        /// The name.
        name: String,
        /// The place of the first, from 1 on.
        first: usize,
        /// The place of the second.
        second: usize,
    },
    /// There is no column of this name.
    #[error("no column '{name}'; the columns are {}", list(.columns))]
    NoColumn {
        /// The name.
        name: String,
        /// Those there are.
        columns: Vec<String>,
    },
    /// A column was given two roles.
    #[error("column '{column}' cannot be both {first} and {second}")]
    TwoRoles {
        /// The column.
        column: String,
        /// One role.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// Fields are separated by a character that cannot separate them.
    #[error("the delimiter is {found:?}, expected one ASCII character that is no quote and no line end")]
    Delimiter {
        /// The character.
        found: char,
    },
    /// A field of a numeric column is no number.
    #[error("line {line}, column '{column}': found '{found}', expected a number")]
    NotANumber {
        /// The line where the row begins.
        line: u64,
        /// The column.
        column: String,
        /// The field.
        found: String,
    },
    /// A column has numbers and texts, and it was not said what it is.
    #[error(
        "column '{column}' has both numbers (first on line {number_line}) and texts (first '{text}' on line \
         {text_line}); state it as categorical, count the text as missing, or ignore the column"
    )]
    Mixed {
        /// The column.
        column: String,
        /// The line of the first number.
        number_line: u64,
        /// The first text.
        text: String,
        /// Its line.
        text_line: u64,
    },
    /// A number is infinite or too large.
    #[error("line {line}, column '{column}': found '{found}', expected a finite number (up to 3.4e38)")]
    NotFinite {
        /// The line where the row begins.
        line: u64,
        /// The column.
        column: String,
        /// The number.
        found: String,
    },
    /// A value is missing and there is no rule to fill it.
    #[error("line {line}, column '{column}': the value is missing, and no rule says how to fill it")]
    Missing {
        /// The line where the row begins.
        line: u64,
        /// The column.
        column: String,
    },
    /// The target of a row is missing; targets are never filled.
    #[error("line {line}, column '{column}': the target is missing")]
    MissingTarget {
        /// The line where the row begins.
        line: u64,
        /// The column.
        column: String,
    },
    /// All values of a column are missing.
    #[error("column '{column}' has no value in any row; ignore it")]
    NoValues {
        /// The column.
        column: String,
    },
    /// A column of texts has too many different ones.
    #[error(
        "column '{column}' has more than {most} different texts (such as '{example}'); ignore it, or allow more \
         categories"
    )]
    TooManyCategories {
        /// The column.
        column: String,
        /// The largest number allowed.
        most: usize,
        /// One of them.
        example: String,
    },
    /// A category that the training data did not have, where such are refused.
    #[error("line {line}, column '{column}': found '{found}', expected one of {}", list(.known))]
    Unseen {
        /// The line where the row begins.
        line: u64,
        /// The column.
        column: String,
        /// The category.
        found: String,
        /// Those of the training data.
        known: Vec<String>,
    },
    /// All examples are of one class.
    #[error("the target '{column}' is '{class}' in every row; a classifier needs two classes at least")]
    OneClass {
        /// The target column.
        column: String,
        /// The class.
        class: String,
    },
    /// Classification has one target.
    #[error("classification has one target column, found {}", list(.columns))]
    SeveralTargets {
        /// The columns named.
        columns: Vec<String>,
    },
    /// Regression of something that is no number.
    #[error("the target '{column}' has texts (such as '{example}'), and regression needs numbers")]
    TextTarget {
        /// The column.
        column: String,
        /// One of the texts.
        example: String,
    },
    /// Nothing is left to learn from.
    #[error("there is no column but the target")]
    NoFeatures,
}

/// The first twenty names, separated by commas.
fn list(names: &[String]) -> String {
    const MOST: usize = 20;
    let mut text = names.iter().take(MOST).map(|name| super::shorten(name)).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text += &format!(" and {} more", names.len() - MOST);
    }
    text
}
