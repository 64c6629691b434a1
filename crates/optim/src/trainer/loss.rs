use layerwise_autograd::{Pass, Var};
use layerwise_tensor::data::Dataset;

/// What a run makes smaller: a number that a pass computes from a batch of `D`.
pub(super) trait Loss<D: Dataset>: for<'p> Fn(&'p Pass<'p>, &D::Batch<'_>) -> Var<'p> {}

impl<D: Dataset, F: for<'p> Fn(&'p Pass<'p>, &D::Batch<'_>) -> Var<'p>> Loss<D> for F {}
