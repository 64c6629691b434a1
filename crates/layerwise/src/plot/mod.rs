//! Pictures of training runs and of what comes of them, as SVG or PNG, and reports that hold them.
//!
//! A picture is a builder. Each kind implements [`Picture`], which writes it:
//!
//! ```
//! use layerwise::plot::{Curves, Picture};
//!
//! let steps = (1..=200).map(f64::from);
//! let picture = Curves::new("Two training runs")
//!     .x_label("step")
//!     .y_label("loss")
//!     .log_y()
//!     .line("slow", steps.clone().map(|t| (t, (-0.01 * t).exp())))
//!     .line("fast", steps.map(|t| (t, (-0.03 * t).exp())));
//! assert!(picture.svg().starts_with("<svg"));
//! picture.save(std::env::temp_dir().join("layerwise-two-runs.png"))?;
//! # Ok::<(), layerwise::plot::PlotError>(())
//! ```
//!
//! | kind | shows |
//! | --- | --- |
//! | [`Curves`] | lines, and bands between percentiles, over a number; both axes linear or logarithmic |
//! | [`Histogram`] | how values are spread |
//! | [`Bars`] | numbers by name |
//! | [`Scatter`] | points of several classes |
//! | [`ConfusionTable`] | a confusion matrix |
//! | [`ImageGrid`] | rows of images in shades of grey |
//! | [`Row`] | several of these side by side |
//!
//! The same input gives the same bytes. Numbers that are not finite, or have no place on a logarithmic axis, are left out; without any
//! numbers there is an empty frame. A long text is wrapped or ends in "…". PNG files use a font that is part of the crate.

mod axes;
mod bars;
mod confusion;
mod curves;
mod drawing;
mod error;
mod escape;
mod font;
mod frame;
mod histogram;
mod image_grid;
mod legend;
mod palette;
mod picture;
mod raster;
mod report;
mod row;
mod scatter;
mod svg;
#[cfg(test)]
mod tests;
mod ticks;

pub use bars::Bars;
pub use confusion::ConfusionTable;
pub use curves::Curves;
pub use drawing::Drawing;
pub use error::PlotError;
pub use histogram::Histogram;
pub use image_grid::{ImageGrid, Shades};
pub use picture::Picture;
pub use report::{Figure, Report, ReportSection, Table};
pub use row::Row;
pub use scatter::Scatter;
