use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::StateError;

/// A checkpoint that could not be written, read, or gone on from.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct CheckpointError {
    /// The file or the folder.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a checkpoint.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The system refuses.
    #[error("cannot {doing} it: {message}")]
    Io {
        /// What was tried: `read`, `write`, ..
        doing: &'static str,
        /// The kind of the system's error.
        kind: io::ErrorKind,
        /// The system's words.
        message: String,
    },
    /// It begins with other bytes.
    #[error("it is no checkpoint: its first bytes are {found:02x?}")]
    Magic {
        /// Its first bytes, eight at most.
        found: Vec<u8>,
    },
    /// It is from a later version of the library.
    #[error("it has version {found} of the format, the latest one known here is {known}")]
    Newer {
        /// Its version.
        found: u32,
        /// The latest that can be read.
        known: u32,
    },
    /// It is shorter or longer than it says.
    #[error("it has {found} bytes, expected {expected}")]
    Length {
        /// The bytes it should have: by what its head says, or of the head itself.
        expected: u64,
        /// Its bytes.
        found: u64,
    },
    /// A checksum differs.
    #[error("its {part} {} damaged: the checksum is {found:08x}, expected {expected:08x}", if *part == "numbers" { "are" } else { "is" })]
    Damaged {
        /// Which part: head, header or numbers.
        part: &'static str,
        /// The checksum that it was written with.
        expected: u32,
        /// The checksum of what is there.
        found: u32,
    },
    /// Its header is whole, but does not say what a header has to say.
    #[error("its header: {0}")]
    Header(String),
    /// A parameter of the run is not the one that was saved.
    #[error(
        "parameter {at} is {} here and {} in the checkpoint: it is of another model",
        or_missing(expected),
        or_missing(found)
    )]
    Parameter {
        /// Its place.
        at: usize,
        /// Name and shape in the run; nothing if there are fewer.
        expected: Option<String>,
        /// Name and shape in the checkpoint; nothing if there are fewer.
        found: Option<String>,
    },
    /// It belongs to another optimizer.
    #[error("its optimizer: {0}")]
    Optimizer(#[from] StateError),
    /// The run is set up in another way, so that it would not go on as it was.
    #[error("it was saved with {name} {saved}, this run has {found}")]
    Setting {
        /// The setting of the trainer, or `config` for the program's own.
        name: String,
        /// As it was.
        saved: Value,
        /// As it is.
        found: Value,
    },
    /// The run has other callbacks with a state.
    #[error("it was saved with the callbacks {saved:?}, this run has {found:?}")]
    Callbacks {
        /// Their kinds in the checkpoint.
        saved: Vec<String>,
        /// Their kinds in the run.
        found: Vec<String>,
    },
    /// A callback does not accept its state.
    #[error("its callback {kind:?}: {message}")]
    Callback {
        /// Which one.
        kind: String,
        /// What it says.
        message: String,
    },
    /// A new run would write into the folder of another one.
    #[error(
        "there are checkpoints of a run in this folder, the latest after step {step}: resume it, or take another folder"
    )]
    Occupied {
        /// The step of the latest.
        step: u64,
    },
}

fn or_missing(parameter: &Option<String>) -> &str {
    parameter.as_deref().unwrap_or("missing")
}

impl Problem {
    pub(crate) fn at(self, path: &Path) -> CheckpointError {
        CheckpointError { path: path.to_owned(), problem: self }
    }

    /// Something that the system refuses to do with `path`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CheckpointError {
        move |error| Problem::Io { doing, kind: error.kind(), message: error.to_string() }.at(path)
    }

    /// Whether it is the file itself that is broken, so that an earlier one may serve.
    pub(crate) fn is_damage(&self) -> bool {
        use Problem::{Damaged, Header, Io, Length, Magic};
        matches!(self, Io { .. } | Magic { .. } | Length { .. } | Damaged { .. } | Header(_))
    }
}
