//! How a download can fail.

use std::io;
use std::path::PathBuf;

/// A download that failed as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The platform names no folder for caches.
    #[error("this platform has no cache folder; choose one with Download::cache_dir")]
    NoCacheFolder,
    /// A file or folder of the cache cannot be created, written or read.
    #[error("{}: {source}", .path.display())]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another process is downloading the same file.
    #[error("{}: another process is downloading this file", .path.display())]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// Every mirror failed.
    #[error("{file}: no mirror delivered it{}", .attempts.iter().map(|a| format!("\n  {}: {}", a.url, a.error)).collect::<String>())]
    NoMirror {
        /// The file's name.
        file: String,
        /// What happened, in order. A mirror can appear more than once.
        attempts: Vec<Attempt>,
    },
    /// The archive passed its checksum but lacks a file, or the file in it is damaged.
    #[error("{}: {member}: {reason}", .archive.display())]
    Archive {
        /// The archive.
        archive: PathBuf,
        /// The file in it.
        member: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// One request that failed.
#[derive(Debug)]
pub struct Attempt {
    /// The address asked.
    pub url: String,
    /// What came of it.
    pub error: AttemptError,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttemptError {
    /// No answer: the address is wrong, nobody listens, encryption failed, or it took too long.
    #[error("{0}")]
    NoAnswer(String),
    /// The answer is not a success.
    #[error("HTTP status {0}")]
    Status(u16),
    /// The connection ended or stalled before the file did.
    #[error("connection lost after {received} bytes{}: {reason}", .expected.map(|e| format!(" of {e}")).unwrap_or_default())]
    ConnectionLost {
        /// Bytes of the file here so far, with those of earlier attempts.
        received: u64,
        /// The whole length, if the server told it.
        expected: Option<u64>,
        /// What ended it.
        reason: String,
    },
    /// The answer is something else, such as the page of a login or an error.
    #[error("expected {expected}, found data that starts with {found:?}")]
    NotTheFile {
        /// The kind of file that was asked for.
        expected: &'static str,
        /// The beginning of the answer.
        found: String,
    },
    /// The answer goes on beyond the file's length.
    #[error("more than {limit} bytes")]
    TooLong {
        /// The file's length if it is published, otherwise the most we accept.
        limit: u64,
    },
    /// The content is not the published one.
    #[error("wrong {kind}: expected {expected}, found {found}")]
    WrongChecksum {
        /// `MD5` or `SHA-256`.
        kind: &'static str,
        /// The published checksum, in hexadecimal digits.
        expected: String,
        /// The checksum of what arrived.
        found: String,
    },
}
