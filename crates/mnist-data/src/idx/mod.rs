//! The IDX file format: n-dimensional arrays of six element types, in big-endian byte order.
//!
//! A file is a header and the elements in row-major order:
//!
//! | bytes | content |
//! | --- | --- |
//! | 0, 1 | zero |
//! | 2 | element type, see [`ElementType`] |
//! | 3 | number of dimensions, 1 to 255 |
//! | 4 .. | one `u32` per dimension |
//! | then | the elements; nothing follows them |
//!
//! ```
//! use layerwise_mnist_data::idx;
//! use ndarray::array;
//!
//! let table = array![[1_i16, -2, 3], [4, 5, -6]];
//! let mut bytes = Vec::new();
//! idx::write(&mut bytes, "table.idx", table.view())?;
//!
//! let back = idx::read(&bytes[..], "table.idx")?.into_array::<i16>("table.idx")?;
//! assert_eq!(back, table.into_dyn());
//! # Ok::<(), idx::IdxError>(())
//! ```

mod element;
mod error;
mod read;
mod write;

pub use element::{Element, ElementType, IdxArray};
pub use error::{IdxError, IdxErrorKind};
pub use read::{open, open_bounded, read, read_bounded};
pub use write::{save, write};
