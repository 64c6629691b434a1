//! `layerwise autoencode`, `encode` and `reconstruct`: codes of data without targets.

use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::Context;
use layerwise::data::{Preprocessing, Scaler, Table, Task, npy, select};
use layerwise::optim::Goal;
use layerwise::prelude::*;
use layerwise::tensor::data::split_rows;

use crate::Usage;
use crate::args::{ACTIVATIONS, DataArgs, RunArgs, ThreadArgs, activation, at_least_1, part};
use crate::arrays::{Names, is_archive, open_inputs};
use crate::data::{Kind, encode as encode_table, inputs, open_folder};
use crate::interrupt;
use crate::model::{Architecture, Description, Input, Model, check_writable, load_autoencoder};
use crate::train::{record, save, trainer};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// A CSV file, an array (.npy or .npz, examples first), a folder with folders of PNG or JPEG files, or the word mnist
    data: Option<PathBuf>,
    /// The width of the code
    #[arg(long, value_name = "WIDTH", default_value_t = 16, value_parser = at_least_1)]
    code: usize,
    /// The widths of the encoder's hidden layers; the decoder has them backwards
    #[arg(long, value_name = "WIDTHS", value_delimiter = ',', default_value = "128", value_parser = at_least_1)]
    hidden: Vec<usize>,
    /// What follows each hidden layer
    #[arg(long, value_name = "NAME", default_value = "relu", value_parser = ACTIVATIONS)]
    activation: String,
    /// A denoising autoencoder: the part of each example's numbers that is zeroed in training
    #[arg(long, value_name = "PART", default_value_t = 0.0, value_parser = part)]
    masking: f64,
    #[command(flatten)]
    rules: DataArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

pub fn run(args: &Args) -> anyhow::Result<u8> {
    let path = args.data.as_ref().ok_or_else(|| {
        Usage("`layerwise autoencode` needs data: a CSV file, an array (.npy, .npz), a folder of images, or the word mnist".into())
    })?;
    check_writable(&args.run.out)?;
    interrupt::listen()?;
    args.run.threads.run(|| {
        let (training, validation, input) = parts(args, path)?;
        train(args, path, &training, validation.as_ref(), input)
    })
}

/// The training part, the examples for validation if there are any, and what they were made of.
fn parts(args: &Args, path: &Path) -> anyhow::Result<(Tensor, Option<Tensor>, Input)> {
    let (training, apart, input) = split(args, path)?;
    let validation = match args.run.validation.data() {
        Some(other) => Some(inputs(&input, other)?),
        None => apart,
    };
    Ok((training, validation, input))
}

/// Data without what is kept apart, that part if there is one, and what they were made of.
fn split(args: &Args, path: &Path) -> anyhow::Result<(Tensor, Option<Tensor>, Input)> {
    let part = args.run.validation.part();
    let split = |data: &Tensor| {
        let (first, second) = split_rows(Dataset::len(data), part, args.run.seed);
        (select(data, &first), (!second.is_empty()).then(|| select(data, &second)))
    };
    match Kind::of(path) {
        Kind::Array => {
            let mut names = Names::default();
            let (array, inputs) = open_inputs(path, &names.inputs)?;
            names.inputs = inputs;
            let (mut training, mut apart) = split(&array);
            let scaler = Scaler::fit(args.rules.scaling, &training);
            scaler.apply(&mut training);
            apart.iter_mut().for_each(|apart| scaler.apply(apart));
            Ok((training, apart, Input::Array { scaler, names, learned: None }))
        }
        Kind::Table => {
            let csv = args.rules.csv();
            let (training, apart) = Table::open(path, &csv)?.random_split(1.0 - part, args.run.seed);
            let config = args.rules.preprocessing(&[], Task::Auto);
            let preprocessing = Preprocessing::fit(&training, &config)?;
            let inputs =
                |table: &Table| Ok::<_, anyhow::Error>(encode_table(&preprocessing, table, false)?.inputs);
            let apart = (apart.rows() > 0).then(|| inputs(&apart)).transpose()?;
            Ok((inputs(&training)?, apart, Input::Table { preprocessing, csv }))
        }
        Kind::Folder => {
            let folder = open_folder(path, args.rules.image_size)?;
            let (_, rows, cols) = folder.images.dim();
            let (training, apart) = split(&folder.inputs());
            let input = Input::Images { size: [rows, cols], class_names: Vec::new(), is_mnist: false };
            Ok((training, apart, input))
        }
        Kind::Mnist => {
            let (training, apart) = split(&Tensor::from(Mnist::embedded().train.to_f32()));
            let input = Input::Images { size: [28, 28], class_names: Vec::new(), is_mnist: true };
            Ok((training, apart, input))
        }
        Kind::Image => Err(Usage(format!("{}: one image is no data to train on", path.display())).into()),
    }
}

