//! Section 1: a multi-layer perceptron learns to read digits.
//!
//! 784-512-256-10, sigmoid, cross-entropy, SGD with learning rate 0.01 and momentum 0.5, batches of 32.
//!
//! `cargo run --release --example 01_mlp`, about ten seconds on two cores; an argument sets the number of epochs.

use layerwise::prelude::*;

fn main() -> anyhow::Result<()> {
    let epochs = std::env::args().nth(1).map_or(Ok(10), |n| n.parse())?;
    let mnist = Mnist::embedded(); // the real 60 000 + 10 000 images, no download

    let mut params = Params::new();
    let model = Mlp::new(&[784, 512, 256, 10])
        .activation(Activation::Sigmoid)
        .build(&mut params.root(), &mut Rng::seed(42));
    println!("{params}");

    let mut opt = Sgd::new(&params, SgdConfig { lr: 0.01, momentum: 0.5, ..Default::default() });
    let history = Trainer::new(epochs)
        .batch_size(32)
        .seed(42)
        .metric("test_accuracy", |params| accuracy(&model, params, &mnist.test))
        .fit(&mut params, &mut opt, &mnist.train, |pass, batch| {
            model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels)
        })?;

    let test = evaluate(&model, &params, &mnist.test);
    println!("test accuracy {:.2} %, test loss {:.4}", 100.0 * test.accuracy, test.loss);

    // What the chapter says: slow at first, because the gradient has to pass two sigmoids, and 90 % after ten epochs.
    assert!(history.epochs[0].metrics["test_accuracy"] < 0.4, "it has learned fast");
    assert_eq!(history.last("test_accuracy"), Some(test.accuracy));
    assert!(
        history.epochs.windows(2).all(|pair| pair[1].loss < pair[0].loss),
        "it has not finished learning"
    );
    let expected = match epochs {
        0..=1 => 0.1,
        2 => 0.4,
        3..=9 => 0.65,
        _ => 0.89,
    };
    anyhow::ensure!(test.accuracy > expected, "{:.4} is not above {expected}", test.accuracy);
    Ok(())
}
