//! The unfinished file, `<name>.part`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{DownloadError, cache_error};

/// What has arrived of a file. No other process writes to it at the same time.
pub(super) struct Part {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Part {
    /// Opens what an earlier attempt has left, or begins.
    pub(super) fn open(path: PathBuf) -> Result<Self, DownloadError> {
        let opened = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let opened = opened.and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = opened.map_err(|source| cache_error(&path, source))?;
        match file.try_lock() {
            // Some file systems know no locks; there the checksum notices two writers.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { file, path, length }),
            Err(TryLockError::WouldBlock) => Err(DownloadError::Busy { path }),
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.length
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    pub(super) fn append(&mut self, piece: &[u8]) -> Result<(), DownloadError> {
        let written = self.file.write_all(piece);
        self.length += piece.len() as u64;
        self.checked(written)
    }

    /// Forgets everything that has arrived.
    pub(super) fn clear(&mut self) -> Result<(), DownloadError> {
        let cut = self.file.set_len(0);
        self.length = 0;
        self.checked(cut)
    }

    /// The file under its own name. It replaces what was there.
    pub(super) fn finish(self, path: &Path) -> Result<(), DownloadError> {
        let renamed = self.file.sync_all().and_then(|()| fs::rename(&self.path, path));
        renamed.map_err(|source| {
            let error = cache_error(path, source);
            self.remove();
            error
        })
    }

    /// Best effort: whoever calls this has a failure of more weight to report.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }

    fn checked(&self, result: io::Result<()>) -> Result<(), DownloadError> {
        result.map_err(|source| cache_error(&self.path, source))
    }
}
