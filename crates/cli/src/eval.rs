//! `layerwise eval`: how well a network does on data with targets.

use std::io::{Write, stdout};
use std::path::PathBuf;

use layerwise::data::{RegressionDataset, Scaler, Targets};
use layerwise::prelude::*;
use serde_json::json;

use crate::Usage;
use crate::args::ThreadArgs;
use crate::data::examples;
use crate::model::{Description, Input, forward, load_network};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// A model that `layerwise train` has made
    model: PathBuf,
    /// What it is to be tried on, with its targets: a CSV file, arrays (.npz, or .npy with --target), a folder of images, or the word mnist
    /// (its test images)
    data: PathBuf,
    /// The targets of arrays: a file (.npy), or their name in an archive [default: the name in training]
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Prints one JSON object instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: ThreadArgs,
}

pub fn run(args: &Args) -> anyhow::Result<u8> {
    let (description, model, params) = load_network(&args.model, "eval")?;
    let (examples, found) = args.threads.run(|| measure(args, &description, &model, &params))?;
    if args.json {
        let mut value = json!({ "examples": examples });
        found.iter().for_each(|(name, x)| value[name] = json!(x));
        writeln!(stdout(), "{value}")?;
    } else {
        writeln!(stdout(), "{:10} {examples}", "examples")?;
        for (name, x) in found {
            writeln!(stdout(), "{name:10} {x:.4}")?;
        }
    }
    Ok(0)
}

type Found = Vec<(&'static str, f64)>;

fn measure(
    args: &Args,
    description: &Description,
    model: &Sequential,
    params: &Params,
) -> anyhow::Result<(usize, Found)> {
    let Description { input, .. } = description;
    if args.target.is_some() && !matches!(input, Input::Array { .. }) {
        return Err(Usage("--target names the targets of arrays; this model knows its own".into()).into());
    }
    let examples = examples(input, &args.data, args.target.as_deref())?;
    let count = Dataset::len(&examples.inputs);
    let found = match (examples.targets, input.target_scaler()) {
        (Targets::Classes(labels), _) => classes(model, params, &TensorDataset::new(examples.inputs, labels)),
        (Targets::Numbers(targets), Some(scaler)) => {
            let data = RegressionDataset::new(examples.inputs, targets);
            Errors::measure(model, params, &data, &scaler).named().to_vec()
        }
        _ => anyhow::bail!("the model has no target"),
    };
    Ok((count, found))
}

fn classes(model: &Sequential, params: &Params, data: &TensorDataset) -> Found {
    let Evaluation { accuracy, loss } = evaluate(model, params, data);
    vec![("accuracy", accuracy), ("loss", loss)]
}

/// The errors of predicted numbers, in the units of the table, over all targets.
pub struct Errors {
    /// The root of the mean squared error.
    pub rmse: f64,
    /// The mean absolute error.
    pub mae: f64,
    /// 1 minus the squared error divided by that of the targets' means; the mean over the targets.
    pub r2: f64,
}

impl Errors {
    pub fn measure(model: &Sequential, params: &Params, data: &RegressionDataset, scaler: &Scaler) -> Self {
        let mut found = forward(params, data.inputs(), |x| model.forward(x));
        let mut expected = data.targets().clone();
        scaler.invert(&mut found);
        scaler.invert(&mut expected);
        let width = scaler.width();
        let (mut squares, mut absolute, mut r2) = (0.0, 0.0, 0.0);
        for target in 0..width {
            let column = |tensor: &Tensor| -> Vec<f64> {
                tensor.as_slice().iter().skip(target).step_by(width).map(|&x| f64::from(x)).collect()
            };
            let (found, expected) = (column(&found), column(&expected));
            let mean = expected.iter().sum::<f64>() / expected.len() as f64;
            let spread: f64 = expected.iter().map(|y| (y - mean).powi(2)).sum();
            let error: f64 = found.iter().zip(&expected).map(|(x, y)| (x - y).powi(2)).sum();
            squares += error;
            absolute += found.iter().zip(&expected).map(|(x, y)| (x - y).abs()).sum::<f64>();
            r2 += (1.0 - error / spread) / width as f64;
        }
        let count = (data.len() * width) as f64;
        Errors { rmse: (squares / count).sqrt(), mae: absolute / count, r2 }
    }

    pub fn named(&self) -> [(&'static str, f64); 3] {
        [("rmse", self.rmse), ("mae", self.mae), ("r2", self.r2)]
    }
}
