use super::axes::{Axis, Scale};
use super::drawing::{Dash, Drawing, Item, Point};
use super::frame::{Bottom, Frame};
use super::legend::{self, Swatch};
use super::palette;
use super::picture::{Picture, frame_settings};

/// How values are spread: the share of them in each of many intervals of equal width. Several sets of values lie over each other.
#[derive(Clone, PartialEq, Debug)]
pub struct Histogram {
    frame: Frame,
    bins: usize,
    series: Vec<(String, Vec<f64>)>,
}

impl Histogram {
    /// A picture without values yet.
    pub fn new(title: impl Into<String>) -> Self {
        let mut frame = Frame::new(title);
        frame.y_label = "share of the values".to_owned();
        Histogram { frame, bins: 50, series: Vec::new() }
    }

    frame_settings!(labels);
    frame_settings!(size 720 440);

    /// The number of intervals. Defaults to 50.
    ///
    /// # Panics
    /// If it is not in 1..=1000.
    #[track_caller]
    pub fn bins(mut self, bins: usize) -> Self {
        assert!((1..=1000).contains(&bins), "a histogram has 1 to 1000 intervals, found {bins}");
        self.bins = bins;
        self
    }

    /// Adds a set of values. Those that are not finite do not count.
    pub fn values<T: Into<f64>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).filter(|&value| Scale::Linear.shows(value)).collect();
        self.series.push((name.into(), values));
        self
    }

    /// The share of the values in each interval of the axis.
    fn shares(&self, values: &[f64], axis: &Axis) -> Vec<f64> {
        let mut counts = vec![0u64; self.bins];
        for share in values.iter().filter_map(|&value| axis.share(value)) {
            // The last interval has its upper end.
            counts[((share * self.bins as f64) as usize).min(self.bins - 1)] += 1;
        }
        counts.into_iter().map(|count| count as f64 / values.len().max(1) as f64).collect()
    }
}

impl Picture for Histogram {
    fn drawing(&self) -> Drawing {
        let x = Axis::over(Scale::Linear, self.series.iter().flat_map(|(_, values)| values.iter().copied()));
        let shares: Vec<_> = self.series.iter().map(|(_, values)| self.shares(values, &x)).collect();
        let highest = shares.iter().flatten().copied().fold(0.0, f64::max);
        let y = Axis::exactly(Scale::Linear, 0.0, if highest > 0.0 { 1.05 * highest } else { 1.0 });
        let legend = legend::entries(self.series.iter().map(|(name, _)| name), |_| Swatch::Block);
        let plot = self.frame.draw(&Bottom::Numbers(&x), &y, &legend);
        let steps = |shares: &[f64]| -> Vec<Point> {
            let width = plot.area.width / shares.len() as f64;
            let level = |share: f64| plot.area.bottom() - y.share(share).unwrap_or(0.0) * plot.area.height;
            let edge = |i: usize| plot.area.x + i as f64 * width;
            let top = shares
                .iter()
                .enumerate()
                .flat_map(|(i, &share)| [(edge(i), level(share)), (edge(i + 1), level(share))]);
            [(edge(0), level(0.0))].into_iter().chain(top).chain([(edge(shares.len()), level(0.0))]).collect()
        };
        let mut items = Vec::new();
        for (i, shares) in shares.iter().enumerate() {
            items.push(Item::Area { corners: steps(shares), color: palette::series(i), opacity: 0.3 });
        }
        for (i, shares) in shares.iter().enumerate() {
            let (color, paths) = (palette::series(i), vec![steps(shares)]);
            items.push(Item::Lines { paths, color, width: 1.6, dash: Dash::Solid });
        }
        plot.finish(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_by_interval() {
        let histogram = Histogram::new("").bins(4);
        let axis = Axis::exactly(Scale::Linear, 0.0, 4.0);
        assert_eq!(histogram.shares(&[0.0, 0.5, 1.0, 3.9, 4.0], &axis), [0.4, 0.2, 0.0, 0.4]);
        assert_eq!(histogram.shares(&[], &axis), [0.0; 4]);
    }

    #[test]
    fn values_that_are_not_finite_do_not_count() {
        let histogram = Histogram::new("").values("a", [1.0f32, f32::NAN, f32::INFINITY, 2.0]);
        assert_eq!(histogram.series[0].1, [1.0, 2.0]);
    }
}
