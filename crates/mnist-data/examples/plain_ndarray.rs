//! MNIST with nothing but ndarray: a digit belongs to the class whose mean image is nearest.
//!
//! `cargo run --release -p layerwise-mnist-data --example plain_ndarray`

use layerwise_mnist_data::{ImageSet, Mnist};
use ndarray::{Array1, Array2, Axis};

fn main() {
    let mnist = Mnist::embedded();
    let means = class_means(&mnist.train);
    let accuracy = accuracy(&means, &mnist.test);
    println!("nearest class mean: {:.2} % of {} test images", 100.0 * accuracy, mnist.test.len());
    assert!((accuracy - 0.8203).abs() < 0.0005, "expected 82.03 %");
}

/// The mean image of each class, `[classes, features]`.
fn class_means(set: &ImageSet) -> Array2<f32> {
    let mut sums = Array2::zeros((set.classes(), set.features()));
    for batch in set.batches(500) {
        for (image, label) in batch.images.to_array().rows().into_iter().zip(batch.labels.iter()) {
            let mut sum = sums.row_mut(usize::from(label));
            sum += &image;
        }
    }
    let counts: Array1<f32> = set.class_counts().into_iter().map(|count| count as f32).collect();
    sums / counts.insert_axis(Axis(1))
}

/// The share of the images whose nearest mean is that of their class.
fn accuracy(means: &Array2<f32>, set: &ImageSet) -> f64 {
    // |x - m|^2 = |x|^2 - 2 x m + |m|^2, and |x|^2 is the same for every class.
    let squares = means.map_axis(Axis(1), |mean| mean.dot(&mean));
    let mut correct = 0;
    for batch in set.batches(500) {
        let distances = &squares - 2.0 * batch.images.to_array().dot(&means.t()); // [batch, classes]
        let nearest = distances.rows().into_iter().map(|row| {
            (0..row.len()).min_by(|&a, &b| row[a].total_cmp(&row[b])).expect("there are ten classes")
        });
        correct +=
            nearest.zip(batch.labels.iter()).filter(|&(class, label)| class == usize::from(label)).count();
    }
    correct as f64 / set.len() as f64
}
