//! What can be wrong with a NumPy file.

use std::io;

use layerwise_tensor::MAX_RANK;

/// A NumPy file that cannot be used: which one, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct NpyError {
    /// The file; of an array in an archive, the archive and the array.
    pub file: String,
    /// What is wrong with it.
    pub problem: NpyProblem,
}

impl NpyError {
    pub(super) fn new(file: &str, problem: NpyProblem) -> Self {
        NpyError { file: file.to_owned(), problem }
    }
}

/// What is wrong with a NumPy file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpyProblem {
    /// It cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("expected a NumPy array, which starts with bytes 93 4e 55 4d 50 59, found {0:02x?}")]
    Magic(Vec<u8>),
    /// Its version is not known.
    #[error("the format's version is {0}.{1}, expected 1.0, 2.0 or 3.0")]
    Version(u8, u8),
    /// Its header cannot be read.
    #[error("the header: {0}")]
    Header(String),
    /// Its elements are of a type that cannot become `f32`.
    #[error("elements of type {0}, expected floats of 32 or 64 bits, integers or booleans")]
    ElementType(String),
    /// It has more dimensions than a tensor can have.
    #[error("shape {0:?}, expected at most {MAX_RANK} dimensions")]
    Rank(Vec<usize>),
    /// Its elements are more than can be held.
    #[error("an array of shape {0:?} is too large")]
    TooLarge(Vec<usize>),
    /// It ends early.
    #[error("the elements end after {found} bytes, expected {expected}")]
    TooShort {
        /// Bytes that the header promises.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// Something follows.
    #[error("there is more behind the {expected} bytes of the elements")]
    TooLong {
        /// Bytes that the header promises.
        expected: u64,
    },
    /// A number has no counterpart in `f32`.
    #[error("element {index} is {found}, beyond the range of f32")]
    OutOfRange {
        /// The element, in the order of the file.
        index: usize,
        /// The number.
        found: f64,
    },
    /// It is no archive of arrays, or one that is damaged.
    #[error("the archive: {0}")]
    Archive(String),
}
