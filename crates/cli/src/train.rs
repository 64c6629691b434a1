//! `layerwise train`: a network for classes or numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use layerwise::data::{Preprocessing, RegressionDataset, Scaler, Scaling, Table, Targets, Task, select};
use layerwise::optim::Goal;
use layerwise::prelude::*;
use layerwise::tensor::data::split_rows;

use crate::Usage;
use crate::args::{ACTIVATIONS, RunArgs, TableArgs, at_least_1, part, scaling};
use crate::data::{Kind, encode, open_folder};
use crate::interrupt;
use crate::model::{Architecture, Description, Input, Model, Network, Training, check_writable};
use crate::report::{Report, layers};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// A CSV file, a folder with a folder of PNG or JPEG files for each class, or the word mnist
    data: Option<PathBuf>,
    /// The column to learn, or several columns of numbers (for a CSV file)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    target: Vec<String>,
    /// What the target is; auto takes texts, and few different whole numbers, for classes
    #[arg(long, value_name = "KIND", default_value = "auto", value_parser = ["auto", "classification", "regression"])]
    task: String,
    /// The widths of the hidden layers
    #[arg(long, value_name = "WIDTHS", value_delimiter = ',', default_value = "64", value_parser = at_least_1)]
    hidden: Vec<usize>,
    /// What follows each hidden layer
    #[arg(long, value_name = "NAME", default_value = "relu", value_parser = ACTIVATIONS)]
    activation: String,
    /// Dropout after each hidden layer: the part that is zeroed
    #[arg(long, value_name = "PART", default_value_t = 0.0, value_parser = part)]
    dropout: f64,
    /// Batch normalisation before each activation
    #[arg(long, value_name = "BOOL", default_value_t = false, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    batch_norm: bool,
    /// How numbers of a table are scaled, inputs and targets: standardise, min-max or none
    #[arg(long, value_name = "RULE", default_value = "standardise", value_parser = scaling)]
    scaling: Scaling,
    /// Brings all images of a folder to this size
    #[arg(long, value_name = "ROWSxCOLS", value_parser = size)]
    image_size: Option<[usize; 2]>,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

pub fn size(text: &str) -> Result<[usize; 2], String> {
    let sides = text.split_once('x').and_then(|(rows, cols)| Some([rows.parse().ok()?, cols.parse().ok()?]));
    sides.filter(|sides| !sides.contains(&0)).ok_or_else(|| "it must be like 28x28".into())
}

pub fn run(args: &Args) -> anyhow::Result<u8> {
    let data = args.data.as_ref().ok_or_else(|| {
        Usage("`layerwise train` needs data: a CSV file, a folder of images, or the word mnist".into())
    })?;
    check_writable(&args.run.out)?;
    interrupt::listen()?;
    args.run.threads.run(|| match Kind::of(data) {
        Kind::Table => table(args, data),
        Kind::Folder => folder(args, data),
        Kind::Mnist => mnist(args),
        Kind::Array | Kind::Image => Err(Usage(format!(
            "{}: `layerwise train` takes a CSV file, a folder of images, or the word mnist; for arrays see `layerwise autoencode`",
            data.display()
        ))
        .into()),
    })
}

