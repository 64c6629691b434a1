//! Section 2: dropout keeps a network from learning its images by heart.
//!
//! Section 1's network with dropout 0.5 after each hidden activation; then both networks on 1 000 images only.
//!
//! `cargo run --release --example 02_dropout`, about twenty seconds on two cores; an argument sets the number of epochs.

use layerwise::prelude::*;

fn main() -> anyhow::Result<()> {
    let epochs = std::env::args().nth(1).map_or(Ok(10), |n| n.parse())?;
    let mnist = Mnist::embedded();

    let mut params = Params::new();
    let model = Mlp::new(&[784, 512, 256, 10])
        .activation(Activation::Sigmoid)
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
    let expected = match epochs {
        0..=1 => 0.09, // one digit for nearly every image
        2..=9 => 0.12,
        _ => 0.85,
    };
    anyhow::ensure!(test.accuracy > expected, "{:.4} is not above {expected}", test.accuracy);
    // What the chapter says: on all images, where there is no over-fitting to cure, it costs accuracy.
    assert!(epochs > 10 || test.accuracy < 0.89, "{:.4} is as good as without dropout", test.accuracy);

    // What the chapter says: without dropout the test loss rises while the training loss goes to zero; with dropout it rises from a lower point.
    let found = layerwise::dropout::over_fitting(mnist, 42, 100)?;
    println!("\n1 000 images   without dropout               with dropout");
    println!("epoch    training loss  test loss    training loss  test loss");
    for (a, b) in found.without.iter().zip(&found.with) {
        let [a_train, a_test, b_train, b_test] = [a.train_loss, a.test_loss, b.train_loss, b.test_loss];
        println!("{:5}    {a_train:13.4}  {a_test:9.4}    {b_train:13.4}  {b_test:9.4}", a.epoch);
    }
    let [lowest, lowest_with] = [&found.without, &found.with]
        .map(|fits| fits.iter().map(|fit| fit.test_loss).fold(f64::INFINITY, f64::min));
    let [without, with] = [found.without, found.with].map(|fits| fits[fits.len() - 1]);
    assert!(without.train_loss < 0.01 && without.test_loss > 1.2 * lowest);
    assert!(with.test_loss > 1.2 * lowest_with && lowest_with < 0.9 * lowest);
    assert!(with.test_loss < 0.9 * without.test_loss && with.test_accuracy > without.test_accuracy + 0.02);
    Ok(())
}
