//! Shapes: how many rows, columns and so on, and which shapes go together.

use std::fmt;

/// The largest number of dimensions a [`Shape`] can have.
pub const MAX_RANK: usize = 6;

/// The extents of a row-major tensor, at most [`MAX_RANK`] of them.
///
/// It is stored in place, so that a training step can make as many shapes as it likes without allocating.
///
/// ```
/// use layerwise_tensor::Shape;
/// let batch = Shape::from([32, 784]);
/// assert_eq!((batch.rank(), batch.len()), (2, 32 * 784));
/// assert_eq!(batch.broadcast(Shape::from([784])), Some(batch));
/// assert_eq!(batch.to_string(), "[32, 784]");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    // Unused places hold zero, so that the derived equality compares what counts.
    extents: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// The shape of a single number: no dimensions, one element.
    pub const SCALAR: Shape = Shape { extents: [0; MAX_RANK], rank: 0 };

    /// The shape with these extents.
    ///
    /// # Panics
    /// If there are more than [`MAX_RANK`] of them.
    #[track_caller]
    #[inline]
    pub fn new(extents: &[usize]) -> Self {
        assert!(
            extents.len() <= MAX_RANK,
            "a shape has at most {MAX_RANK} dimensions, found {}: {extents:?}",
            extents.len()
        );
        let mut shape = Shape { extents: [0; MAX_RANK], rank: extents.len() };
        shape.extents[..extents.len()].copy_from_slice(extents);
        shape
    }

    /// The extents, outermost first.
    #[inline]
    pub fn dims(&self) -> &[usize] {
        &self.extents[..self.rank]
    }

    /// The number of dimensions.
    #[inline]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The number of elements: the product of the extents, 1 for a scalar.
    #[allow(clippy::len_without_is_empty)] // "is it empty" is asked of tensors, not of shapes
    #[inline]
    pub fn len(&self) -> usize {
        self.dims().iter().product()
    }

    /// The extent of the last dimension, 1 for a scalar.
    #[inline]
    pub fn last(&self) -> usize {
        self.dims().last().copied().unwrap_or(1)
    }

    /// The number of rows when all but the last dimension are flattened into one.
    #[inline]
    pub fn rows(&self) -> usize {
        self.dims()[..self.rank.saturating_sub(1)].iter().product()
    }

    /// `(outer, extent, inner)` of a dimension: the products of the extents before it, its own, and of those after it.
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn split_at_axis(&self, axis: usize) -> (usize, usize, usize) {
        self.check_axis(axis);
        let dims = self.dims();
        (dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product())
    }

    #[inline]
    #[track_caller]
    fn check_axis(&self, axis: usize) {
        assert!(
            axis < self.rank,
            "axis {axis} of a tensor of shape {self}, which has {} dimensions",
            self.rank
        );
    }

    /// The shape with the extent of one dimension replaced.
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    #[inline]
    pub fn with_axis(mut self, axis: usize, extent: usize) -> Self {
        self.check_axis(axis);
        self.extents[axis] = extent;
        self
    }

    /// The shape without one dimension.
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn without_axis(self, axis: usize) -> Self {
        self.check_axis(axis);
        let mut kept = Shape { extents: [0; MAX_RANK], rank: self.rank - 1 };
        let dims = self.dims().iter().enumerate().filter(|&(d, _)| d != axis);
        for (place, (_, &extent)) in kept.extents.iter_mut().zip(dims) {
            *place = extent;
        }
        kept
    }

    /// The common shape of two operands under NumPy's rule: aligned at the last dimension, each pair of extents is
    /// equal or one of them is 1. `None` if they do not go together.
    pub fn broadcast(self, other: Shape) -> Option<Shape> {
        let rank = self.rank.max(other.rank);
        let mut common = Shape { extents: [0; MAX_RANK], rank };
        for from_end in 1..=rank {
            common.extents[rank - from_end] =
                match (self.nth_from_end(from_end), other.nth_from_end(from_end)) {
                    (a, b) if a == b => a,
                    (1, b) => b,
                    (a, 1) => a,
                    _ => return None,
                };
        }
        Some(common)
    }

    /// Element strides that read a tensor of this shape as one of shape `target`: 0 wherever it is repeated.
    pub(crate) fn broadcast_strides(self, target: Shape) -> [usize; MAX_RANK] {
        let mut strides = [0; MAX_RANK];
        let mut stride = 1;
        for from_end in 1..=self.rank {
            let extent = self.nth_from_end(from_end);
            if extent != 1 {
                strides[target.rank - from_end] = stride;
            }
            stride *= extent;
        }
        strides
    }

    /// The extent `from_end` places from the end (1 is the last), 1 where there is none.
    fn nth_from_end(&self, from_end: usize) -> usize {
        if from_end <= self.rank { self.extents[self.rank - from_end] } else { 1 }
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    #[track_caller]
    fn from(extents: [usize; N]) -> Self {
        Shape::new(&extents)
    }
}

impl From<&[usize]> for Shape {
    #[track_caller]
    fn from(extents: &[usize]) -> Self {
        Shape::new(extents)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.dims(), f)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.dims(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpys_rule() {
        let of = |a: &[usize], b: &[usize]| Shape::new(a).broadcast(Shape::new(b)).map(|s| s.dims().to_vec());
        assert_eq!(of(&[3, 1], &[1, 4]), Some(vec![3, 4]));
        assert_eq!(of(&[2, 3, 4], &[4]), Some(vec![2, 3, 4]));
        assert_eq!(of(&[], &[5]), Some(vec![5]));
        assert_eq!(of(&[0, 1], &[3]), Some(vec![0, 3]));
        assert_eq!(of(&[3], &[4]), None);
        assert_eq!(of(&[2, 3], &[2]), None);
    }

    #[test]
    fn strides_are_zero_where_a_tensor_is_repeated() {
        let target = Shape::from([2, 3, 4]);
        assert_eq!(Shape::from([3, 1]).broadcast_strides(target)[..3], [0, 1, 0]);
        assert_eq!(Shape::from([2, 1, 4]).broadcast_strides(target)[..3], [4, 0, 1]);
        assert_eq!(Shape::SCALAR.broadcast_strides(target)[..3], [0, 0, 0]);
    }

    #[test]
    fn axes_can_be_split_replaced_and_dropped() {
        let shape = Shape::from([2, 3, 4]);
        assert_eq!(shape.split_at_axis(1), (2, 3, 4));
        assert_eq!(shape.with_axis(2, 7), Shape::from([2, 3, 7]));
        assert_eq!(shape.without_axis(0), Shape::from([3, 4]));
        assert_eq!((shape.rows(), shape.last()), (6, 4));
        assert_eq!((Shape::SCALAR.rows(), Shape::SCALAR.last(), Shape::SCALAR.len()), (1, 1, 1));
    }

    #[test]
    #[should_panic(expected = "axis 2 of a tensor of shape [2, 3], which has 2 dimensions")]
    fn an_axis_that_is_not_there_is_named() {
        Shape::from([2, 3]).split_at_axis(2);
    }

    #[test]
    #[should_panic(expected = "a shape has at most 6 dimensions, found 7: [1, 1, 1, 1, 1, 1, 1]")]
    fn too_many_dimensions_are_refused() {
        Shape::new(&[1; 7]);
    }
}
