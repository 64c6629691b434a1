//! Writing: the reader's mirror image.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use ndarray::{ArrayView, Dimension};

use super::{Element, IdxError, IdxErrorKind};

/// Elements are encoded in pieces of this many bytes.
const PIECE: usize = 64 * 1024;

/// Writes `array` to `writer` in row-major order, whatever its layout in memory. `name` stands for the target in
/// errors.
///
/// # Errors
///
/// [`IdxErrorKind::BadRank`] for an array with no dimension or more than 255, [`IdxErrorKind::DimensionTooLong`], and
/// [`IdxErrorKind::Io`].
pub fn write<T: Element, D: Dimension>(
    mut writer: impl Write,
    name: &str,
    array: ArrayView<'_, T, D>,
) -> Result<(), IdxError> {
    let error_at = |position, kind| IdxError { name: name.to_owned(), position, kind };
    let mut buffer = header::<T>(array.shape()).map_err(|kind| error_at(0, kind))?;
    let mut position = 0;
    let mut flush = |buffer: &mut Vec<u8>| {
        writer.write_all(buffer).map_err(|error| error_at(position, IdxErrorKind::Io(error)))?;
        position += buffer.len() as u64;
        buffer.clear();
        Ok(())
    };
    for &element in &array {
        element.encode(&mut buffer);
        if buffer.len() >= PIECE {
            flush(&mut buffer)?;
        }
    }
    flush(&mut buffer)
}

/// Writes `array` to a new file at `path`, uncompressed. After a failure the file is removed.
///
/// # Errors
///
/// Those of [`write()`].
pub fn save<T: Element, D: Dimension>(
    path: impl AsRef<Path>,
    array: ArrayView<'_, T, D>,
) -> Result<(), IdxError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let failed =
        |error: io::Error| IdxError { name: name.clone(), position: 0, kind: IdxErrorKind::Io(error) };
    let file = File::create(path).map_err(failed)?;
    write(&file, &name, array).inspect_err(|_| {
        // The first failure is the one to report.
        let _ = std::fs::remove_file(path);
    })
}

fn header<T: Element>(shape: &[usize]) -> Result<Vec<u8>, IdxErrorKind> {
    let rank = u8::try_from(shape.len()).ok().filter(|&rank| rank > 0);
    let rank = rank.ok_or(IdxErrorKind::BadRank { found: shape.len() })?;
    let mut header = vec![0, 0, T::TYPE as u8, rank];
    for (axis, &found) in shape.iter().enumerate() {
        let length = u32::try_from(found).map_err(|_| IdxErrorKind::DimensionTooLong { axis, found })?;
        header.extend_from_slice(&length.to_be_bytes());
    }
    Ok(header)
}
