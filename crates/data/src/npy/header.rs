//! The header of a `.npy` file: a Python dictionary of three entries.

use std::io::Read;

use layerwise_tensor::{MAX_RANK, Shape};

use super::element::Element;
use super::{NpyProblem, fill};

const MAGIC: [u8; 6] = *b"\x93NUMPY";
/// The longest header that is read; NumPy itself stops at 10 000 bytes.
const LONGEST: usize = 1 << 16;
/// Headers are padded, so that the elements begin at a multiple of this.
const ALIGNMENT: usize = 64;

pub(super) struct Header {
    pub element: Element,
    pub is_fortran: bool,
    pub shape: Vec<usize>,
}

/// The number of bytes of all elements. `None` if they, or as many `f32`, are too many to address.
pub(super) fn bytes(shape: &[usize], size: usize) -> Option<u64> {
    // An extent of 0 does not hide an overflow of the others.
    let count = shape.iter().try_fold(1_usize, |count, &extent| count.checked_mul(extent.max(1)))?;
    let most = count.checked_mul(size.max(size_of::<f32>()))?;
    if most > isize::MAX as usize {
        return None;
    }
    Some((shape.iter().product::<usize>() * size) as u64)
}

/// The first bytes of a file with an array of `f32`.
pub(super) fn encode(shape: Shape) -> Vec<u8> {
    let extents: String = shape.dims().iter().map(|extent| format!("{extent}, ")).collect();
    let extents = extents.trim_end();
    // Python writes a tuple of one as (3,), of none as ().
    let extents = if shape.rank() == 1 { extents } else { extents.trim_end_matches(',') };
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({extents}), }}");
    let before = MAGIC.len() + 4;
    let whole = (before + text.len() + 1).next_multiple_of(ALIGNMENT);
    text += &" ".repeat(whole - before - text.len() - 1);
    text.push('\n');
    let length = (text.len() as u16).to_le_bytes(); // six extents are some hundred bytes at most
    [&MAGIC[..], &[1, 0], &length, text.as_bytes()].concat()
}

pub(super) fn read(reader: &mut impl Read) -> Result<Header, NpyProblem> {
    let mut start = [0; 8];
    let found = fill(reader, &mut start)?;
    if found < start.len() || start[..6] != MAGIC {
        return Err(NpyProblem::Magic(start[..found.min(6)].to_vec()));
    }
    let digits = match start[6..] {
        [1, 0] => 2,
        [2 | 3, 0] => 4,
        _ => return Err(NpyProblem::Version(start[6], start[7])),
    };
    let mut length = [0; 4];
    read_exact(reader, &mut length[..digits])?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(header(format!("its length is {length} bytes, expected at most {LONGEST}")));
    }
    let mut text = vec![0; length];
    read_exact(reader, &mut text)?;
    let text = String::from_utf8(text).map_err(|_| header("it is not UTF-8"))?;
    parse(&text)
}

fn header(text: impl Into<String>) -> NpyProblem {
    NpyProblem::Header(text.into())
}

