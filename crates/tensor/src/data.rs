//! What a training loop has to know about data, so that a data set needs to know nothing about training.

use ndarray::{ArrayBase, ArrayView2, Ix2};

use crate::{Shape, Stream, Tensor, threads};

/// Something that can be written into a row-major buffer of `f32`: what a pass takes as its input.
pub trait Source {
    /// The shape of what is written, for a batch `[batch, features]`.
    fn shape(&self) -> Shape;

    /// Writes all elements. `out` has `shape().len()` elements with unspecified contents.
    fn write_to(&self, out: &mut [f32]);
}

impl Source for Tensor {
    fn shape(&self) -> Shape {
        Tensor::shape(self)
    }

    fn write_to(&self, out: &mut [f32]) {
        out.copy_from_slice(self.as_slice());
    }
}

impl<S, D> Source for ArrayBase<S, D>
where
    S: ndarray::Data<Elem = f32>,
    D: ndarray::Dimension,
{
    fn shape(&self) -> Shape {
        Shape::new(ArrayBase::shape(self))
    }

    fn write_to(&self, out: &mut [f32]) {
        out.iter_mut().zip(self).for_each(|(out, &x)| *out = x);
    }
}

/// The classes of a batch of examples, as indices from 0 on.
pub trait Labels {
    /// The number of examples.
    fn len(&self) -> usize;

    /// The class of example `i`, which is below `len()`.
    fn get(&self, i: usize) -> usize;

    /// Whether there is no example.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Integers of any type; a negative one counts as an index that is out of range.
impl<T: Copy> Labels for [T]
where
    usize: TryFrom<T>,
{
    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    fn get(&self, i: usize) -> usize {
        usize::try_from(self[i]).unwrap_or(usize::MAX)
    }
}

impl<T: Copy> Labels for Vec<T>
where
    usize: TryFrom<T>,
{
    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    fn get(&self, i: usize) -> usize {
        Labels::get(self.as_slice(), i)
    }
}

impl<T: Copy, const N: usize> Labels for [T; N]
where
    usize: TryFrom<T>,
{
    fn len(&self) -> usize {
        N
    }

    fn get(&self, i: usize) -> usize {
        Labels::get(self.as_slice(), i)
    }
}

/// A set of examples that can be taken in any order.
///
/// `Batch` is whatever the training closure is given: images and labels, rows of a table and their targets, or rows alone.
pub trait Dataset {
    /// Some examples. It borrows what it needs, so that making one allocates nothing.
    type Batch<'a>
    where
        Self: 'a;

    /// The number of examples.
    fn len(&self) -> usize;

    /// The examples `rows`, in that order; each is below `len()`.
    fn batch<'a>(&'a self, rows: &'a [u32]) -> Self::Batch<'a>;

    /// Whether there is no example.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The examples `0..examples` in two parts, each in ascending order: those that are left, and `share` of them, drawn by `seed`. The second has
/// `share * examples` of them, rounded; where the share is neither 0 nor 1, at least one, as long as one is left for the first.
///
/// ```
/// let (rest, drawn) = layerwise_tensor::data::split_rows(10, 0.3, 42);
/// assert_eq!((rest.len(), drawn.len()), (7, 3));
/// ```
///
/// # Panics
/// If `share` is not from 0 to 1, or there are more than 2^32 - 1 examples.
#[track_caller]
pub fn split_rows(examples: usize, share: f64, seed: u64) -> (Vec<u32>, Vec<u32>) {
    assert!((0.0..=1.0).contains(&share), "the share of a split must be from 0 to 1, found {share}");
    // A stream that nothing else with this seed reads: initial values take streams from 0 on.
    let mut drawn = Stream { seed, stream: u64::MAX }.permutation(examples);
    let count = (examples as f64 * share).round() as usize;
    let count =
        if share == 0.0 || share == 1.0 { count } else { count.max(1).min(examples.saturating_sub(1)) };
    let mut rest = drawn.split_off(count);
    drawn.sort_unstable();
    rest.sort_unstable();
    (rest, drawn)
}

/// A data set whose examples have a class.
pub trait Classified: Dataset {
    /// The inputs of a batch, and the class of each of its examples.
    fn inputs_and_labels<'b>(batch: &'b Self::Batch<'_>) -> (&'b dyn Source, &'b dyn Labels);
}

/// A data set whose examples are an input each, and perhaps something more: what a model that needs no labels is trained on.
///
/// Every [`Classified`] data set is one, and so are a [`Tensor`] and a matrix of `ndarray`.
pub trait Unlabelled: Dataset {
    /// The inputs of a batch.
    fn inputs<'b>(batch: &'b Self::Batch<'_>) -> &'b dyn Source;
}

impl<D: Classified> Unlabelled for D {
    fn inputs<'b>(batch: &'b Self::Batch<'_>) -> &'b dyn Source {
        D::inputs_and_labels(batch).0
    }
}

/// Rows of a tensor, in any order: a batch of a data set that is held as a [`Tensor`].
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    tensor: &'a Tensor,
    rows: &'a [u32],
}

impl<'a> Rows<'a> {
    /// The rows `rows` (indices into the first dimension) of `tensor`.
    ///
    /// # Panics
    /// If `tensor` is a scalar.
    #[track_caller]
    pub fn new(tensor: &'a Tensor, rows: &'a [u32]) -> Self {
        assert!(tensor.shape().rank() > 0, "rows of a tensor of shape {}, which has none", tensor.shape());
        Rows { tensor, rows }
    }
}

impl Source for Rows<'_> {
    fn shape(&self) -> Shape {
        self.tensor.shape().with_axis(0, self.rows.len())
    }

