//! What can be wrong with images.

use std::io;

/// An image or a folder of images that cannot be used: which one, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ImageError {
    /// The file or the folder.
    pub path: String,
    /// What is wrong with it.
    pub problem: ImageProblem,
}

/// What is wrong with an image or a folder of images.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageProblem {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is neither PNG nor JPEG.
    #[error("expected a PNG or JPEG file, found something that begins with {0:02x?}")]
    Format(Vec<u8>),
    /// It is damaged, or of a kind that is not supported.
    #[error("the {format} file cannot be decoded: {message}")]
    Decode {
        /// Its format.
        format: &'static str,
        /// What the decoder says.
        message: String,
    },
    /// It has too many pixels.
    #[error("an image of {width} x {height} pixels, expected at most {most} pixels")]
    TooLarge {
        /// Its width.
        width: usize,
        /// Its height.
        height: usize,
        /// The most pixels that are decoded.
        most: usize,
    },
    /// Images cannot be brought to this size.
    #[error("the size is {0:?} ([rows, cols]), expected at least one of each")]
    NoPixels([usize; 2]),
    /// It has another size than the first image of its folder.
    #[error(
        "an image of {} x {} pixels (width x height), expected {} x {} as {first} has; give a size to bring all to", .found[1],
        .found[0], .expected[1], .expected[0]
    )]
    Size {
        /// `[rows, cols]` of the image.
        found: [usize; 2],
        /// `[rows, cols]` of the first.
        expected: [usize; 2],
        /// The file of the first.
        first: String,
    },
    /// A folder has no images in folders.
    #[error("expected a folder for each class with PNG or JPEG files in it, found none")]
    NoImages,
    /// A folder has images of one class only.
    #[error("all images are in one folder, '{0}'; a classifier needs two classes at least")]
    OneClass(String),
}
