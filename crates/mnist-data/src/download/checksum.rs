//! Comparing a file with its published checksums.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};

use md5::{Digest, Md5};
use sha2::Sha256;

use super::AttemptError;
use super::sources::RemoteFile;

/// The checksum that differs, if one does. Reads the file from its start.
pub(super) fn mismatch(file: &mut File, remote: &RemoteFile) -> io::Result<Option<AttemptError>> {
    file.seek(SeekFrom::Start(0))?;
    let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
    let mut reader = BufReader::with_capacity(1 << 16, file);
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        md5.update(piece);
        if remote.sha256.is_some() {
            sha256.update(piece);
        }
        let length = piece.len();
        reader.consume(length);
    }
    let by_md5 = differs("MD5", remote.md5, &md5.finalize());
    let by_sha256 = remote.sha256.and_then(|expected| differs("SHA-256", expected, &sha256.finalize()));
    Ok(by_md5.or(by_sha256))
}

fn differs(kind: &'static str, expected: &str, digest: &[u8]) -> Option<AttemptError> {
    let found = hex(digest);
    (found != expected).then(|| AttemptError::WrongChecksum { kind, expected: expected.to_owned(), found })
}

pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
