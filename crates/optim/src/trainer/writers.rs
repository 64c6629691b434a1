//! Histories as files for other programs.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::callback::{BeginView, Callback, EpochView, Halt};
use super::{EpochRecord, History};

impl History {
    /// Writes a line with names, then one per epoch: `epoch,loss,lr,seconds` and the metrics. A metric that an epoch does not have is
    /// nothing between its commas; NaN and infinities are `NaN`, `inf` and `-inf`.
    ///
    /// ```
    /// use layerwise_optim::History;
    /// let text = r#"{"epochs": [{"epoch": 1, "loss": 0.5, "lr": 0.1, "seconds": 2.0, "metrics": {"val_loss": 0.75}}], "ended": "finished"}"#;
    /// let history: History = serde_json::from_str(text)?;
    /// let mut csv = Vec::new();
    /// history.write_csv(&mut csv)?;
    /// assert_eq!(String::from_utf8(csv)?, "epoch,loss,lr,seconds,val_loss\n1,0.5,0.1,2,0.75\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_csv(&self, mut out: impl Write) -> io::Result<()> {
        let names: BTreeSet<&str> =
            self.epochs.iter().flat_map(|epoch| epoch.metrics.keys().map(String::as_str)).collect();
        write!(out, "epoch,loss,lr,seconds")?;
        names.iter().try_for_each(|name| write!(out, ",{}", quoted(name)))?;
        writeln!(out)?;
        for EpochRecord { epoch, loss, lr, seconds, metrics } in &self.epochs {
            write!(out, "{epoch},{loss},{lr},{seconds}")?;
            for &name in &names {
                write!(out, ",{}", metrics.get(name).map_or(String::new(), f64::to_string))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// Writes one line of JSON per epoch.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json_lines(&self, mut out: impl Write) -> io::Result<()> {
        self.epochs.iter().try_for_each(|record| write_line(&mut out, record))
    }
}

fn write_line(mut out: impl Write, record: &EpochRecord) -> io::Result<()> {
    let line = serde_json::to_string(record)? + "\n";
    out.write_all(line.as_bytes())
}

/// A field of a CSV file, in quotes if it has to be.
fn quoted(name: &str) -> String {
    match name.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    }
}

/// Writes each epoch into a file as a line of JSON as soon as it is over, so that a run that is killed leaves what it has been through: a
/// [`Callback`]. A run that is resumed begins the file again with the epochs it goes on from.
///
/// ```
/// use layerwise_autograd::{Params, Tensor};
/// use layerwise_optim::{JsonLines, Progress, Sgd, SgdConfig, Trainer};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("history.jsonl");
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [1], |w| w[0] = 1.0);
/// let mut opt = Sgd::new(&params, SgdConfig::default());
/// let data = Tensor::zeros([32, 1]);
/// let trainer = Trainer::new(2).progress(Progress::Silent).callback(JsonLines::new(&path));
/// trainer.fit(&mut params, &mut opt, &data, |pass, _| pass.param(w).square().sum())?;
/// assert_eq!(std::fs::read_to_string(path)?.lines().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JsonLines {
    path: PathBuf,
    file: Option<File>,
}

impl JsonLines {
    /// Into this file, which is made or replaced when the run begins.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        JsonLines { path: path.into(), file: None }
    }

    fn begin(&mut self, history: &History) -> io::Result<()> {
        let file = self.file.insert(File::create(&self.path)?);
        let mut out = BufWriter::new(file);
        history.write_json_lines(&mut out)?;
        out.flush()
    }

    fn halt(&self, result: io::Result<()>) -> ControlFlow<Halt> {
        Halt::on_error(result.map_err(|error| format!("writing {}: {error}", self.path.display())))
    }
}

impl Callback for JsonLines {
    fn on_begin(&mut self, view: &BeginView<'_>) -> ControlFlow<Halt> {
        let result = self.begin(view.history);
        self.halt(result)
    }

    fn on_epoch(&mut self, view: &mut EpochView<'_>) -> ControlFlow<Halt> {
        let written = self.file.as_mut().map_or(Ok(()), |file| write_line(file, view.record));
        self.halt(written)
    }
}
