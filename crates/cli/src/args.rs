//! The flags that several commands share, and what makes a value of one acceptable.

use std::path::{Path, PathBuf};

use layerwise::data::{CsvConfig, Fill, FillText, PreprocessingConfig, Scaling, Task, Unseen};
use layerwise::prelude::*;

/// How data are read and become numbers.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
pub struct DataArgs {
    /// How numbers of tables and arrays are scaled, inputs and targets: standardise, min-max or none (images are from 0 to 1 and stay so)
    #[arg(long, value_name = "RULE", default_value = "standardise", value_parser = scaling)]
    pub scaling: Scaling,
    /// Brings all images of a folder to this size
    #[arg(long, value_name = "ROWSxCOLS", value_parser = size)]
    pub image_size: Option<[usize; 2]>,
    /// What separates the fields of a CSV file ("\t" is a tab)
    #[arg(long, value_name = "CHAR", default_value = ",", value_parser = character)]
    pub delimiter: char,
    /// The first line of a CSV file is data; its columns are called 1, 2 and so on
    #[arg(long, value_name = "BOOL", default_value_t = false, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub no_header: bool,
    /// Columns that hold numbers, whatever they look like
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub numeric: Vec<String>,
    /// Columns that hold categories, whatever they look like
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub categorical: Vec<String>,
    /// Columns that are left out
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// What stands for a missing value: refuse, mean, median, most-frequent or a number (categories: the most frequent one, unless refused)
    #[arg(long, value_name = "RULE", default_value = "refuse", value_parser = missing)]
    pub missing: Missing,
    /// A text that counts as missing, beside nothing, NA, N/A, NaN, null and ? (may be given several times)
    #[arg(long, value_name = "TEXT")]
    pub missing_text: Vec<String>,
    /// What becomes of a category that the training data did not have: all its inputs are 0, or an error
    #[arg(long, value_name = "RULE", default_value = "zeros", value_parser = ["zeros", "refuse"])]
    pub unseen: String,
    /// The most categories of a column
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_1)]
    pub max_categories: usize,
}

/// The examples of `--validation`.
#[derive(Clone, PartialEq, Debug)]
pub enum Validation {
    /// So much of the data.
    Part(f64),
    /// Other data.
    Data(PathBuf),
}

impl Validation {
    /// The part of the data that is kept apart; 0 if there are other data.
    pub fn part(&self) -> f64 {
        if let Validation::Part(part) = self { *part } else { 0.0 }
    }

    /// The other data.
    pub fn data(&self) -> Option<&Path> {
        if let Validation::Data(path) = self { Some(path) } else { None }
    }
}

/// The rules of `--missing`.
#[derive(Clone, PartialEq, Debug)]
pub struct Missing {
    fill: Fill,
    fill_text: FillText,
}

/// How a model is trained.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Training")]
pub struct RunArgs {
    /// Passes over the training data
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_1)]
    pub epochs: usize,
    /// Examples in a step
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = at_least_1)]
    pub batch_size: usize,
    /// The update rule: sgd, adagrad, rmsprop, adadelta, adam, adamw, radam, nadam, adamax, lion or lamb
    #[arg(long, value_name = "NAME", default_value = "adam", value_parser = optimizer)]
    pub optimizer: String,
    /// The learning rate
    #[arg(long, value_name = "X", default_value_t = 1e-3, value_parser = positive)]
    pub lr: f32,
    /// What the model is measured on after every epoch: the part of the data that is kept apart for it, from 0 to below 1, or other data of
    /// the same kind (a file, a folder, or the word mnist for its test images)
    #[arg(long, value_name = "PART|DATA", default_value = "0.2", value_parser = validation)]
    pub validation: Validation,
    /// Where all random numbers come from: the same seed gives the same model, bit for bit
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub threads: ThreadArgs,
    /// Ends the run after so many epochs without a better result on the validation part, and takes the best weights [default: off]
    #[arg(long, value_name = "N", value_parser = at_least_1)]
    pub patience: Option<usize>,
    /// Writes a checkpoint to this folder after every epoch, and where the run ends
    #[arg(long, value_name = "DIR")]
    pub checkpoint: Option<PathBuf>,
    /// Goes on from the newest checkpoint of the folder, if there is one; the model is then that of a run that was never interrupted
    #[arg(long, value_name = "BOOL", default_value_t = false, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set, requires = "checkpoint")]
    pub resume: bool,
    /// Where the model is written
    #[arg(long, value_name = "FILE", default_value = "model.safetensors")]
    pub out: PathBuf,
    /// Reads flags from a TOML file: a key for each long flag, without the dashes in front; flags given here win
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Prints one JSON object instead of text
    #[arg(long, value_name = "BOOL", default_value_t = false, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub json: bool,
    /// Shows no progress
    #[arg(long, value_name = "BOOL", default_value_t = false, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub quiet: bool,
}

