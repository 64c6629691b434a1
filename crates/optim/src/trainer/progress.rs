use std::fmt::Write as _;
use std::io::{IsTerminal, stderr};
use std::path::Path;

use super::plan::Plan;
use super::{Ended, EpochRecord, History, Trainer};
use crate::checkpoint::Position;

/// How a training run shows where it is. Everything goes to the standard error, so that results can be piped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Progress {
    /// On a terminal (with the feature `progress`) a bar over the whole run, with examples per second, loss, metrics and the time left;
    /// lines elsewhere.
    #[default]
    Auto,
    /// A line per epoch.
    Lines,
    /// Nothing.
    Silent,
}

/// Shows it.
pub(super) struct Reporter {
    epochs: usize,
    style: Style,
}

enum Style {
    #[cfg(feature = "progress")]
    Bar {
        bar: indicatif::ProgressBar,
        /// In an epoch.
        examples: usize,
        /// The metrics of the last epoch.
        metrics: String,
    },
    Lines,
    Silent,
}

impl Reporter {
    /// For what is left of a run. It begins with the warnings.
    pub fn new(trainer: &Trainer<'_>, plan: &Plan, at: &Position, history: &History) -> Self {
        let style = match trainer.progress {
            Progress::Silent => Style::Silent,
            Progress::Auto if stderr().is_terminal() => on_terminal(trainer, plan, at),
            Progress::Auto | Progress::Lines => Style::Lines,
        };
        let reporter = Reporter { epochs: trainer.epochs, style };
        history.warnings.iter().for_each(|warning| reporter.note(warning));
        reporter
    }

    /// After a step.
    #[cfg_attr(not(feature = "progress"), expect(unused_variables))]
    pub fn step(&mut self, at: &Position) {
        #[cfg(feature = "progress")]
        if let Style::Bar { bar, examples, metrics } = &self.style {
            // The bar limits how often it is drawn; the text is what costs, so it is made only now and then.
            bar.set_position(position(at, *examples));
            if at.step % 50 == 1 {
                let (width, loss) = (self.epochs.to_string().len(), at.loss.get());
                bar.set_message(format!(
                    "epoch {:width$}/{}  loss {loss:.4}{metrics}",
                    at.epoch, self.epochs
                ));
            }
        }
    }

    /// After an epoch.
    pub fn epoch(&mut self, record: &EpochRecord) {
        let line = self.line(record);
        match &mut self.style {
            #[cfg(feature = "progress")]
            Style::Bar { bar, metrics, .. } => {
                bar.println(line);
                *metrics = measured(record);
            }
            Style::Lines => eprintln!("{line}"),
            Style::Silent => {}
        }
    }

    /// Something that the user has to know.
    pub fn note(&self, text: &str) {
        match &self.style {
            #[cfg(feature = "progress")]
            Style::Bar { bar, .. } => bar.println(text),
            Style::Lines => eprintln!("{text}"),
            Style::Silent => {}
        }
    }

    /// After the run: a line if it has ended before its time.
    pub fn end(&self, at: &Position, history: &History, saved: Option<&Path>) {
        if let Some(line) = last_line(at, &history.ended, saved) {
            self.note(&line);
        }
        #[cfg(feature = "progress")]
        if let Style::Bar { bar, .. } = &self.style {
            bar.finish_and_clear();
        }
    }

    /// `epoch  3/10  loss 1.2345  test_accuracy 0.7654  0.9 s`
    fn line(&self, record: &EpochRecord) -> String {
        let width = self.epochs.to_string().len();
        let EpochRecord { epoch, loss, seconds, .. } = record;
        format!("epoch {epoch:width$}/{}  loss {loss:.4}{}  {seconds:.1} s", self.epochs, measured(record))
    }
}

fn measured(record: &EpochRecord) -> String {
    record.metrics.iter().map(|(name, value)| format!("  {name} {value:.4}")).collect()
}

fn last_line(at: &Position, ended: &Ended, saved: Option<&Path>) -> Option<String> {
    let why = match ended {
        Ended::Finished => return None,
        Ended::Early { watched, best, epoch } => format!("{watched} was best in epoch {epoch}, {best:.4}"),
        Ended::Stopped => "stopped".to_owned(),
        Ended::Callback(why) => why.clone(),
    };
    let mut line = format!("ended after step {}: {why}", at.step);
    if let Some(path) = saved {
        let _ = write!(line, "; saved as {}", path.display()); // a text takes everything
    }
    Some(line)
}

/// Examples since the beginning of the run.
#[cfg(feature = "progress")]
fn position(at: &Position, examples: usize) -> u64 {
    ((at.epoch - 1) * examples + at.loss.examples) as u64
}

#[cfg(feature = "progress")]
fn on_terminal(trainer: &Trainer<'_>, plan: &Plan, at: &Position) -> Style {
    let all = (trainer.epochs * plan.used) as u64;
    let by_steps = |steps: u64| steps.saturating_mul(plan.used as u64) / plan.steps as u64;
    let examples = trainer.steps.map_or(all, |steps| all.min(by_steps(steps)));
    let template = "  {wide_bar}  {msg}  {rate}  {eta} left";
    let style = indicatif::ProgressStyle::with_template(template).expect("the template is well-formed");
    let style = style.with_key("rate", |state: &indicatif::ProgressState, f: &mut dyn std::fmt::Write| {
        // Nowhere to report a failure to, and nothing lost.
        let _ = write!(f, "{:.0} examples/s", state.per_sec());
    });
    let bar = indicatif::ProgressBar::new(examples).with_style(style).with_position(position(at, plan.used));
    bar.reset_eta();
    Style::Bar { bar, examples: plan.used, metrics: String::new() }
}

#[cfg(not(feature = "progress"))]
fn on_terminal(_trainer: &Trainer<'_>, _plan: &Plan, _at: &Position) -> Style {
    Style::Lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_the_run_is() {
        let reporter = Reporter { epochs: 10, style: Style::Lines };
        let metrics = [("test_accuracy".to_owned(), 0.76543)].into();
        let record = EpochRecord { epoch: 3, loss: 1.23456, lr: 0.1, seconds: 0.91, metrics };
        assert_eq!(reporter.line(&record), "epoch  3/10  loss 1.2346  test_accuracy 0.7654  0.9 s");
    }

    #[test]
    fn the_last_line_says_why_and_where_it_is_saved() {
        let at = Position { step: 7, ..Position::default() };
        assert_eq!(last_line(&at, &Ended::Finished, None), None);
        let path = Path::new("runs/step-0000000007.checkpoint");
        let stopped = "ended after step 7: stopped; saved as runs/step-0000000007.checkpoint";
        assert_eq!(last_line(&at, &Ended::Stopped, Some(path)).unwrap(), stopped);
        let early = Ended::Early { watched: "val_loss".into(), best: 0.25, epoch: 3 };
        let text = "ended after step 7: val_loss was best in epoch 3, 0.2500";
        assert_eq!(last_line(&at, &early, None).unwrap(), text);
    }
}
