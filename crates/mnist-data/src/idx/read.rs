//! Reading: nothing is allocated on the word of a header alone.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use ndarray::{ArrayD, IxDyn};

use super::{Element, ElementType, IdxArray, IdxError, IdxErrorKind};

/// What a body may grow by before a byte of it has arrived.
const FIRST_STEP: usize = 64 * 1024;

/// Reads one IDX array from `reader`, which must end with it. `name` stands for the source in errors.
///
/// Memory grows with what has arrived, never with what the header promises. A source that decompresses can still
/// deliver far more than its own length; [`read_bounded`] sets a limit.
///
/// # Errors
///
/// [`IdxError`] with the byte position: a wrong header, dimensions that overflow, data that ends early or goes on.
pub fn read(reader: impl Read, name: &str) -> Result<IdxArray, IdxError> {
    read_bounded(reader, name, u64::MAX)
}

/// [`read`], refusing a header that promises more than `limit` bytes of elements.
///
/// # Errors
///
/// Those of [`read`], and [`IdxErrorKind::OverLimit`].
pub fn read_bounded(reader: impl Read, name: &str, limit: u64) -> Result<IdxArray, IdxError> {
    Source { reader, name, position: 0, wrap: IdxErrorKind::Io }.array(limit)
}

/// Reads the IDX file at `path`, decompressing it if it starts like a gzip file.
///
/// # Errors
///
/// Those of [`read`]; [`IdxErrorKind::Io`] if the file cannot be opened; [`IdxErrorKind::Gzip`] if it is damaged.
pub fn open(path: impl AsRef<Path>) -> Result<IdxArray, IdxError> {
    open_bounded(path, u64::MAX)
}

/// [`open`], refusing a header that promises more than `limit` bytes of elements.
///
/// # Errors
///
/// Those of [`open`], and [`IdxErrorKind::OverLimit`].
pub fn open_bounded(path: impl AsRef<Path>, limit: u64) -> Result<IdxArray, IdxError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let failed = |error| IdxError { name: name.clone(), position: 0, kind: IdxErrorKind::Io(error) };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    // The content decides, not the name: a browser may have unpacked the file without renaming it.
    if file.fill_buf().map_err(failed)?.starts_with(&[0x1F, 0x8B]) {
        let reader = MultiGzDecoder::new(file);
        Source { reader, name: &name, position: 0, wrap: IdxErrorKind::Gzip }.array(limit)
    } else {
        read_bounded(file, &name, limit)
    }
}

/// A reader that knows its name, its position, and how its failures are to be called.
struct Source<'a, R> {
    reader: R,
    name: &'a str,
    position: u64,
    wrap: fn(io::Error) -> IdxErrorKind,
}

impl<R: Read> Source<'_, R> {
    fn array(mut self, limit: u64) -> Result<IdxArray, IdxError> {
        let (element, shape) = self.header()?;
        match element {
            ElementType::U8 => self.elements(shape, limit, |bytes| bytes),
            ElementType::I8 => self.elements(shape, limit, decode::<i8>),
            ElementType::I16 => self.elements(shape, limit, decode::<i16>),
            ElementType::I32 => self.elements(shape, limit, decode::<i32>),
            ElementType::F32 => self.elements(shape, limit, decode::<f32>),
            ElementType::F64 => self.elements(shape, limit, decode::<f64>),
        }
    }

    fn header(&mut self) -> Result<(ElementType, Vec<usize>), IdxError> {
        let magic = self.bytes(4, 4)?;
        if magic[..2] != [0, 0] {
            return Err(self.error_at(0, IdxErrorKind::BadMagic { found: [magic[0], magic[1]] }));
        }
        let Some(element) = ElementType::from_code(magic[2]) else {
            return Err(self.error_at(2, IdxErrorKind::UnknownType { found: magic[2] }));
        };
        let rank = usize::from(magic[3]);
        if rank == 0 {
            return Err(self.error_at(3, IdxErrorKind::BadRank { found: 0 }));
        }
        let dimensions = self.bytes(4 * rank, 4 + 4 * rank as u64)?;
        let shape = dimensions.chunks_exact(4).map(|d| u32::from_be_bytes([d[0], d[1], d[2], d[3]]) as usize);
        Ok((element, shape.collect()))
    }

    fn elements<T: Element>(
        mut self,
        shape: Vec<usize>,
        limit: u64,
        decode: fn(Vec<u8>) -> Vec<T>,
    ) -> Result<IdxArray, IdxError> {
        let Some(length) = byte_length(&shape, size_of::<T>()) else {
            return Err(self.error_at(4, IdxErrorKind::Overflow { shape, element: T::TYPE }));
        };
        if length as u64 > limit {
            return Err(self.error_at(4, IdxErrorKind::OverLimit { promised: length as u64, limit }));
        }
        let bytes = self.bytes(length, self.position + length as u64)?;
        self.end()?;
        match ArrayD::from_shape_vec(IxDyn(&shape), decode(bytes)) {
            Ok(array) => Ok(T::wrap(array)),
            Err(_) => Err(self.error_at(4, IdxErrorKind::Overflow { shape, element: T::TYPE })),
        }
    }

    /// Exactly `length` bytes. `expected` is the source's whole length as far as it is known, for the error.
    fn bytes(&mut self, length: usize, expected: u64) -> Result<Vec<u8>, IdxError> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            // At most as much again as has arrived, so that a false promise costs its author as much as us.
            let step = (length - bytes.len()).min(bytes.len().max(FIRST_STEP));
            bytes.reserve_exact(step);
            let start = bytes.len();
            let result = self.reader.by_ref().take(step as u64).read_to_end(&mut bytes);
            self.position += (bytes.len() - start) as u64;
            let got = result.map_err(|error| self.error_at(self.position, (self.wrap)(error)))?;
            if got < step {
                return Err(self.error_at(self.position, IdxErrorKind::Truncated { expected }));
            }
        }
        Ok(bytes)
    }

    /// Asking for one byte more also makes a gzip decoder check its trailer.
    fn end(&mut self) -> Result<(), IdxError> {
        let mut rest = Vec::new();
        match self.reader.by_ref().take(1).read_to_end(&mut rest) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.error_at(self.position, IdxErrorKind::TrailingBytes)),
            Err(error) => Err(self.error_at(self.position, (self.wrap)(error))),
        }
    }

    fn error_at(&self, position: u64, kind: IdxErrorKind) -> IdxError {
        IdxError { name: self.name.to_owned(), position, kind }
    }
}

fn decode<T: Element>(bytes: Vec<u8>) -> Vec<T> {
    bytes.chunks_exact(size_of::<T>()).map(T::decode).collect()
}

/// `None` on overflow. As in ndarray, the axes of length 0 do not excuse the others.
fn byte_length(shape: &[usize], size: usize) -> Option<usize> {
    let nonzero = shape.iter().filter(|&&d| d != 0);
    let full = nonzero.copied().try_fold(size, usize::checked_mul)?;
    isize::try_from(full).ok()?;
    Some(if shape.contains(&0) { 0 } else { full })
}
