#![doc = include_str!("../README.md")]

mod examples;
#[cfg(feature = "images")]
pub mod images;
#[cfg(feature = "npy")]
pub mod npy;
mod preprocessing;
#[cfg(feature = "csv")]
mod reader;
mod regression;
mod scaling;
mod split;
mod table;

pub use examples::{Examples, Targets};
pub use preprocessing::{
    Feature, Fill, FillText, InvalidPreprocessing, NumberTarget, Preprocessing, PreprocessingConfig, Target,
    Task, Unseen, Wanted,
};
#[cfg(feature = "csv")]
pub use reader::{CsvConfig, Reader};
pub use regression::{RegressionBatch, RegressionDataset};
pub use scaling::{Scaler, Scaling};
pub use split::select;
pub use table::{Column, Table, TableError, TableProblem, Values};
