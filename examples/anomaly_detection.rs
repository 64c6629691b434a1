//! An autoencoder that has seen nine digits tells the tenth by its reconstruction error.
//!
//! Ten networks, each without one digit. The score of an image is its squared error over its squared length: a one has few bright pixels,
//! and little that could go wrong. The threshold is the score that 95 of 100 images of known digits stay below, none of which was
//! trained on. Codes of four numbers leave no room for digits that are not known; still, a nine is a four and a seven to them, and a
//! two is much easier to tell than that. The mean area is 0.81.
//!
//! `cargo run --release --example anomaly_detection`, about a minute on two cores.

use layerwise::autoencoders::ReconstructionError;
use layerwise::prelude::*;

fn main() -> anyhow::Result<()> {
    let mnist = Mnist::embedded();
    println!("unknown digit   AUROC   found   false alarms");
    let mut sum = 0.0;
    for unknown in 0..10 {
        let known = without(&mnist.train, unknown);
        let (train, validation) = known.stratified_split(0.9, 42);
        let mut params = Params::new();
        let model = Autoencoder::new(&[784, 256, 4])
            .loss(Loss::BceWithLogits)
            .build(&mut params.root(), &mut Rng::seed(42));
        let mut opt = Adam::new(&params, AdamConfig { lr: 2e-3, ..Default::default() });
        let trainer = Trainer::new(4).batch_size(128).seed(42).progress(Progress::Silent);
        model.fit(&mut params, &mut opt, trainer, &train)?;

        let scores = |images: &ImageSet| -> anyhow::Result<Vec<f64>> {
            Ok(relative(images, model.reconstruction_error(&params, images)?))
        };
        let detector = AnomalyDetector::from_scores(&scores(&validation)?, 0.95);
        let scores = scores(&mnist.test)?;
        let is_unknown: Vec<bool> = mnist.test.labels().iter().map(|&label| label == unknown).collect();
        let area = auroc(&scores, &is_unknown).expect("both kinds are among the test images");
        let alarms = |of: bool| {
            let of: Vec<_> = scores.iter().zip(&is_unknown).filter(|(_, unknown)| **unknown == of).collect();
            of.iter().filter(|(score, _)| detector.is_anomaly(**score)).count() as f64 / of.len() as f64
        };
        println!("{unknown:13} {area:7.3} {:5.1} % {:12.1} %", 100.0 * alarms(true), 100.0 * alarms(false));
        sum += area;
    }
    let mean = sum / 10.0;
    println!("mean          {mean:7.3}");
    anyhow::ensure!(mean > 0.78, "{mean:.3} is not above 0.78");
    Ok(())
}

/// The images of all other digits.
fn without(images: &ImageSet, digit: u8) -> ImageSet {
    let labels = images.labels();
    images.subset(&(0..images.len()).filter(|&i| labels[i] != digit).collect::<Vec<_>>())
}

/// `||z - x||^2 / ||x||^2` of every image.
fn relative(images: &ImageSet, error: ReconstructionError) -> Vec<f64> {
    let pixels = images.to_f32();
    let lengths = pixels.outer_iter().map(|image| image.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>());
    error.per_example.iter().zip(lengths).map(|(error, length)| error / length.max(1.0)).collect()
}
