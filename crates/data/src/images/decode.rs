//! From the bytes of a file to grey pixels.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use ndarray::Array2;
use png::{ColorType, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{ImageError, ImageProblem};

/// The most pixels that are decoded: a file of a few bytes can promise any number.
const MOST: usize = 1 << 26;

/// Reads a PNG or JPEG file, whatever its name, as `[rows, cols]` from 0 (black) to 255 (white).
///
/// # Errors
/// If it cannot be read or decoded, or has more than 2^26 pixels.
pub fn open(path: impl AsRef<Path>) -> Result<Array2<u8>, ImageError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => decode(&bytes, &name),
        Err(error) => Err(ImageError { path: name, problem: error.into() }),
    }
}

/// [`open`] for a file in memory; `name` is what errors call it.
///
/// # Errors
/// As there.
pub fn decode(bytes: &[u8], name: &str) -> Result<Array2<u8>, ImageError> {
    let image = match bytes {
        [0x89, b'P', b'N', b'G', ..] => decode_png(bytes),
        [0xFF, 0xD8, 0xFF, ..] => decode_jpeg(bytes),
        _ => Err(ImageProblem::Format(bytes[..bytes.len().min(8)].to_vec())),
    };
    image.map_err(|problem| ImageError { path: name.to_owned(), problem })
}

pub(super) fn check_size(width: usize, height: usize) -> Result<(), ImageProblem> {
    match width.checked_mul(height) {
        Some(pixels) if pixels <= MOST => Ok(()),
        _ => Err(ImageProblem::TooLarge { width, height, most: MOST }),
    }
}

fn decode_png(bytes: &[u8]) -> Result<Array2<u8>, ImageProblem> {
    let fail = |error: png::DecodingError| failure("PNG", error.to_string());
    // Four bytes a pixel, and as much again for what the decoder keeps.
    let limits = png::Limits { bytes: 8 * MOST };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let (width, height) = decoder.read_header_info().map(|info| info.size()).map_err(fail)?;
    let (width, height) = (width as usize, height as usize);
    check_size(width, height)?;
    let mut reader = decoder.read_info().map_err(fail)?;
    let size = reader.output_buffer_size().ok_or_else(|| failure("PNG", "it is too large"))?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(fail)?;
    let samples = match frame.color_type {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        ColorType::Indexed => return Err(failure("PNG", "its palette is missing")),
    };
    into_grey(&pixels, samples, width, height, "PNG")
}

fn decode_jpeg(bytes: &[u8]) -> Result<Array2<u8>, ImageProblem> {
    let fail = |error: zune_jpeg::errors::DecodeErrors| failure("JPEG", error.to_string());
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(fail)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| failure("JPEG", "it has no size"))?;
    check_size(width, height)?;
    let pixels = decoder.decode().map_err(fail)?;
    into_grey(&pixels, 3, width, height, "JPEG")
}

fn failure(format: &'static str, message: impl Into<String>) -> ImageProblem {
    ImageProblem::Decode { format, message: message.into() }
}

fn into_grey(
    pixels: &[u8],
    samples: usize,
    width: usize,
    height: usize,
    format: &'static str,
) -> Result<Array2<u8>, ImageProblem> {
    let grey = pixels.chunks_exact(samples).take(width * height).map(|pixel| match *pixel {
        [grey] => grey,
        [grey, alpha] => on_white(f32::from(grey), alpha),
        [r, g, b] => luma(r, g, b).round() as u8,
        [r, g, b, alpha] => on_white(luma(r, g, b), alpha),
        _ => 0, // there are 1 to 4 samples
    });
    let grey = Array2::from_shape_vec((height, width), grey.collect());
    grey.map_err(|_| failure(format, "it has fewer pixels than it says"))
}

fn luma(r: u8, g: u8, b: u8) -> f32 {
    0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)
}

fn on_white(grey: f32, alpha: u8) -> u8 {
    let alpha = f32::from(alpha) / 255.0;
    (grey * alpha + 255.0 * (1.0 - alpha)).round() as u8
}
