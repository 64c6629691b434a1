//! EMNIST's files come out of one archive.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use zip::ZipArchive;

use super::{DownloadError, cache_error};
use crate::Family;
use crate::family::Part;

/// More than any file of the archive has.
const LIMIT: u64 = 1 << 30;

/// Whether a member that comes in an archive has its files beside it. They were renamed when complete.
pub(super) fn is_unpacked(family: Family, folder: &Path) -> bool {
    matches!(family, Family::Emnist(_)) && members(family).iter().all(|name| folder.join(name).is_file())
}

/// Takes the member's four files out of the archive in `folder`; does nothing for members without an archive.
pub(super) fn unpack(family: Family, folder: &Path) -> Result<(), DownloadError> {
    if !matches!(family, Family::Emnist(_)) {
        return Ok(());
    }
    let path = folder.join("gzip.zip");
    let file = File::open(&path).map_err(|source| cache_error(&path, source))?;
    let damaged = |member: &str, reason: String| DownloadError::Archive {
        archive: path.clone(),
        member: member.to_owned(),
        reason,
    };
    let mut archive = ZipArchive::new(file).map_err(|error| damaged("directory", error.to_string()))?;
    for name in members(family) {
        let member =
            archive.by_name(&format!("gzip/{name}")).map_err(|error| damaged(&name, error.to_string()))?;
        let bytes = contents(member).map_err(|error| damaged(&name, error.to_string()))?;
        write_whole(folder, &name, &bytes)?;
    }
    Ok(())
}

fn members(family: Family) -> [String; 4] {
    [Part::Train, Part::Test]
        .map(|part| [family.image_file(part), family.label_file(part)])
        .as_flattened()
        .iter()
        .map(|name| format!("{name}.gz"))
        .collect::<Vec<_>>()
        .try_into()
        .expect("two parts of two files")
}

/// Reading to the end makes the archive check the member's CRC-32.
fn contents(member: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match member.take(LIMIT).read_to_end(&mut bytes)? as u64 {
        LIMIT => Err(io::Error::other("more than 1 GiB")),
        _ => Ok(bytes),
    }
}

/// The file appears under its name when it is complete, or not at all.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), DownloadError> {
    let (path, part) = (folder.join(name), folder.join(format!("{name}.part")));
    let written = File::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, &path)
    });
    written.map_err(|source| {
        // The first failure is the one to report.
        let _ = fs::remove_file(&part);
        cache_error(&path, source)
    })
}
