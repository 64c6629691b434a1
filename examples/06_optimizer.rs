//! Section 6: eight update rules on one network.
//!
//! Section 5's network trained by Adam; then SGD, Momentum, NAG, Adagrad, RMSProp, Adadelta, Adam and RAdam from the same weights and
//! with the same batches.
//!
//! `cargo run --release --example 06_optimizer`, about forty seconds on two cores; an argument sets the number of epochs.

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

    let mut opt = Adam::new(&params, AdamConfig { lr: 0.01, ..Default::default() });
    Trainer::new(epochs)
        .batch_size(32)
        .seed(42)
        .metric("test_accuracy", |params| accuracy(&model, params, &mnist.test))
        .fit(&mut params, &mut opt, &mnist.train, |pass, batch| {
            model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels)
        })?;

    let test = evaluate(&model, &params, &mnist.test);
    println!("test accuracy {:.2} %, test loss {:.4}", 100.0 * test.accuracy, test.loss);
    let expected = if epochs < 10 { 0.95 } else { 0.974 };
    anyhow::ensure!(test.accuracy > expected, "{:.4} is not above {expected}", test.accuracy);

    // What the chapter says: with the same batches, the rules that adapt their steps are ahead of plain descent.
    let found = layerwise::optimizer::race(mnist, 42, 1)?;
    println!("\nafter one epoch  test accuracy  test loss");
    for run in &found {
        println!("{:15}  {:11.2} %  {:9.4}", run.name, 100.0 * run.test_accuracy, run.test_loss);
    }
    let [sgd, others @ ..] = &found[..] else { anyhow::bail!("eight rules were compared") };
    assert_eq!(others.len(), 7);
    assert!(others.iter().filter(|run| run.test_loss < sgd.test_loss).count() >= 6);
    Ok(())
}
