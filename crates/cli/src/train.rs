//! `layerwise train`: a network for classes or numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use layerwise::data::{Examples, Preprocessing, RegressionDataset, Scaler};
use layerwise::data::{Table, Targets, Task, select};
use layerwise::optim::Goal;
use layerwise::prelude::*;
use layerwise::tensor::data::split_rows;

use crate::Usage;
use crate::args::{ACTIVATIONS, DataArgs, RunArgs, at_least_1, part};
use crate::arrays::{Labelled, Learned, Names, is_archive};
use crate::data::{Kind, encode, examples, open_folder, with_classes};
use crate::interrupt;
use crate::model::{Architecture, Description, Input, Model, Network, Training, check_writable};
use crate::report::{Report, layers};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// A CSV file, arrays (.npz, or .npy with --target), a folder with a folder of PNG or JPEG files for each class, or the word mnist
    data: Option<PathBuf>,
    /// The column to learn, or several columns of numbers (for a CSV file); the array to learn: a file (.npy), or its name in an archive [of
    /// archives: y; the inputs are x, or the only other array]
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
    #[command(flatten)]
    rules: DataArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

impl Args {
    fn task(&self) -> Task {
        match &*self.task {
            "classification" => Task::Classification,
            "regression" => Task::Regression,
            _ => Task::Auto,
        }
    }
}

pub fn run(args: &Args) -> anyhow::Result<u8> {
    let data = args.data.as_ref().ok_or_else(|| {
        Usage("`layerwise train` needs data: a CSV file, arrays (.npy, .npz), a folder of images, or the word mnist".into())
    })?;
    check_writable(&args.run.out)?;
    interrupt::listen()?;
    args.run.threads.run(|| match Kind::of(data) {
        Kind::Table => table(args, data),
        Kind::Array => arrays(args, data),
        Kind::Folder => folder(args, data),
        Kind::Mnist => mnist(args),
        Kind::Image => Err(Usage(format!("{}: one image is no data to train on", data.display())).into()),
    })
}

fn table(args: &Args, path: &Path) -> anyhow::Result<u8> {
    if args.target.is_empty() {
        let table = Table::open(path, &args.rules.csv())?;
        let names: Vec<&str> = table.columns().iter().map(layerwise::data::Column::name).collect();
        return Err(Usage(format!(
            "--target is missing: which column is to be learned? The columns are {}",
            names.join(", ")
        ))
        .into());
    }
    let mut csv = args.rules.csv();
    if args.task() == Task::Classification {
        // Classes keep the names they have in the file: 01 and 1 are two.
        csv.categorical.extend(args.target.iter().filter(|name| !args.rules.numeric.contains(name)).cloned());
    }
    let table = Table::open(path, &csv)?;
    let mut config = args.rules.preprocessing(&args.target, args.task());
    // What is learned is decided on all rows, so that a part of them cannot change it.
    let is_classes = !Preprocessing::fit(&table, &config)?.class_names().is_empty();
    config.task = if is_classes { Task::Classification } else { Task::Regression };
    let fraction = 1.0 - args.run.validation.part();
    let (training, apart) = match is_classes {
        true => table.stratified_split(&args.target[0], fraction, args.run.seed)?,
        false => table.random_split(fraction, args.run.seed),
    };
    drop(table);
    let preprocessing = Preprocessing::fit(&training, &config)?;
    let training = encode(&preprocessing, &training, true)?;
    let apart = (apart.rows() > 0).then(|| encode(&preprocessing, &apart, true)).transpose()?;
    Trial::new(args, Input::Table { preprocessing, csv }).train(training, apart)
}

fn arrays(args: &Args, path: &Path) -> anyhow::Result<u8> {
    let target = match &args.target[..] {
        [] => None,
        [target] => Some(target.as_str()),
        _ => {
            return Err(Usage(
                "--target takes one array; it may have several numbers for each example".into(),
            )
            .into());
        }
    };
    let all = Labelled::open(path, target, &Names::default())?;
    // As for a table, on all examples.
    let class_names = all.class_names(args.task())?;
    let (training, apart) = all.split(args.run.validation.part(), args.run.seed);
    let scaler = Scaler::fit(args.rules.scaling, &training.inputs);
    let learned = match class_names {
        Some(names) => Learned::Classes { names },
        None => Learned::Numbers { scaler: Scaler::fit(args.rules.scaling, &training.targets) },
    };
    let names = training.names.clone();
    let training = training.encode(&scaler, &learned)?;
    let apart = apart.map(|apart| apart.encode(&scaler, &learned)).transpose()?;
    Trial::new(args, Input::Array { scaler, names, learned: Some(learned) }).train(training, apart)
}

