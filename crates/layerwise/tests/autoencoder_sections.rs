//! What the sections on autoencoders give back.

use layerwise::course::{Findings, Options};
use layerwise::prelude::*;
use layerwise::recipe::Outcome;
use layerwise::{autoencoder, denoising_autoencoder};

fn few() -> Mnist {
    Mnist { train: Mnist::embedded().train.take(600), test: Mnist::embedded().test.take(100) }
}

const OPTIONS: Options = Options { epochs: Some(1), seed: 3, progress: Progress::Silent };

#[test]
fn images_are_there_to_be_drawn_but_not_in_the_data() {
    let outcome = autoencoder::run(&few(), &OPTIONS).unwrap();
    let text = serde_json::to_string(&outcome).unwrap();
    assert!(text.len() < 2000, "{text}");
    let read: Outcome = serde_json::from_str(&text).unwrap();
    let Some(Findings::Codes(read)) = read.findings else { panic!("{text}") };
    assert!(read.images.is_none() && read.plane.plane.is_none());
    let Some(Findings::Codes(codes)) = outcome.findings else { panic!("section 7 has codes") };
    assert_eq!(read.linear.components, codes.linear.components);
    let (images, plane) = (codes.images.unwrap(), codes.plane.plane.unwrap());
    assert_eq!(images.originals.shape().dims(), [10, 784]);
    assert_eq!(images.walks.shape().dims(), [3 * autoencoder::WALK, 784]);
    assert_eq!(plane.codes.shape().dims(), [100, 2]);
}

#[test]
fn walks_lead_from_one_reconstruction_to_another() {
    let outcome = autoencoder::run(&few(), &OPTIONS).unwrap();
    let Some(Findings::Codes(codes)) = outcome.findings else { panic!("section 7 has codes") };
    let images = codes.images.unwrap();
    let image = |images: &Tensor, i: usize| images.as_slice()[i * 784..][..784].to_vec();
    let distance =
        |a: Vec<f32>, b: Vec<f32>| a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // The first walk is from the zero to the one.
    for (place, digit) in [(0, 0), (autoencoder::WALK - 1, 1)] {
        let found = distance(image(&images.walks, place), image(&images.autoencoder, digit));
        assert!(found < 1e-5, "{found}");
    }
}

#[test]
fn noise_is_measured_for_every_kind() {
    let outcome = denoising_autoencoder::run(&few(), &OPTIONS).unwrap();
    let Some(Findings::Restoration(found)) = outcome.findings else { panic!("section 9 restores") };
    assert_eq!(found.kinds.len(), 3);
    // Half of the pixels are gone, and with them about half of the mean square; normal noise adds its variance.
    let clean = few().test.to_f32();
    let mean_square = f64::from(clean.iter().map(|x| x * x).sum::<f32>()) / clean.len() as f64;
    assert!((found.kinds[0].spoilt_mse / mean_square - 0.5).abs() < 0.03, "{found:?}");
    assert!((found.kinds[1].spoilt_mse - 0.25).abs() < 0.01, "{found:?}");
}
