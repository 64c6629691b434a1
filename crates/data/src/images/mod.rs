//! PNG and JPEG files as greyscale images, folders of them as data sets, and digits drawn by hand.
//!
//! Colours become `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601), rounded; sixteen bits become the upper eight; what is transparent shows
//! white, as on paper.

mod decode;
mod digit;
mod error;
mod folder;
mod resize;

pub use decode::{decode, open};
pub use digit::digit;
pub use error::{ImageError, ImageProblem};
pub use folder::{ImageFolder, ImageFolderConfig};
pub use resize::resize;
