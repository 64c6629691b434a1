//! Downloads from a server on the loopback interface that misbehaves on request.

mod server;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use md5::{Digest, Md5};
use ndarray::{Array1, Array3};
use tempfile::TempDir;

use self::server::{Reply, Server};
use super::sources::{FileKind, RemoteFile, Source};
use super::*;
use crate::family::Part;
use crate::{EmnistSplit, idx};

/// Four gzip files of a small MNIST: 3 training and 2 test images of 2 x 2 pixels.
fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (part, n) in [("train", 3), ("t10k", 2)] {
        // Pixels without a pattern keep the file long enough to be cut in half.
        let images = Array3::from_shape_fn((n, 28, 28), |(i, r, c)| (i * 31 + r * r * 7 + c * c * 13) as u8);
        let labels = Array1::from_shape_fn(n, |i| i as u8);
        files.push((format!("{part}-images-idx3-ubyte.gz"), gzip(images.view())));
        files.push((format!("{part}-labels-idx1-ubyte.gz"), gzip(labels.view())));
    }
    files
}

fn gzip<D: ndarray::Dimension>(array: ndarray::ArrayView<'_, u8, D>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    idx::write(&mut encoder, "test", array).unwrap();
    encoder.finish().unwrap()
}

fn remote(name: &str, kind: FileKind, bytes: &[u8]) -> RemoteFile {
    RemoteFile {
        name: name.to_owned().leak(),
        kind,
        length: Some(bytes.len() as u64),
        md5: checksum::hex(&Md5::digest(bytes)).leak(),
        sha256: Some(checksum::hex(&sha2::Sha256::digest(bytes)).leak()),
    }
}

/// A download of `files` from `servers` into `cache`, as if they were MNIST.
fn download<'a>(files: &[(String, Vec<u8>)], servers: &[&Server], cache: &Path) -> Download<'a> {
    let remotes: Vec<_> = files.iter().map(|(name, bytes)| remote(name, FileKind::Gzip, bytes)).collect();
    let mut download = Download::new(Family::Mnist)
        .mirrors(servers.iter().map(|server| server.url()))
        .cache_dir(cache)
        .timeout(Duration::from_secs(5));
    download.source = Source { mirrors: &[], files: remotes.leak() };
    download
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn attempts(error: DataError) -> Vec<Attempt> {
    match error {
        DataError::Download(DownloadError::NoMirror { attempts, .. }) => attempts,
        other => panic!("not a failure of the mirrors: {other}"),
    }
}

/// The first of the test's files, alone: most tests need no more.
fn one_file() -> Vec<(String, Vec<u8>)> {
    files().into_iter().take(1).collect()
}

#[test]
fn a_good_download_is_opened_and_kept() {
    let (files, cache) = (files(), TempDir::new().unwrap());
    let server = Server::serving(&files);
    let mut last = Vec::new();
    let mnist = download(&files, &[&server], cache.path())
        .progress(|p| last.push((p.file.to_owned(), p.received, p.total)))
        .open()
        .unwrap();
    assert_eq!((mnist.train.len(), mnist.test.len()), (3, 2));
    assert_eq!(names(&cache.path().join("mnist")).len(), 4);
    let length = files[3].1.len() as u64;
    assert_eq!(last.last(), Some(&(files[3].0.clone(), length, Some(length))));

    let requests = server.requests().len();
    download(&files, &[&server], cache.path()).fetch().unwrap();
    assert_eq!(server.requests().len(), requests, "what is in the cache is not asked for again");
}

#[test]
fn a_damaged_file_in_the_cache_is_replaced() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let path = cache.path().join("mnist").join(&files[0].0);
    fs::create_dir(cache.path().join("mnist")).unwrap();
    fs::write(&path, "not what it was").unwrap();
    download(&files, &[&Server::serving(&files)], cache.path()).fetch().unwrap();
    assert_eq!(fs::read(&path).unwrap(), files[0].1);
}

#[test]
fn a_missing_file_is_reported_with_its_address() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let server = Server::new(vec![Reply::Status(404)]);
    let error = download(&files, &[&server], cache.path()).fetch().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "train-images-idx3-ubyte.gz: no mirror delivered it\n  {}/train-images-idx3-ubyte.gz: HTTP status 404",
            server.url()
        )
    );
    assert!(names(&cache.path().join("mnist")).is_empty());
}

#[test]
fn the_second_mirror_serves_when_the_first_is_busy() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let busy = Server::new(vec![Reply::Status(503)]);
    let good = Server::serving(&files);
    download(&files, &[&busy, &good], cache.path()).fetch().unwrap();
    assert_eq!(names(&cache.path().join("mnist")), [files[0].0.clone()]);
    assert_eq!((busy.requests().len(), good.requests().len()), (1, 1));
}