    fn write_to(&self, out: &mut [f32]) {
        let (_, _, features) = self.tensor.shape().split_at_axis(0);
        let features = features.max(1);
        // Whole rows, as many as are worth a thread.
        let part = (4 * threads::PART).next_multiple_of(features);
        threads::for_each_part((0..out.len(), out), part, |(elements, out)| {
            let rows = &self.rows[elements.start / features..];
            for (out, &row) in out.chunks_exact_mut(features).zip(rows) {
                out.copy_from_slice(&self.tensor.as_slice()[row as usize * features..][..features]);
            }
        });
    }
}

/// Some of the labels of a data set, in any order.
#[derive(Clone, Copy, Debug)]
pub struct LabelRows<'a> {
    labels: &'a [u32],
    rows: &'a [u32],
}

impl Labels for LabelRows<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn get(&self, i: usize) -> usize {
        self.labels[self.rows[i] as usize] as usize
    }
}

/// Examples without targets: the rows of a tensor.
impl Dataset for Tensor {
    type Batch<'a> = Rows<'a>;

    fn len(&self) -> usize {
        self.shape().dims().first().copied().unwrap_or(0)
    }

    fn batch<'a>(&'a self, rows: &'a [u32]) -> Rows<'a> {
        Rows::new(self, rows)
    }
}

impl Unlabelled for Tensor {
    fn inputs<'b>(batch: &'b Rows<'_>) -> &'b dyn Source {
        batch
    }
}

/// Rows of a matrix of `ndarray`, in any order.
#[derive(Clone, Copy, Debug)]
pub struct ArrayRows<'a> {
    array: ArrayView2<'a, f32>,
    rows: &'a [u32],
}

impl Source for ArrayRows<'_> {
    fn shape(&self) -> Shape {
        Shape::from([self.rows.len(), self.array.ncols()])
    }

    fn write_to(&self, out: &mut [f32]) {
        for (out, &row) in out.chunks_exact_mut(self.array.ncols().max(1)).zip(self.rows) {
            out.iter_mut().zip(self.array.row(row as usize)).for_each(|(out, &x)| *out = x);
        }
    }
}

/// Examples without targets: the rows of a matrix, in any layout.
impl<S: ndarray::Data<Elem = f32>> Dataset for ArrayBase<S, Ix2> {
    type Batch<'a>
        = ArrayRows<'a>
    where
        Self: 'a;

    fn len(&self) -> usize {
        self.nrows()
    }

    fn batch<'a>(&'a self, rows: &'a [u32]) -> ArrayRows<'a> {
        ArrayRows { array: self.view(), rows }
    }
}

impl<S: ndarray::Data<Elem = f32>> Unlabelled for ArrayBase<S, Ix2> {
    fn inputs<'b>(batch: &'b ArrayRows<'_>) -> &'b dyn Source {
        batch
    }
}

/// A table of examples `[examples, features]` with a class each, held in memory.
#[derive(Clone, Debug)]
pub struct TensorDataset {
    inputs: Tensor,
    labels: Vec<u32>,
}

/// Some examples of a [`TensorDataset`].
#[derive(Clone, Copy, Debug)]
pub struct TensorBatch<'a> {
    /// `[batch, features]`
    pub inputs: Rows<'a>,
    /// `[batch]`
    pub labels: LabelRows<'a>,
}

impl TensorDataset {
    /// The rows of `inputs` with a label each.
    ///
    /// # Panics
    /// If there are not as many labels as rows.
    #[track_caller]
    pub fn new(inputs: Tensor, labels: Vec<u32>) -> Self {
        let rows = Dataset::len(&inputs);
        assert!(rows == labels.len(), "a data set of {rows} examples with {} labels", labels.len());
        TensorDataset { inputs, labels }
    }
}

