//! The checkpoints of a run in a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use layerwise_autograd::file;
use serde::Serialize;
use serde_json::Value;

use super::{Checkpoint, CheckpointError, Problem};

/// Where the checkpoints of a run are written, and when: [`Trainer::checkpoints`](crate::Trainer::checkpoints).
///
/// One is written after every epoch, where the run ends, and after as many steps as [`Checkpoints::every_steps`] says. A file is written
/// beside its place, made sure to be on the disk, and renamed, so that it is whole or not there. Its name has the number of steps.
#[derive(Clone, PartialEq, Debug)]
pub struct Checkpoints {
    pub(crate) folder: PathBuf,
    pub(crate) steps: Option<u64>,
    keep: usize,
    pub(crate) config: Value,
    pub(crate) resume: bool,
}

impl Checkpoints {
    /// In this folder, which is made if it is not there. It belongs to one run at a time.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Checkpoints { folder: folder.into(), steps: None, keep: 3, config: Value::Null, resume: false }
    }

    /// One more after every `steps` steps. Defaults to none between epochs.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn every_steps(self, steps: u64) -> Self {
        assert!(steps > 0, "the number of steps between two checkpoints must be at least 1, found 0");
        Checkpoints { steps: Some(steps), ..self }
    }

    /// How many are kept; older ones are deleted when a new one is there. Defaults to 3.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn keep(self, keep: usize) -> Self {
        assert!(keep > 0, "the number of checkpoints that are kept must be at least 1, found 0");
        Checkpoints { keep, ..self }
    }

    /// The program's own configuration: the hyper-parameters of the optimizer, the network, the version of the data. It is in every
    /// checkpoint, and a run only goes on from one with the same.
    ///
    /// # Panics
    /// If it has no form in JSON.
    #[must_use]
    #[track_caller]
    pub fn config(self, config: &impl Serialize) -> Self {
        match serde_json::to_value(config) {
            Ok(config) => Checkpoints { config, ..self },
            Err(error) => panic!("a configuration for checkpoints: {error}"),
        }
    }

    /// Goes on from the newest checkpoint of the folder, if there is one. One that is damaged is passed over, put aside with `.damaged` behind
    /// its name, and named in [`History::warnings`](crate::History::warnings). Without this, a folder that has checkpoints is refused.
    ///
    /// A run goes on only as it was: with the same model, rule, examples, batches, seed, schedules, clipping, constraints, callbacks and
    /// [`Checkpoints::config`]. Epochs and steps may be more than before.
    #[must_use]
    pub fn resume(self) -> Self {
        Checkpoints { resume: true, ..self }
    }

    /// Makes the folder ready.
    pub(crate) fn open(&self) -> Result<(), CheckpointError> {
        fs::create_dir_all(&self.folder).map_err(Problem::io("make", &self.folder))?;
        for name in names(&self.folder)?.iter().filter(|name| is_unfinished(name)) {
            // What a run has left that was killed while it wrote.
            let path = self.folder.join(name);
            fs::remove_file(&path).map_err(Problem::io("remove", &path))?;
        }
        match list(&self.folder)?.first() {
            Some(&(step, _)) if !self.resume => Err(Problem::Occupied { step }.at(&self.folder)),
            _ => Ok(()),
        }
    }

    /// The newest one that is whole, its path, and what has been passed over. None if there are no files.
    pub(crate) fn newest(&self) -> Result<Option<(PathBuf, Checkpoint, Vec<String>)>, CheckpointError> {
        let mut passed_over: Vec<CheckpointError> = Vec::new();
        for (_, path) in list(&self.folder)? {
            match Checkpoint::read(&path) {
                Ok(checkpoint) => {
                    let warnings = passed_over.iter().map(put_aside).collect();
                    return Ok(Some((path, checkpoint, warnings)));
                }
                Err(error) if error.problem.is_damage() => passed_over.push(error),
                Err(error) => return Err(error),
            }
        }
        // The newest is what the user expected to go on from.
        passed_over.into_iter().next().map_or(Ok(None), Err)
    }

    /// Writes one, then deletes those that are too old. Its path.
    pub(crate) fn write(&self, step: u64, bytes: &[u8]) -> Result<PathBuf, CheckpointError> {
        let path = self.folder.join(format!("{PREFIX}{step:010}{SUFFIX}"));
        file::replace(&path, bytes).map_err(|error| Problem::io("write", &path)(error.source))?;
        let older = list(&self.folder)?.into_iter().filter(|&(other, _)| other <= step);
        for (_, path) in older.skip(self.keep) {
            fs::remove_file(&path).map_err(Problem::io("remove", &path))?;
        }
        Ok(path)
    }
}

/// Takes a damaged file out of the way. What the user has to know of it.
fn put_aside(error: &CheckpointError) -> String {
    let mut aside = error.path.clone().into_os_string();
    aside.push(".damaged");
    match &error.problem {
        Problem::Io { .. } => format!("{error}; an earlier checkpoint serves instead"),
        _ => match fs::rename(&error.path, &aside) {
            Ok(()) => {
                format!("{error}; an earlier checkpoint serves instead, this one is put aside as .damaged")
            }
            Err(rename) => format!(
                "{error}; an earlier checkpoint serves instead, this one cannot be put aside: {rename}"
            ),
        },
    }
}

const PREFIX: &str = "step-";
const SUFFIX: &str = ".checkpoint";

/// Whether `file::replace` was on its way to a checkpoint.
fn is_unfinished(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(".tmp"))
}

/// The checkpoints in a folder with their steps, newest first. None if there is no folder.
pub(super) fn list(folder: &Path) -> Result<Vec<(u64, PathBuf)>, CheckpointError> {
    let step_of = |name: &str| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok();
    let names = names(folder)?;
    let mut found: Vec<(u64, PathBuf)> =
        names.iter().filter_map(|name| Some((step_of(name)?, folder.join(name)))).collect();
    found.sort_by(|a, b| b.cmp(a));
    Ok(found)
}

fn names(folder: &Path) -> Result<Vec<String>, CheckpointError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Problem::io("list", folder))?,
    };
    // Names that are no text are none of ours.
    let name =
        |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().into_string().ok()).transpose();
    entries.filter_map(name).collect::<io::Result<_>>().map_err(Problem::io("list", folder))
}