fn table(args: &Args, path: &Path) -> anyhow::Result<u8> {
    let task = match &*args.task {
        "classification" => Task::Classification,
        "regression" => Task::Regression,
        _ => Task::Auto,
    };
    if args.target.is_empty() {
        let table = Table::open(path, &args.table.csv())?;
        let names: Vec<&str> = table.columns().iter().map(layerwise::data::Column::name).collect();
        return Err(Usage(format!(
            "--target is missing: which column is to be learned? The columns are {}",
            names.join(", ")
        ))
        .into());
    }
    let mut csv = args.table.csv();
    if task == Task::Classification {
        // Classes keep the names they have in the file: 01 and 1 are two.
        csv.categorical.extend(args.target.iter().filter(|name| !args.table.numeric.contains(name)).cloned());
    }
    let table = Table::open(path, &csv)?;
    let mut config = args.table.preprocessing(&args.target, task, args.scaling);
    // What is learned is decided on all rows, so that a part of them cannot change it.
    let all = Preprocessing::fit(&table, &config);
    let is_classes = match &all {
        Ok(all) => !all.class_names().is_empty(),
        Err(_) => false,
    };
    all?;
    config.task = if is_classes { Task::Classification } else { Task::Regression };
    let fraction = 1.0 - args.run.validation;
    let (training, validation) = match is_classes {
        true => table.stratified_split(&args.target[0], fraction, args.run.seed)?,
        false => table.random_split(fraction, args.run.seed),
    };
    drop(table);
    let preprocessing = Preprocessing::fit(&training, &config)?;
    let training = encode(&preprocessing, &training, true)?;
    let validation = match validation.rows() {
        0 => None,
        _ => Some(encode(&preprocessing, &validation, true)?),
    };
    let outputs = preprocessing.outputs();
    let scaler = preprocessing.target_scaler();
    let trial = Trial::new(args, preprocessing.inputs(), outputs, Input::Table { preprocessing, csv });
    match (training.targets, scaler) {
        (Targets::Classes(labels), _) => {
            let validation = validation.and_then(layerwise::data::Examples::into_classified);
            trial.classes(&TensorDataset::new(training.inputs, labels), validation.as_ref())
        }
        (Targets::Numbers(targets), Some(scaler)) => {
            let validation = validation.and_then(layerwise::data::Examples::into_regression);
            trial.numbers(&RegressionDataset::new(training.inputs, targets), validation.as_ref(), &scaler)
        }
        _ => anyhow::bail!("there is no target"),
    }
}

fn folder(args: &Args, path: &Path) -> anyhow::Result<u8> {
    let folder = open_folder(path, args.image_size)?;
    let (_, rows, cols) = folder.images.dim();
    let inputs = folder.inputs();
    let (first, second) = split_rows(folder.labels.len(), args.run.validation, args.run.seed);
    let part = |rows: &[u32]| {
        let labels = rows.iter().map(|&row| folder.labels[row as usize]).collect();
        TensorDataset::new(select(&inputs, rows), labels)
    };
    let validation = (!second.is_empty()).then(|| part(&second));
    let class_names = folder.class_names.clone();
    let outputs = class_names.len();
    let input = Input::Images { size: [rows, cols], class_names, is_mnist: false };
    Trial::new(args, rows * cols, outputs, input).classes(&part(&first), validation.as_ref())
}

fn mnist(args: &Args) -> anyhow::Result<u8> {
    let set = &Mnist::embedded().train;
    let (training, validation) = set.stratified_split(1.0 - args.run.validation, args.run.seed);
    let class_names = (0..10).map(|digit: u32| digit.to_string()).collect();
    let input = Input::Images { size: [28, 28], class_names, is_mnist: true };
    let trial = Trial::new(args, set.features(), 10, input);
    trial.classes(&training, (!validation.is_empty()).then_some(&validation))
}

/// A network that is about to be trained.
struct Trial<'a> {
    args: &'a Args,
    architecture: Architecture,
    input: Input,
}

impl<'a> Trial<'a> {
    fn new(args: &'a Args, inputs: usize, outputs: usize, input: Input) -> Self {
        let widths = [&[inputs], &args.hidden[..], &[outputs]].concat();
        let architecture = Architecture::Network(Network {
            widths,
            activation: args.activation.clone(),
            dropout: args.dropout as f32,
            batch_norm: args.batch_norm,
        });
        Trial { args, architecture, input }
    }

    fn start(&self) -> anyhow::Result<(Params, Sequential, Box<dyn Optimizer + Send>)> {
        let mut params = Params::new();
        let Model::Network(model) = self.architecture.build(&mut params, self.args.run.seed) else {
            anyhow::bail!("a network was asked for")
        };
        let opt = self.args.run.optimizer().build(&params);
        Ok((params, model, opt))
    }

    fn classes<D: Classified + Sync>(self, training: &D, validation: Option<&D>) -> anyhow::Result<u8> {
        let (mut params, model, mut opt) = self.start()?;
        let best = validation.map(|_| ("validation_accuracy", Goal::Max));
        let mut trainer = trainer(&self.args.run, &self.architecture, &self.input, best);
        if let Some(validation) = validation {
            trainer = trainer.metric("validation_accuracy", |params| accuracy(&model, params, validation));
        }
        let history = trainer.fit(&mut params, &mut *opt, training, |pass, batch| {
            let (inputs, labels) = D::inputs_and_labels(batch);
            model.forward(pass.input(inputs)).cross_entropy(labels)
        })?;
        let mut metrics = BTreeMap::new();
        if let Some(validation) = validation {
            let Evaluation { accuracy, loss } = evaluate(&model, &params, validation);
            metrics
                .extend([("validation_accuracy".to_owned(), accuracy), ("validation_loss".to_owned(), loss)]);
        }
        self.finish(&params, training.len(), &history, metrics)
    }

