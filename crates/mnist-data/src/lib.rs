//! The MNIST family of data sets as byte images, ready to be read in seeded batches: MNIST itself is in the crate.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod batches;
#[cfg(feature = "download")]
pub mod download;
mod embedded;
mod error;
mod family;
pub mod idx;
mod image_set;
mod open;
mod rng;
mod splits;
#[cfg(feature = "tensor")]
mod tensor;
mod variants;

pub use batches::{Batch, BatchImages, BatchLabels, Batches};
#[cfg(feature = "download")]
pub use download::Download;
pub use error::DataError;
pub use family::{EmnistSplit, Family};
pub use image_set::{ImageSet, MNIST_MEAN, MNIST_STD};
pub use variants::{Variant, VariantSizes, VariantSplits};

/// A member of the family: the images to train with, and those to test with.
#[derive(Clone, Debug)]
pub struct Mnist {
    /// The images to train with.
    pub train: ImageSet,
    /// The images to test with.
    pub test: ImageSet,
}

impl Mnist {
    /// Both sets normalised with one pair; see [`ImageSet::normalised`].
    ///
    /// # Panics
    ///
    /// If `mean` is not finite, or `std` not finite and positive.
    #[track_caller]
    pub fn normalised(&self, mean: f64, std: f64) -> Self {
        Self { train: self.train.normalised(mean, std), test: self.test.normalised(mean, std) }
    }
}
