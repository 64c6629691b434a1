//! Files that are either whole or not there.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{fs, process};

/// Why a file was not written. One that was there before is still there.
#[derive(Debug, thiserror::Error)]
#[error("saving {}: {source}", path.display())]
pub struct SaveError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Writes a file in the place of the one that is there, if any: beside it first (with a dot before its name, the process and `.tmp` behind it), and
/// onto the disk, then by its name, which is brought to the disk as well. Whoever reads `path`, and whenever this is interrupted, finds the old
/// file or the new one, never a part of it.
///
/// # Errors
/// If the file cannot be written. What is left of the attempt is removed.
pub fn replace(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), SaveError> {
    let path = path.as_ref();
    let attempt = || -> io::Result<()> {
        let beside = beside(path)?;
        let written = fs::File::create(&beside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        let result = written.and_then(|()| fs::rename(&beside, path)).and_then(|()| sync_folder(path));
        if result.is_err() {
            // That it cannot be removed is not the error to report.
            let _ = fs::remove_file(&beside);
        }
        result
    };
    attempt().map_err(|source| SaveError { path: path.to_owned(), source })
}

/// A name is on the disk when its folder is. Only Unix lets a folder be opened for that.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Where a file is written before it gets its name.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name");
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or_else(no_name)?);
    name.push(format!(".{}.tmp", process::id()));
    Ok(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_file_takes_the_place_of_the_old_one_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for bytes in [&b"old"[..], b"new and longer", b""] {
            replace(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("folder");
        fs::create_dir(&taken).unwrap();
        for path in [&taken, &folder.path().join("missing").join("file")] {
            let error = replace(path, b"new").unwrap_err();
            assert!(error.to_string().starts_with(&format!("saving {}: ", path.display())), "{error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(replace("..", b"").unwrap_err().to_string(), "saving ..: the path has no file name");
    }
}
