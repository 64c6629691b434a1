//! The `layerwise` program. It is a library for the sake of its tests; what it does is in `layerwise` and the crates below.

mod args;
mod arrays;
mod autoencode;
mod bench;
pub mod config;
mod course;
mod data;
mod eval;
mod export;
mod info;
mod interrupt;
mod model;
mod predict;
mod report;
mod train;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

/// Deep learning with multi-layer perceptrons and autoencoders on the CPU: networks for your own data, and a course on the real MNIST.
#[derive(Parser)]
#[command(
    name = "layerwise",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 done, 1 something went wrong (the message says what), 2 the flags or the configuration file are not \
                  understood, 130 a run was interrupted by Ctrl-C and its model saved."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    course: course::Args,
}

#[derive(Subcommand)]
enum Command {
    /// Trains a network on a CSV file, arrays, a folder of images, or the embedded MNIST
    Train(train::Args),
    /// Says how well a network does on data with targets
    Eval(eval::Args),
    /// Says what a network makes of new data, as CSV
    Predict(predict::Args),
    /// Trains an autoencoder on a CSV file, an array, images, or the embedded MNIST
    Autoencode(autoencode::Args),
    /// Writes the codes that an autoencoder has for data
    Encode(autoencode::ApplyArgs),
    /// Writes what an autoencoder gives back for data, in the units of the data
    Reconstruct(autoencode::ApplyArgs),
    /// Writes a model for other programs: ONNX
    Export(export::Args),
    /// Says what is in a model file
    Info(info::Args),
    /// Trains the network of each section and prints a table of what it reached (also without a command)
    Course(course::Args),
    /// Times training steps on this machine
    Bench(bench::Args),
    /// Prints a script that completes commands and flags
    Completions {
        /// The shell it is for
        shell: clap_complete::Shell,
    },
}

/// What somebody asked for makes no sense, although each of the flags does: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Runs the program with these arguments, the first of which is its name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match parse(&args) {
        Ok(cli) => cli,
        Err(Refused::Flags(error)) => {
            let _ = error.print(); // there is nowhere left to say that it cannot be said
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
        Err(Refused::Config(error)) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        // The reader of our output has seen enough, as `head` has.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<u8> {
    match cli.command {
        Some(Command::Train(args)) => train::run(&args),
        Some(Command::Eval(args)) => eval::run(&args),
        Some(Command::Predict(args)) => predict::run(&args),
        Some(Command::Autoencode(args)) => autoencode::run(&args),
        Some(Command::Encode(args)) => autoencode::encode(&args),
        Some(Command::Reconstruct(args)) => autoencode::reconstruct(&args),
        Some(Command::Export(args)) => export::run(&args),
        Some(Command::Info(args)) => info::run(&args),
        Some(Command::Bench(args)) => bench::run(&args),
        Some(Command::Course(args)) => course::run(&args).map(|()| 0),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut command(), "layerwise", &mut std::io::stdout());
            Ok(0)
        }
        None => course::run(&cli.course).map(|()| 0),
    }
}

/// Why the arguments were not taken.
enum Refused {
    Flags(clap::Error),
    Config(config::ConfigError),
}

/// All commands and flags.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The arguments, with those of the configuration file if one is named.
fn parse(args: &[OsString]) -> Result<Cli, Refused> {
    let mut matches = command().try_get_matches_from(args).map_err(Refused::Flags)?;
    if let Some((name, given)) = matches.subcommand()
        && let Some(path) = config_file(given)
    {
        let merged = config::merge(args, name, given, path).map_err(Refused::Config)?;
        let fail = |error: clap::Error| config::ConfigError {
            path: path.clone(),
            problem: error.to_string().trim_start_matches("error: ").trim_end().to_owned(),
        };
        matches = command().try_get_matches_from(merged).map_err(|error| Refused::Config(fail(error)))?;
    }
    Cli::from_arg_matches(&matches).map_err(Refused::Flags)
}

fn config_file(given: &ArgMatches) -> Option<&std::path::PathBuf> {
    given.try_get_one("config").ok().flatten()
}

/// Whether the flags of a configuration file's text would be taken by `layerwise train`: for tests of what reads them.
///
/// # Errors
/// What is wrong with them.
pub fn check_config(text: &str) -> Result<(), String> {
    let args = ["layerwise", "train", "--config=file.toml"].map(OsString::from);
    let matches = command().try_get_matches_from(&args).map_err(|error| error.to_string())?;
    let (name, given) = matches.subcommand().ok_or("no command")?;
    let merged = config::merge_text(&args, name, given, Path::new("file.toml"), text);
    let merged = merged.map_err(|error| error.to_string())?;
    let matches = command().try_get_matches_from(merged).map_err(|error| error.to_string())?;
    Cli::from_arg_matches(&matches).map(drop).map_err(|error| error.to_string())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_pipe = |error: &std::io::Error| error.kind() == ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        let csv = cause.downcast_ref::<csv::Error>().map(csv::Error::kind);
        cause.downcast_ref().is_some_and(is_pipe)
            || matches!(csv, Some(csv::ErrorKind::Io(error)) if is_pipe(error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        command().debug_assert();
    }

    #[test]
    fn flags_come_from_files_too() {
        assert_eq!(
            check_config("epochs = 3\nhidden = [8, 4]\ndata = \"x.csv\"\nbatch-norm = true\n"),
            Ok(())
        );
        let text = check_config("hiden = 3\n").unwrap_err();
        assert!(text.contains("unexpected argument '--hiden' found") && text.contains("--hidden"), "{text}");
        let text = check_config("epochs = 0\n").unwrap_err();
        assert!(text.contains("it must be a whole number of at least 1"), "{text}");
        assert!(check_config("config = \"x\"\n").is_err());
    }
}