/// How many threads work.
#[derive(clap::Args, Clone, Debug)]
pub struct ThreadArgs {
    /// Threads to use [default: all]; the result does not depend on it
    #[arg(long, value_name = "N", value_parser = a_sensible_number_of_threads)]
    pub threads: Option<usize>,
}

impl DataArgs {
    pub fn csv(&self) -> CsvConfig {
        let mut config = CsvConfig {
            delimiter: self.delimiter,
            header: !self.no_header,
            numeric: self.numeric.clone(),
            categorical: self.categorical.clone(),
            ignore: self.ignore.clone(),
            ..CsvConfig::default()
        };
        config.missing.extend(self.missing_text.iter().cloned());
        config
    }

    pub fn preprocessing(&self, targets: &[String], task: Task) -> PreprocessingConfig {
        PreprocessingConfig {
            targets: targets.to_vec(),
            task,
            fill: self.missing.fill,
            fill_text: self.missing.fill_text.clone(),
            unseen: if self.unseen == "refuse" { Unseen::Refuse } else { Unseen::Zeros },
            scaling: self.scaling,
            target_scaling: self.scaling,
            max_categories: self.max_categories,
        }
    }
}

impl RunArgs {
    pub fn progress(&self) -> Progress {
        if self.quiet { Progress::Silent } else { Progress::Auto }
    }

    pub fn optimizer(&self) -> OptimizerConfig {
        optimizer_config(&self.optimizer, self.lr).expect("the name was checked when it was read")
    }
}

impl ThreadArgs {
    pub fn run<T: Send>(&self, body: impl FnOnce() -> T + Send) -> T {
        threads::run_on(self.threads.unwrap_or_else(threads::available), body)
    }
}

fn character(text: &str) -> Result<char, String> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        _ if text == "\\t" => Ok('\t'),
        _ => Err("it must be one character".into()),
    }
}

fn missing(text: &str) -> Result<Missing, String> {
    let fill = match text {
        "refuse" => return Ok(Missing { fill: Fill::Refuse, fill_text: FillText::Refuse }),
        "mean" => Fill::Mean,
        "median" => Fill::Median,
        "most-frequent" => Fill::MostFrequent,
        number => match number.parse() {
            Ok(x) if f64::is_finite(x) => Fill::Constant(x),
            _ => return Err("it must be refuse, mean, median, most-frequent or a number".into()),
        },
    };
    Ok(Missing { fill, fill_text: FillText::MostFrequent })
}

fn scaling(text: &str) -> Result<Scaling, String> {
    match text {
        "none" => Ok(Scaling::None),
        "standardise" => Ok(Scaling::Standardise),
        "min-max" => Ok(Scaling::MinMax),
        _ => Err("it must be standardise, min-max or none".into()),
    }
}

fn size(text: &str) -> Result<[usize; 2], String> {
    let sides = text.split_once('x').and_then(|(rows, cols)| Some([rows.parse().ok()?, cols.parse().ok()?]));
    sides.filter(|sides| !sides.contains(&0)).ok_or_else(|| "it must be like 28x28".into())
}

