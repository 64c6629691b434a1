use serde::{Deserialize, Serialize};

/// How numbers are distributed.
///
/// ```
/// use layerwise_nn_layers::Summary;
/// let summary = Summary::of(&[1.0, 2.0, 3.0, 10.0], &[50.0, 100.0]);
/// assert_eq!((summary.mean, summary.variance), (4.0, 12.5));
/// assert_eq!(summary.percentile(50.0), Some(2.5));
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// The mean, accumulated in f64.
    pub mean: f64,
    /// The mean square of what remains after the mean (divided by the number of values), in f64.
    pub variance: f64,
    /// In the order they were asked for.
    pub percentiles: Vec<Percentile>,
}

/// The number below which a share of the values lies.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Percentile {
    /// The share, in percent, between 0 and 100.
    pub percent: f64,
    /// The value at place `percent / 100 (n - 1)` of the `n` sorted ones, linear between two of them: the default of
    /// `numpy.percentile`.
    pub value: f64,
}

impl Summary {
    /// That of these values. All figures are NaN of none, and if one of them is NaN.
    ///
    /// # Panics
    /// If a percentage is not in 0..=100.
    #[track_caller]
    pub fn of(values: &[f32], percentages: &[f64]) -> Self {
        check_percentages(percentages);
        let n = values.len() as f64;
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let variance = values.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
        let mut sorted = values.to_vec();
        let is_number = !values.is_empty() && !values.iter().any(|x| x.is_nan());
        let percentiles = percentages.iter().map(|&percent| {
            let value = if is_number { percentile(&mut sorted, percent) } else { f64::NAN };
            Percentile { percent, value }
        });
        Summary { mean, variance, percentiles: percentiles.collect() }
    }

    /// The value of a percentile, if it was asked for.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        self.percentiles.iter().find(|of| of.percent == percent).map(|of| of.value)
    }
}

#[track_caller]
pub(super) fn check_percentages(percentages: &[f64]) {
    for percent in percentages {
        assert!(
            (0.0..=100.0).contains(percent),
            "percentile: the percentage is {percent}, but must lie in [0, 100]"
        );
    }
}

/// Reorders the values. There is at least one, and none is NaN.
fn percentile(values: &mut [f32], percent: f64) -> f64 {
    let place = percent / 100.0 * (values.len() - 1) as f64;
    let (_, low, above) = values.select_nth_unstable_by(place as usize, f32::total_cmp);
    let low = f64::from(*low);
    let share = place.fract();
    if share == 0.0 {
        return low; // also where the next value is infinite, or there is none
    }
    let high = above.iter().fold(f32::INFINITY, |high, &x| high.min(x));
    low + share * (f64::from(high) - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_linear_between_the_places() {
        let values = [5.0, -1.0, 3.0, 1.0];
        let at = |percent| Summary::of(&values, &[percent]).percentiles[0].value;
        assert_eq!([0.0, 50.0, 100.0].map(at), [-1.0, 2.0, 5.0]);
        assert!((at(15.0) + 0.1).abs() < 1e-12 && (at(85.0) - 3.0 - 0.55 * 2.0).abs() < 1e-12);
        assert_eq!(Summary::of(&[7.0], &[33.0]).percentile(33.0), Some(7.0));
        assert_eq!(Summary::of(&values, &[33.0]).percentile(34.0), None);
    }

    #[test]
    fn what_is_no_number_is_not_hidden() {
        for values in [&[][..], &[1.0, f32::NAN]] {
            let Summary { mean, variance, percentiles } = Summary::of(values, &[50.0]);
            assert!([mean, variance, percentiles[0].value].iter().all(|x| x.is_nan()));
        }
        assert_eq!(Summary::of(&[0.0, f32::INFINITY], &[0.0]).percentile(0.0), Some(0.0));
    }

    #[test]
    #[should_panic(expected = "percentile: the percentage is 101, but must lie in [0, 100]")]
    fn more_than_everything_is_refused() {
        Summary::of(&[1.0], &[101.0]);
    }
}
