//! Bringing numbers to a common scale.

use layerwise_tensor::Tensor;
use layerwise_tensor::data::Dataset;
use serde::{Deserialize, Serialize};

/// How numbers are brought to a common scale.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// They stay as they are.
    None,
    /// `(x - mean) / std`, with the biased standard deviation (divided by n).
    #[default]
    Standardise,
    /// `(x - min) / (max - min)`: from 0 to 1 on what it was fitted on, and beyond it elsewhere.
    MinMax,
}

impl Scaling {
    /// `(shift, scale)` of `(x - shift) / scale` for these finite numbers, computed in f64. A column of one value has scale 1.
    pub(crate) fn fit(self, numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
        let (shift, scale) = match self {
            Scaling::None => return (0.0, 1.0),
            Scaling::Standardise => {
                let n = numbers.clone().count() as f64;
                let mean = numbers.clone().sum::<f64>() / n;
                // Around the mean: the difference of two large sums would lose digits.
                (mean, (numbers.map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
            }
            Scaling::MinMax => {
                let bounds = (f64::INFINITY, f64::NEG_INFINITY);
                let (min, max) = numbers.fold(bounds, |(min, max), x| (min.min(x), max.max(x)));
                (min, max - min)
            }
        };
        let is_one_value = scale <= shift.abs() * f64::EPSILON * 4.0;
        (shift, if is_one_value { 1.0 } else { scale })
    }
}

/// A scaling fitted on the columns of a matrix: for arrays, what [`Preprocessing`](crate::Preprocessing) is for tables.
///
/// ```
/// use layerwise_data::{Scaler, Scaling};
/// use layerwise_tensor::Tensor;
///
/// let mut training = Tensor::from([[1.0, 10.0], [3.0, 30.0]]);
/// let scaler = Scaler::fit(Scaling::MinMax, &training);
/// scaler.apply(&mut training);
/// assert_eq!(training, Tensor::from([[0.0, 0.0], [1.0, 1.0]]));
/// let mut new = Tensor::from([[2.0, 50.0]]);
/// scaler.apply(&mut new);
/// assert_eq!(new, Tensor::from([[0.5, 2.0]]));
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Scaler {
    pub(crate) shift: Vec<f64>,
    pub(crate) scale: Vec<f64>,
}

impl Scaler {
    /// Fits a scaling on the columns of `data [examples, ..]`, each position within an example being a column. A column of one value is
    /// shifted only.
    ///
    /// # Panics
    /// If there are no examples.
    #[track_caller]
    pub fn fit(scaling: Scaling, data: &Tensor) -> Self {
        let rows = data.len();
        assert!(rows > 0, "Scaler::fit: a tensor of shape {} has no examples", data.shape());
        let width = data.as_slice().len() / rows;
        let column = |i: usize| data.as_slice()[i..].iter().step_by(width).map(|&x| f64::from(x));
        let (shift, scale) = (0..width).map(|i| scaling.fit(column(i))).unzip();
        Scaler { shift, scale }
    }

    /// The number of columns it was fitted on.
    pub fn width(&self) -> usize {
        self.shift.len()
    }

    /// `(x - shift) / scale` in place.
    ///
    /// # Panics
    /// If the width of an example is another.
    #[track_caller]
    pub fn apply(&self, data: &mut Tensor) {
        self.each("apply", data, |x, shift, scale| (x - shift) / scale);
    }

    /// `x * scale + shift` in place: back to what [`Scaler::apply`] was given.
    ///
    /// # Panics
    /// If the width of an example is another.
    #[track_caller]
    pub fn invert(&self, data: &mut Tensor) {
        self.each("invert", data, |x, shift, scale| x * scale + shift);
    }

    #[track_caller]
    fn each(&self, operation: &str, data: &mut Tensor, f: impl Fn(f64, f64, f64) -> f64) {
        let (shape, width) = (data.shape(), self.width());
        let found: usize = shape.dims().iter().skip(1).product();
        assert!(
            found == width,
            "Scaler::{operation}: a tensor of shape {shape} has examples of {found} numbers, expected {width}"
        );
        for row in data.as_mut_slice().chunks_exact_mut(width.max(1)) {
            for ((x, &shift), &scale) in row.iter_mut().zip(&self.shift).zip(&self.scale) {
                *x = f(f64::from(*x), shift, scale) as f32;
            }
        }
    }

    /// Whether it can have been fitted: as many scales as shifts, finite, and no scale of 0. For values read from outside.
    pub fn is_valid(&self) -> bool {
        self.shift.len() == self.scale.len()
            && self.shift.iter().zip(&self.scale).all(|(&shift, &scale)| is_valid(shift, scale))
    }
}

pub(crate) fn is_valid(shift: f64, scale: f64) -> bool {
    shift.is_finite() && scale.is_finite() && scale > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_one_value_is_only_shifted() {
        for scaling in [Scaling::Standardise, Scaling::MinMax] {
            // The mean of three times 0.1 is not 0.1 in f64.
            let (shift, scale) = scaling.fit([0.1; 3].into_iter());
            assert!((shift - 0.1).abs() < 1e-16 && scale == 1.0, "{shift} {scale}");
        }
        assert_eq!(Scaling::None.fit([7.0].into_iter()), (0.0, 1.0));
    }

    #[test]
    fn large_offsets_keep_their_digits() {
        let (shift, scale) = Scaling::Standardise.fit([1e9, 1e9 + 1.0, 1e9 + 2.0].into_iter());
        assert_eq!(shift, 1e9 + 1.0);
        assert!((scale - (2.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn inverting_gives_back_what_was_there() {
        let data = Tensor::from_fn([5, 2, 3], |i| ((i * i) as f32).sin() * 10.0 + i as f32);
        for scaling in [Scaling::None, Scaling::Standardise, Scaling::MinMax] {
            let scaler = Scaler::fit(scaling, &data);
            let mut there = data.clone();
            scaler.apply(&mut there);
            assert_eq!(there == data, scaling == Scaling::None);
            scaler.invert(&mut there);
            for (a, b) in there.as_slice().iter().zip(data.as_slice()) {
                assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
            let text = serde_json::to_string(&scaler).unwrap();
            assert_eq!(serde_json::from_str::<Scaler>(&text).unwrap(), scaler);
            assert!(scaler.is_valid());
        }
        assert!(!Scaler { shift: vec![0.0], scale: vec![0.0] }.is_valid());
        assert!(!Scaler { shift: vec![0.0], scale: vec![] }.is_valid());
    }

    #[test]
    #[should_panic(
        expected = "Scaler::apply: a tensor of shape [2, 3] has examples of 3 numbers, expected 2"
    )]
    fn another_width_is_refused() {
        Scaler::fit(Scaling::MinMax, &Tensor::zeros([1, 2])).apply(&mut Tensor::zeros([2, 3]));
    }
}
