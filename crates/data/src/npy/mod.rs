//! NumPy's files: `.npy` with one array, `.npz` with several by name.
//!
//! Arrays of floats (32 and 64 bits), integers and booleans are read, in either byte order and either memory order, up to six dimensions.
//! Each element becomes the nearest `f32`: integers beyond 2^24 and 64-bit floats lose digits, a finite number beyond the range of `f32` is
//! an error, and NaN and infinity stay what they are. What is written are arrays of `f32`, row by row.
//!
//! ```
//! use layerwise_data::npy;
//! use layerwise_tensor::Tensor;
//!
//! let mut file = Vec::new();
//! npy::write(&mut file, "x.npy", &Tensor::from([[1.0, 2.0], [3.0, 4.0]]))?;
//! assert_eq!(npy::read(&file[..], "x.npy")?, Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
//! # Ok::<(), npy::NpyError>(())
//! ```

mod element;
mod error;
mod header;
mod npz;

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use layerwise_tensor::{Shape, Tensor};

pub use error::{NpyError, NpyProblem};
use header::Header;
pub use npz::{open_npz, read_npz, save_npz};

/// Bytes that are read at a time: a multiple of every element's size. Memory grows with what arrives, not with what is promised.
const CHUNK: usize = 1 << 16;

/// Reads a file.
///
/// # Errors
/// If it cannot be read, or is no array that a [`Tensor`] can hold.
pub fn open(path: impl AsRef<Path>) -> Result<Tensor, NpyError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| NpyError::new(&name, error.into()))?;
    read(BufReader::new(file), &name)
}

/// Reads from anywhere, to the end; `name` is what errors call it.
///
/// # Errors
/// As [`open`].
pub fn read(reader: impl Read, name: &str) -> Result<Tensor, NpyError> {
    read_array(reader, u64::MAX).map_err(|problem| NpyError::new(name, problem))
}

/// Writes a file, in place of one that is there.
///
/// # Errors
/// If it cannot be written.
pub fn save(path: impl AsRef<Path>, tensor: &Tensor) -> Result<(), NpyError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let file = File::create(path).map_err(|error| NpyError::new(&name, error.into()))?;
    write(BufWriter::new(file), &name, tensor)
}

/// Writes anywhere; `name` is what errors call it.
///
/// # Errors
/// If it cannot be written.
pub fn write(mut writer: impl Write, name: &str, tensor: &Tensor) -> Result<(), NpyError> {
    let mut attempt = || -> std::io::Result<()> {
        writer.write_all(&header::encode(tensor.shape()))?;
        for x in tensor.as_slice() {
            writer.write_all(&x.to_le_bytes())?;
        }
        writer.flush()
    };
    attempt().map_err(|error| NpyError::new(name, error.into()))
}

/// An array with elements of at most `limit` bytes in all, up to the end of the data.
fn read_array(mut reader: impl Read, limit: u64) -> Result<Tensor, NpyProblem> {
    let Header { element, is_fortran, shape } = header::read(&mut reader)?;
    let expected =
        header::bytes(&shape, element.size()).ok_or_else(|| NpyProblem::TooLarge(shape.clone()))?;
    if expected > limit {
        return Err(NpyProblem::TooLarge(shape));
    }
    let mut values: Vec<f32> = Vec::new();
    let mut chunk = vec![0; CHUNK];
    let mut left = expected;
    while left > 0 {
        let part = &mut chunk[..usize::try_from(left).unwrap_or(CHUNK).min(CHUNK)];
        let found = fill(&mut reader, part)?;
        element.convert(&part[..found], &mut values)?;
        left -= found as u64;
        if found < part.len() {
            return Err(NpyProblem::TooShort { expected, found: expected - left });
        }
    }
    if fill(&mut reader, &mut chunk[..1])? > 0 {
        return Err(NpyProblem::TooLong { expected });
    }
    Ok(in_rows(values, &shape, is_fortran))
}

/// Reads until `out` is full or the data ends. How many bytes there were.
fn fill(reader: &mut impl Read, out: &mut [u8]) -> std::io::Result<usize> {
    let mut at = 0;
    while at < out.len() {
        match reader.read(&mut out[at..]) {
            Ok(0) => break,
            Ok(n) => at += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

/// The elements, given in the order of the file, as a tensor.
fn in_rows(values: Vec<f32>, shape: &[usize], is_fortran: bool) -> Tensor {
    if !is_fortran || shape.len() < 2 {
        return Tensor::new(Shape::new(shape), values);
    }
    // Column by column an array is its transpose row by row.
    let backwards: Vec<usize> = shape.iter().rev().copied().collect();
    let array = Tensor::new(Shape::new(&backwards), values).into_array();
    Tensor::from(array.reversed_axes())
}