#[test]
fn a_lost_connection_is_taken_up_where_it_ended() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let (bytes, half) = (files[0].1.clone(), files[0].1.len() / 2);
    let server = Server::new(vec![Reply::Cut(bytes.clone(), half), Reply::Data(bytes)]);
    download(&files, &[&server], cache.path()).fetch().unwrap();
    assert_eq!(fs::read(cache.path().join("mnist").join(&files[0].0)).unwrap(), files[0].1);
    assert_eq!(server.requests(), [None, Some(half)]);
}

#[test]
fn a_later_download_resumes_an_interrupted_one() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let (bytes, half) = (files[0].1.clone(), files[0].1.len() / 2);
    let cut = Server::new(vec![Reply::Cut(bytes, half), Reply::Status(500)]);
    let error = download(&files, &[&cut], cache.path()).fetch().unwrap_err();
    let attempts = attempts(error);
    assert!(
        matches!(attempts[0].error, AttemptError::ConnectionLost { received, expected, .. }
            if received == half as u64 && expected == Some(files[0].1.len() as u64)),
        "{:?}",
        attempts[0]
    );
    let folder = cache.path().join("mnist");
    assert_eq!(names(&folder), [format!("{}.part", files[0].0)]);

    let good = Server::serving(&files);
    download(&files, &[&good], cache.path()).fetch().unwrap();
    assert_eq!(good.requests(), [Some(half)]);
    assert_eq!(names(&folder), [files[0].0.clone()]);
}

#[test]
fn a_resumption_of_something_else_starts_over() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let folder = cache.path().join("mnist");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(format!("{}.part", files[0].0)), [0x1F, 0x8B, 9, 9, 9]).unwrap();
    let server = Server::serving(&files);
    download(&files, &[&server], cache.path()).fetch().unwrap();
    assert_eq!(server.requests(), [Some(5), None]);
    assert_eq!(fs::read(folder.join(&files[0].0)).unwrap(), files[0].1);
}

#[test]
fn a_server_without_ranges_restarts_the_file() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let (bytes, half) = (files[0].1.clone(), files[0].1.len() / 2);
    let server = Server::new(vec![Reply::Cut(bytes.clone(), half), Reply::Whole(bytes)]);
    download(&files, &[&server], cache.path()).fetch().unwrap();
    assert_eq!(fs::read(cache.path().join("mnist").join(&files[0].0)).unwrap(), files[0].1);
    assert_eq!(server.requests(), [None, Some(half)]);
}

#[test]
fn a_page_in_place_of_the_file_is_recognised() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let page = b"<!DOCTYPE html><html><body>Please log in</body></html>".to_vec();
    let server = Server::new(vec![Reply::Whole(page)]);
    let error = download(&files, &[&server], cache.path()).fetch().unwrap_err();
    assert_eq!(
        attempts(error)[0].error.to_string(),
        "expected a gzip file, found data that starts with \"<!DOCTYPE html><html><body>Please log in\""
    );
    assert!(names(&cache.path().join("mnist")).is_empty());
}

#[test]
fn a_wrong_checksum_is_refused_and_the_file_removed() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let mut bytes = files[0].1.clone();
    *bytes.last_mut().unwrap() ^= 1;
    let found = checksum::hex(&Md5::digest(&bytes));
    let server = Server::new(vec![Reply::Whole(bytes)]);
    let error = download(&files, &[&server], cache.path()).fetch().unwrap_err();
    let expected = checksum::hex(&Md5::digest(&files[0].1));
    assert_eq!(
        attempts(error)[0].error.to_string(),
        format!("wrong MD5: expected {expected}, found {found}")
    );
    assert!(names(&cache.path().join("mnist")).is_empty());
}

#[test]
fn an_endless_answer_is_cut_off() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let mut bytes = files[0].1.clone();
    bytes.extend(vec![0; 1 << 20]);
    let server = Server::new(vec![Reply::Whole(bytes)]);
    let error = download(&files, &[&server], cache.path()).fetch().unwrap_err();
    let text = attempts(error)[0].error.to_string();
    assert_eq!(text, format!("more than {} bytes", files[0].1.len()));
    assert!(names(&cache.path().join("mnist")).is_empty());
}

#[test]
fn a_silent_server_does_not_hang_us() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let server = Server::new(vec![Reply::Silence]);
    let start = std::time::Instant::now();
    let error =
        download(&files, &[&server], cache.path()).timeout(Duration::from_millis(500)).fetch().unwrap_err();
    assert!(matches!(attempts(error)[0].error, AttemptError::NoAnswer(_)));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_server_that_cannot_encrypt_gives_no_answer() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let server = Server::serving(&files);
    let url = server.url().replace("http://", "https://");
    let error = download(&files, &[], cache.path()).mirrors([url]).fetch().unwrap_err();
    assert!(matches!(attempts(error)[0].error, AttemptError::NoAnswer(_)));
    assert!(names(&cache.path().join("mnist")).is_empty());
}

