use super::axes::{Axis, Scale};
use super::drawing::{Anchor, Color, Drawing, Item, Rect, Text};
use super::font;
use super::frame::{Bottom, Frame, Plot};
use super::legend::{self, Swatch};
use super::palette;
use super::picture::{Picture, frame_settings};
use super::ticks::minus;

const NUMBER_SIZE: f64 = 10.5;

/// Numbers by name, as bars: one for each class, or one for each class and method.
#[derive(Clone, PartialEq, Debug)]
pub struct Bars {
    frame: Frame,
    names: Vec<String>,
    y_range: Option<(f64, f64)>,
    decimals: usize,
    series: Vec<(String, Vec<f64>)>,
}

impl Bars {
    /// A picture with the names of the bars, but without numbers yet.
    pub fn new<S: ToString>(title: impl Into<String>, names: impl IntoIterator<Item = S>) -> Self {
        let names = names.into_iter().map(|name| name.to_string()).collect();
        Bars { frame: Frame::new(title), names, y_range: None, decimals: 3, series: Vec::new() }
    }

    frame_settings!(labels);
    frame_settings!(size 720 440);

    /// How many decimals the numbers over the bars have. Defaults to 3.
    pub fn decimals(mut self, decimals: usize) -> Self {
        self.decimals = decimals.min(12);
        self
    }

    /// Sets the ends of the vertical axis. Defaults to the range of the data and 0.
    ///
    /// # Panics
    /// In drawing, if `low` is not below `high`, or one of them is not finite.
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.y_range = Some((low, high));
        self
    }

    /// Adds a bar for each name; several sets of them stand side by side. A number that is not finite has no bar.
    ///
    /// # Panics
    /// If there are not as many values as names.
    #[track_caller]
    pub fn values<T: Into<f64>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values: Vec<f64> = values.into_iter().map(Into::into).collect();
        let (expected, found) = (self.names.len(), values.len());
        assert!(expected == found, "bars need one value for each of the {expected} names, found {found}");
        self.series.push((name.into(), values));
        self
    }

    fn y_axis(&self) -> Axis {
        match self.y_range {
            Some((low, high)) => Axis::exactly(Scale::Linear, low, high),
            None if self.names.is_empty() => Axis::exactly(Scale::Linear, 0.0, 1.0),
            None => {
                Axis::over(Scale::Linear, self.series.iter().flat_map(|(_, values)| values.iter().copied()))
                    .anywhere()
                    .with_zero()
                    .padded()
            }
        }
    }

    /// The bar and the number of one value. `slot` is the place of the bar from the left, as a share of the width.
    fn draw_bar(
        &self,
        plot: &Plot,
        y: &Axis,
        value: f64,
        (left, width): (f64, f64),
        series: usize,
    ) -> Vec<Item> {
        let (low, high) = y.ends();
        let level = |value: f64| Some(plot.area.bottom() - y.share(value)? * plot.area.height);
        let (Some(end), Some(base)) = (level(value), level(0.0f64.clamp(low, high))) else {
            return Vec::new();
        };
        let at = Rect {
            x: plot.area.x + left * plot.area.width,
            y: end.min(base),
            width: width * plot.area.width,
            height: (end - base).abs(),
        };
        let color = palette::series(series);
        let mut items = vec![Item::Block { at, color }];
        let text = minus(format!("{value:.*}", self.decimals));
        if font::width(&text, NUMBER_SIZE) <= at.width + 6.0 {
            items.push(draw_number(text, value < 0.0, end, at, color, plot.area));
        }
        items
    }
}

impl Picture for Bars {
    fn drawing(&self) -> Drawing {
        let y = self.y_axis();
        let legend = legend::entries(self.series.iter().map(|(name, _)| name), |_| Swatch::Block);
        let plot = self.frame.draw(&Bottom::Names(&self.names), &y, &legend);
        let (field, bars) = (1.0 / self.names.len().max(1) as f64, self.series.len().max(1) as f64);
        let width = 0.76 * field / bars;
        let mut items = Vec::new();
        for (series, (_, values)) in self.series.iter().enumerate() {
            for (i, &value) in values.iter().enumerate() {
                let left = (i as f64 + 0.12) * field + series as f64 * width;
                items.extend(self.draw_bar(&plot, &y, value, (left, 0.94 * width), series));
            }
        }
        plot.finish(items)
    }
}

/// Draws the number of a bar beyond its end, or inside the bar if there is no room in the plot.
fn draw_number(text: String, downwards: bool, end: f64, bar: Rect, color: Color, area: Rect) -> Item {
    let (above, below) = (end - 4.0, end + NUMBER_SIZE + 1.0);
    let (outside, inside) = if downwards { (below, above) } else { (above, below) };
    let fits = outside - 0.75 * NUMBER_SIZE > area.y && outside < area.bottom() - 2.0;
    let (y, color) = match fits {
        true => (outside, palette::INK),
        false => (inside, if color.is_dark() { palette::WHITE } else { palette::INK }),
    };
    let x = bar.x + bar.width / 2.0;
    Text::new((x, y), text, NUMBER_SIZE, color).anchored(Anchor::Middle).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_begin_at_zero() {
        let axis = |values: [f64; 2]| Bars::new("", ["a", "b"]).values("", values).y_axis().ends();
        assert_eq!(axis([0.5, 0.9]).0, 0.0);
        assert!(axis([0.5, 0.9]).1 > 0.9);
        assert!(axis([-2.0, -1.0]).0 < -2.0 && axis([-2.0, -1.0]).1 >= 0.0);
    }

    #[test]
    #[should_panic(expected = "one value for each of the 2 names, found 1")]
    fn values_belong_to_names() {
        let _ = Bars::new("", ["a", "b"]).values("", [1.0]);
    }
}
