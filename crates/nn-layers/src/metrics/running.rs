use serde::{Deserialize, Serialize};

/// The mean of numbers that come one after the other, accumulated in f64.
///
/// ```
/// use layerwise_nn_layers::RunningMean;
/// let mut loss = RunningMean::default();
/// loss.add(1.0, 32); // the mean over a batch of 32
/// loss.add(4.0, 16);
/// assert_eq!((loss.mean(), loss.count()), (2.0, 48));
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct RunningMean {
    sum: f64,
    count: u64,
}

impl RunningMean {
    /// Takes in the mean `value` of `count` numbers.
    pub fn add(&mut self, value: f64, count: u64) {
        // A batch without examples has no mean, and changes none.
        if count > 0 {
            self.sum += value * count as f64;
            self.count += count;
        }
    }

    /// The mean of all numbers; NaN of none.
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// How many numbers there were.
    pub fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_mean_and_changes_none() {
        let mut mean = RunningMean::default();
        mean.add(f64::NAN, 0);
        assert!(mean.mean().is_nan());
        mean.add(2.0, 1);
        mean.add(f64::NAN, 0);
        assert_eq!((mean.mean(), mean.count()), (2.0, 1));
    }
}
