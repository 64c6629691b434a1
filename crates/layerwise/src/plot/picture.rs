use std::fs;
use std::path::Path;

use super::{Drawing, PlotError};

/// Anything that can be drawn.
pub trait Picture {
    /// The finished drawing.
    fn drawing(&self) -> Drawing;

    /// The picture as an SVG document.
    fn svg(&self) -> String {
        self.drawing().svg()
    }

    /// The picture as a PNG file, as many pixels as its [size](Drawing::size) says. [`Drawing::png`] makes sharper ones.
    ///
    /// # Errors
    /// If there is not enough memory for its pixels.
    fn png(&self) -> Result<Vec<u8>, PlotError> {
        self.drawing().png(1)
    }

    /// Writes the picture to a file: SVG if its name ends in `.svg`, PNG if it ends in `.png`.
    ///
    /// # Errors
    /// If it ends in neither, or cannot be written.
    fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError>
    where
        Self: Sized,
    {
        let path = path.as_ref();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let bytes = match extension.to_ascii_lowercase().as_str() {
            "svg" => self.svg().into_bytes(),
            "png" => self.png()?,
            _ => return Err(PlotError::Format { path: path.to_owned() }),
        };
        fs::write(path, bytes).map_err(|source| PlotError::Io { path: path.to_owned(), source })
    }
}

impl Picture for Drawing {
    fn drawing(&self) -> Drawing {
        self.clone()
    }
}

/// The settings of a picture with a [`Frame`](super::frame::Frame) in its field `frame`.
macro_rules! frame_settings {
    (labels) => {
        /// What the horizontal axis shows, with its unit. Defaults to nothing.
        pub fn x_label(mut self, label: impl Into<String>) -> Self {
            self.frame.x_label = label.into();
            self
        }

        /// What the vertical axis shows, with its unit. Defaults to nothing.
        pub fn y_label(mut self, label: impl Into<String>) -> Self {
            self.frame.y_label = label.into();
            self
        }
    };
    (size $width:literal $height:literal) => {
        #[doc = concat!("Width and height in pixels. Defaults to ", $width, " by ", $height, ". Where there is no room for a whole legend, its end is left out.")]
        ///
        /// # Panics
        /// If the width is not in 240..=8000, or the height not in 180..=8000.
        #[track_caller]
        pub fn size(mut self, width: u32, height: u32) -> Self {
            self.frame.set_size(width, height);
            self
        }
    };
}
pub(super) use frame_settings;
