use super::axes::{Axis, Scale};
use super::drawing::{Drawing, Item, Point};
use super::frame::{Bottom, Frame, Plot};
use super::legend::{self, Swatch};
use super::palette;
use super::picture::{Picture, frame_settings};

/// Lines with at most so many points show each of them.
const FEW: usize = 25;

/// Lines over a number: losses over steps, variances over layers. A line can have a band around it, between two percentiles.
#[derive(Clone, PartialEq, Debug)]
pub struct Curves {
    frame: Frame,
    x_scale: Scale,
    y_scale: Scale,
    y_range: Option<(f64, f64)>,
    series: Vec<Series>,
}

#[derive(Clone, PartialEq, Debug)]
struct Series {
    name: String,
    /// `(x, [low, middle, high])`; the three are equal where there is no band.
    points: Vec<(f64, [f64; 3])>,
    band: bool,
}

impl Curves {
    /// A picture without lines yet, both axes linear.
    pub fn new(title: impl Into<String>) -> Self {
        let (x_scale, y_scale) = (Scale::Linear, Scale::Linear);
        Curves { frame: Frame::new(title), x_scale, y_scale, y_range: None, series: Vec::new() }
    }

    frame_settings!(labels);
    frame_settings!(size 720 440);

    /// Makes the horizontal axis logarithmic. Numbers that are not positive are left out.
    pub fn log_x(mut self) -> Self {
        self.x_scale = Scale::Log;
        self
    }

    /// Makes the vertical axis logarithmic. Numbers that are not positive are left out.
    pub fn log_y(mut self) -> Self {
        self.y_scale = Scale::Log;
        self
    }

    /// Sets the ends of the vertical axis. What lies beyond is not seen. Defaults to the range of the data.
    ///
    /// # Panics
    /// In drawing, if `low` is not below `high`, or one of them has no place on the axis.
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.y_range = Some((low, high));
        self
    }

    /// Adds a line through `(x, y)`. A point that is not finite interrupts it.
    pub fn line(mut self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let points = points.into_iter().map(|(x, y)| (x, [y; 3])).collect();
        self.series.push(Series { name: name.into(), points, band: false });
        self
    }

    /// Adds a line with a band around it, from `(x, [low, middle, high])`: usually the 15th, 50th and 85th percentile.
    pub fn band(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, [f64; 3])>,
    ) -> Self {
        let points = points.into_iter().collect();
        self.series.push(Series { name: name.into(), points, band: true });
        self
    }

    /// Gives several pictures the same vertical range, that of all their data, so that they can be compared in a
    /// [`Row`](super::Row).
    ///
    /// # Panics
    /// If only some of them are logarithmic.
    #[track_caller]
    pub fn share_y<const N: usize>(pictures: [Curves; N]) -> [Curves; N] {
        let Some(scale) = pictures.first().map(|picture| picture.y_scale) else { return pictures };
        assert!(
            pictures.iter().all(|picture| picture.y_scale == scale),
            "pictures that share a vertical axis are all linear or all logarithmic there"
        );
        let all = pictures.iter().flat_map(Curves::ys);
        let (low, high) = Axis::over(scale, all).padded().ends();
        pictures.map(|picture| picture.y_range(low, high))
    }

    fn ys(&self) -> impl Iterator<Item = f64> {
        let shown =
            self.series.iter().flat_map(|series| &series.points).filter(|(x, _)| self.x_scale.shows(*x));
        shown.flat_map(|(_, ys)| *ys)
    }

    fn y_axis(&self) -> Axis {
        match self.y_range {
            Some((low, high)) => Axis::exactly(self.y_scale, low, high),
            None => Axis::over(self.y_scale, self.ys()).padded(),
        }
    }
}

impl Picture for Curves {
    fn drawing(&self) -> Drawing {
        let xs = self.series.iter().flat_map(|series| series.points.iter().map(|(x, _)| *x));
        let x = Axis::over(self.x_scale, xs);
        let y = self.y_axis().anywhere();
        let legend = legend::entries(self.series.iter().map(|series| &series.name), |i| {
            Swatch::Line(palette::dash(i))
        });
        let plot = self.frame.draw(&Bottom::Numbers(&x), &y, &legend);
        let bands = self.series.iter().enumerate().flat_map(|(i, series)| series.draw_band(i, &plot, &x, &y));
        let lines = self.series.iter().enumerate().flat_map(|(i, series)| series.draw_line(i, &plot, &x, &y));
        let items = bands.chain(lines).collect();
        plot.finish(items)
    }
}

