//! Section 7: an autoencoder and its code.
//!
//! 784 pixels pass through a code of 32 numbers and are given back; principal components do the same with more than twice the error.
//!
//! `cargo run --release --example 07_autoencoder`, about a minute on two cores; an argument sets the number of epochs.
//! With `--full`, the deep autoencoder of Hinton and Salakhutdinov 2006 in its place, with a recipe of today: ten minutes or so.

use layerwise::autoencoders::Scale;
use layerwise::prelude::*;

fn main() -> anyhow::Result<()> {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("--full") {
        return full();
    }
    let epochs = argument.map_or(Ok(10), |n| n.parse())?;
    let mnist = Mnist::embedded();

    let mut params = Params::new();
    let model = Autoencoder::new(&[784, 512, 256, 32])
        .activation(Activation::Relu)
        .loss(Loss::Mse)
        .build(&mut params.root(), &mut Rng::seed(42));

    let mut opt = Adam::new(&params, AdamConfig { lr: 1e-3, ..Default::default() });
    let trainer = Trainer::new(epochs).batch_size(32).seed(42);
    model.fit(&mut params, &mut opt, trainer, &mnist.train)?;

    let error = model.reconstruction_error(&params, &mnist.test)?;
    println!(
        "test error {:.5} per pixel, {:.3} per image",
        error.per_pixel_mse, error.per_image_squared_error
    );
    let expected = if epochs < 10 { 0.025 } else { 0.0085 };
    anyhow::ensure!(error.per_pixel_mse < expected, "{:.5} is not below {expected}", error.per_pixel_mse);

    // What the chapter says: the best linear code of 32 numbers loses more than twice as much.
    let pca = Pca::fit(&mnist.train, 32)?.reconstruction_error(&mnist.test)?;
    println!(
        "32 components {:.5} per pixel, {:.3} per image",
        pca.per_pixel_mse, pca.per_image_squared_error
    );
    if epochs >= 10 {
        assert!(pca.per_pixel_mse > 2.0 * error.per_pixel_mse);
    }
    Ok(())
}

/// 784-1000-500-250-30 and back: 3.00 per test image in the paper, 13.87 with 30 principal components. Batch normalisation does here
/// what layer-by-layer pre-training did there; this reaches 2.71.
fn full() -> anyhow::Result<()> {
    const EPOCHS: usize = 50;
    const BATCH: usize = 256;
    let mnist = Mnist::embedded();
    let mut params = Params::new();
    let model = Autoencoder::new(&[784, 1000, 500, 250, 30])
        .activation(Activation::Silu)
        .init(Init::LecunNormal)
        .batch_norm()
        .output(Activation::Sigmoid)
        .scale(Scale::Sum)
        .build(&mut params.root(), &mut Rng::seed(42));

    let steps = (EPOCHS * mnist.train.len().div_ceil(BATCH)) as u64;
    let warm_up = steps / 20;
    let lr = Schedule::linear(3e-5, 3e-3, warm_up).then(Schedule::cosine(3e-3, 0.0, steps - warm_up));
    let mut opt = Adam::new(&params, AdamConfig::default());
    let trainer = Trainer::new(EPOCHS).batch_size(BATCH).seed(42).lr_schedule(lr).metric(
        "test_squared_error",
        |params| {
            let error = model.reconstruction_error(params, &mnist.test);
            error.map_or(f64::NAN, |error| error.per_image_squared_error)
        },
    );
    let history = model.fit(&mut params, &mut opt, trainer, &mnist.train)?;

    let pca = Pca::fit(&mnist.train, 30)?.reconstruction_error(&mnist.test)?;
    let error = model.reconstruction_error(&params, &mnist.test)?.per_image_squared_error;
    let minutes = history.seconds() / 60.0;
    println!("squared error of a test image {error:.2} after {EPOCHS} epochs, {minutes:.1} minutes");
    println!("30 principal components {:.2}", pca.per_image_squared_error);
    anyhow::ensure!(error < 3.0, "{error:.2} is not below 3.00");
    Ok(())
}
