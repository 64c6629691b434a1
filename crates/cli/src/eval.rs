//! `layerwise eval`: how well a network does on data with targets.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::Context;
use layerwise::data::{Examples, RegressionDataset, Scaler, Wanted};
use layerwise::prelude::*;
use serde_json::json;

use crate::args::ThreadArgs;
use crate::data::{Kind, encode, mismatch, open_folder};
use crate::model::{Description, Input, forward, load_network};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// A model that `layerwise train` has made
    model: PathBuf,
    /// What it is to be tried on, with its targets: a CSV file, a folder of images, or the word mnist (its test images)
    data: PathBuf,
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
    let path = &args.data;
    match (&description.input, Kind::of(path)) {
        (Input::Table { preprocessing, csv }, Kind::Table) => {
            let mut reader = preprocessing.reader(path, csv, Wanted::InputsAndTargets)?;
            let table = reader.next_rows(u32::MAX as usize)?;
            let table = table.with_context(|| format!("{}: there are no rows", path.display()))?;
            let examples = encode(preprocessing, &table, true)?;
            match preprocessing.target_scaler() {
                Some(scaler) => {
                    let data = examples.into_regression().context("the model has no target")?;
                    let errors = Errors::measure(model, params, &data, &scaler);
                    Ok((data.len(), errors.named().to_vec()))
                }
                None => Ok(classes(
                    model,
                    params,
                    &Examples::into_classified(examples).context("the model has no target")?,
                )),
            }
        }
        (Input::Images { is_mnist: true, .. }, Kind::Mnist) => {
            Ok(classes(model, params, &Mnist::embedded().test))
        }
        (Input::Images { size, class_names, .. }, Kind::Folder) => {
            let folder = open_folder(path, Some(*size))?;
            anyhow::ensure!(
                folder.class_names == *class_names,
                "{}: its folders are {}, the model's classes {}",
                path.display(),
                folder.class_names.join(", "),
                class_names.join(", ")
            );
            Ok(classes(model, params, &folder.to_dataset()))
        }
        (input, kind) => Err(mismatch(input, kind, path)),
    }
}

fn classes<D: Classified + Sync>(model: &Sequential, params: &Params, data: &D) -> (usize, Found) {
    let Evaluation { accuracy, loss } = evaluate(model, params, data);
    (data.len(), vec![("accuracy", accuracy), ("loss", loss)])
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
