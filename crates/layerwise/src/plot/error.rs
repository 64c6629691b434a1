use std::io;
use std::path::PathBuf;

/// Why a picture or a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The name of a file does not say what to write.
    #[error("{}: a picture is written to a file that ends in .svg or .png", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is not enough memory for the pixels.
    #[error("{width} x {height} pixels are too many for a picture")]
    TooLarge {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The pixels cannot be encoded.
    #[error("writing PNG: {0}")]
    Encode(#[from] png::EncodingError),
}
