//! The container of a checkpoint: a head of fixed size, a header in JSON, and numbers.
//!
//! | bytes | content |
//! | --- | --- |
//! | 0 .. 8 | `89 4c 57 43 4b 0d 0a 1a` |
//! | 8 .. 12 | version of the format |
//! | 12 .. 20 | bytes of the header |
//! | 20 .. 28 | bytes of the numbers |
//! | 28 .. 32 | CRC-32 of the header |
//! | 32 .. 36 | CRC-32 of the numbers |
//! | 36 .. 40 | CRC-32 of the 36 bytes before |
//! | 40 .. | the header, then the numbers as f32; nothing follows them |
//!
//! All numbers are little-endian. The head has this form in every version, so that a later one is told from a damaged one.

use super::Problem;

/// Like PNG's: not text, and changed by whoever changes line ends.
const MAGIC: [u8; 8] = [0x89, b'L', b'W', b'C', b'K', b'\r', b'\n', 0x1a];
pub(super) const VERSION: u32 = 1;
const HEAD: usize = 40;

/// A whole file.
pub(super) fn encode(header: &[u8], arrays: &[&[f32]]) -> Vec<u8> {
    let numbers = 4 * arrays.iter().map(|array| array.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(HEAD + header.len() + numbers);
    bytes.resize(HEAD, 0);
    bytes.extend_from_slice(header);
    for array in arrays {
        bytes.extend(array.iter().flat_map(|x| x.to_le_bytes()));
    }
    let body = HEAD + header.len();
    let (header_sum, numbers_sum) = (crc32fast::hash(header), crc32fast::hash(&bytes[body..]));
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..20].copy_from_slice(&(header.len() as u64).to_le_bytes());
    bytes[20..28].copy_from_slice(&(numbers as u64).to_le_bytes());
    bytes[28..32].copy_from_slice(&header_sum.to_le_bytes());
    bytes[32..36].copy_from_slice(&numbers_sum.to_le_bytes());
    let head_sum = crc32fast::hash(&bytes[..36]);
    bytes[36..HEAD].copy_from_slice(&head_sum.to_le_bytes());
    bytes
}

/// The header and the numbers, as bytes, of a file that is whole.
pub(super) fn decode(bytes: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] {
        return Err(Problem::Magic { found: bytes[..known].to_vec() });
    }
    let found = bytes.len() as u64;
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
        return Err(Problem::Length { expected: HEAD as u64, found });
    };
    check("head", u32_at(head, 36), &head[..36])?;
    let version = u32_at(head, 8);
    if version != VERSION {
        return Err(Problem::Newer { found: version, known: VERSION });
    }
    let (header, numbers) = (u64_at(head, 12), u64_at(head, 20));
    let expected = header.saturating_add(numbers).saturating_add(HEAD as u64);
    if expected != found {
        return Err(Problem::Length { expected, found });
    }
    // Not longer than the file, so it fits.
    let (header, numbers) = rest.split_at(header as usize);
    check("header", u32_at(head, 28), header)?;
    check("numbers", u32_at(head, 32), numbers)?;
    Ok((header, numbers))
}

fn check(part: &'static str, expected: u32, bytes: &[u8]) -> Result<(), Problem> {
    let found = crc32fast::hash(bytes);
    if found == expected { Ok(()) } else { Err(Problem::Damaged { part, expected, found }) }
}

fn u32_at(head: &[u8; HEAD], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

fn u64_at(head: &[u8; HEAD], at: usize) -> u64 {
    u64::from(u32_at(head, at)) | u64::from(u32_at(head, at + 4)) << 32
}
