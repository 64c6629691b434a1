use layerwise_tensor::data::Labels;

use super::axes::{Axis, Scale};
use super::drawing::{Anchor, Drawing, Item, Point, Text};
use super::frame::{Bottom, Frame, Plot};
use super::legend::{self, Swatch};
use super::palette;
use super::picture::{Picture, frame_settings};

const NAME_SIZE: f64 = 16.0;

/// Points of several classes: codes of two numbers, by digit. The name of a class stands at the median of its points.
#[derive(Clone, PartialEq, Debug)]
pub struct Scatter {
    frame: Frame,
    classes: Vec<(String, Vec<Point>)>,
}

impl Scatter {
    /// A picture without points yet.
    pub fn new(title: impl Into<String>) -> Self {
        let mut frame = Frame::new(title);
        (frame.width, frame.height) = (640, 600);
        Scatter { frame, classes: Vec::new() }
    }

    frame_settings!(labels);
    frame_settings!(size 640 600);

    /// Adds the points `(x, y)` of a class.
    pub fn class(mut self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.classes.push((name.into(), points.into_iter().collect()));
        self
    }

    /// Adds a class for each label that occurs, named by its number; `codes` are the points, `[batch, 2]`.
    ///
    /// # Panics
    /// If there are not two numbers for each label.
    #[track_caller]
    pub fn codes(mut self, codes: &[f32], labels: &(impl Labels + ?Sized)) -> Self {
        let (numbers, count) = (codes.len(), labels.len());
        assert!(
            numbers == 2 * count,
            "codes [batch, 2] of {count} labels have {} numbers, found {numbers}",
            2 * count
        );
        let mut points: Vec<(usize, Point)> = codes
            .chunks_exact(2)
            .enumerate()
            .map(|(i, code)| (labels.get(i), (f64::from(code[0]), f64::from(code[1]))))
            .collect();
        points.sort_by_key(|(label, _)| *label); // keeps the order inside a class
        for class in points.chunk_by(|a, b| a.0 == b.0) {
            self = self.class(class[0].0.to_string(), class.iter().map(|(_, point)| *point));
        }
        self
    }
}

impl Picture for Scatter {
    fn drawing(&self) -> Drawing {
        let points = || {
            self.classes
                .iter()
                .flat_map(|(_, points)| points)
                .filter(|(x, y)| Scale::Linear.shows(*x) && Scale::Linear.shows(*y))
        };
        let x = Axis::over(Scale::Linear, points().map(|point| point.0)).anywhere();
        let y = Axis::over(Scale::Linear, points().map(|point| point.1)).anywhere();
        let (x, y) = (widened(x), widened(y));
        let legend =
            legend::entries(self.classes.iter().map(|(name, _)| name), |i| Swatch::Dot { square: square(i) });
        let plot = self.frame.draw(&Bottom::Numbers(&x), &y, &legend);
        let radius = if points().count() > 1500 { 1.6 } else { 2.6 };
        let (mut dots, mut names) = (Vec::new(), Vec::new());
        for (i, (name, points)) in self.classes.iter().enumerate() {
            let centres: Vec<Point> = points.iter().filter_map(|&point| plot.point(&x, &y, point)).collect();
            names.extend(name_at_median(name, &centres, &plot));
            if !centres.is_empty() {
                dots.push(Item::Dots { centres, color: palette::series(i), radius, square: square(i) });
            }
        }
        dots.extend(names);
        plot.finish(dots)
    }
}

/// From the second round through the colours on, points are squares.
fn square(class: usize) -> bool {
    class / palette::SERIES.len() % 2 == 1
}

/// Some space at either end, below 0 as well: dots have an extent.
fn widened(axis: Axis) -> Axis {
    let (low, high) = axis.ends();
    let space = 0.04 * (high - low);
    Axis::exactly(Scale::Linear, (low - space).max(-1e300), (high + space).min(1e300))
}

fn name_at_median(name: &str, centres: &[Point], plot: &Plot) -> Option<Item> {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let x = median(centres.iter().map(|centre| centre.0).collect())?;
    let y = median(centres.iter().map(|centre| centre.1).collect())?;
    let text = Text::new((0.0, 0.0), name, NAME_SIZE, palette::INK).anchored(Anchor::Middle);
    let half = text.width() / 2.0 + 2.0;
    let (left, right) = (plot.area.x + half, plot.area.right() - half);
    let at = (x.clamp(left.min(right), right.max(left)), y + 0.36 * NAME_SIZE);
    (centres.len() > 2).then(|| Text { at, halo: true, ..text }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_into_classes() {
        let codes = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let scatter = Scatter::new("").codes(&codes, &[7u8, 2, 7]);
        let expected = [("2".to_owned(), vec![(3.0, 4.0)]), ("7".to_owned(), vec![(1.0, 2.0), (5.0, 6.0)])];
        assert_eq!(scatter.classes, expected);
    }

    #[test]
    #[should_panic(expected = "codes [batch, 2] of 2 labels have 4 numbers, found 3")]
    fn codes_are_pairs() {
        let _ = Scatter::new("").codes(&[1.0, 2.0, 3.0], &[0u8, 1]);
    }
}