    fn numbers(
        self,
        training: &RegressionDataset,
        validation: Option<&RegressionDataset>,
        scaler: &Scaler,
    ) -> anyhow::Result<u8> {
        let (mut params, model, mut opt) = self.start()?;
        let best = validation.map(|_| ("validation_rmse", Goal::Min));
        let mut trainer = trainer(&self.args.run, &self.architecture, &self.input, best);
        if let Some(validation) = validation {
            trainer = trainer.metric("validation_rmse", |params| {
                crate::eval::Errors::measure(&model, params, validation, scaler).rmse
            });
        }
        let history = trainer.fit(&mut params, &mut *opt, training, |pass, batch| {
            model.forward(pass.input(&batch.inputs)).mse(pass.input(&batch.targets))
        })?;
        let mut metrics = BTreeMap::new();
        if let Some(validation) = validation {
            let errors = crate::eval::Errors::measure(&model, &params, validation, scaler);
            metrics.extend(errors.named().map(|(name, x)| (format!("validation_{name}"), x)));
        }
        self.finish(&params, training.len(), &history, metrics)
    }

    fn finish(
        self,
        params: &Params,
        examples: usize,
        history: &History,
        metrics: BTreeMap<String, f64>,
    ) -> anyhow::Result<u8> {
        let run = &self.args.run;
        let data = self.args.data.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let training = record(run, data, examples, history, metrics);
        let description = Description { architecture: self.architecture, input: self.input, training };
        save(&description, params, run)
    }
}

/// A trainer with the flags that all runs have. `best` is what a patient run watches if there is a validation part.
pub fn trainer<'a>(
    run: &RunArgs,
    architecture: &Architecture,
    input: &Input,
    best: Option<(&str, Goal)>,
) -> Trainer<'a> {
    let mut trainer = Trainer::new(run.epochs)
        .batch_size(run.batch_size)
        .seed(run.seed)
        .progress(run.progress())
        .stop_when(&interrupt::STOP);
    if let Some(patience) = run.patience {
        let (watched, goal) = best.unwrap_or(("loss", Goal::Min));
        let config = EarlyStopping { goal, patience: patience as u64, ..EarlyStopping::default() };
        trainer = trainer.early_stopping(watched, config);
    }
    if let Some(folder) = &run.checkpoint {
        let checkpoints = Checkpoints::new(folder).config(&identity(run, architecture, input));
        trainer = trainer.checkpoints(if run.resume { checkpoints.resume() } else { checkpoints });
    }
    trainer
}

/// What a run has to be to go on from a checkpoint, in few words: it stands in an error. Of columns and scales there is only a checksum
/// (FNV-1a).
fn identity(run: &RunArgs, architecture: &Architecture, input: &Input) -> String {
    let rules = serde_json::json!([architecture, input, run.optimizer()]).to_string();
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let sum = rules.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    let (rule, lr) = (run.optimizer(), run.lr);
    let rule = rule.name();
    format!("layers {}; {rule} with learning rate {lr}; data and rules {sum:016x}", layers(architecture))
}

/// What the file says about the run.
pub fn record(
    run: &RunArgs,
    data: String,
    examples: usize,
    history: &History,
    mut metrics: BTreeMap<String, f64>,
) -> Training {
    for warning in &history.warnings {
        eprintln!("note: {warning}");
    }
    if let Some(last) = history.epochs.last() {
        metrics.insert("training_loss".into(), last.loss);
    }
    Training {
        data,
        examples,
        epochs: history.epochs.len(),
        batch_size: run.batch_size,
        optimizer: Some(run.optimizer()),
        seed: run.seed,
        seconds: history.seconds(),
        is_interrupted: history.ended == Ended::Stopped,
        metrics: metrics.into_iter().filter(|(_, x)| x.is_finite()).collect(),
    }
}

/// Writes the model and says what it is.
pub fn save(description: &Description, params: &Params, run: &RunArgs) -> anyhow::Result<u8> {
    description.save(params, &run.out).context("the model has been trained and cannot be kept")?;
    Report { description, parameters: params.count(), path: &run.out }.print(run.json)?;
    Ok(if description.training.is_interrupted { interrupt::INTERRUPTED } else { 0 })
}
