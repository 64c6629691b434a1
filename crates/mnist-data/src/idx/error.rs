//! What can be wrong with an IDX file, and where.

use std::io;

use super::ElementType;

/// An IDX file that could not be read or written.
///
/// Printed as `name: byte position: what was expected and what was found`.
#[derive(Debug, thiserror::Error)]
#[error("{name}: byte {position}: {kind}")]
pub struct IdxError {
    /// The file's path, or the name the caller gave to the source.
    pub name: String,
    /// Offset in bytes from the start of the IDX data (of the decoded data, where the file is compressed).
    pub position: u64,
    /// What is wrong there.
    pub kind: IdxErrorKind,
}

/// The reasons of an [`IdxError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdxErrorKind {
    /// The first two bytes are not zero.
    #[error("expected an IDX file, which starts with bytes 00 00, found {:02x} {:02x}", .found[0], .found[1])]
    BadMagic {
        /// The first two bytes.
        found: [u8; 2],
    },
    /// The third byte is not one of the six element types.
    #[error("unknown element type 0x{found:02x}, expected 0x08, 0x09, 0x0b, 0x0c, 0x0d or 0x0e")]
    UnknownType {
        /// The third byte.
        found: u8,
    },
    /// The number of dimensions is zero (or, in writing, above 255).
    #[error("{found} dimensions, expected 1 to 255")]
    BadRank {
        /// The number of dimensions.
        found: usize,
    },
    /// A dimension to be written does not fit the header's 32 bits.
    #[error("dimension {axis} is {found}, an IDX header holds at most 4294967295")]
    DimensionTooLong {
        /// The axis, counted from 0.
        axis: usize,
        /// Its length.
        found: usize,
    },
    /// The dimensions' product is more than this machine can address.
    #[error("{shape:?} elements of {element} are more bytes than this machine can address")]
    Overflow {
        /// The dimensions in the header.
        shape: Vec<usize>,
        /// The element type in the header.
        element: ElementType,
    },
    /// The header promises more than the caller accepts.
    #[error("the header promises {promised} bytes of elements, the limit is {limit}")]
    OverLimit {
        /// Bytes of elements, by the header.
        promised: u64,
        /// The caller's limit in bytes.
        limit: u64,
    },
    /// The data ends early.
    #[error("the data ends here, expected {expected} bytes in all")]
    Truncated {
        /// The whole length in bytes, as far as the header is known.
        expected: u64,
    },
    /// The data goes on after its last element.
    #[error("expected the end of the data, found more bytes")]
    TrailingBytes,
    /// The elements are of another type than the caller needs.
    #[error("expected elements of type {expected}, found {found}")]
    UnexpectedType {
        /// The type asked for.
        expected: ElementType,
        /// The type in the header.
        found: ElementType,
    },
    /// The compressed data around the IDX data is damaged or cut.
    #[error("damaged gzip data: {0}")]
    Gzip(io::Error),
    /// The file could not be opened, read or written.
    #[error("{0}")]
    Io(io::Error),
}
