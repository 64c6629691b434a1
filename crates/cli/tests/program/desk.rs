//! A folder with a table in it, and the program run there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A folder to work in.
pub struct Desk(tempfile::TempDir);

/// What came of a run.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn iris() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/iris.csv")
}

impl Desk {
    pub fn new() -> Self {
        let desk = Desk(tempfile::tempdir().unwrap());
        fs::copy(iris(), desk.path("iris.csv")).unwrap();
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_layerwise"));
        command.current_dir(self.0.path()).args(line.split_whitespace());
        command
    }

    /// Runs `layerwise` with these arguments, which have no spaces in them.
    pub fn run(&self, line: &str) -> Done {
        let output = self.command(line).output().unwrap();
        Done {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs and expects success.
    pub fn ok(&self, line: &str) -> String {
        let done = self.run(line);
        assert_eq!(done.code, 0, "{line}: {done:?}");
        done.out
    }

    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(line)).unwrap()
    }

    /// Runs and expects an error with this code, whose text has `part` in it.
    #[track_caller]
    pub fn fails(&self, line: &str, code: i32, part: &str) {
        let done = self.run(line);
        assert_eq!(done.code, code, "{line}: {done:?}");
        assert!(done.err.contains(part), "{line}: {}", done.err);
        assert!(!done.err.contains("panicked"), "{line}: {}", done.err);
    }
}
