//! Section 3: ReLU lets the gradient through.
//!
//! Section 2's network with ReLU in place of the sigmoid; then the gradient of networks of growing depth, with both.
//!
//! `cargo run --release --example 03_activation`, about fifteen seconds on two cores; an argument sets the number of epochs.

use layerwise::prelude::*;

fn main() -> anyhow::Result<()> {
    let epochs = std::env::args().nth(1).map_or(Ok(10), |n| n.parse())?;
    let mnist = Mnist::embedded();

    let mut params = Params::new();
    let model = Mlp::new(&[784, 512, 256, 10])
        .activation(Activation::Relu)
        .dropout(0.5)
        .build(&mut params.root(), &mut Rng::seed(42));

    let mut opt = Sgd::new(&params, SgdConfig { lr: 0.01, momentum: 0.5, ..Default::default() });
    Trainer::new(epochs)
        .batch_size(32)
        .seed(42)
        .metric("test_accuracy", |params| accuracy(&model, params, &mnist.test))
        .fit(&mut params, &mut opt, &mnist.train, |pass, batch| {
            model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels)
        })?;

    let test = evaluate(&model, &params, &mnist.test);
    println!("test accuracy {:.2} %, test loss {:.4}", 100.0 * test.accuracy, test.loss);
    let expected = if epochs < 10 { 0.88 } else { 0.968 };
    anyhow::ensure!(test.accuracy > expected, "{:.4} is not above {expected}", test.accuracy);

    // What the chapter says: the sigmoid's gradient fades by a constant factor per layer, ReLU's does not.
    let found = layerwise::activation::vanishing_gradient(mnist, 42);
    let [sigmoid, relu] = &found.networks[..] else { anyhow::bail!("two networks were compared") };
    println!("\ngradient of the first layer over that of the last\nhidden layers      sigmoid         ReLU");
    for ((depth, sigmoid), (_, relu)) in sigmoid.ratios.iter().zip(&relu.ratios) {
        println!("{depth:13}   {sigmoid:10.2e}   {relu:10.2e}");
    }
    let at =
        |ratios: &[(usize, f64)], depth| ratios.iter().find(|at| at.0 == depth).map_or(f64::NAN, |at| at.1);
    let per_layer = (at(&sigmoid.ratios, 3) / at(&sigmoid.ratios, 20)).powf(1.0 / 17.0);
    assert!((3.5..5.0).contains(&per_layer), "sigmoids cost a factor of {per_layer} per layer");
    let spread = |of: fn(f64, f64) -> f64, start| relu.ratios.iter().map(|at| at.1).fold(start, of);
    assert!(spread(f64::max, 0.0) < 10.0 * spread(f64::min, f64::INFINITY));
    Ok(())
}
