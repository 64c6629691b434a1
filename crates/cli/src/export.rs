//! `layerwise export`: a model for other programs.

use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::path::PathBuf;

use layerwise::interchange::onnx::{Head, Normalisations, OnnxConfig, export};

use crate::model::{Description, Model};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// A model
    model: PathBuf,
    /// The ONNX file to write: the layers, with probabilities for classes. Scaling and categories stay outside; they are in the file's
    /// metadata as JSON
    #[arg(long, value_name = "FILE")]
    onnx: PathBuf,
    /// Makes batch normalisations part of the linear layers in front of them
    #[arg(long)]
    fold: bool,
}

pub fn run(args: &Args) -> anyhow::Result<u8> {
    let (description, model, params) = Description::load(&args.model)?;
    let is_classifier = !description.input.class_names().is_empty();
    let metadata = [("layerwise".to_owned(), serde_json::to_string(&description)?)];
    let config = OnnxConfig {
        head: if is_classifier { Head::Softmax } else { Head::None },
        batch_norm: if args.fold { Normalisations::Folded } else { Normalisations::Kept },
        metadata: BTreeMap::from(metadata),
        ..OnnxConfig::default()
    };
    let layers = match model {
        Model::Network(network) => network,
        Model::Autoencoder(model) => model.network(),
    };
    let onnx = export(&layers, &params, &config)?;
    onnx.save(&args.onnx)?;
    let count = |width: Option<usize>| width.map_or("any".to_owned(), |width| width.to_string());
    writeln!(
        stdout(),
        "{}: input \"{}\" [batch, {}], output \"{}\" [batch, {}]",
        args.onnx.display(),
        config.input,
        count(onnx.inputs()),
        config.output,
        count(onnx.outputs())
    )?;
    Ok(0)
}
