//! Draws a drawing into pixels and writes them as PNG.

use tiny_skia::{
    FillRule, FilterQuality, LineCap, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Stroke,
    StrokeDash, Transform,
};

use super::drawing::{Anchor, Color, Drawing, Image, Item, Point, Rect, Text};
use super::palette::WHITE;
use super::{PlotError, font};

/// The picture as a PNG file.
pub(super) fn write(drawing: &Drawing, scale: u32) -> Result<Vec<u8>, PlotError> {
    let (width, height) = (drawing.width.saturating_mul(scale), drawing.height.saturating_mul(scale));
    let mut pixmap = Pixmap::new(width, height).ok_or(PlotError::TooLarge { width, height })?;
    pixmap.fill(skia_color(WHITE, 1.0));
    let mut canvas =
        Canvas { pixmap, clip: None, to_pixels: Transform::from_scale(scale as f32, scale as f32) };
    drawing.items.iter().for_each(|item| canvas.draw(item));
    let pixels: Vec<u8> =
        canvas.pixmap.data().chunks_exact(4).flat_map(|rgba| [rgba[0], rgba[1], rgba[2]]).collect();
    encode(width, height, png::ColorType::Rgb, &pixels).map_err(PlotError::Encode)
}

/// An image as a PNG file, in shades of grey if that is all it has.
pub(super) fn encode_image(image: &Image) -> Vec<u8> {
    let (width, height) = (image.columns as u32, image.rows() as u32);
    let grey = image.pixels.iter().all(|Color([r, g, b])| r == g && g == b);
    let encoded = if grey {
        let pixels: Vec<u8> = image.pixels.iter().map(|color| color.0[0]).collect();
        encode(width, height, png::ColorType::Grayscale, &pixels)
    } else {
        let pixels: Vec<u8> = image.pixels.iter().flat_map(|color| color.0).collect();
        encode(width, height, png::ColorType::Rgb, &pixels)
    };
    encoded.expect("memory takes every byte, and images have pixels")
}

fn encode(
    width: u32,
    height: u32,
    color: png::ColorType,
    pixels: &[u8],
) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(file)
}

struct Canvas {
    pixmap: Pixmap,
    clip: Option<Mask>,
    to_pixels: Transform,
}

impl Canvas {
    fn draw(&mut self, item: &Item) {
        match item {
            Item::Lines { paths, color, width, dash } => {
                let dash = dash
                    .pattern()
                    .and_then(|[line, gap]| StrokeDash::new(vec![line as f32, gap as f32], 0.0));
                let stroke =
                    Stroke { width: *width as f32, line_join: LineJoin::Round, dash, ..Stroke::default() };
                self.stroke(polylines(paths, false), *color, &stroke, self.to_pixels);
            }
            Item::Area { corners, color, opacity } => {
                self.fill(polylines(std::slice::from_ref(corners), true), *color, *opacity, self.to_pixels);
            }
            Item::Block { at, color } => {
                self.fill(polylines(&[at.corners()], true), *color, 1.0, self.to_pixels);
            }
            Item::Dots { centres, color, radius, square } => {
                let line_cap = if *square { LineCap::Square } else { LineCap::Round };
                let stroke = Stroke { width: 2.0 * *radius as f32, line_cap, ..Stroke::default() };
                let points: Vec<_> = centres.iter().map(|&centre| vec![centre, centre]).collect();
                self.stroke(polylines(&points, false), *color, &stroke, self.to_pixels);
            }
            Item::Text(text) => self.text(text),
            Item::Image { at, image } => self.image(at, image),
            Item::Clipped { to, items } => {
                let outer = self.clip.take();
                self.clip = self.mask(to);
                items.iter().for_each(|item| self.draw(item));
                self.clip = outer;
            }
            Item::Moved { by: (x, y), items } => {
                let outer = self.to_pixels;
                self.to_pixels = outer.pre_translate(*x as f32, *y as f32);
                items.iter().for_each(|item| self.draw(item));
                self.to_pixels = outer;
            }
        }
    }

    fn mask(&self, to: &Rect) -> Option<Mask> {
        let mut mask = Mask::new(self.pixmap.width(), self.pixmap.height())?;
        let path = polylines(&[to.corners()], true)?;
        mask.fill_path(&path, FillRule::Winding, false, self.to_pixels);
        Some(mask)
    }

