//! The types of elements, and how each becomes `f32`.

use super::NpyProblem;

/// A type that is read, with its byte order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Element {
    kind: Kind,
    is_big_endian: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
}

impl Element {
    /// The type of a description like `<f4`: byte order, kind, bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let (order, kind) = text.split_at_checked(1)?;
        let kind = match kind {
            "b1" => Kind::Bool,
            "i1" => Kind::I8,
            "i2" => Kind::I16,
            "i4" => Kind::I32,
            "i8" => Kind::I64,
            "u1" => Kind::U8,
            "u2" => Kind::U16,
            "u4" => Kind::U32,
            "u8" => Kind::U64,
            "f4" => Kind::F32,
            "f8" => Kind::F64,
            _ => return None,
        };
        let is_big_endian = match order {
            ">" => true,
            "=" => cfg!(target_endian = "big"),
            "<" | "|" => false,
            _ => return None,
        };
        Some(Element { kind, is_big_endian })
    }

    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self.kind {
            Kind::Bool | Kind::I8 | Kind::U8 => 1,
            Kind::I16 | Kind::U16 => 2,
            Kind::I32 | Kind::U32 | Kind::F32 => 4,
            Kind::I64 | Kind::U64 | Kind::F64 => 8,
        }
    }

    /// Appends the elements of `bytes` to `out`; bytes of part of an element at the end are left.
    pub fn convert(self, bytes: &[u8], out: &mut Vec<f32>) -> Result<(), NpyProblem> {
        let is_big = self.is_big_endian;
        match self.kind {
            Kind::Bool => out.extend(bytes.iter().map(|&x| if x == 0 { 0.0 } else { 1.0 })),
            Kind::I8 => out.extend(bytes.iter().map(|&x| f32::from(x.cast_signed()))),
            Kind::U8 => out.extend(bytes.iter().map(|&x| f32::from(x))),
            Kind::I16 => out.extend(words(bytes, is_big).map(|x| f32::from(i16::from_le_bytes(x)))),
            Kind::U16 => out.extend(words(bytes, is_big).map(|x| f32::from(u16::from_le_bytes(x)))),
            Kind::I32 => out.extend(words(bytes, is_big).map(|x| i32::from_le_bytes(x) as f32)),
            Kind::U32 => out.extend(words(bytes, is_big).map(|x| u32::from_le_bytes(x) as f32)),
            Kind::I64 => out.extend(words(bytes, is_big).map(|x| i64::from_le_bytes(x) as f32)),
            Kind::U64 => out.extend(words(bytes, is_big).map(|x| u64::from_le_bytes(x) as f32)),
            Kind::F32 => out.extend(words(bytes, is_big).map(f32::from_le_bytes)),
            Kind::F64 => {
                for x in words(bytes, is_big).map(f64::from_le_bytes) {
                    let y = x as f32;
                    if y.is_infinite() && x.is_finite() {
                        return Err(NpyProblem::OutOfRange { index: out.len(), found: x });
                    }
                    out.push(y);
                }
            }
        }
        Ok(())
    }
}

/// The elements' bytes, the lowest first.
fn words<const N: usize>(bytes: &[u8], is_big_endian: bool) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks().0.iter().map(move |&word| {
        let mut word = word;
        if is_big_endian {
            word.reverse();
        }
        word
    })
}
