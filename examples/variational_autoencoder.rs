//! A variational autoencoder: new digits, drawn from a normal distribution.
//!
//! The two parts of its loss on the test images after each epoch, then images of codes from the prior, and of codes along two
//! numbers of the code.
//!
//! `cargo run --release --example variational_autoencoder`, about half a minute on two cores; an argument sets the number of epochs.
//! With `--features plot` it also writes what it draws to `variational_autoencoder.png`.

use layerwise::autoencoder::terms;
use layerwise::prelude::*;

fn main() -> anyhow::Result<()> {
    let epochs = std::env::args().nth(1).map_or(Ok(8), |n| n.parse())?;
    let mnist = Mnist::embedded();

    let mut params = Params::new();
    let vae = Vae::new(&[784, 400, 20]).build(&mut params.root(), &mut Rng::seed(42));
    let mut opt = Adam::new(&params, AdamConfig { lr: 1e-3, ..Default::default() });
    let trainer = Trainer::new(epochs)
        .batch_size(128)
        .seed(42)
        .metric("reconstruction", |params| terms(&vae, params, &mnist.test, 42)[0])
        .metric("divergence", |params| terms(&vae, params, &mnist.test, 42)[1]);
    let history = vae.fit(&mut params, &mut opt, trainer, &mnist.train)?;

    // The evidence lower bound of a test image, in nats, grows from epoch to epoch.
    let bounds = history.epochs.iter().map(|at| -at.metrics["reconstruction"] - at.metrics["divergence"]);
    let bounds: Vec<f64> = bounds.collect();
    println!("evidence lower bound {bounds:.1?}");
    assert!(bounds.is_sorted(), "it falls: {bounds:?}");
    let expected = if epochs < 8 { -150.0 } else { -112.0 };
    anyhow::ensure!(bounds[epochs - 1] > expected, "{:.1} is not above {expected}", bounds[epochs - 1]);

    let drawn = vae.sample(&params, 40, 7);
    let codes = vae.encode_all(&params, &mnist.test.take(1))?;
    let values: Vec<f32> = (-5..5).map(|i| 0.3 + 0.6 * i as f32).collect();
    let walks = [0, 1].map(|unit| vae.latent_walk(&params, codes.as_slice(), unit, &values));
    draw(&drawn, &walks)
}

#[cfg(feature = "plot")]
fn draw(drawn: &Tensor, walks: &[Tensor]) -> anyhow::Result<()> {
    use layerwise::plot::{ImageGrid, Picture};
    let mut grid = ImageGrid::new("A variational autoencoder", 28, 28).row("drawn", drawn.as_slice());
    for (unit, walk) in walks.iter().enumerate() {
        grid = grid.row(format!("number {unit} of a code"), walk.as_slice());
    }
    Ok(grid.save("variational_autoencoder.png")?)
}

#[cfg(not(feature = "plot"))]
fn draw(drawn: &Tensor, walks: &[Tensor]) -> anyhow::Result<()> {
    let share = |image: &[f32]| image.iter().sum::<f32>() / 784.0;
    let shares: Vec<f32> = drawn.as_slice().chunks(784).map(share).collect();
    println!("{} images drawn, share of ink {shares:.2?}; {} walks", shares.len(), walks.len());
    Ok(())
}
