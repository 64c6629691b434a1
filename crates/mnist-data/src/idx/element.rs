//! The six element types of the format.

use std::fmt;

use ndarray::ArrayD;

use super::{IdxError, IdxErrorKind};

/// A Rust type that IDX files can hold: `u8`, `i8`, `i16`, `i32`, `f32` or `f64`.
pub trait Element: private::Codec {
    /// Its code in the header.
    const TYPE: ElementType;
}

pub(super) mod private {
    use super::{ArrayD, IdxArray};

    /// Sealed: the format has no room for further types.
    pub trait Codec: Copy + 'static {
        /// From exactly `size_of::<Self>()` big-endian bytes.
        fn decode(bytes: &[u8]) -> Self;
        fn encode(self, out: &mut Vec<u8>);
        fn wrap(array: ArrayD<Self>) -> IdxArray;
        fn unwrap(array: IdxArray) -> Option<ArrayD<Self>>;
    }
}

/// One row per type keeps code, width and conversions from drifting apart.
macro_rules! elements {
    ($($variant:ident($rust:ident) = $code:literal),+ $(,)?) => {
        /// The element type of an IDX file; the discriminant is the header's third byte.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum ElementType {
            $(#[doc = concat!("`", stringify!($rust), "`, code ", stringify!($code), ".")] $variant = $code,)+
        }

        impl ElementType {
            /// The type with this code, if there is one.
            pub fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Bytes per element.
            pub fn size(self) -> usize {
                match self { $(Self::$variant => size_of::<$rust>(),)+ }
            }
        }

        impl fmt::Display for ElementType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => stringify!($rust),)+ })
            }
        }

        /// The content of an IDX file.
        #[derive(Debug, Clone, PartialEq)]
        pub enum IdxArray {
            $(#[doc = concat!("Elements of type `", stringify!($rust), "`.")] $variant(ArrayD<$rust>),)+
        }

        impl IdxArray {
            /// The type of the elements.
            pub fn element_type(&self) -> ElementType {
                match self { $(Self::$variant(_) => ElementType::$variant,)+ }
            }

            /// The dimensions, outermost first.
            pub fn shape(&self) -> &[usize] {
                match self { $(Self::$variant(array) => array.shape(),)+ }
            }
        }

        $(
            impl Element for $rust {
                const TYPE: ElementType = ElementType::$variant;
            }

            impl private::Codec for $rust {
                fn decode(bytes: &[u8]) -> Self {
                    let mut buffer = [0; size_of::<$rust>()];
                    buffer.copy_from_slice(bytes);
                    <$rust>::from_be_bytes(buffer)
                }

                fn encode(self, out: &mut Vec<u8>) {
                    out.extend_from_slice(&self.to_be_bytes());
                }

                fn wrap(array: ArrayD<Self>) -> IdxArray {
                    IdxArray::$variant(array)
                }

                fn unwrap(array: IdxArray) -> Option<ArrayD<Self>> {
                    match array {
                        IdxArray::$variant(array) => Some(array),
                        _ => None,
                    }
                }
            }
        )+
    };
}

elements! {
    U8(u8) = 0x08,
    I8(i8) = 0x09,
    I16(i16) = 0x0B,
    I32(i32) = 0x0C,
    F32(f32) = 0x0D,
    F64(f64) = 0x0E,
}

impl IdxArray {
    /// The array, if its elements are of type `T`. `name` is the source's name in the error.
    ///
    /// # Errors
    ///
    /// [`IdxErrorKind::UnexpectedType`] where they are not; values are never converted.
    pub fn into_array<T: Element>(self, name: &str) -> Result<ArrayD<T>, IdxError> {
        let found = self.element_type();
        T::unwrap(self).ok_or_else(|| IdxError {
            name: name.to_owned(),
            position: 2,
            kind: IdxErrorKind::UnexpectedType { expected: T::TYPE, found },
        })
    }
}
