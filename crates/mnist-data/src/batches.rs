//! Mini-batches that borrow their set: nothing is copied until the images are written to where they are needed.

use std::iter::FusedIterator;
use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array1, Array2};

use crate::{ImageSet, rng};

impl ImageSet {
    /// Iterates over the set in batches of `size` images, in order; the last batch may be smaller.
    ///
    /// ```
    /// # use layerwise_mnist_data::Mnist;
    /// let train = &Mnist::embedded().train;
    /// let mut buffer = vec![0.0; 32 * train.features()];
    /// for batch in train.batches(32).shuffled(7).take(100) {
    ///     batch.images.write_to(&mut buffer); // [32, 784], from 0 to 1
    ///     let first_digit = batch.labels.get(0);
    ///     assert!(first_digit < 10);
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    #[track_caller]
    pub fn batches(&self, size: usize) -> Batches<'_> {
        assert!(size > 0, "ImageSet::batches: a batch of size 0; use at least 1");
        Batches { set: self, size, order: None, next: 0, end: self.len() }
    }

    /// The batch of the images at `rows`, for a loop that keeps an order of its own.
    ///
    /// # Panics
    ///
    /// If a row is not below [`len`](Self::len).
    #[track_caller]
    pub fn batch<'a>(&'a self, rows: &'a [u32]) -> Batch<'a> {
        if let Some(row) = rows.iter().find(|&&row| row as usize >= self.len()) {
            panic!("ImageSet::batch: row {row}, but the set has {} images", self.len());
        }
        Batch::new(self, Rows::Given(rows))
    }
}

/// The iterator of [`ImageSet::batches`].
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    set: &'a ImageSet,
    size: usize,
    /// `None`: as they stand in the set.
    order: Option<Arc<[u32]>>,
    next: usize,
    end: usize,
}

impl Batches<'_> {
    /// Visits the images in an order that depends on `seed` and the set's length alone, now and in later releases.
    ///
    /// Allocates the order once; the batches share it. Use another seed in each epoch.
    #[must_use]
    pub fn shuffled(mut self, seed: u64) -> Self {
        // `ImageSet::new` has seen to it that the length fits.
        let mut order: Arc<[u32]> = (0..self.set.len() as u32).collect();
        rng::shuffle(&mut rng::stream(seed), Arc::make_mut(&mut order));
        self.order = Some(order);
        self
    }

    /// Leaves out the last batch if it is smaller than the others.
    #[must_use]
    pub fn drop_last(mut self) -> Self {
        self.end -= (self.end - self.next) % self.size;
        self
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Batch<'a>;

    fn next(&mut self) -> Option<Batch<'a>> {
        if self.next == self.end {
            return None;
        }
        let range = self.next..self.end.min(self.next.saturating_add(self.size));
        self.next = range.end;
        let rows = match &self.order {
            Some(order) => Rows::Shared { order: Arc::clone(order), range },
            None => Rows::Run(range),
        };
        Some(Batch::new(self.set, rows))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.end - self.next).div_ceil(self.size);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches<'_> {}
impl FusedIterator for Batches<'_> {}

/// Some images of a set and their labels.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Batch<'a> {
    /// The images.
    pub images: BatchImages<'a>,
    /// Their labels, in the same order.
    pub labels: BatchLabels<'a>,
}

impl<'a> Batch<'a> {
    fn new(set: &'a ImageSet, rows: Rows<'a>) -> Self {
        Self { images: BatchImages { set, rows: rows.clone() }, labels: BatchLabels { set, rows } }
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The images' places in the set.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        let rows = &self.labels.rows;
        (0..rows.len()).map(|i| rows.get(i) as u32)
    }
}

/// The images of a batch, still bytes in their set.
#[derive(Clone, Debug)]
pub struct BatchImages<'a> {
    set: &'a ImageSet,
    rows: Rows<'a>,
}

