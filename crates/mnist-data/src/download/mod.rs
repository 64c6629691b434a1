//! Fetching members of the family over the network (feature `download`).
//!
//! ```no_run
//! use layerwise_mnist_data::{Download, Family};
//!
//! let fashion = Download::new(Family::FashionMnist)
//!     .progress(|p| eprint!("\r{}: {} bytes", p.file, p.received))
//!     .open()?;
//! println!("{} training images of {:?}", fashion.train.len(), fashion.train.class_names());
//! # Ok::<(), layerwise_mnist_data::DataError>(())
//! ```
//!
//! # The cache
//!
//! Files lie in one folder per data set below the cache folder, compressed as they are published. What bears a file's
//! name is complete and has passed its checksums; it was written as `<name>.part` and renamed at the end. A `.part` file
//! remains only where a connection was lost, and the next attempt asks the server for the rest of it (HTTP `Range`).
//! After every other failure it is removed.
//!
//! # Trust
//!
//! Every file is compared with the MD5 and, where one is published (all but QMNIST), the SHA-256 that torchvision and
//! TensorFlow Datasets know it by. The mirrors may therefore be anybody's, and plain HTTP is good enough.
//!
//! # Limits of time
//!
//! Connecting and the first byte of an answer may take 30 s each, a pause in the data as long; see
//! [`Download::timeout`]. A lost connection is taken up again up to twice per mirror.

mod archive;
mod checksum;
mod error;
mod fetch;
mod part;
mod sources;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::{Attempt, AttemptError, DownloadError};

use crate::{DataError, Family, Mnist};
use fetch::Fetcher;
use sources::Source;

/// How far a download has come.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Bytes of it that are here.
    pub received: u64,
    /// Its length in bytes, where it is published or told by the server.
    pub total: Option<u64>,
}

/// A download to be made: which member, from where, to where.
pub struct Download<'a> {
    family: Family,
    source: Source,
    mirrors: Vec<String>,
    cache: Option<PathBuf>,
    timeout: Duration,
    progress: Box<dyn FnMut(Progress<'_>) + 'a>,
}

impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("family", &self.family)
            .field("mirrors", &self.mirrors)
            .field("cache", &self.cache)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<'a> Download<'a> {
    /// A download of `family` from its published mirrors.
    pub fn new(family: Family) -> Self {
        let source = sources::source(family);
        Self {
            family,
            source,
            mirrors: source.mirrors.iter().map(|&mirror| mirror.to_owned()).collect(),
            cache: None,
            timeout: Duration::from_secs(30),
            progress: Box::new(|_| ()),
        }
    }

    /// The folder that holds one folder per data set. Defaults to `layerwise-mnist-data` in the platform's cache folder
    /// (on Linux `$XDG_CACHE_HOME` or `~/.cache`).
    #[must_use]
    pub fn cache_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// The addresses to try, in order, instead of the published ones. A file's name is appended to each, after a `/`
    /// if there is none.
    #[must_use]
    pub fn mirrors<S: Into<String>>(mut self, mirrors: impl IntoIterator<Item = S>) -> Self {
        self.mirrors = mirrors.into_iter().map(Into::into).collect();
        self
    }

    /// How long to wait for a connection, for an answer, and for more data after a pause. Defaults to 30 s.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Calls `report` at the start and end of each file and whenever a piece of it has arrived.
    #[must_use]
    pub fn progress(mut self, report: impl FnMut(Progress<'_>) + 'a) -> Self {
        self.progress = Box::new(report);
        self
    }

    /// Makes sure that the files are in the cache, and returns their folder, for [`Family::open`].
    ///
    /// A file that is there is compared with its checksums and fetched again if it differs. Of EMNIST, the archive of
    /// 562 MB stays in the cache for the other splits, and the four files of this split are unpacked beside it; while
    /// they are there, the archive is not looked at.
    ///
    /// # Errors
    ///
    /// [`DataError::Download`]: the cache cannot be written, or no mirror delivered a file; the error lists each
    /// mirror's failure.
    pub fn fetch(mut self) -> Result<PathBuf, DataError> {
        Ok(self.run()?)
    }

    /// [`fetch`](Self::fetch), then [`Family::open`].
    ///
    /// # Errors
    ///
    /// Those of both.
    pub fn open(self) -> Result<Mnist, DataError> {
        let family = self.family;
        family.open(self.fetch()?)
    }

    fn run(&mut self) -> Result<PathBuf, DownloadError> {
        let folder = self.folder()?;
        fs::create_dir_all(&folder).map_err(|source| cache_error(&folder, source))?;
        if archive::is_unpacked(self.family, &folder) {
            return Ok(folder);
        }
        let mut fetcher = Fetcher::new(&self.mirrors, &folder, self.timeout, &mut *self.progress);
        for file in self.source.files {
            fetcher.fetch(file)?;
        }
        archive::unpack(self.family, &folder)?;
        Ok(folder)
    }

    fn folder(&self) -> Result<PathBuf, DownloadError> {
        let cache = match &self.cache {
            Some(cache) => cache.clone(),
            None => dirs::cache_dir().ok_or(DownloadError::NoCacheFolder)?.join("layerwise-mnist-data"),
        };
        Ok(cache.join(self.family.folder()))
    }
}

fn cache_error(path: &Path, source: std::io::Error) -> DownloadError {
    DownloadError::Cache { path: path.to_owned(), source }
}
