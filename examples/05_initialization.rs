//! Section 5: a deep network learns or stands still by its initial weights.
//!
//! Section 4's network with He's initial weights; then thirty hidden layers with He's, Xavier's and LeCun's.
//!
//! `cargo run --release --example 05_initialization`, about half a minute on two cores; an argument sets the number of epochs.

use layerwise::prelude::*;

fn main() -> anyhow::Result<()> {
    let epochs = std::env::args().nth(1).map_or(Ok(10), |n| n.parse())?;
    let mnist = Mnist::embedded();

    let mut params = Params::new();
    let model = Mlp::new(&[784, 512, 256, 10])
        .activation(Activation::Relu)
        .batch_norm()
        .dropout(0.5)
        .init(Init::HeUniform)
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
    let expected = if epochs < 10 { 0.92 } else { 0.968 };
    anyhow::ensure!(test.accuracy > expected, "{:.4} is not above {expected}", test.accuracy);

    // What the chapter says: He's weights keep the variance through thirty layers of ReLU and let them learn, Xavier's and LeCun's lose half
    // of it in each.
    let found = layerwise::initialization::deep_networks(mnist, 42, epochs)?;
    println!("\nvariance of the activations");
    for network in &found {
        let variances = network.activation_variance.iter().step_by(5).map(|v| format!("{v:8.1e}"));
        println!("{:14} {}", format!("{:?}", network.init), variances.collect::<Vec<_>>().join(" "));
    }
    let [he, xavier, lecun] = &found[..] else { anyhow::bail!("three kinds of weights were compared") };
    // The factor from one layer to the next.
    let [kept_by_he, kept_by_xavier, kept_by_lecun] = [he, xavier, lecun].map(|network| {
        let variances = &network.activation_variance;
        (variances[variances.len() - 1] / variances[0]).powf(1.0 / (variances.len() - 1) as f64)
    });
    assert!(kept_by_he > 0.8, "{kept_by_he}");
    assert!(
        [kept_by_xavier, kept_by_lecun].iter().all(|kept| (0.4..0.6).contains(kept)),
        "{kept_by_xavier} {kept_by_lecun}"
    );
    println!(
        "test accuracy after each epoch\nHe     {:?}\nXavier {:?}",
        he.test_accuracy, xavier.test_accuracy
    );
    if epochs >= 10 {
        assert!(he.test_accuracy[epochs - 1] > 0.93 && xavier.test_accuracy[epochs - 1] < 0.3);
    }
    Ok(())
}
