//! `layerwise course`: the sections, one after the other.

use std::fs::OpenOptions;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::Context;
use layerwise::course::{Options, SECTIONS, Section, TABLE_HEADER, illustrations, report, table_row};
use layerwise::prelude::*;
use layerwise::recipe::Outcome;

use crate::args::{ThreadArgs, at_least_1};

/// What `--out` writes beside the pictures: the outcomes, the histories as a table, and a page that shows everything.
const JSON: &str = "course.json";
const CSV: &str = "history.csv";
const PAGE: &str = "index.html";

#[derive(clap::Args)]
pub struct Args {
    /// Only this section (may be given several times)
    #[arg(long, value_name = "NAME", value_parser = section_names())]
    section: Vec<String>,
    /// Epochs of every section, in place of its own number
    #[arg(long, value_name = "N", value_parser = at_least_1)]
    epochs: Option<usize>,
    /// Where all random numbers come from: the same seed gives the same result, bit for bit
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Writes the results to this folder: index.html with every picture, the pictures, course.json and history.csv
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Prints a JSON object per section instead of the table; accuracies are between 0 and 1
    #[arg(long)]
    json: bool,
}

fn section_names() -> Vec<&'static str> {
    SECTIONS.iter().map(|section| section.name).collect()
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    if let Some(dir) = &args.out {
        // Before the training, not after it: a folder that cannot be written to should not cost a run.
        std::fs::create_dir_all(dir).with_context(|| format!("creating the folder {}", dir.display()))?;
        for name in [JSON, CSV, PAGE] {
            let path = dir.join(name);
            // Opened for appending, so that the results of an earlier run stay until there are new ones.
            let opened = OpenOptions::new().create(true).append(true).open(&path);
            opened.with_context(|| format!("writing {}", path.display()))?;
        }
    }
    let outcomes = args.threads.run(|| {
        let chosen =
            SECTIONS.iter().filter(|s| args.section.is_empty() || args.section.iter().any(|n| n == s.name));
        chosen.map(|section| run_section(section, args)).collect::<anyhow::Result<Vec<_>>>()
    })?;
    if !args.json {
        write!(stdout(), "{}", table(&outcomes))?;
    }
    if let Some(dir) = &args.out {
        write_results(dir, &outcomes)?;
    }
    Ok(())
}

fn run_section(section: &Section, args: &Args) -> anyhow::Result<Outcome> {
    eprintln!("{}: {}", section.name, section.title);
    let options = Options { epochs: args.epochs, seed: args.seed, progress: Progress::Auto };
    let outcome = (section.run)(Mnist::embedded(), &options);
    let outcome = outcome.with_context(|| format!("training section {}", section.name))?;
    if args.json {
        writeln!(stdout(), "{}", serde_json::to_string(&outcome)?)?;
    }
    Ok(outcome)
}

/// What was reached, section by section.
fn table(outcomes: &[Outcome]) -> String {
    let line = |[section, accuracy, loss, mse, seconds]: [&str; 5]| {
        format!("{section:32} {accuracy:>13} {loss:>9} {mse:>9} {seconds:>8}\n")
    };
    let mut table = String::from("\n") + &line(TABLE_HEADER);
    for outcome in outcomes {
        table += &line(table_row(outcome).each_ref().map(String::as_str));
    }
    table
}

fn write_results(dir: &Path, outcomes: &[Outcome]) -> anyhow::Result<()> {
    write(&dir.join(JSON), &(serde_json::to_string_pretty(outcomes)? + "\n"))?;
    let mut history = String::from("section,seed,epoch,loss,test_accuracy,test_mse,seconds\n");
    for outcome in outcomes {
        for epoch in &outcome.history.epochs {
            // Nothing where a section does not measure it.
            let metric = |name| epoch.metrics.get(name).map_or(String::new(), f64::to_string);
            let (accuracy, mse) = (metric("test_accuracy"), metric("test_mse"));
            let (Outcome { section, seed, .. }, EpochRecord { epoch, loss, seconds, .. }) = (outcome, epoch);
            history += &format!("{section},{seed},{epoch},{loss},{accuracy},{mse},{seconds}\n");
        }
    }
    write(&dir.join(CSV), &history)?;
    for illustration in outcomes.iter().flat_map(illustrations) {
        write(&dir.join(illustration.name + ".svg"), &illustration.drawing.svg())?;
    }
    write(&dir.join(PAGE), &report(outcomes).to_html())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_written_as_json_and_csv() {
        let dir = std::env::temp_dir().join(format!("layerwise-course-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let metrics = [("test_accuracy".to_owned(), 0.25)].into();
        let epochs = vec![EpochRecord { epoch: 1, loss: 2.5, lr: 0.01, seconds: 0.5, metrics }];
        let outcome = Outcome {
            section: "mlp".into(),
            epochs: 1,
            seed: 7,
            test_accuracy: Some(0.25),
            test_loss: Some(2.25),
            test_mse: None,
            test_squared_error: None,
            seconds: 0.75,
            history: History { epochs, ..History::default() },
            findings: None,
        };
        write_results(&dir, std::slice::from_ref(&outcome)).unwrap();
        let csv = std::fs::read_to_string(dir.join("history.csv")).unwrap();
        assert_eq!(csv, "section,seed,epoch,loss,test_accuracy,test_mse,seconds\nmlp,7,1,2.5,0.25,,0.5\n");
        let json = std::fs::read_to_string(dir.join("course.json")).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Outcome>>(&json).unwrap(), [outcome]);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn the_table_has_a_row_per_section() {
        let outcome = Outcome {
            section: "mlp".into(),
            epochs: 10,
            seed: 0,
            test_accuracy: Some(0.9023),
            test_loss: Some(0.35512),
            seconds: 8.44,
            ..Outcome::default()
        };
        let expected = "
section                          test accuracy test loss  test MSE  seconds
mlp                                    90.23 %    0.3551                8.4
";
        assert_eq!(table(&[outcome]), expected);
    }
}
