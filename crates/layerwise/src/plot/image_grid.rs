use super::drawing::{Anchor, Color, Drawing, Image, Item, Rect, Text};
use super::font;
use super::frame::{EDGE, LABEL_SIZE, draw_title};
use super::palette::{INK, NOT_A_NUMBER};
use super::picture::Picture;

/// The free space between images.
const GAP: usize = 4;
/// The free space between rows with different captions.
const ROW_GAP: usize = 8;
/// The width that a picture aims for, without its captions.
const WIDTH: usize = 620;
/// The widest caption that stands in one line.
const CAPTION: f64 = 130.0;

/// Which number is which shade of grey.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Shades {
    /// 0 is black and 1 is white, in all images; what lies beyond is cut off. For pixels.
    #[default]
    Unit,
    /// The smallest number of an image is black, the largest is white.
    EachImage,
    /// 0 is medium grey, and the number of an image that is farthest from it is black or white. For weights.
    Symmetric,
}

/// Rows of images in shades of grey, with a caption beside each row: originals above reconstructions, or the filters of a layer.
#[derive(Clone, PartialEq, Debug)]
pub struct ImageGrid {
    title: String,
    image_rows: usize,
    image_columns: usize,
    shades: Shades,
    per_line: usize,
    zoom: Option<usize>,
    rows: Vec<(String, Vec<f32>)>,
}

impl ImageGrid {
    /// A picture for images of `rows` by `columns` pixels, none yet.
    ///
    /// # Panics
    /// If `rows` or `columns` is not in 1..=1000.
    #[track_caller]
    pub fn new(title: impl Into<String>, rows: usize, columns: usize) -> Self {
        assert!(
            (1..=1000).contains(&rows) && (1..=1000).contains(&columns),
            "the images of a grid have 1 to 1000 rows and columns of pixels, found {rows} x {columns}"
        );
        ImageGrid {
            title: title.into(),
            image_rows: rows,
            image_columns: columns,
            shades: Shades::Unit,
            per_line: 10,
            zoom: None,
            rows: Vec::new(),
        }
    }

    /// Which number is which shade. Defaults to [`Shades::Unit`].
    pub fn shades(mut self, shades: Shades) -> Self {
        self.shades = shades;
        self
    }

    /// How many images stand beside each other; a row of more goes on in the next line. Defaults to 10.
    ///
    /// # Panics
    /// If it is not in 1..=100.
    #[track_caller]
    pub fn per_line(mut self, images: usize) -> Self {
        assert!((1..=100).contains(&images), "a line of a grid has 1 to 100 images, found {images}");
        self.per_line = images;
        self
    }

    /// How many pixels of the picture are one pixel of an image, in both directions. Defaults to what makes a full line 620 pixels
    /// wide, and is 4 at most.
    ///
    /// # Panics
    /// If it is not in 1..=20.
    #[track_caller]
    pub fn zoom(mut self, zoom: usize) -> Self {
        assert!((1..=20).contains(&zoom), "the zoom of a grid is 1 to 20, found {zoom}");
        self.zoom = Some(zoom);
        self
    }

    /// Adds a row of images, `[n, rows * columns]`. A number that is not finite becomes a red pixel.
    ///
    /// # Panics
    /// If the number of pixels is not a multiple of `rows * columns`.
    #[track_caller]
    pub fn row(mut self, caption: impl Into<String>, images: &[f32]) -> Self {
        let (pixels, rows, columns) = (images.len(), self.image_rows, self.image_columns);
        assert!(
            pixels.is_multiple_of(rows * columns),
            "images of {rows} x {columns} have a multiple of {} pixels, found {pixels}",
            rows * columns
        );
        self.rows.push((caption.into(), images.to_vec()));
        self
    }

    fn image(&self, pixels: &[f32]) -> Image {
        let finite = || pixels.iter().copied().filter(|pixel| pixel.is_finite());
        let (low, high) = match self.shades {
            Shades::Unit => (0.0, 1.0),
            Shades::EachImage => {
                finite().fold((f32::MAX, f32::MIN), |(low, high), pixel| (low.min(pixel), high.max(pixel)))
            }
            Shades::Symmetric => {
                let farthest = finite().fold(0.0f32, |farthest, pixel| farthest.max(pixel.abs()));
                (-farthest, farthest)
            }
        };
        let (low, high) = (f64::from(low), f64::from(high));
        let shade = |pixel: f32| {
            let share = if high > low { (f64::from(pixel) - low) / (high - low) } else { 0.5 };
            Color([(255.0 * share.clamp(0.0, 1.0)).round() as u8; 3])
        };
        let color = |&pixel: &f32| if pixel.is_finite() { shade(pixel) } else { NOT_A_NUMBER };
        Image { columns: self.image_columns, pixels: pixels.iter().map(color).collect() }
    }