#[test]
fn a_stalled_answer_does_not_hang_us() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let (bytes, half) = (files[0].1.clone(), files[0].1.len() / 2);
    let server = Server::new(vec![Reply::Stall(bytes.clone(), half), Reply::Data(bytes)]);
    download(&files, &[&server], cache.path()).timeout(Duration::from_millis(500)).fetch().unwrap();
    assert_eq!(server.requests(), [None, Some(half)]);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let blocked = cache.path().join("a-file");
    fs::write(&blocked, "").unwrap();
    let error = download(&files, &[], &blocked).fetch().unwrap_err();
    assert!(
        matches!(&error, DataError::Download(DownloadError::Cache { path, .. }) if path.starts_with(&blocked))
    );
    assert!(error.to_string().starts_with(&format!("{}: ", blocked.join("mnist").display())), "{error}");
}

#[test]
fn two_downloads_do_not_mix() {
    let (files, cache) = (one_file(), TempDir::new().unwrap());
    let folder = cache.path().join("mnist");
    fs::create_dir(&folder).unwrap();
    let other = part::Part::open(folder.join(format!("{}.part", files[0].0))).unwrap();
    let error = download(&files, &[&Server::serving(&files)], cache.path()).fetch().unwrap_err();
    assert!(matches!(error, DataError::Download(DownloadError::Busy { .. })), "{error}");
    drop(other);
}

/// An archive like EMNIST's, with one split.
fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in members {
        zip.start_file(format!("gzip/{name}"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Letters are labelled from 1 in the files.
fn emnist_members() -> Vec<(String, Vec<u8>)> {
    let rename = |name: &str| format!("emnist-letters-{}", name.replace("t10k", "test"));
    let mut members: Vec<_> = files().into_iter().map(|(name, bytes)| (rename(&name), bytes)).collect();
    members[1].1 = gzip(ndarray::aview1(&[1_u8, 2, 26]));
    members[3].1 = gzip(ndarray::aview1(&[26_u8, 1]));
    members
}

#[test]
fn an_archive_is_unpacked_once() {
    let (zip, cache) = (archive(&emnist_members()), TempDir::new().unwrap());
    let server = Server::new(vec![Reply::Data(zip.clone())]);
    let letters = || {
        let mut download = Download::new(Family::Emnist(EmnistSplit::Letters))
            .mirrors([server.url()])
            .cache_dir(cache.path())
            .timeout(Duration::from_secs(5));
        let files = vec![remote("gzip.zip", FileKind::Zip, &zip)].leak();
        download.source = Source { mirrors: &[], files };
        download.open().unwrap()
    };
    let mnist = letters();
    assert_eq!(mnist.train.labels().to_vec(), [0, 1, 25]);
    assert_eq!(mnist.test.class_names()[25], "z");
    // The files hold columns where other members hold rows.
    assert_eq!(mnist.train.images()[[1, 2, 5]], (31 + 5 * 5 * 7 + 2 * 2 * 13) as u8);
    fs::remove_file(cache.path().join("emnist/gzip.zip")).unwrap();
    letters();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_archive_without_the_split_is_reported() {
    let (zip, cache) = (archive(&emnist_members()[..2]), TempDir::new().unwrap());
    let folder = cache.path().join("emnist");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("gzip.zip"), zip).unwrap();
    let error = archive::unpack(Family::Emnist(EmnistSplit::Letters), &folder).unwrap_err();
    let path = folder.join("gzip.zip");
    let member = "emnist-letters-test-images-idx3-ubyte.gz";
    assert!(error.to_string().starts_with(&format!("{}: {member}: ", path.display())), "{error}");
}

#[test]
fn published_checksums_have_the_right_form() {
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    for family in [
        Family::Mnist,
        Family::FashionMnist,
        Family::Kmnist,
        Family::Emnist(EmnistSplit::Digits),
        Family::Qmnist,
    ] {
        let source = sources::source(family);
        assert!(source.mirrors.len() >= 2 && source.mirrors.iter().all(|mirror| mirror.ends_with('/')));
        for file in source.files {
            assert!(is_hex(file.md5, 32) && file.sha256.is_none_or(|sha| is_hex(sha, 64)), "{file:?}");
        }
        if !matches!(family, Family::Emnist(_)) {
            let mut expected =
                [Part::Train, Part::Test].map(|p| [family.image_file(p), family.label_file(p)]).concat();
            expected.iter_mut().for_each(|name| name.push_str(".gz"));
            assert_eq!(source.files.iter().map(|file| file.name).collect::<Vec<_>>(), expected);
        }
    }
}