/// The activations that need no constant, by the names that they have in files.
pub const ACTIVATIONS: [&str; 7] = ["relu", "sigmoid", "tanh", "gelu", "silu", "softplus", "identity"];

pub fn activation(name: &str) -> Option<Activation> {
    let is_known = ACTIVATIONS.contains(&name);
    is_known.then(|| serde_json::from_value(name.into()).ok()).flatten()
}

fn optimizer_config(name: &str, lr: f32) -> Option<OptimizerConfig> {
    let config: OptimizerConfig = serde_json::from_value(serde_json::json!({ name: { "lr": lr } })).ok()?;
    config.validate().ok().map(|()| config)
}

fn optimizer(name: &str) -> Result<String, String> {
    match optimizer_config(name, 1e-3) {
        Some(_) => Ok(name.to_owned()),
        None => {
            Err("it must be sgd, adagrad, rmsprop, adadelta, adam, adamw, radam, nadam, adamax, lion or lamb"
                .into())
        }
    }
}

pub fn at_least_1(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "it must be a whole number of at least 1".into())
}

fn positive(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|&x: &f32| x > 0.0 && x.is_finite());
    number.ok_or_else(|| "it must be a number above 0".into())
}

/// From 0 to below 1.
pub fn part(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|x| (0.0..1.0).contains(x));
    number.ok_or_else(|| "it must be a number from 0 to below 1".into())
}

/// What is a number is a part.
fn validation(text: &str) -> Result<Validation, String> {
    if text.is_empty() || text.parse::<f64>().is_ok() {
        let part = part(text).map_err(|error| format!("{error}, or a file or a folder"))?;
        return Ok(Validation::Part(part));
    }
    Ok(Validation::Data(text.into()))
}

/// More threads than this per processor only wait for each other.
const THREADS_PER_PROCESSOR: usize = 4;

fn a_sensible_number_of_threads(text: &str) -> Result<usize, String> {
    let most = (THREADS_PER_PROCESSOR * threads::available()).max(16);
    let threads = at_least_1(text)?;
    if threads > most {
        return Err(format!(
            "this machine has {} processors; at most {most} threads make sense",
            threads::available()
        ));
    }
    Ok(threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_make_no_sense_are_refused_in_words() {
        for text in ["0", "-1", "x", "1.5", ""] {
            assert_eq!(at_least_1(text), Err("it must be a whole number of at least 1".into()));
        }
        assert_eq!((at_least_1("3"), a_sensible_number_of_threads("4")), (Ok(3), Ok(4)));
        assert!(a_sensible_number_of_threads("1000000").unwrap_err().contains("at most"));
        assert!(part("1").is_err() && part("-0.1").is_err() && part("NaN").is_err() && part("0").is_ok());
        assert_eq!(validation("0.25"), Ok(Validation::Part(0.25)));
        assert_eq!(validation("0.25.csv"), Ok(Validation::Data("0.25.csv".into())));
        for text in ["1", "-0.5", "nan", ""] {
            let refused = "it must be a number from 0 to below 1, or a file or a folder";
            assert_eq!(validation(text), Err(refused.into()));
        }
        assert!(positive("0").is_err() && positive("inf").is_err() && positive("0.1").is_ok());
        assert!(missing("infinity").is_err() && missing("0.5").is_ok());
        assert_eq!((character("\\t"), character(";")), (Ok('\t'), Ok(';')));
    }

    #[test]
    fn every_name_in_the_help_is_known() {
        for name in ACTIVATIONS {
            assert!(activation(name).is_some(), "{name}");
        }
        for name in "sgd adagrad rmsprop adadelta adam adamw radam nadam adamax lion lamb".split(' ') {
            assert!(optimizer(name).is_ok(), "{name}");
        }
        assert!(optimizer("lookahead").is_err() && activation("leaky_relu").is_none());
    }
}
