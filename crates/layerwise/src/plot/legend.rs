//! The names of the series, with what they look like.

use super::drawing::{Color, Dash, Drawing, Item, Rect, Text};
use super::font;
use super::frame::{EDGE, TICK_SIZE};
use super::palette::{self, INK};

/// The height of a line of a legend.
pub(super) const LINE: f64 = 19.0;
/// How long lines are in a legend, and how wide everything else.
const LINE_SWATCH: f64 = 22.0;
const SWATCH: f64 = 12.0;
/// The free space between a swatch and its name.
const SWATCH_GAP: f64 = 6.0;
/// The free space between entries of a legend.
const BETWEEN: f64 = 18.0;

/// An entry of a legend.
pub(super) struct Entry {
    pub name: String,
    pub color: Color,
    pub swatch: Swatch,
}

/// How a legend shows a series.
#[derive(Clone, Copy)]
pub(super) enum Swatch {
    Line(Dash),
    Dot { square: bool },
    Block,
}

impl Swatch {
    fn width(self) -> f64 {
        if matches!(self, Swatch::Line(_)) { LINE_SWATCH } else { SWATCH }
    }
}

/// The entries of the series that have a name, in their colours.
pub(super) fn entries<'a>(
    names: impl IntoIterator<Item = &'a String>,
    swatch: fn(usize) -> Swatch,
) -> Vec<Entry> {
    let series = names.into_iter().enumerate().filter(|(_, name)| !name.is_empty());
    series
        .map(|(i, name)| Entry { name: name.clone(), color: palette::series(i), swatch: swatch(i) })
        .collect()
}

/// The place of an entry in its line of a legend.
pub(super) struct Place {
    index: usize,
    x: f64,
    name: String,
    end: f64,
}

/// Cuts a legend into lines that are not wider than `room`.
pub(super) fn lines(legend: &[Entry], room: f64) -> Vec<Vec<Place>> {
    let mut lines: Vec<Vec<Place>> = Vec::new();
    for (index, entry) in legend.iter().enumerate() {
        let before = entry.swatch.width() + SWATCH_GAP;
        let name = font::fit(&entry.name, TICK_SIZE, room - before);
        let width = before + font::width(&name, TICK_SIZE);
        let x = lines.last().and_then(|line| line.last()).map_or(0.0, |last| last.end + BETWEEN);
        match lines.last_mut() {
            Some(line) if x + width <= room => line.push(Place { index, x, name, end: x + width }),
            _ => lines.push(vec![Place { index, x: 0.0, name, end: width }]),
        }
    }
    lines
}

/// Draws a legend that has been cut into lines.
pub(super) fn draw(drawing: &mut Drawing, legend: &[Entry], lines: &[Vec<Place>], top: f64, area: Rect) {
    // All lines begin at the same place: at the plot if they fit there.
    let widest = lines.iter().flatten().map(|place| place.end).fold(0.0, f64::max);
    let left = area.x.min(f64::from(drawing.width) - EDGE - widest);
    for (row, line) in lines.iter().enumerate() {
        let y = top + row as f64 * LINE + LINE / 2.0;
        for place in line {
            let Entry { color, swatch, .. } = legend[place.index];
            let x = left + place.x;
            drawing.push(match swatch {
                Swatch::Line(dash) => {
                    Item::Lines { paths: vec![vec![(x, y), (x + LINE_SWATCH, y)]], color, width: 2.5, dash }
                }
                Swatch::Dot { square } => {
                    Item::Dots { centres: vec![(x + SWATCH / 2.0, y)], color, radius: 4.5, square }
                }
                Swatch::Block => {
                    Item::Block { at: Rect { x, y: y - SWATCH / 2.0, width: SWATCH, height: SWATCH }, color }
                }
            });
            let at = (x + swatch.width() + SWATCH_GAP, y + 0.36 * TICK_SIZE);
            drawing.push(Text::new(at, place.name.as_str(), TICK_SIZE, INK).into());
        }
    }
}