fn folder(args: &Args, path: &Path) -> anyhow::Result<u8> {
    let folder = open_folder(path, args.rules.image_size)?;
    let (_, rows, cols) = folder.images.dim();
    let inputs = folder.inputs();
    let (first, second) = split_rows(folder.labels.len(), args.run.validation.part(), args.run.seed);
    let part = |rows: &[u32]| {
        let labels = rows.iter().map(|&row| folder.labels[row as usize]);
        with_classes(select(&inputs, rows), labels)
    };
    let apart = (!second.is_empty()).then(|| part(&second));
    let class_names = folder.class_names.clone();
    let input = Input::Images { size: [rows, cols], class_names, is_mnist: false };
    Trial::new(args, input).train(part(&first), apart)
}

fn mnist(args: &Args) -> anyhow::Result<u8> {
    let set = &Mnist::embedded().train;
    let class_names = (0..10).map(|digit: u32| digit.to_string()).collect();
    let trial = Trial::new(args, Input::Images { size: [28, 28], class_names, is_mnist: true });
    let (training, apart) = set.stratified_split(1.0 - args.run.validation.part(), args.run.seed);
    match trial.other_data()?.and_then(Examples::into_classified) {
        Some(other) => trial.classes(&training, Some(&other)),
        None => trial.classes(&training, (!apart.is_empty()).then_some(&apart)),
    }
}

/// A network that is about to be trained.
struct Trial<'a> {
    args: &'a Args,
    architecture: Architecture,
    input: Input,
}

impl<'a> Trial<'a> {
    fn new(args: &'a Args, input: Input) -> Self {
        let widths = [&[input.inputs()], &args.hidden[..], &[input.outputs()]].concat();
        let architecture = Architecture::Network(Network {
            widths,
            activation: args.activation.clone(),
            dropout: args.dropout as f32,
            batch_norm: args.batch_norm,
        });
        Trial { args, architecture, input }
    }

    /// What `--validation` names, if it is no part of the data.
    fn other_data(&self) -> anyhow::Result<Option<Examples>> {
        let Some(path) = self.args.run.validation.data() else { return Ok(None) };
        if Kind::of(path) == Kind::Array && !is_archive(path) {
            let path = path.display();
            let message =
                format!("--validation: {path} has inputs alone; take an archive (.npz) with their targets");
            return Err(Usage(message).into());
        }
        examples(&self.input, path, None).map(Some)
    }

    /// On examples of any kind. `apart` are those that have been kept apart.
    fn train(self, training: Examples, apart: Option<Examples>) -> anyhow::Result<u8> {
        let validation = self.other_data()?.or(apart);
        match (training.targets, self.input.target_scaler()) {
            (Targets::Classes(labels), _) => {
                let validation = validation.and_then(Examples::into_classified);
                self.classes(&TensorDataset::new(training.inputs, labels), validation.as_ref())
            }
            (Targets::Numbers(targets), Some(scaler)) => {
                let validation = validation.and_then(Examples::into_regression);
                self.numbers(&RegressionDataset::new(training.inputs, targets), validation.as_ref(), &scaler)
            }
            _ => anyhow::bail!("there is no target"),
        }
    }

    fn start(&self) -> anyhow::Result<(Params, Sequential, Box<dyn Optimizer + Send>)> {
        let mut params = Params::new();
        let Model::Network(model) = self.architecture.build(&mut params, self.args.run.seed) else {
            anyhow::bail!("a network was asked for")
        };
        let opt = self.args.run.optimizer().build(&params);
        Ok((params, model, opt))
    }

    fn classes<D: Classified + Sync, V: Classified + Sync>(
        self,
        training: &D,
        validation: Option<&V>,
    ) -> anyhow::Result<u8> {
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