fn train(
    args: &Args,
    path: &Path,
    training: &Tensor,
    validation: Option<&Tensor>,
    input: Input,
) -> anyhow::Result<u8> {
    let widths = [&[training.shape().last()], &args.hidden[..], &[args.code]].concat();
    let mut config = Autoencoder::new(&widths);
    if let Some(activation) = activation(&args.activation) {
        config = config.activation(activation);
    }
    if args.masking > 0.0 {
        config = config.corruption(Corruption::masking(args.masking as f32));
    }
    let architecture = Architecture::Autoencoder(config);
    let mut params = Params::new();
    let Model::Autoencoder(model) = architecture.build(&mut params, args.run.seed) else {
        anyhow::bail!("an autoencoder was asked for")
    };
    let mut opt = args.run.optimizer().build(&params);
    let error = |params: &Params, data: &Tensor| {
        model.reconstruction_error(params, data).map_or(f64::NAN, |error| error.per_pixel_mse)
    };
    let best = validation.map(|_| ("validation_mse", Goal::Min));
    let mut trainer = trainer(&args.run, &architecture, &input, best);
    if let Some(validation) = validation {
        trainer = trainer.metric("validation_mse", |params| error(params, validation));
    }
    let history = model.fit(&mut params, &mut *opt, trainer, training)?;
    let metrics = validation.map(|data| ("validation_mse".to_owned(), error(&params, data)));
    let metrics: BTreeMap<_, _> = metrics.into_iter().collect();
    let data = path.display().to_string();
    let training = record(&args.run, data, Dataset::len(training), &history, metrics);
    save(&Description { architecture, input, training }, &params, &args.run)
}

/// The flags of `encode` and `reconstruct`.
#[derive(clap::Args, Debug)]
pub struct ApplyArgs {
    /// A model that `layerwise autoencode` has made
    model: PathBuf,
    /// A CSV file, an array (.npy, .npz), images or the word mnist (its test images), as the model was trained on
    data: PathBuf,
    /// Where the result goes: .npy, .npz (as x), or CSV with any other ending [default: CSV on the standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadArgs,
}

/// `layerwise encode`.
pub fn encode(args: &ApplyArgs) -> anyhow::Result<u8> {
    let (description, model, params) = load_autoencoder(&args.model, "encode")?;
    let codes = args.threads.run(|| {
        let inputs = inputs(&description.input, &args.data)?;
        Ok::<_, anyhow::Error>(model.encode_all(&params, &inputs)?)
    })?;
    let names = (1..=model.code_width()).map(|i| format!("code{i}")).collect();
    write(args, &codes, names)
}

/// `layerwise reconstruct`.
pub fn reconstruct(args: &ApplyArgs) -> anyhow::Result<u8> {
    let (description, model, params) = load_autoencoder(&args.model, "reconstruct")?;
    let found = args.threads.run(|| {
        let inputs = inputs(&description.input, &args.data)?;
        let mut found = model.reconstruct_all(&params, &inputs)?;
        match &description.input {
            Input::Table { preprocessing, .. } => preprocessing.input_scaler().invert(&mut found),
            Input::Array { scaler, .. } => scaler.invert(&mut found),
            Input::Images { .. } => {}
        }
        Ok::<_, anyhow::Error>(found)
    })?;
    let names = match &description.input {
        Input::Table { preprocessing, .. } => preprocessing.input_names(),
        _ => (1..=model.inputs()).map(|i| i.to_string()).collect(),
    };
    write(args, &found, names)
}

fn write(args: &ApplyArgs, values: &Tensor, names: Vec<String>) -> anyhow::Result<u8> {
    let out: Box<dyn Write> = match &args.out {
        Some(path) if is_archive(path) => {
            npy::save_npz(path, &[("x", values)])?;
            return Ok(0);
        }
        Some(path) if Kind::of(path) == Kind::Array => {
            npy::save(path, values)?;
            return Ok(0);
        }
        Some(path) => {
            let file = std::fs::File::create(path);
            Box::new(file.with_context(|| format!("writing {}", path.display()))?)
        }
        None => Box::new(stdout()),
    };
    let mut out = csv::Writer::from_writer(out);
    out.write_record(&names)?;
    for row in values.as_slice().chunks(names.len()) {
        out.write_record(row.iter().map(ToString::to_string))?;
    }
    out.flush()?;
    Ok(0)
}
