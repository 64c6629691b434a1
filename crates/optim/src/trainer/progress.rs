use std::io::{IsTerminal, stderr};

use super::EpochRecord;

/// How a training run shows where it is. Everything goes to the standard error, so that results can be piped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Progress {
    /// A bar on a terminal (with the feature `progress`), lines elsewhere.
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
    Bar(indicatif::ProgressBar),
    Lines,
    Silent,
}

impl Reporter {
    /// For a run of this many epochs of `steps` steps.
    pub fn new(progress: Progress, epochs: usize, steps: usize) -> Self {
        let style = match progress {
            Progress::Silent => Style::Silent,
            Progress::Auto if stderr().is_terminal() => on_terminal(steps),
            Progress::Auto | Progress::Lines => Style::Lines,
        };
        Reporter { epochs, style }
    }

    /// After a step: its number in the epoch, and the mean loss so far.
    #[cfg_attr(not(feature = "progress"), allow(unused_variables))]
    pub fn step(&mut self, step: usize, loss: f64) {
        #[cfg(feature = "progress")]
        if let Style::Bar(bar) = &self.style {
            // The bar limits how often it is drawn; the text is what costs, so it is made only now and then.
            bar.set_position(step as u64);
            if step % 50 == 1 {
                bar.set_message(format!("loss {loss:.4}"));
            }
        }
    }

    /// After an epoch.
    pub fn epoch(&mut self, record: &EpochRecord) {
        let line = self.line(record);
        match &self.style {
            #[cfg(feature = "progress")]
            Style::Bar(bar) => {
                bar.println(line);
                bar.reset();
                if record.epoch == self.epochs {
                    bar.finish_and_clear();
                }
            }
            Style::Lines => eprintln!("{line}"),
            Style::Silent => {}
        }
    }

    /// `epoch  3/10  loss 1.2345  test_accuracy 0.7654  0.9 s`
    fn line(&self, record: &EpochRecord) -> String {
        let width = self.epochs.to_string().len();
        let metrics: String =
            record.metrics.iter().map(|(name, value)| format!("  {name} {value:.4}")).collect();
        format!(
            "epoch {:width$}/{}  loss {:.4}{metrics}  {:.1} s",
            record.epoch, self.epochs, record.loss, record.seconds
        )
    }
}

#[cfg(feature = "progress")]
fn on_terminal(steps: usize) -> Style {
    let template = "  {wide_bar} {pos}/{len}  {msg}  {rate}  {eta} left";
    let style = indicatif::ProgressStyle::with_template(template).expect("the template is well-formed");
    let style = style.with_key("rate", |state: &indicatif::ProgressState, f: &mut dyn std::fmt::Write| {
        // Nowhere to report a failure to, and nothing lost.
        let _ = write!(f, "{:.0} steps/s", state.per_sec());
    });
    Style::Bar(indicatif::ProgressBar::new(steps as u64).with_style(style))
}

#[cfg(not(feature = "progress"))]
fn on_terminal(_steps: usize) -> Style {
    Style::Lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_the_run_is() {
        let reporter = Reporter::new(Progress::Lines, 10, 100);
        let metrics = [("test_accuracy".to_owned(), 0.76543)].into();
        let record = EpochRecord { epoch: 3, loss: 1.23456, lr: 0.1, seconds: 0.91, metrics };
        assert_eq!(reporter.line(&record), "epoch  3/10  loss 1.2346  test_accuracy 0.7654  0.9 s");
    }
}