impl Series {
    fn draw_band(&self, index: usize, plot: &Plot, x: &Axis, y: &Axis) -> Vec<Item> {
        let edge = |at: f64, value: f64| plot.point(x, y, (at, value));
        let points = self.points.iter().map(|&(at, [low, _, high])| Some((edge(at, low)?, edge(at, high)?)));
        let color = palette::series(index);
        let area = |run: Vec<(Point, Point)>| {
            let (low, high): (Vec<_>, Vec<_>) = run.into_iter().unzip();
            let corners = thinned(low).into_iter().chain(thinned(high).into_iter().rev()).collect();
            Item::Area { corners, color, opacity: 0.22 }
        };
        if self.band { runs(points).into_iter().map(area).collect() } else { Vec::new() }
    }

    fn draw_line(&self, index: usize, plot: &Plot, x: &Axis, y: &Axis) -> Vec<Item> {
        let points = self.points.iter().map(|&(at, [_, middle, _])| plot.point(x, y, (at, middle)));
        let runs = runs(points);
        let few = self.points.len() <= FEW;
        let centres: Vec<Point> =
            runs.iter().filter(|run| few || run.len() == 1).flatten().copied().collect();
        let paths: Vec<_> = runs.into_iter().filter(|run| run.len() > 1).map(thinned).collect();
        let color = palette::series(index);
        let mut items = Vec::new();
        if !paths.is_empty() {
            items.push(Item::Lines { paths, color, width: 1.8, dash: palette::dash(index) });
        }
        if !centres.is_empty() {
            items.push(Item::Dots { centres, color, radius: 2.8, square: false });
        }
        items
    }
}

/// The stretches between values that are missing.
fn runs<T>(values: impl Iterator<Item = Option<T>>) -> Vec<Vec<T>> {
    let mut runs = vec![Vec::new()];
    for value in values {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => run.push(value),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// The same line with at most four points in each column of pixels: the first, the extreme ones and the last look as all of them do.
fn thinned(points: Vec<Point>) -> Vec<Point> {
    let by_height = |run: &[Point], i: &usize, j: &usize| run[*i].1.total_cmp(&run[*j].1);
    points
        .chunk_by(|a, b| a.0.floor() == b.0.floor())
        .flat_map(|run| {
            let indices = 0..run.len();
            let lowest = indices.clone().min_by(|i, j| by_height(run, i, j)).unwrap_or(0);
            let highest = indices.max_by(|i, j| by_height(run, i, j)).unwrap_or(0);
            let mut kept = vec![0, lowest.min(highest), lowest.max(highest), run.len() - 1];
            kept.dedup();
            kept.into_iter().map(|i| run[i])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_cut_a_line() {
        let values = [None, Some(1), Some(2), None, None, Some(3)];
        assert_eq!(runs(values.into_iter()), [vec![1, 2], vec![3]]);
        assert!(runs([None::<u8>].into_iter()).is_empty());

        let nan = f64::NAN;
        let svg =
            Curves::new("").line("a", [(0.0, 1.0), (1.0, 2.0), (2.0, nan), (3.0, 1.0), (4.0, 2.0)]).svg();
        let line = svg.lines().find(|line| line.contains("stroke-width=\"1.8\"")).unwrap();
        assert_eq!((line.matches('M').count(), line.matches('L').count()), (2, 2), "{line}");
    }

    #[test]
    fn thinning_keeps_the_outline() {
        let dense: Vec<Point> = (0..1000).map(|i| (f64::from(i) / 100.0, f64::from(i * 37 % 101))).collect();
        let thin = thinned(dense.clone());
        assert!(thin.len() <= 4 * 10, "{}", thin.len());
        for column in 0..10 {
            let range = |points: &[Point]| {
                let ys = points.iter().filter(|p| p.0.floor() == f64::from(column)).map(|p| p.1);
                ys.fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(y), high.max(y)))
            };
            assert_eq!(range(&thin), range(&dense));
        }
        assert!(thin.is_sorted_by(|a, b| a.0 <= b.0));
        let sparse: Vec<Point> = (0..10).map(|i| (2.0 * f64::from(i), 1.0)).collect();
        assert_eq!(thinned(sparse.clone()), sparse);
    }

    #[test]
    fn shared_ranges_hold_all_data() {
        let a = Curves::new("a").line("", [(0.0, 1.0), (1.0, 2.0)]);
        let b = Curves::new("b").band("", [(0.0, [5.0, 6.0, 7.0])]);
        let [a, b] = Curves::share_y([a, b]);
        assert_eq!(a.y_axis(), b.y_axis());
        let (low, high) = a.y_axis().ends();
        assert!(low < 1.0 && high > 7.0, "{low} to {high}");
    }

    #[test]
    #[should_panic(expected = "all linear or all logarithmic")]
    fn scales_cannot_be_mixed_in_a_shared_range() {
        Curves::share_y([Curves::new("a"), Curves::new("b").log_y()]);
    }
}
