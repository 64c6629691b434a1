//! Your own table: three species of iris from four measurements.
//!
//! 4-16-3, ReLU, Adam; the table is read from a CSV file, and its scales are fitted on the training part.
//!
//! `cargo run --release --example iris`, well under a second; an argument sets the number of epochs.

use layerwise::data::{CsvConfig, Preprocessing, PreprocessingConfig, Table, Wanted};
use layerwise::prelude::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/iris.csv");

fn main() -> anyhow::Result<()> {
    let epochs = std::env::args().nth(1).map_or(Ok(100), |n| n.parse())?;
    let csv = CsvConfig::default();
    let table = Table::open(FILE, &csv)?;
    let (training, validation) = table.stratified_split("species", 0.8, 42)?;

    // What is fitted is fitted on the training part alone, and is data that is saved with the model.
    let config = PreprocessingConfig { targets: vec!["species".into()], ..Default::default() };
    let preprocessing = Preprocessing::fit(&training, &config)?;
    let classes = preprocessing.class_names();
    let training = preprocessing.apply(&training)?.into_classified().expect("species are classes");
    let validation = preprocessing.apply(&validation)?.into_classified().expect("species are classes");

    let mut params = Params::new();
    let model = Mlp::new(&[preprocessing.inputs(), 16, preprocessing.outputs()])
        .build(&mut params.root(), &mut Rng::seed(42));
    let mut opt = Adam::new(&params, AdamConfig { lr: 1e-2, ..Default::default() });
    Trainer::new(epochs)
        .batch_size(16)
        .seed(42)
        .metric("validation_accuracy", |params| accuracy(&model, params, &validation))
        .fit(&mut params, &mut opt, &training, |pass, batch| {
            model.forward(pass.input(&batch.inputs)).cross_entropy(&batch.labels)
        })?;
    let accuracy = accuracy(&model, &params, &validation);
    println!("validation accuracy {:.1} %", 100.0 * accuracy);

    // Flowers nobody has named: another order of the columns, and no species.
    let new = "petal_width,petal_length,sepal_width,sepal_length\n0.2,1.4,3.4,5.0\n2.3,5.9,3.2,6.8\n";
    let mut reader = preprocessing.reader_of(new.as_bytes(), "new flowers", &csv, Wanted::Inputs)?;
    while let Some(rows) = reader.next_rows(1000)? {
        let inputs = preprocessing.apply_to_inputs(&rows)?.inputs;
        let mut tape = Tape::new();
        let pass = tape.eval(&params);
        let logits = model.forward(pass.input(&inputs)).value();
        for row in logits.softmax().as_slice().chunks(classes.len()) {
            let (class, probability) =
                classes.iter().zip(row).max_by(|a, b| a.1.total_cmp(b.1)).expect("three classes");
            println!("{class} ({:.1} %)", 100.0 * probability);
        }
    }

    if epochs >= 100 {
        anyhow::ensure!(accuracy > 0.9, "{accuracy:.3} is not above 0.9");
    }
    Ok(())
}
