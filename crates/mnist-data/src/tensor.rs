//! The crate's sets and batches as what Layerwise's training loop takes (feature `tensor`).

use layerwise_tensor::Shape;
use layerwise_tensor::data::{Classified, Dataset, Labels, Source};
use layerwise_tensor::threads::for_each_part;

use crate::{Batch, BatchImages, BatchLabels, ImageSet};

impl Source for BatchImages<'_> {
    fn shape(&self) -> Shape {
        BatchImages::shape(self).into()
    }

    /// [`BatchImages::write_to`] on all threads.
    fn write_to(&self, out: &mut [f32]) {
        self.check(out);
        let places = 0..out.len();
        for_each_part(
            (out, places),
            self.part(),
            #[inline(always)]
            |(out, places)| self.write_part(places.start, out),
        );
    }
}

impl Labels for BatchLabels<'_> {
    fn len(&self) -> usize {
        BatchLabels::len(self)
    }

    fn get(&self, i: usize) -> usize {
        usize::from(BatchLabels::get(self, i))
    }
}

impl Dataset for ImageSet {
    type Batch<'a> = Batch<'a>;

    fn len(&self) -> usize {
        ImageSet::len(self)
    }

    fn batch<'a>(&'a self, rows: &'a [u32]) -> Batch<'a> {
        ImageSet::batch(self, rows)
    }
}

impl Classified for ImageSet {
    fn inputs_and_labels<'b>(batch: &'b Batch<'_>) -> (&'b dyn Source, &'b dyn Labels) {
        (&batch.images, &batch.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array3};

    #[test]
    fn a_large_batch_is_written_in_parts() {
        let images = Array3::from_shape_fn((100, 3, 5), |(i, j, k)| (i + 7 * j + 31 * k) as u8);
        let set = ImageSet::new(images, Array1::zeros(100)).unwrap();
        let rows: Vec<u32> = (0..90).map(|i| i * 37 % 100).collect();
        let batch = Dataset::batch(&set, &rows);
        let (mut ours, mut plain) = (vec![f32::NAN; 90 * 15], vec![f32::NAN; 90 * 15]);
        Source::write_to(&batch.images, &mut ours);
        batch.images.write_to(&mut plain);
        assert_eq!(ours, plain);
        for (image, &row) in plain.chunks(15).zip(&rows) {
            for (at, value) in image.iter().enumerate() {
                assert_eq!((255.0 * value).round() as usize, row as usize + 7 * (at / 5) + 31 * (at % 5));
            }
        }
    }

    #[test]
    fn a_batch_is_a_source_and_its_labels() {
        let images = Array3::from_shape_fn((3, 1, 2), |(i, _, j)| (51 * (i + j)) as u8);
        let set = ImageSet::new(images, Array1::from_vec(vec![4, 5, 6])).unwrap();
        let batch = Dataset::batch(&set, &[2, 0]);
        let (images, labels) = ImageSet::inputs_and_labels(&batch);
        let mut out = [0.0; 4];
        images.write_to(&mut out);
        assert_eq!(images.shape(), Shape::from([2, 2]));
        for (found, expected) in out.iter().zip([0.4, 0.6, 0.0, 0.2]) {
            assert!((found - expected).abs() < 1e-6);
        }
        assert_eq!((Dataset::len(&set), labels.len(), labels.get(0), labels.get(1)), (3, 2, 6, 4));
    }
}
