//! What surrounds the data: the title, the legend, the axes with their marks and labels.

use super::axes::Axis;
use super::drawing::{Anchor, Dash, Drawing, Item, Point, Rect, Text};
use super::font;
use super::legend::{Entry, LINE as LEGEND_LINE, draw as draw_legend, lines as legend_lines};
use super::palette::{FAINT_INK, FRAME, GRID, INK};
use super::ticks::Tick;

pub(super) const TITLE_SIZE: f64 = 16.0;
pub(super) const LABEL_SIZE: f64 = 13.0;
pub(super) const TICK_SIZE: f64 = 11.5;
/// The space at the edges of a picture.
pub(super) const EDGE: f64 = 12.0;

const TITLE_LINE: f64 = 21.0;
/// A legend leaves at least this height to the plot.
const LOWEST_PLOT: f64 = 60.0;
/// How far numbers are from their axis.
const TICK_GAP: f64 = 6.0;
/// Pixels for each mark on a vertical axis.
const PER_TICK: f64 = 32.0;

/// The text around a plot, and its size.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Frame {
    pub title: String,
    pub x_label: String,
    pub y_label: String,
    pub width: u32,
    pub height: u32,
}

/// What runs along the lower edge of a plot.
pub(super) enum Bottom<'a> {
    Numbers(&'a Axis),
    /// Names in fields of equal width.
    Names(&'a [String]),
}

/// A drawing with a frame, and where its data goes.
pub(super) struct Plot {
    pub drawing: Drawing,
    pub area: Rect,
}

impl Frame {
    /// 720 by 440 pixels without labels.
    pub fn new(title: impl Into<String>) -> Self {
        let (x_label, y_label) = (String::new(), String::new());
        Frame { title: title.into(), x_label, y_label, width: 720, height: 440 }
    }

    /// # Panics
    /// If the size is not in 240..=8000 by 180..=8000.
    #[track_caller]
    pub fn set_size(&mut self, width: u32, height: u32) {
        assert!(
            (240..=8000).contains(&width) && (180..=8000).contains(&height),
            "a picture is 240 to 8000 pixels wide and 180 to 8000 high, found {width} x {height}"
        );
        (self.width, self.height) = (width, height);
    }

    /// Draws everything but the data.
    pub fn draw(&self, x: &Bottom<'_>, y: &Axis, legend: &[Entry]) -> Plot {
        let mut drawing = Drawing::new(self.width, self.height, &self.title);
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        let mut top = draw_title(&mut drawing, &self.title);

        let below = if self.x_label.is_empty() { 0.0 } else { LABEL_SIZE + 6.0 };
        let bottom = height - EDGE - below - TICK_SIZE - TICK_GAP;
        let mut lines = legend_lines(legend, width - 2.0 * EDGE);
        lines.truncate(((bottom - top - LOWEST_PLOT) / LEGEND_LINE).max(0.0) as usize);
        top += lines.len() as f64 * LEGEND_LINE + 8.0;
        let y_ticks = y.ticks(((bottom - top) / PER_TICK) as usize);
        let numbers = y_ticks.iter().map(|tick| tick_text(tick, (0.0, 0.0)).width()).fold(0.0, f64::max);
        let beside = if self.y_label.is_empty() { 0.0 } else { LABEL_SIZE + 8.0 };
        let left = EDGE + beside + numbers + TICK_GAP;

        let (left, right, x_ticks) = match x {
            Bottom::Numbers(axis) => beneath(axis, left, width),
            Bottom::Names(_) => (left, width - EDGE, Vec::new()),
        };
        let area = Rect {
            x: left.round() + 0.5,
            y: top.round() + 0.5,
            width: (right - left).round().max(10.0),
            height: (bottom - top).round().max(10.0),
        };
        let legend_top = area.y - 8.0 - lines.len() as f64 * LEGEND_LINE;
        draw_legend(&mut drawing, legend, &lines, legend_top, area);
        draw_grid(&mut drawing, &x_ticks, &y_ticks, area);
        draw_numbers(&mut drawing, &x_ticks, &y_ticks, area);
        if let Bottom::Names(names) = x {
            draw_names(&mut drawing, names, area);
        }
        self.draw_labels(&mut drawing, area);
        Plot { drawing, area }
    }

    fn draw_labels(&self, drawing: &mut Drawing, area: Rect) {
        let x_label = font::fit(&self.x_label, LABEL_SIZE, f64::from(self.width) - 2.0 * EDGE);
        let at = (area.x + area.width / 2.0, f64::from(self.height) - EDGE);
        drawing.push(centred(x_label, at, LABEL_SIZE, f64::from(self.width)));
        let y_label = font::fit(&self.y_label, LABEL_SIZE, f64::from(self.height) - 2.0 * EDGE);
        let half = font::width(&y_label, LABEL_SIZE) / 2.0;
        let middle = (area.y + area.height / 2.0).clamp(half, (f64::from(self.height) - half).max(half));
        let text =
            Text::new((EDGE + LABEL_SIZE - 3.0, middle), y_label, LABEL_SIZE, INK).anchored(Anchor::Middle);
        drawing.push(Text { turned: true, ..text }.into());
    }
}

impl Plot {
    /// The place of a point of the data, if both numbers have one.
    pub fn point(&self, x: &Axis, y: &Axis, at: Point) -> Option<Point> {
        let (right, up) = (x.share(at.0)?, y.share(at.1)?);
        Some((self.area.x + right * self.area.width, self.area.bottom() - up * self.area.height))
    }

    /// Draws the data, as far as it lies inside the frame, and the frame over it.
    pub fn finish(mut self, items: Vec<Item>) -> Drawing {
        self.drawing.push(Item::Clipped { to: self.area, items });
        let mut outline = self.area.corners();
        outline.push((self.area.x, self.area.y));
        self.drawing.push(Item::Lines { paths: vec![outline], color: FRAME, width: 1.0, dash: Dash::Solid });
        self.drawing
    }
}

/// Draws the title at the top, in two lines at most, and returns where they end.
pub(super) fn draw_title(drawing: &mut Drawing, title: &str) -> f64 {
    let width = f64::from(drawing.width);
    let mut y = EDGE - 4.0;
    let room = width - 2.0 * EDGE;
    let mut lines = font::wrap(title, TITLE_SIZE, room);
    if lines.len() > 2 {
        let rest = lines.split_off(1).join(" ");
        lines.push(font::fit(&rest, TITLE_SIZE, room));
    }
    for line in lines {
        y += TITLE_LINE;
        drawing.push(centred(line, (width / 2.0, y - 4.0), TITLE_SIZE, width));
    }
    y
}

/// Text in the middle of a place, or as close as it can be without leaving the picture.
fn centred(text: String, (x, y): Point, size: f64, width: f64) -> Item {
    let half = font::width(&text, size) / 2.0;
    let x = x.clamp(half.min(width / 2.0), (width - half).max(width / 2.0));
    Text::new((x, y), text, size, INK).anchored(Anchor::Middle).into()
}

fn tick_text(tick: &Tick, at: Point) -> Text {
    Text { exponent: tick.exponent.clone(), ..Text::new(at, tick.label.as_str(), TICK_SIZE, FAINT_INK) }
}

/// The ends of a horizontal axis and its marks. A number at an end is centred there, so half of it stands out.
fn beneath(axis: &Axis, left: f64, width: f64) -> (f64, f64, Vec<Tick>) {
    let ticks = x_ticks(axis, width - EDGE - left);
    let halves = || ticks.iter().map(|tick| (tick.share, tick_text(tick, (0.0, 0.0)).width() / 2.0));
    let over_left = halves().map(|(share, half)| half - share * (width - EDGE - left));
    let left = over_left.fold(left, f64::max);
    let over_right = halves().map(|(share, half)| half - (1.0 - share) * (width - EDGE - left));
    (left, width - EDGE - over_right.fold(0.0, f64::max), ticks)
}

/// As many marks as there is room for the numbers beneath.
fn x_ticks(axis: &Axis, width: f64) -> Vec<Tick> {
    let fits = |ticks: &[Tick]| {
        let labelled: Vec<_> = ticks.iter().filter(|tick| !tick.label.is_empty()).collect();
        labelled.windows(2).all(|pair| {
            let widths = pair.iter().map(|tick| tick_text(tick, (0.0, 0.0)).width()).sum::<f64>();
            (pair[1].share - pair[0].share) * width > widths / 2.0 + 14.0
        })
    };
    let most = (width / 60.0) as usize;
    (3..=most).rev().map(|most| axis.ticks(most)).find(|ticks| fits(ticks)).unwrap_or_else(|| axis.ticks(2))
}

fn draw_grid(drawing: &mut Drawing, x_ticks: &[Tick], y_ticks: &[Tick], area: Rect) {
    let upright = |tick: &Tick| (area.x + tick.share * area.width).floor() + 0.5;
    let level = |tick: &Tick| (area.bottom() - tick.share * area.height).floor() + 0.5;
    // Marks without a number have a thinner line.
    for (labelled, width) in [(false, 0.5), (true, 1.0)] {
        let shown = |tick: &&Tick| tick.label.is_empty() != labelled;
        let mut paths = Vec::new();
        paths.extend(x_ticks.iter().filter(shown).map(|tick| {
            let x = upright(tick);
            vec![(x, area.y), (x, area.bottom())]
        }));
        paths.extend(y_ticks.iter().filter(shown).map(|tick| {
            let y = level(tick);
            vec![(area.x, y), (area.right(), y)]
        }));
        drawing.push(Item::Lines { paths, color: GRID, width, dash: Dash::Solid });
    }
}

fn draw_numbers(drawing: &mut Drawing, x_ticks: &[Tick], y_ticks: &[Tick], area: Rect) {
    let labelled = |tick: &&Tick| !tick.label.is_empty();
    for tick in x_ticks.iter().filter(labelled) {
        let at = (area.x + tick.share * area.width, area.bottom() + TICK_GAP + 0.73 * TICK_SIZE);
        drawing.push(tick_text(tick, at).anchored(Anchor::Middle).into());
    }
    for tick in y_ticks.iter().filter(labelled) {
        let at = (area.x - TICK_GAP, area.bottom() - tick.share * area.height + 0.36 * TICK_SIZE);
        drawing.push(tick_text(tick, at).anchored(Anchor::End).into());
    }
}

fn draw_names(drawing: &mut Drawing, names: &[String], area: Rect) {
    let field = area.width / names.len().max(1) as f64;
    for (i, name) in names.iter().enumerate() {
        let at = (area.x + (i as f64 + 0.5) * field, area.bottom() + TICK_GAP + 0.73 * TICK_SIZE);
        let name = font::fit(name, TICK_SIZE, field - 4.0);
        drawing.push(Text::new(at, name, TICK_SIZE, FAINT_INK).anchored(Anchor::Middle).into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::axes::Scale;
    use crate::plot::legend::Swatch;

    #[test]
    fn a_legend_leaves_room_for_the_plot() {
        let mut frame = Frame::new("title");
        let axis = Axis::exactly(Scale::Linear, 0.0, 1.0);
        let legend: Vec<Entry> = (0..40)
            .map(|i| Entry { name: format!("line number {i}"), color: INK, swatch: Swatch::Block })
            .collect();
        let height = |frame: &Frame| frame.draw(&Bottom::Numbers(&axis), &axis, &legend).area.height;
        let names = |frame: &Frame| {
            let items = frame.draw(&Bottom::Numbers(&axis), &axis, &legend).drawing.items;
            items
                .iter()
                .filter(|item| matches!(item, Item::Text(text) if text.text.starts_with("line")))
                .count()
        };
        assert_eq!(names(&frame), 40);
        frame.set_size(240, 180);
        assert!(
            names(&frame) < 40 && height(&frame) >= 50.0,
            "{} names, {} pixels",
            names(&frame),
            height(&frame)
        );
    }
}
