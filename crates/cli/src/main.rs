//! The `layerwise` program.

mod course;

use clap::{Parser, Subcommand};

/// Deep learning with multi-layer perceptrons on the CPU, as a course on the real MNIST.
#[derive(Parser)]
#[command(name = "layerwise", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    course: course::Args,
}

#[derive(Subcommand)]
enum Command {
    /// Trains the network of each section and prints a table of what it reached (also without a command).
    Course(course::Args),
}

fn main() -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!("note: this is a debug build, several times slower than `cargo run --release`");
    }
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Course(args)) => course::run(&args),
        None => course::run(&cli.course),
    }
}
