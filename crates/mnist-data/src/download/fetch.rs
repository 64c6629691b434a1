//! One file from the first mirror that delivers it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use super::part::Part;
use super::sources::RemoteFile;
use super::{Attempt, AttemptError, DownloadError, Progress, cache_error, checksum};

/// Requests per mirror and file: a lost connection is taken up again, a bad resumption started over.
const TRIES: usize = 3;
/// As much of an answer that is not the file goes into the error.
const SHOWN: usize = 40;

pub(super) struct Fetcher<'a> {
    agent: Agent,
    mirrors: &'a [String],
    folder: &'a Path,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

/// Another mirror may do better than this one, but not on our disk.
enum Failure {
    Mirror(AttemptError),
    Disk(DownloadError),
}

impl From<AttemptError> for Failure {
    fn from(error: AttemptError) -> Self {
        Self::Mirror(error)
    }
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        Self::Disk(error)
    }
}

impl<'a> Fetcher<'a> {
    pub(super) fn new(
        mirrors: &'a [String],
        folder: &'a Path,
        timeout: Duration,
        progress: &'a mut dyn FnMut(Progress<'_>),
    ) -> Self {
        let limit = Some(timeout);
        let agent = Agent::config_builder()
            .timeout_resolve(limit)
            .timeout_connect(limit)
            .timeout_send_request(limit)
            .timeout_recv_response(limit)
            .timeout_per_read(limit)
            .timeout_per_write(limit)
            .http_status_as_error(false)
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: agent.into(), mirrors, folder, progress }
    }

    /// Puts `remote` into the folder, complete and checked, unless it is there already.
    pub(super) fn fetch(&mut self, remote: &RemoteFile) -> Result<(), DownloadError> {
        let path = self.folder.join(remote.name);
        if is_complete(&path, remote)? {
            return Ok(());
        }
        let mut part = Part::open(self.folder.join(format!("{}.part", remote.name)))?;
        // Another process may have finished between our look and our lock.
        if is_complete(&path, remote)? {
            part.remove();
            return Ok(());
        }
        match self.try_mirrors(remote, &mut part) {
            Ok(()) => part.finish(&path),
            // What is left in the part is the beginning of the file, as far as anybody can tell: worth resuming.
            Err(error @ DownloadError::NoMirror { .. }) if !part.is_empty() => Err(error),
            Err(error) => {
                part.remove();
                Err(error)
            }
        }
    }

    fn try_mirrors(&mut self, remote: &RemoteFile, part: &mut Part) -> Result<(), DownloadError> {
        let mut attempts = Vec::new();
        for mirror in self.mirrors {
            let url = format!("{}/{}", mirror.trim_end_matches('/'), remote.name);
            for _ in 0..TRIES {
                let resumed = !part.is_empty();
                let error = match self.try_once(&url, remote, part) {
                    Ok(()) => return Ok(()),
                    Err(Failure::Disk(error)) => return Err(error),
                    Err(Failure::Mirror(error)) => error,
                };
                let lost = matches!(error, AttemptError::ConnectionLost { .. });
                attempts.push(Attempt { url: url.clone(), error });
                // A resumption that was thrown away may have failed for what it began with: start over once.
                let again = lost || (resumed && part.is_empty());
                if !again {
                    break;
                }
            }
        }
        Err(DownloadError::NoMirror { file: remote.name.to_owned(), attempts })
    }

    fn try_once(&mut self, url: &str, remote: &RemoteFile, part: &mut Part) -> Result<(), Failure> {
        if part.is_empty() || Some(part.len()) != remote.length {
            let mut response = self.ask(url, part.len())?;
            match response.status() {
                StatusCode::OK => part.clear()?,
                StatusCode::PARTIAL_CONTENT if first_byte(&response) == Some(part.len()) => {}
                status @ (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE) => {
                    part.clear()?;
                    return Err(AttemptError::Status(status.as_u16()).into());
                }
                status => return Err(AttemptError::Status(status.as_u16()).into()),
            }
            self.receive(&mut response, remote, part)?;
        }
        match checksum::mismatch(part.file(), remote).map_err(|source| cache_error(part.path(), source))? {
            None => Ok(()),
            Some(error) => {
                part.clear()?;
                Err(error.into())
            }
        }
    }

    fn ask(&self, url: &str, start: u64) -> Result<Response<Body>, AttemptError> {
        let mut request = self.agent.get(url);
        if start > 0 {
            request = request.header(header::RANGE, format!("bytes={start}-"));
        }
        request.call().map_err(|error| AttemptError::NoAnswer(error.to_string()))
    }

    /// Appends the answer to the part.
    fn receive(
        &mut self,
        response: &mut Response<Body>,
        remote: &RemoteFile,
        part: &mut Part,
    ) -> Result<(), Failure> {
        let told = number(response.headers().get(header::CONTENT_LENGTH)).map(|rest| part.len() + rest);
        let mut report = |received| {
            (self.progress)(Progress { file: remote.name, received, total: remote.length.or(told) });
        };
        let lost = |part: &Part, reason: &str| AttemptError::ConnectionLost {
            received: part.len(),
            expected: told,
            reason: reason.to_owned(),
        };
        let mut reader = response.body_mut().as_reader();
        let mut buffer = vec![0; 64 * 1024];
        report(part.len());
        loop {
            let piece = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => &buffer[..length],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(lost(part, &error.to_string()).into()),
            };
            if let Some(error) = refusal(piece, remote, part.len()) {
                part.clear()?;
                return Err(error.into());
            }
            part.append(piece)?;
            report(part.len());
        }
        match told {
            Some(expected) if part.len() < expected => Err(lost(part, "the server closed it").into()),
            _ => Ok(()),
        }
    }
}

/// Why the next piece cannot belong to the file, of which `length` bytes are here.
fn refusal(piece: &[u8], remote: &RemoteFile, length: u64) -> Option<AttemptError> {
    let limit = remote.limit();
    if length + piece.len() as u64 > limit {
        return Some(AttemptError::TooLong { limit });
    }
    let magic = remote.kind.magic();
    let begins_otherwise = length == 0 && piece.iter().zip(magic).any(|(found, expected)| found != expected);
    begins_otherwise.then(|| AttemptError::NotTheFile {
        expected: remote.kind.name(),
        found: String::from_utf8_lossy(&piece[..piece.len().min(SHOWN)]).into_owned(),
    })
}

fn is_complete(path: &Path, remote: &RemoteFile) -> Result<bool, DownloadError> {
    let result = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => Err(error),
        Ok(mut file) => checksum::mismatch(&mut file, remote),
    };
    Ok(result.map_err(|source| cache_error(path, source))?.is_none())
}

/// The position of a partial answer: `Content-Range: bytes 100-199/200`.
fn first_byte(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

fn number(value: Option<&header::HeaderValue>) -> Option<u64> {
    // A length no file has would overflow in sums.
    value?.to_str().ok()?.trim().parse().ok().filter(|&length| length < u64::MAX / 2)
}