impl BatchImages<'_> {
    /// The number of images.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pixels per image.
    pub fn features(&self) -> usize {
        self.set.features()
    }

    /// `[batch, features]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.len(), self.features()]
    }

    /// Writes the images to `out` as a row-major matrix [`shape`](Self::shape), from 0 to 1, then normalised if the
    /// set is. Allocates nothing.
    ///
    /// # Panics
    ///
    /// If `out` is not exactly `batch * features` long.
    #[track_caller]
    pub fn write_to(&self, out: &mut [f32]) {
        self.check(out);
        let part = self.part();
        for (i, part_of_out) in out.chunks_mut(part).enumerate() {
            self.write_part(i * part, part_of_out);
        }
    }

    /// # Panics
    /// If `out` does not have as many values as the images.
    #[track_caller]
    pub(crate) fn check(&self, out: &[f32]) {
        let [batch, features] = self.shape();
        assert!(
            out.len() == batch * features,
            "BatchImages::write_to: [{batch}, {features}] needs {} values, the buffer has {}",
            batch * features,
            out.len()
        );
    }

    /// Values that are written together.
    pub(crate) fn part(&self) -> usize {
        // Images without pixels have no values, but chunks of none are not allowed.
        (GROUP * self.set.features()).max(1)
    }

    /// Writes the values from place `at` on; whole images, no more than a part of them.
    #[inline(always)]
    pub(crate) fn write_part(&self, at: usize, out: &mut [f32]) {
        let (features, pixels, scale) = (self.set.features(), self.set.pixels(), self.set.scale());
        match &self.rows {
            // Images without pixels.
            _ if out.is_empty() => {}
            Rows::Run(run) => scale.write(&pixels[run.start * features + at..][..out.len()], out),
            rows => {
                let source = |i| &pixels[rows.get(i) * features..][..features];
                let (first, images) = (at / features, out.len() / features);
                touch((first..first + images).map(source));
                for (i, image) in out.chunks_exact_mut(features).enumerate() {
                    scale.write(source(first + i), image);
                }
            }
        }
    }

    /// The images as a new matrix `[batch, features]`.
    pub fn to_array(&self) -> Array2<f32> {
        let mut matrix = Array2::zeros(self.shape());
        if let Some(out) = matrix.as_slice_mut() {
            self.write_to(out);
        }
        matrix
    }
}

/// Images fetched from memory together; see [`touch`].
const GROUP: usize = 16;

/// Reads one byte of each cache line. Shuffled images lie anywhere in the set, and these loads wait for memory side by
/// side where the conversion would wait for one after the other: 80 instead of 200 microseconds for 512 images of 784
/// pixels. No image is empty.
fn touch<'a>(images: impl Iterator<Item = &'a [u8]>) {
    const LINE: usize = 64;
    let mut sum = 0;
    for image in images {
        sum = image.chunks(LINE).fold(sum, |sum, line| sum ^ line[0]);
        sum ^= image[image.len() - 1];
    }
    // Nobody needs the sum, which the compiler must not find out.
    std::hint::black_box(sum);
}

/// The labels of a batch.
#[derive(Clone, Debug)]
pub struct BatchLabels<'a> {
    set: &'a ImageSet,
    rows: Rows<'a>,
}

impl BatchLabels<'_> {
    /// The number of labels.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The label of the batch's image `i`.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`len`](Self::len).
    #[track_caller]
    pub fn get(&self, i: usize) -> u8 {
        assert!(i < self.len(), "BatchLabels::get: label {i} of a batch of {}", self.len());
        self.set.labels()[self.rows.get(i)]
    }

    /// The labels in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u8> + '_ {
        let labels = self.set.labels();
        (0..self.len()).map(move |i| labels[self.rows.get(i)])
    }

    /// The labels as a new vector.
    pub fn to_vec(&self) -> Vec<u8> {
        self.iter().collect()
    }

    /// The labels as a new array `[batch]`.
    pub fn to_array(&self) -> Array1<u8> {
        self.iter().collect()
    }
}

/// Which images a batch has; all of them are known to be in the set. A clone allocates nothing.
#[derive(Clone, Debug)]
enum Rows<'a> {
    Given(&'a [u32]),
    Run(Range<usize>),
    Shared { order: Arc<[u32]>, range: Range<usize> },
}

impl Rows<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Given(rows) => rows.len(),
            Self::Run(range) | Self::Shared { range, .. } => range.len(),
        }
    }

    fn get(&self, i: usize) -> usize {
        match self {
            Self::Given(rows) => rows[i] as usize,
            Self::Run(range) => range.start + i,
            Self::Shared { order, range } => order[range.start + i] as usize,
        }
    }
}
