//! Several arrays in one archive.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use layerwise_tensor::Tensor;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::{NpyError, NpyProblem, read_array, write};

/// The most bytes of elements that are unpacked from one archive: what is packed can promise a thousand times its size.
const LIMIT: u64 = 1 << 32;

/// Reads all arrays of a `.npz` file, packed or not, with their names, in the order of the archive.
///
/// # Errors
/// If it cannot be read, is no archive of arrays, one of them cannot be held by a [`Tensor`], or they are more than 4 GiB together.
pub fn open_npz(path: impl AsRef<Path>) -> Result<Vec<(String, Tensor)>, NpyError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| NpyError::new(&name, error.into()))?;
    read_npz(BufReader::new(file), &name)
}

/// [`open_npz`] for what is read from anywhere else; `name` is what errors call it.
///
/// # Errors
/// As there.
pub fn read_npz(source: impl Read + Seek, name: &str) -> Result<Vec<(String, Tensor)>, NpyError> {
    let fail = |problem| NpyError::new(name, problem);
    let mut archive = ZipArchive::new(source).map_err(|error| fail(into_problem(error)))?;
    let mut left = LIMIT;
    let mut arrays = Vec::new();
    for i in 0..archive.len() {
        let entry = archive.by_index(i).map_err(|error| fail(into_problem(error)))?;
        let file = entry.name().map_err(|error| fail(into_problem(error)))?.into_owned();
        let tensor = read_array(entry, left);
        let tensor = tensor.map_err(|problem| NpyError::new(&format!("{name}, {file}"), problem))?;
        left = left.saturating_sub(8 * tensor.as_slice().len() as u64);
        arrays.push((file.strip_suffix(".npy").unwrap_or(&file).to_owned(), tensor));
    }
    Ok(arrays)
}

/// Writes arrays by name as `numpy.savez` does, not packed, in place of a file that is there.
///
/// # Errors
/// If it cannot be written, or a name comes twice.
pub fn save_npz(path: impl AsRef<Path>, arrays: &[(&str, &Tensor)]) -> Result<(), NpyError> {
    let path = path.as_ref();
    let file = path.display().to_string();
    let mut writer = File::create(path)
        .map(BufWriter::new)
        .map_err(|error| NpyError::new(&file, error.into()))
        .map(ZipWriter::new)?;
    let fail = |problem| NpyError::new(&file, problem);
    for (name, tensor) in arrays {
        let is_large = tensor.as_slice().len() >= 1 << 29;
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .large_file(is_large);
        writer.start_file(format!("{name}.npy"), options).map_err(|error| fail(into_problem(error)))?;
        write(&mut writer, &file, tensor)?;
    }
    let mut rest = writer.finish().map_err(|error| fail(into_problem(error)))?;
    rest.flush().map_err(|error| fail(error.into()))
}

fn into_problem(error: ZipError) -> NpyProblem {
    match error {
        ZipError::Io(error) => NpyProblem::Io(error),
        other => NpyProblem::Archive(other.to_string()),
    }
}
