use super::EventError;
use super::proto::Image;

/// An image as a PNG file.
pub(super) fn image(tag: &str, extents: [usize; 2], pixels: &[f32]) -> Result<Image, EventError> {
    let [height, width] = extents;
    let refused = || EventError::Image { tag: tag.to_owned(), height, width, found: pixels.len() };
    let count = height.checked_mul(width).filter(|&count| count > 0).ok_or_else(refused)?;
    let (channels, color) = match pixels.len() {
        len if len == count => (1, png::ColorType::Grayscale),
        len if Some(len) == count.checked_mul(3) => (3, png::ColorType::Rgb),
        _ => return Err(refused()),
    };
    // NaN becomes 0.
    let bytes: Vec<u8> = pixels.iter().map(|x| (x.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    let [rows, columns] = [height, width].map(i32::try_from);
    let (Ok(rows), Ok(columns)) = (rows, columns) else { return Err(refused()) };
    let mut encoded = vec![];
    let mut encoder = png::Encoder::new(&mut encoded, columns as u32, rows as u32);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&bytes));
    written.map_err(|_| refused())?;
    Ok(Image { height: rows, width: columns, colorspace: channels, encoded })
}
