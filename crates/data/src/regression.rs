//! Examples whose target is numbers.

use layerwise_tensor::Tensor;
use layerwise_tensor::data::{Dataset, Rows, Source, Unlabelled};

/// Inputs `[examples, features]` with targets `[examples, targets]`, held in memory.
///
/// ```
/// use layerwise_data::RegressionDataset;
/// use layerwise_tensor::Tensor;
/// use layerwise_tensor::data::{Dataset, Source};
///
/// let data = RegressionDataset::new(Tensor::zeros([5, 3]), Tensor::zeros([5, 1]));
/// let batch = data.batch(&[4, 0]);
/// assert_eq!((batch.inputs.shape().dims(), batch.targets.shape().dims()), (&[2, 3][..], &[2, 1][..]));
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct RegressionDataset {
    inputs: Tensor,
    targets: Tensor,
}

/// Some examples of a [`RegressionDataset`].
#[derive(Clone, Copy, Debug)]
pub struct RegressionBatch<'a> {
    /// `[batch, features]`
    pub inputs: Rows<'a>,
    /// `[batch, targets]`
    pub targets: Rows<'a>,
}

impl RegressionDataset {
    /// The rows of `inputs` with a row of `targets` each.
    ///
    /// # Panics
    /// If there are not as many targets as inputs.
    #[track_caller]
    pub fn new(inputs: Tensor, targets: Tensor) -> Self {
        let (examples, found) = (Dataset::len(&inputs), Dataset::len(&targets));
        assert!(examples == found, "a data set of {examples} examples with {found} targets");
        RegressionDataset { inputs, targets }
    }

    /// `[examples, features]`
    pub fn inputs(&self) -> &Tensor {
        &self.inputs
    }

    /// `[examples, targets]`
    pub fn targets(&self) -> &Tensor {
        &self.targets
    }
}

impl Dataset for RegressionDataset {
    type Batch<'a> = RegressionBatch<'a>;

    fn len(&self) -> usize {
        Dataset::len(&self.inputs)
    }

    fn batch<'a>(&'a self, rows: &'a [u32]) -> RegressionBatch<'a> {
        RegressionBatch { inputs: Rows::new(&self.inputs, rows), targets: Rows::new(&self.targets, rows) }
    }
}

impl Unlabelled for RegressionDataset {
    fn inputs<'b>(batch: &'b RegressionBatch<'_>) -> &'b dyn Source {
        &batch.inputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a data set of 2 examples with 3 targets")]
    fn every_example_has_a_target() {
        RegressionDataset::new(Tensor::zeros([2, 2]), Tensor::zeros([3, 1]));
    }
}
