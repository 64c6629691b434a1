//! Your own table: a number from numbers and a category.
//!
//! The width of an iris's petals from its other measurements and its species, which becomes an input for each of the three.
//!
//! `cargo run --release --example regression_csv`, well under a second; an argument sets the number of epochs.

use layerwise::data::{CsvConfig, Preprocessing, PreprocessingConfig, Table};
use layerwise::prelude::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/iris.csv");

fn main() -> anyhow::Result<()> {
    let epochs = std::env::args().nth(1).map_or(Ok(100), |n| n.parse())?;
    let (training, validation) = Table::open(FILE, &CsvConfig::default())?.random_split(0.8, 42);
    let config = PreprocessingConfig { targets: vec!["petal_width".into()], ..Default::default() };
    let preprocessing = Preprocessing::fit(&training, &config)?;
    println!("inputs: {}", preprocessing.input_names().join(", "));
    let training = preprocessing.apply(&training)?.into_regression().expect("a width is a number");
    let validation = preprocessing.apply(&validation)?.into_regression().expect("a width is a number");

    let mut params = Params::new();
    let model = Mlp::new(&[preprocessing.inputs(), 16, 1]).build(&mut params.root(), &mut Rng::seed(42));
    let mut opt = Adam::new(&params, AdamConfig { lr: 3e-3, ..Default::default() });
    Trainer::new(epochs).batch_size(16).seed(42).fit(&mut params, &mut opt, &training, |pass, batch| {
        model.forward(pass.input(&batch.inputs)).mse(pass.input(&batch.targets))
    })?;

    // Back from standard deviations to centimetres.
    let scaler = preprocessing.target_scaler().expect("numbers are scaled");
    let mut predicted = {
        let mut tape = Tape::new();
        let pass = tape.eval(&params);
        model.forward(pass.input(validation.inputs())).value()
    };
    let mut expected = validation.targets().clone();
    scaler.invert(&mut predicted);
    scaler.invert(&mut expected);
    let squares = |x: &Tensor| x.as_slice().iter().map(|x| x * x).sum::<f32>();
    let mean = expected.mean();
    let (error, spread) = (squares(&(&predicted - &expected)), squares(&expected.map(|x| x - mean)));
    let r2 = 1.0 - error / spread;
    println!(
        "root mean square error {:.3} cm, R2 {r2:.3}",
        (error / expected.as_slice().len() as f32).sqrt()
    );
    if epochs >= 100 {
        anyhow::ensure!(r2 > 0.9, "{r2:.3} is not above 0.9");
    }
    Ok(())
}
