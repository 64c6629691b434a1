use std::error::Error;
use std::io;
use std::path::PathBuf;

/// Why a file was not loaded.
#[derive(Debug, thiserror::Error)]
#[error("loading {}: {problem}", path.display())]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: LoadProblem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadProblem {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is not in the format.
    #[error("it is no safetensors file: {0}")]
    Format(String),
    /// It holds something else.
    #[error("expected {expected:?}, the file has {found:?}")]
    Kind {
        /// The kind of model.
        expected: &'static str,
        /// What the header says.
        found: Option<String>,
    },
    /// Its configuration is no configuration.
    #[error("its configuration: {0}")]
    Config(String),
    /// Its configuration makes no model.
    #[error("its configuration: {0}")]
    Invalid(Box<dyn Error + Send + Sync>),
    /// Its configuration is of a larger model than it holds.
    #[error("its configuration asks for weights of {} numbers, the file has room for {found}", or_too_many(.expected))]
    TooSmall {
        /// The numbers of the weights, if they can be counted.
        expected: Option<usize>,
        /// The numbers that a file of its size has room for.
        found: usize,
    },
    /// A parameter is missing.
    #[error("parameter {0:?} is missing")]
    Missing(String),
    /// There is a parameter that the model does not have.
    #[error("parameter {0:?} is not one of the model's")]
    Unexpected(String),
    /// A parameter has another type or shape.
    #[error("parameter {name:?}: expected {:?} {expected:?}, found {dtype} {found:?}", super::dtype(.name))]
    Shape {
        /// The parameter.
        name: String,
        /// Its shape in the model.
        expected: Vec<usize>,
        /// Its element type in the file.
        dtype: String,
        /// Its shape in the file.
        found: Vec<usize>,
    },
}

fn or_too_many(count: &Option<usize>) -> String {
    count.map_or_else(|| "too many".to_owned(), |count| count.to_string())
}

impl LoadProblem {
    /// Refuses a configuration whose weights alone are more than a file has room for, before anything of their size is made.
    /// `expected` is `None` where they are too many to count.
    ///
    /// # Errors
    /// [`LoadProblem::TooSmall`].
    pub fn check_count(expected: Option<usize>, found: usize) -> Result<(), LoadProblem> {
        match expected {
            Some(count) if count <= found => Ok(()),
            expected => Err(LoadProblem::TooSmall { expected, found }),
        }
    }
}