impl Dataset for TensorDataset {
    type Batch<'a> = TensorBatch<'a>;

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn batch<'a>(&'a self, rows: &'a [u32]) -> TensorBatch<'a> {
        TensorBatch {
            inputs: Rows::new(&self.inputs, rows),
            labels: LabelRows { labels: &self.labels, rows },
        }
    }
}

impl Classified for TensorDataset {
    fn inputs_and_labels<'b>(batch: &'b TensorBatch<'_>) -> (&'b dyn Source, &'b dyn Labels) {
        (&batch.inputs, &batch.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gathers_rows_in_their_order() {
        let inputs = Tensor::new([3, 2], vec![0.0, 1.0, 10.0, 11.0, 20.0, 21.0]);
        let data = TensorDataset::new(inputs, vec![7, 8, 9]);
        let batch = data.batch(&[2, 0]);
        let mut out = [0.0; 4];
        batch.inputs.write_to(&mut out);
        assert_eq!((batch.inputs.shape(), out), (Shape::from([2, 2]), [20.0, 21.0, 0.0, 1.0]));
        assert_eq!((batch.labels.len(), batch.labels.get(0), batch.labels.get(1)), (2, 9, 7));
    }

    #[test]
    fn many_rows_are_gathered_alike_on_any_number_of_threads() {
        let inputs = Tensor::from_fn([500, 300], |i| i as f32);
        let rows: Vec<u32> = (0..490).map(|i| i * 37 % 500).collect();
        let gathered = |threads| {
            let mut out = vec![f32::NAN; 490 * 300];
            threads::run_on(threads, || inputs.batch(&rows).write_to(&mut out));
            out
        };
        let one = gathered(1);
        assert!(one.iter().enumerate().all(|(i, &x)| x == (rows[i / 300] * 300) as f32 + (i % 300) as f32));
        assert!((2..=4).all(|threads| gathered(threads) == one));
    }

    #[test]
    fn an_array_in_any_layout_is_a_source() {
        let array = ndarray::array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let mut out = [0.0; 6];
        array.t().write_to(&mut out);
        assert_eq!((Source::shape(&array.t()), out), (Shape::from([3, 2]), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    }

    #[test]
    fn inputs_are_found_in_every_kind_of_data() {
        fn inputs<D: Unlabelled>(data: &D) -> (Shape, Vec<f32>) {
            let batch = data.batch(&[1, 0]);
            let inputs = D::inputs(&batch);
            let mut out = vec![f32::NAN; inputs.shape().len()];
            inputs.write_to(&mut out);
            (inputs.shape(), out)
        }
        let expected = (Shape::from([2, 3]), vec![4.0, 5.0, 6.0, 1.0, 2.0, 3.0]);
        let array = ndarray::array![[1.0_f32, 4.0], [2.0, 5.0], [3.0, 6.0]].reversed_axes();
        assert_eq!(inputs(&array), expected);
        assert_eq!(inputs(&array.view()), expected);
        let tensor = Tensor::from(array);
        assert_eq!(inputs(&tensor), expected);
        assert_eq!(inputs(&TensorDataset::new(tensor, vec![0, 1])), expected);
    }

    #[test]
    fn a_split_has_every_example_once_and_follows_the_seed() {
        for (examples, share, count) in [
            (10, 0.3, 3),
            (10, 0.01, 1),
            (10, 0.999, 9),
            (10, 0.0, 0),
            (10, 1.0, 10),
            (2, 0.5, 1),
            (1, 0.5, 0),
            (0, 0.5, 0),
        ] {
            let (rest, drawn) = split_rows(examples, share, 1);
            assert_eq!(drawn.len(), count, "{share} of {examples}");
            assert!(rest.is_sorted() && drawn.is_sorted());
            let mut all = [rest, drawn].concat();
            all.sort_unstable();
            assert_eq!(all, (0..examples as u32).collect::<Vec<_>>());
        }
        assert_eq!(split_rows(100, 0.3, 1), split_rows(100, 0.3, 1));
        assert_ne!(split_rows(100, 0.3, 1), split_rows(100, 0.3, 2));
    }

    #[test]
    #[should_panic(expected = "the share of a split must be from 0 to 1, found 1.5")]
    fn a_share_is_a_part() {
        split_rows(10, 1.5, 0);
    }

    #[test]
    #[should_panic(expected = "a data set of 2 examples with 3 labels")]
    fn every_example_has_a_label() {
        TensorDataset::new(Tensor::zeros([2, 2]), vec![0; 3]);
    }
}
