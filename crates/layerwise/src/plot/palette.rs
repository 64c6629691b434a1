//! The colours of all pictures.

use super::drawing::{Color, Dash};

/// Ten colours that stay distinct for the common kinds of colour blindness, each also from those before it: Petroff, "Accessible Color
/// Sequences for Data Visualization" (2021), arXiv:2107.02270, table 1, 10 colours.
pub(super) const SERIES: [Color; 10] = [
    Color([0x3f, 0x90, 0xda]),
    Color([0xff, 0xa9, 0x0e]),
    Color([0xbd, 0x1f, 0x01]),
    Color([0x94, 0xa4, 0xa2]),
    Color([0x83, 0x2d, 0xb6]),
    Color([0xa9, 0x6b, 0x59]),
    Color([0xe7, 0x63, 0x00]),
    Color([0xb9, 0xac, 0x70]),
    Color([0x71, 0x75, 0x81]),
    Color([0x92, 0xda, 0xdd]),
];

pub(super) const WHITE: Color = Color([0xff; 3]);
/// Titles and labels.
pub(super) const INK: Color = Color([0x22; 3]);
/// Numbers at the axes.
pub(super) const FAINT_INK: Color = Color([0x55; 3]);
/// The frame of a plot.
pub(super) const FRAME: Color = Color([0x88; 3]);
/// Lines behind the data.
pub(super) const GRID: Color = Color([0xe2; 3]);
/// The darkest cell of a table.
pub(super) const DEEP: Color = Color([0x0b, 0x3c, 0x6f]);
/// A pixel that is not a number.
pub(super) const NOT_A_NUMBER: Color = Color([0xd8, 0x1b, 0x60]);

/// The colour of a series. After ten they begin anew.
pub(super) fn series(index: usize) -> Color {
    SERIES[index % SERIES.len()]
}

/// The kind of line of a series: it changes whenever the colours begin anew.
pub(super) fn dash(index: usize) -> Dash {
    [Dash::Solid, Dash::Dashed, Dash::Dotted][index / SERIES.len() % 3]
}
