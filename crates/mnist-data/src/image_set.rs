//! Labelled images.

use std::sync::Arc;

use ndarray::{ArcArray, Array1, Array2, Array3, ArrayView1, ArrayView3, Axis, Ix1, Ix3};

use crate::DataError;

/// Mean of MNIST's training pixels on the scale 0 to 1, as commonly rounded; [`ImageSet::mean_std`] computes it.
pub const MNIST_MEAN: f64 = 0.1307;
/// Standard deviation of MNIST's training pixels on the scale 0 to 1, as commonly rounded.
pub const MNIST_STD: f64 = 0.3081;

/// Labelled greyscale images: one byte per pixel, one byte per label.
///
/// The images are kept as bytes and become `f32` where they are used, batch by batch. A clone shares them, so
/// [`normalised`](Self::normalised) costs nothing and the same pixels serve several sets.
///
/// ```
/// use layerwise_mnist_data::{ImageSet, Mnist};
///
/// let train: &ImageSet = &Mnist::embedded().train;
/// assert_eq!((train.len(), train.image_shape(), train.classes()), (60_000, [28, 28], 10));
/// assert_eq!(train.labels()[0], 5);
/// ```
#[derive(Clone, Debug)]
pub struct ImageSet {
    /// Always in standard layout, so that an image is a run of bytes.
    images: ArcArray<u8, Ix3>,
    labels: ArcArray<u8, Ix1>,
    classes: usize,
    class_names: Arc<[String]>,
    scale: Scale,
}

impl ImageSet {
    /// A set of `images` `[n, rows, cols]` and their `labels` `[n]`.
    ///
    /// The classes are `0..=` the highest label; [`with_class_names`](Self::with_class_names) says otherwise.
    ///
    /// # Errors
    ///
    /// [`DataError::CountMismatch`] if the counts differ, [`DataError::TooManyImages`] above 2^32 - 1 images.
    pub fn new(images: Array3<u8>, labels: Array1<u8>) -> Result<Self, DataError> {
        let (n, m) = (images.len_of(Axis(0)), labels.len());
        if n != m {
            let context = "ImageSet::new".to_owned();
            return Err(DataError::CountMismatch { context, images: n, labels: m });
        }
        if u32::try_from(n).is_err() {
            return Err(DataError::TooManyImages { found: n });
        }
        let images =
            if images.is_standard_layout() { images } else { images.as_standard_layout().into_owned() };
        let classes = labels.iter().max().map_or(0, |&highest| usize::from(highest) + 1);
        Ok(Self {
            images: images.into_shared(),
            labels: labels.into_shared(),
            classes,
            class_names: Arc::new([]),
            scale: Scale::UNIT,
        })
    }

    /// The same set with its classes named, in the order of the labels; their number becomes [`classes`](Self::classes).
    ///
    /// # Errors
    ///
    /// [`DataError::LabelOutOfRange`] for a label without a name.
    pub fn with_class_names<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, DataError> {
        let names: Arc<[String]> = names.into_iter().map(Into::into).collect();
        if let Some(index) = self.labels.iter().position(|&label| usize::from(label) >= names.len()) {
            return Err(DataError::LabelOutOfRange {
                context: "ImageSet::with_class_names".to_owned(),
                index,
                label: self.labels[index].into(),
                first: 0,
                end: names.len() as i64,
            });
        }
        self.classes = names.len();
        self.class_names = names;
        Ok(self)
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The images as bytes, `[n, rows, cols]`, 0 to 255.
    pub fn images(&self) -> ArrayView3<'_, u8> {
        self.images.view()
    }