    fn size_of_image(&self, widest: usize) -> (usize, usize) {
        let fitting = WIDTH.saturating_sub(widest * GAP) / (widest * self.image_columns).max(1);
        let zoom = self.zoom.unwrap_or(fitting.clamp(1, 4));
        (zoom * self.image_columns, zoom * self.image_rows)
    }
}

impl Picture for ImageGrid {
    fn drawing(&self) -> Drawing {
        let pixels = self.image_rows * self.image_columns;
        let widest =
            self.rows.iter().map(|(_, images)| (images.len() / pixels).min(self.per_line)).max().unwrap_or(0);
        let (width, height) = self.size_of_image(widest);
        let captions: Vec<_> =
            self.rows.iter().map(|(caption, _)| font::wrap(caption, LABEL_SIZE, CAPTION)).collect();
        let caption =
            captions.iter().flatten().map(|line| font::width(line, LABEL_SIZE)).fold(0.0, f64::max).ceil();
        let left = EDGE + if caption > 0.0 { caption + 10.0 } else { 0.0 };
        let total = (left + (widest * (width + GAP)) as f64 - GAP as f64 + EDGE).max(200.0) as u32;

        // The height is known once everything is placed.
        let mut drawing = Drawing::new(total, 0, &self.title);
        let mut y = draw_title(&mut drawing, &self.title).round() + 8.0;
        for ((_, images), caption) in self.rows.iter().zip(captions) {
            let top = y;
            for (i, image) in images.chunks_exact(pixels).enumerate() {
                let (line, column) = (i / self.per_line, i % self.per_line);
                let at = Rect {
                    x: left + (column * (width + GAP)) as f64,
                    y: top + (line * (height + GAP)) as f64,
                    width: width as f64,
                    height: height as f64,
                };
                drawing.push(Item::Image { at, image: self.image(image) });
                y = at.bottom() + GAP as f64;
            }
            let first_line = height.min(images.len()) as f64;
            y = y.max(top + draw_caption(&mut drawing, &caption, left - 10.0, top, first_line))
                + ROW_GAP as f64;
        }
        drawing.height = (y + EDGE - (GAP + ROW_GAP) as f64).max(60.0) as u32;
        drawing
    }
}

/// Draws a caption beside the middle of a row's first line of images, and returns its height.
fn draw_caption(drawing: &mut Drawing, lines: &[String], right: f64, top: f64, height: f64) -> f64 {
    let line = LABEL_SIZE + 4.0;
    let above = ((height - lines.len() as f64 * line) / 2.0).max(0.0);
    for (i, text) in lines.iter().enumerate() {
        let at = (right, top + above + (i as f64 + 0.5) * line + 0.36 * LABEL_SIZE);
        drawing.push(Text::new(at, text.as_str(), LABEL_SIZE, INK).anchored(Anchor::End).into());
    }
    lines.len() as f64 * line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greys(shades: Shades, pixels: &[f32]) -> Vec<u8> {
        let grid = ImageGrid::new("", 1, pixels.len()).shades(shades);
        grid.image(pixels).pixels.iter().map(|color| color.0[0]).collect()
    }

    #[test]
    fn shades_are_those_of_the_numbers() {
        assert_eq!(greys(Shades::Unit, &[-1.0, 0.0, 0.2, 1.0, 3.0]), [0, 0, 51, 255, 255]);
        assert_eq!(greys(Shades::EachImage, &[-1.0, 0.0, 4.0]), [0, 51, 255]);
        assert_eq!(greys(Shades::Symmetric, &[-1.0, 0.0, 4.0]), [96, 128, 255]);
        assert_eq!(greys(Shades::Symmetric, &[0.0, 0.0]), [128, 128]);
        assert_eq!(greys(Shades::EachImage, &[7.0, 7.0]), [128, 128]);
        let image = ImageGrid::new("", 1, 2).image(&[f32::NAN, 1.0]);
        assert_eq!(image.pixels, [NOT_A_NUMBER, Color([255; 3])]);
    }

    #[test]
    fn long_rows_go_on_in_the_next_line() {
        let size = |images: usize| {
            let grid = ImageGrid::new("", 2, 3).per_line(4).zoom(20);
            grid.row("", &vec![0.0; images * 6]).drawing().size()
        };
        assert_eq!(size(9).1 - size(8).1, 2 * 20 + GAP as u32);
        assert_eq!(size(9).0, size(8).0);
    }

    #[test]
    #[should_panic(expected = "images of 28 x 28 have a multiple of 784 pixels, found 785")]
    fn images_are_whole() {
        let _ = ImageGrid::new("", 28, 28).row("", &[0.0; 785]);
    }
}
