//! Section 9: an autoencoder that gives back clean images for spoilt ones.
//!
//! Half of the pixels of every training image are set to 0, the target is the whole image. Beside it a plain autoencoder of the same
//! architecture, and both on spoilt test images.
//!
//! `cargo run --release --example 09_denoising_autoencoder`, about twenty seconds on two cores; an argument sets the number of
//! epochs.

use layerwise::prelude::*;

fn main() -> anyhow::Result<()> {
    let epochs = std::env::args().nth(1).map_or(Ok(5), |n| n.parse())?;
    let mnist = Mnist::embedded();

    let mut params = Params::new();
    let model = Autoencoder::new(&[784, 500])
        .code(Activation::Relu)
        .tied()
        .loss(Loss::Mse)
        .corruption(Corruption::masking(0.5))
        .build(&mut params.root(), &mut Rng::seed(42));

    let mut opt = Adam::new(&params, AdamConfig { lr: 1e-3, ..Default::default() });
    let trainer = Trainer::new(epochs).batch_size(128).seed(42);
    model.fit(&mut params, &mut opt, trainer, &mnist.train)?;

    // What the chapter says: on spoilt test images it has at most half of the error of the same network trained without noise.
    let mut plain_params = Params::new();
    let plain = Autoencoder::new(&[784, 500])
        .code(Activation::Relu)
        .tied()
        .loss(Loss::Mse)
        .build(&mut plain_params.root(), &mut Rng::seed(42));
    let mut opt = Adam::new(&plain_params, AdamConfig { lr: 1e-3, ..Default::default() });
    let trainer = Trainer::new(epochs).batch_size(128).seed(42);
    plain.fit(&mut plain_params, &mut opt, trainer, &mnist.train)?;

    let clean = Tensor::from(mnist.test.to_f32());
    let spoilt = Corruption::masking(0.5).apply(&clean, 7).values;
    let mse = |images: &Tensor| {
        let differences = images.as_slice().iter().zip(clean.as_slice()).map(|(a, b)| f64::from(a - b));
        differences.map(|d| d * d).sum::<f64>() / clean.as_slice().len() as f64
    };
    let by_plain = mse(&plain.reconstruct_all(&plain_params, &spoilt)?);
    let by_denoising = mse(&model.reconstruct_all(&params, &spoilt)?);
    let by_nothing = mse(&spoilt);
    println!("mean squared error of a pixel against the clean test images");
    println!("spoilt {by_nothing:.5}, plain {by_plain:.5}, denoising {by_denoising:.5}");
    assert!(by_denoising < 0.5 * by_plain && by_plain < by_nothing);
    Ok(())
}
