//! `layerwise predict`: what a network says about new data.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use layerwise::data::{CsvConfig, Preprocessing, Scaler, Wanted};
use layerwise::prelude::*;
use serde_json::json;

use crate::args::ThreadArgs;
use crate::data::{Kind, encode, image, inputs, mismatch};
use crate::model::{Description, Input, forward, load_network};

/// Rows that are in memory at a time.
const ROWS: usize = 4096;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// A model that `layerwise train` has made
    model: PathBuf,
    /// A CSV file with the model's columns in any order ("-" for the standard input), arrays (.npy, .npz), or images; a digit may be drawn
    /// on any paper, in any size: it is brought to the form of MNIST's
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// A column for the probability of each class
    #[arg(long)]
    probabilities: bool,
    /// A JSON object on each line instead of CSV
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: ThreadArgs,
}

pub fn run(args: &Args) -> anyhow::Result<u8> {
    let (description, model, params) = load_network(&args.model, "predict")?;
    args.threads.run(|| {
        let mut sink = Sink::new(args, &description);
        for path in &args.data {
            match (&description.input, Kind::of(path)) {
                (Input::Table { preprocessing, csv }, Kind::Table) => {
                    rows(path, preprocessing, csv, &mut |inputs| {
                        sink.write(None, &forward(&params, inputs, |x| model.forward(x)))
                    })?;
                }
                (Input::Images { size, is_mnist, .. }, Kind::Image) => {
                    let input = image(path, *size, *is_mnist)?;
                    sink.write(Some(path), &forward(&params, &input, |x| model.forward(x)))?;
                }
                (Input::Array { .. }, Kind::Array) => {
                    let inputs = inputs(&description.input, path)?;
                    sink.write(None, &forward(&params, &inputs, |x| model.forward(x)))?;
                }
                (Input::Images { .. }, Kind::Array | Kind::Mnist) => {
                    let inputs = inputs(&description.input, path)?;
                    sink.write(Some(path), &forward(&params, &inputs, |x| model.forward(x)))?;
                }
                (input, kind) => return Err(mismatch(input, kind, path)),
            }
        }
        sink.flush()
    })?;
    Ok(0)
}

fn rows(
    path: &Path,
    preprocessing: &Preprocessing,
    csv: &CsvConfig,
    write: &mut dyn FnMut(&Tensor) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut reader = if path == Path::new("-") {
        preprocessing.reader_of(std::io::stdin(), "the standard input", csv, Wanted::Inputs)?
    } else {
        preprocessing.reader(path, csv, Wanted::Inputs)?
    };
    while let Some(table) = reader.next_rows(ROWS)? {
        write(&encode(preprocessing, &table, false)?.inputs)?;
    }
    Ok(())
}

/// Where predictions go.
struct Sink<'a> {
    out: csv::Writer<Box<dyn Write>>,
    class_names: &'a [String],
    targets: Vec<String>,
    scaler: Option<Scaler>,
    args: &'a Args,
    has_header: bool,
}

impl<'a> Sink<'a> {
    fn new(args: &'a Args, description: &'a Description) -> Self {
        let out: Box<dyn Write> = Box::new(std::io::BufWriter::new(stdout()));
        Sink {
            out: csv::Writer::from_writer(out),
            class_names: description.input.class_names(),
            targets: description.input.target_names(),
            scaler: description.input.target_scaler(),
            args,
            has_header: args.json,
        }
    }

    /// A line for each row of outputs.
    fn write(&mut self, path: Option<&Path>, outputs: &Tensor) -> anyhow::Result<()> {
        let file = path.map(|path| path.display().to_string());
        if !self.has_header {
            self.has_header = true;
            let mut header: Vec<String> = file.iter().map(|_| "file".to_owned()).collect();
            header.extend(self.targets.iter().cloned());
            if self.scaler.is_none() {
                header.push("probability".into());
            }
            if self.args.probabilities {
                header.extend(self.class_names.iter().cloned());
            }
            self.out.write_record(&header)?;
        }
        let width = outputs.shape().last();
        let values = match &self.scaler {
            Some(scaler) => {
                let mut values = outputs.clone();
                scaler.invert(&mut values);
                values
            }
            None => outputs.clone().softmax(),
        };
        for row in values.as_slice().chunks(width) {
            match self.args.json {
                true => self.json(file.as_deref(), row)?,
                false => self.line(file.as_deref(), row)?,
            }
        }
        Ok(())
    }

    fn line(&mut self, file: Option<&str>, row: &[f32]) -> anyhow::Result<()> {
        let mut fields: Vec<String> = file.iter().map(|&file| file.to_owned()).collect();
        if self.scaler.is_some() {
            fields.extend(row.iter().map(ToString::to_string));
        } else {
            let (class, probability) = best(row);
            fields.extend([self.class_names[class].clone(), format!("{probability:.4}")]);
            if self.args.probabilities {
                fields.extend(row.iter().map(|p| format!("{p:.4}")));
            }
        }
        Ok(self.out.write_record(&fields)?)
    }

    fn json(&mut self, file: Option<&str>, row: &[f32]) -> anyhow::Result<()> {
        let mut value = json!({});
        if let Some(file) = file {
            value["file"] = json!(file);
        }
        if self.scaler.is_some() {
            self.targets.iter().zip(row).for_each(|(name, x)| value[name] = json!(x));
        } else {
            let (class, probability) = best(row);
            value[&self.targets[0]] = json!(self.class_names[class]);
            value["probability"] = json!(probability);
            if self.args.probabilities {
                value["probabilities"] =
                    self.class_names.iter().cloned().zip(row.iter().map(|&p| json!(p))).collect();
            }
        }
        writeln!(stdout(), "{value}")?;
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        Ok(self.out.flush()?)
    }
}

/// The largest of a row, the first of several.
fn best(row: &[f32]) -> (usize, f32) {
    row.iter().copied().enumerate().rev().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, f32::NAN))
}
