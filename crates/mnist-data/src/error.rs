//! The errors of this crate.

use std::path::PathBuf;

use crate::idx::IdxError;
use crate::{Variant, VariantSizes};

/// Data that cannot be used, with the place and the numbers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file is not the IDX file it should be.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// An IDX file holds another kind of array than its place needs.
    #[error("{context}: expected {expected}, found {found}")]
    UnexpectedArray {
        /// The file.
        context: String,
        /// Element type and dimensions that belong here.
        expected: &'static str,
        /// Element type and dimensions of the file.
        found: String,
    },
    /// Every image needs one label.
    #[error("{context}: {images} images but {labels} labels")]
    CountMismatch {
        /// The files, or the call.
        context: String,
        /// The number of images.
        images: usize,
        /// The number of labels.
        labels: usize,
    },
    /// A label that names no class.
    #[error("{context}: label {label} at index {index}, expected {first}..{end}")]
    LabelOutOfRange {
        /// The file, or the call.
        context: String,
        /// Position of the label, from 0.
        index: usize,
        /// The label as it stands in the data.
        label: i64,
        /// The lowest label allowed.
        first: i64,
        /// One more than the highest label allowed.
        end: i64,
    },
    /// Rows are numbered by `u32`.
    #[error("{found} images, a set holds at most 4294967295")]
    TooManyImages {
        /// The number of images.
        found: usize,
    },
    /// A variant would need more digits than MNIST has.
    #[error(
        "{variant}: {} + {} + {} images, MNIST has {available}", .sizes.train, .sizes.validation, .sizes.test
    )]
    PoolTooSmall {
        /// What was to be generated.
        variant: Variant,
        /// The sizes asked for.
        sizes: VariantSizes,
        /// The number of digits.
        available: usize,
    },
    /// A name that no variant has.
    #[error("no variant is named {found:?}, expected basic, rot, bg-rand, rect or convex")]
    UnknownVariant {
        /// The name as given.
        found: String,
    },
    /// The path is not an existing folder.
    #[error("{}: not a folder", .path.display())]
    NotAFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// The folder lacks one of the family's files under each of its names.
    #[error("{}: none of these files is there: {}", .folder.display(), .tried.join(", "))]
    MissingFile {
        /// The folder as given.
        folder: PathBuf,
        /// The names looked for.
        tried: Vec<String>,
    },
    /// A download failed.
    #[cfg(feature = "download")]
    #[error(transparent)]
    Download(#[from] crate::download::DownloadError),
}