    fn fill(&mut self, path: Option<Path>, color: Color, opacity: f64, to_pixels: Transform) {
        if let Some(path) = path {
            self.pixmap.fill_path(
                &path,
                &paint(color, opacity),
                FillRule::Winding,
                to_pixels,
                self.clip.as_ref(),
            );
        }
    }

    fn stroke(&mut self, path: Option<Path>, color: Color, stroke: &Stroke, to_pixels: Transform) {
        if let Some(path) = path {
            self.pixmap.stroke_path(&path, &paint(color, 1.0), stroke, to_pixels, self.clip.as_ref());
        }
    }

    fn text(&mut self, text: &Text) {
        let before = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => text.width() / 2.0,
            Anchor::End => text.width(),
        };
        let turn = if text.turned { -90.0 } else { 0.0 };
        let base = self
            .to_pixels
            .pre_translate(text.at.0 as f32, text.at.1 as f32)
            .pre_concat(Transform::from_rotate(turn))
            .pre_translate(-before as f32, 0.0);
        self.letters(&text.text, text.size, text, base);
        let behind = font::width(&text.text, text.size) as f32;
        let raised = base.pre_translate(behind, -text.exponent_raise() as f32);
        self.letters(&text.exponent, text.exponent_size(), text, raised);
    }

    fn letters(&mut self, letters: &str, size: f64, text: &Text, to_pixels: Transform) {
        let unit = (size / font::units_per_em()) as f32;
        let mut path = PathBuilder::new();
        font::outline(
            letters,
            |x| Pen { path: PathBuilder::new(), x: x as f32 },
            |pen| {
                if let Some(letter) = pen.path.finish() {
                    path.push_path(&letter);
                }
            },
        );
        let Some(path) = path.finish() else { return };
        let to_pixels = to_pixels.pre_scale(unit, -unit); // fonts count upwards
        if text.halo {
            let stroke = Stroke { width: 4.0 / unit, line_join: LineJoin::Round, ..Stroke::default() };
            self.stroke(Some(path.clone()), WHITE, &stroke, to_pixels);
        }
        self.fill(Some(path), text.color, 1.0, to_pixels);
    }

    fn image(&mut self, at: &Rect, image: &Image) {
        let Some(mut pixels) = Pixmap::new(image.columns as u32, image.rows() as u32) else { return };
        for (pixel, color) in pixels.pixels_mut().iter_mut().zip(&image.pixels) {
            let [r, g, b] = color.0;
            *pixel = tiny_skia::ColorU8::from_rgba(r, g, b, 255).premultiply();
        }
        let (columns, rows) = (f64::from(pixels.width()), f64::from(pixels.height()));
        let to_pixels = self
            .to_pixels
            .pre_translate(at.x as f32, at.y as f32)
            .pre_scale((at.width / columns) as f32, (at.height / rows) as f32);
        let paint = PixmapPaint { quality: FilterQuality::Nearest, ..PixmapPaint::default() };
        self.pixmap.draw_pixmap(0, 0, pixels.as_ref(), &paint, to_pixels, self.clip.as_ref());
    }
}

/// Draws the outline of one letter at its place in the line.
struct Pen {
    path: PathBuilder,
    x: f32,
}

impl ttf_parser::OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.x + x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.x + x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(self.x + x1, y1, self.x + x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.path.cubic_to(self.x + x1, y1, self.x + x2, y2, self.x + x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

fn polylines(paths: &[Vec<Point>], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for points in paths {
        for (i, &(x, y)) in points.iter().enumerate() {
            if i == 0 {
                builder.move_to(x as f32, y as f32);
            } else {
                builder.line_to(x as f32, y as f32);
            }
        }
        if closed {
            builder.close();
        }
    }
    builder.finish()
}

fn skia_color(Color([r, g, b]): Color, opacity: f64) -> tiny_skia::Color {
    tiny_skia::Color::from_rgba8(r, g, b, (opacity * 255.0).round() as u8)
}

fn paint(color: Color, opacity: f64) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(skia_color(color, opacity));
    paint
}