fn read_exact(reader: &mut impl Read, out: &mut [u8]) -> Result<(), NpyProblem> {
    if fill(reader, out)? < out.len() { Err(header("the file ends in it")) } else { Ok(()) }
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, with the entries in any order.
fn parse(text: &str) -> Result<Header, NpyProblem> {
    let mut rest = Rest(text);
    let (mut descr, mut is_fortran, mut shape) = (None, None, None);
    rest.expect("{")?;
    while !rest.take("}") {
        let key = rest.string()?;
        rest.expect(":")?;
        match key {
            "descr" => descr = Some(rest.descr()?),
            "fortran_order" => is_fortran = Some(rest.boolean()?),
            "shape" => shape = Some(rest.tuple()?),
            other => return Err(header(format!("unexpected entry {:?}", shorten(other)))),
        }
        if !rest.take(",") {
            rest.expect("}")?;
            break;
        }
    }
    rest.end()?;
    let missing = |name: &str| header(format!("entry '{name}' is missing"));
    let descr = descr.ok_or_else(|| missing("descr"))?;
    let is_fortran = is_fortran.ok_or_else(|| missing("fortran_order"))?;
    let shape = shape.ok_or_else(|| missing("shape"))?;
    let element = Element::parse(descr).ok_or_else(|| NpyProblem::ElementType(shorten(descr)))?;
    if shape.len() > MAX_RANK {
        return Err(NpyProblem::Rank(shape));
    }
    Ok(Header { element, is_fortran, shape })
}

fn shorten(text: &str) -> String {
    crate::table::shorten(text)
}

/// What has not been read of a header.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Whether `token` is next, behind white space; then it is read.
    fn take(&mut self, token: &str) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), NpyProblem> {
        if self.take(token) { Ok(()) } else { Err(self.unexpected(&format!("'{token}'"))) }
    }

    fn unexpected(&self, expected: &str) -> NpyProblem {
        header(format!("expected {expected}, found {:?}", shorten(self.0)))
    }

    /// A string in quotes of either kind, without escapes.
    fn string(&mut self) -> Result<&'a str, NpyProblem> {
        let quote = if self.take("'") {
            '\''
        } else if self.take("\"") {
            '"'
        } else {
            return Err(self.unexpected("a string"));
        };
        let (string, rest) =
            self.0.split_once(quote).ok_or_else(|| self.unexpected("the end of a string"))?;
        self.0 = rest;
        Ok(string)
    }

    /// A string. A list, which describes a structured array, is shown as it stands.
    fn descr(&mut self) -> Result<&'a str, NpyProblem> {
        self.0 = self.0.trim_start();
        if self.0.starts_with('[') {
            return Err(NpyProblem::ElementType(shorten(
                self.0.split_inclusive(']').next().unwrap_or(self.0),
            )));
        }
        self.string()
    }

    fn boolean(&mut self) -> Result<bool, NpyProblem> {
        match (self.take("True"), self.take("False")) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(self.unexpected("True or False")),
        }
    }

    /// Whole numbers in parentheses.
    fn tuple(&mut self) -> Result<Vec<usize>, NpyProblem> {
        let mut extents = Vec::new();
        self.expect("(")?;
        while !self.take(")") {
            self.0 = self.0.trim_start();
            let digits = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
            let (number, rest) = self.0.split_at(digits);
            extents.push(number.parse().map_err(|_| self.unexpected("an extent"))?);
            self.0 = rest;
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(extents)
    }

    fn end(&mut self) -> Result<(), NpyProblem> {
        if self.0.trim().is_empty() { Ok(()) } else { Err(self.unexpected("the end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_what_numpy_writes() {
        for (shape, text) in [(Shape::SCALAR, "()"), ([3].into(), "(3,)"), ([3, 4].into(), "(3, 4)")] {
            let bytes = encode(shape);
            assert_eq!(bytes.len() % ALIGNMENT, 0);
            let expected = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {text}, }}");
            assert!(bytes[10..].starts_with(expected.as_bytes()), "{shape}");
            let Header { is_fortran, shape: found, .. } = read(&mut &bytes[..]).unwrap();
            assert_eq!((is_fortran, &found[..]), (false, shape.dims()));
        }
    }

    #[test]
    fn what_is_wrong_with_a_header_is_said() {
        let text = |text: &str| parse(text).err().unwrap().to_string();
        assert_eq!(text(""), r#"the header: expected '{', found """#);
        assert_eq!(text("{'descr': '<f4'}"), "the header: entry 'fortran_order' is missing");
        assert_eq!(
            text("{'descr': '<c8', 'fortran_order': False, 'shape': ()}"),
            "elements of type <c8, expected floats of 32 or 64 bits, integers or booleans"
        );
        assert!(
            text("{'descr': [('x', '<f4')], 'shape': ()}").starts_with("elements of type [('x', '<f4')], ")
        );
        assert_eq!(
            text("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1)}"),
            "shape [1, 1, 1, 1, 1, 1, 1], expected at most 6 dimensions"
        );
        assert_eq!(text("{'shape': (-1,)}"), r#"the header: expected an extent, found "-1,)}""#);
        assert_eq!(text("{'other': 1}"), r#"the header: unexpected entry "other""#);
        assert_eq!(text("{'shape': (1,)} x"), r#"the header: expected the end, found " x""#);
        assert!(text("{'shape': (99999999999999999999,)}").contains("expected an extent"));
    }

    #[test]
    fn an_extent_of_zero_does_not_hide_an_overflow() {
        assert_eq!(bytes(&[0, usize::MAX, usize::MAX], 4), None);
        assert_eq!(bytes(&[0, 5], 4), Some(0));
        assert_eq!(bytes(&[], 8), Some(8));
        assert_eq!(bytes(&[usize::MAX / 4], 1), None);
    }
}