    /// The labels, `[n]`, each below [`classes`](Self::classes).
    pub fn labels(&self) -> ArrayView1<'_, u8> {
        self.labels.view()
    }

    /// The number of classes, with or without an image.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The classes' names in the order of the labels; empty if the set has none.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// `[rows, cols]` of every image.
    pub fn image_shape(&self) -> [usize; 2] {
        let (_, rows, cols) = self.images.dim();
        [rows, cols]
    }

    /// Pixels per image: `rows * cols`.
    pub fn features(&self) -> usize {
        let [rows, cols] = self.image_shape();
        rows * cols
    }

    /// How many images each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    /// All images as one matrix `[n, rows * cols]`, from 0 to 1, then normalised if the set is.
    ///
    /// Four bytes per pixel: 188 MB for MNIST's training images. A training loop needs only [`batches`](Self::batches).
    pub fn to_f32(&self) -> Array2<f32> {
        let mut matrix = Array2::zeros((self.len(), self.features()));
        if let Some(out) = matrix.as_slice_mut() {
            self.scale.write(self.pixels(), out);
        }
        matrix
    }

    /// A set of the same images whose values come out as `(x - mean) / std`, with `x` from 0 to 1.
    ///
    /// It replaces an earlier normalisation and travels into subsets, splits and batches. [`MNIST_MEAN`] and
    /// [`MNIST_STD`] are the usual pair for MNIST; take both from the training set for other data.
    ///
    /// # Panics
    ///
    /// If `mean` is not finite, or `std` not finite and positive.
    #[track_caller]
    pub fn normalised(&self, mean: f64, std: f64) -> Self {
        assert!(
            mean.is_finite() && std.is_finite() && std > 0.0,
            "ImageSet::normalised: mean {mean}, std {std}; both must be finite and std positive"
        );
        Self { scale: Scale::normalising(mean, std), ..self.clone() }
    }

    /// Mean and standard deviation (biased: divided by n) of all pixels on the scale 0 to 1, before any normalisation.
    ///
    /// Computed in `f64` from exact integer sums. Both are NaN for a set without pixels.
    pub fn mean_std(&self) -> (f64, f64) {
        let mut histogram = [0_u64; 256];
        for &pixel in self.pixels() {
            histogram[usize::from(pixel)] += 1;
        }
        let n = self.pixels().len() as f64;
        let moment = |f: &dyn Fn(f64) -> f64| -> f64 {
            histogram
                .iter()
                .enumerate()
                .map(|(value, &count)| count as f64 * f(value as f64 / 255.0))
                .sum::<f64>()
                / n
        };
        let mean = moment(&|x| x);
        // Around the mean: the difference of two large sums would lose digits.
        (mean, moment(&|x| (x - mean).powi(2)).sqrt())
    }

    /// The set of the images at `indices`, in that order; an index may repeat.
    ///
    /// # Panics
    ///
    /// If an index is not below [`len`](Self::len).
    #[track_caller]
    pub fn subset(&self, indices: &[usize]) -> Self {
        if let Some(&index) = indices.iter().find(|&&index| index >= self.len()) {
            panic!("ImageSet::subset: index {index}, but the set has {} images", self.len());
        }
        Self {
            images: self.images.select(Axis(0), indices).into_shared(),
            labels: self.labels.select(Axis(0), indices).into_shared(),
            ..self.clone()
        }
    }

    /// The first `n` images, or all of them if there are fewer.
    pub fn take(&self, n: usize) -> Self {
        let indices: Vec<usize> = (0..n.min(self.len())).collect();
        self.subset(&indices)
    }

    /// The pixels of all images, one after the other.
    pub(crate) fn pixels(&self) -> &[u8] {
        self.images.as_slice().expect("`new` and `subset` leave the images in standard layout")
    }

    pub(crate) fn scale(&self) -> Scale {
        self.scale
    }
}

/// From a byte to the `f32` the network sees: one multiplication and one addition.
///
/// It vectorises: 0.1 ns per pixel where a division takes 0.15 and a table of the 256 values 0.24. The price is the last
/// bit, which differs from the quotient's for about half of the 256 values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    factor: f32,
    shift: f32,
}

impl Scale {
    const UNIT: Self = Self { factor: (1.0 / 255.0) as f32, shift: 0.0 };

    fn normalising(mean: f64, std: f64) -> Self {
        Self { factor: (1.0 / (255.0 * std)) as f32, shift: (-mean / std) as f32 }
    }

    /// `out[i] = pixels[i]`, scaled; the lengths are equal.
    #[inline(always)]
    pub(crate) fn write(self, pixels: &[u8], out: &mut [f32]) {
        debug_assert_eq!(pixels.len(), out.len());
        for (value, &pixel) in out.iter_mut().zip(pixels) {
            *value = f32::from(pixel) * self.factor + self.shift;
        }
    }
}
