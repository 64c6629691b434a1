//! Gradients of weights that wait to be computed.

use std::ops::Range;

use layerwise_tensor::{Buffer, Mat, matmul_has_parts};

use crate::ParamId;
use crate::graph::{Graph, NodeId};

/// The gradient of a linear layer's weight before it is computed: `dz^T x`. Both factors stay in the tape until the next pass.
///
/// A step takes it some rows at a time and uses each up while it is in the cache. Written as a whole and read again, it would go through memory, and with small
/// batches that is what a step waits for.
pub(super) struct Product {
    pub weight: ParamId,
    /// Its place in the gradients of the parameters.
    pub range: Range<usize>,
    /// The node whose gradient is `dz`.
    pub dz: NodeId,
    /// The node with the value `x`.
    pub x: NodeId,
    /// The rows of both.
    pub examples: usize,
}

/// The least number of elements that may wait. Smaller ones stay in the cache anyway.
const MIN: usize = 1 << 15;

impl Product {
    pub fn may_wait(dz: Mat<'_>, x: Mat<'_>) -> bool {
        dz.cols() * x.cols() >= MIN && matmul_has_parts(dz.t(), x)
    }

    /// `dz` and `x`.
    pub fn factors<'a>(&self, gradients: &'a [Buffer], graph: &'a Graph) -> (Mat<'a>, Mat<'a>) {
        let rows = |data: &'a [f32]| Mat::new(data, self.examples, data.len() / self.examples);
        (rows(&gradients[self.dz.index()]), rows(graph.own_value(self.x)))
    }
}
