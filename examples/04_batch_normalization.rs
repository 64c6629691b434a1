//! Section 4: batch normalisation makes a network learn faster.
//!
//! Section 3's network with batch normalisation in front of each activation; then the experiment of Ioffe and Szegedy (2015): three
//! hidden layers of 100 sigmoid units, with and without.
//!
//! `cargo run --release --example 04_batch_normalization`, about forty seconds on two cores; an argument sets the number of
//! epochs, and shortens the experiment in proportion.

use layerwise::prelude::*;

fn main() -> anyhow::Result<()> {
    let epochs = std::env::args().nth(1).map_or(Ok(10), |n| n.parse())?;
    let mnist = Mnist::embedded();

    let mut params = Params::new();
    let model = Mlp::new(&[784, 512, 256, 10])
        .activation(Activation::Relu)
        .batch_norm()
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
    let expected = if epochs < 10 { 0.94 } else { 0.975 };
    anyhow::ensure!(test.accuracy > expected, "{:.4} is not above {expected}", test.accuracy);

    // What the chapter says: with normalisation the network learns faster, and the spread of what enters its sigmoids grows less.
    let steps = 5_000 * epochs as u64;
    let found = layerwise::batch_normalization::covariate_shift(mnist, 42, steps)?;
    println!("\n            without                                   with batch normalisation");
    println!("  step    accuracy   15/50/85 percentile    accuracy   15/50/85 percentile");
    for (a, b) in found.without.points.iter().zip(&found.with.points).step_by(10) {
        let [p, q] = [a, b].map(|at| at.percentiles.map(|p| format!("{p:6.2}")).join(" "));
        println!("{:6}    {:8.4}   {p}    {:8.4}   {q}", a.step, a.test_accuracy, b.test_accuracy);
    }
    let best_until = |points: &[layerwise::batch_normalization::ShiftPoint], step| {
        points.iter().filter(|at| at.step <= step).map(|at| at.test_accuracy).fold(0.0, f64::max)
    };
    let [without, with] = [&found.without, &found.with].map(|trace| best_until(&trace.points, 1000));
    assert!(with > without + 0.02, "{with} {without}");
    assert!(best_until(&found.with.points, 2000) > 0.95);
    assert!(found.with.growth < 0.75 * found.without.growth);
    Ok(())
}
