//! What a picture consists of, before it is written as SVG or as pixels.

use std::fmt;

use super::{PlotError, font, raster, svg};

/// A point, in pixels from the top left corner.
pub(super) type Point = (f64, f64);

/// A finished picture: shapes and text at their places. What every [`Picture`](super::Picture) becomes.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawing {
    pub(super) width: u32,
    pub(super) height: u32,
    /// What it is called, for those who cannot see it.
    pub(super) title: String,
    pub(super) items: Vec<Item>,
}

/// An opaque colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Color(pub [u8; 3]);

/// A rectangle, in pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// One thing to draw. Later ones cover earlier ones.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Item {
    /// Lines through points, of one kind.
    Lines { paths: Vec<Vec<Point>>, color: Color, width: f64, dash: Dash },
    /// A filled polygon. `opacity` is between 0 and 1.
    Area { corners: Vec<Point>, color: Color, opacity: f64 },
    /// A filled rectangle.
    Block { at: Rect, color: Color },
    /// Points that stand for themselves.
    Dots { centres: Vec<Point>, color: Color, radius: f64, square: bool },
    /// One line of text.
    Text(Text),
    /// An image, enlarged without smoothing.
    Image { at: Rect, image: Image },
    /// Other items, of which only what lies in a rectangle is seen.
    Clipped { to: Rect, items: Vec<Item> },
    /// Other items, moved.
    Moved { by: Point, items: Vec<Item> },
}

/// How a line is interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dash {
    /// Not at all.
    Solid,
    /// Long dashes.
    Dashed,
    /// Short ones.
    Dotted,
}

/// The side of a text that stands at its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// One line of text.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Text {
    /// Where its base line is.
    pub at: Point,
    pub text: String,
    /// Set smaller and higher behind it; usually empty.
    pub exponent: String,
    pub size: f64,
    pub anchor: Anchor,
    pub color: Color,
    /// Whether it runs from the bottom to the top.
    pub turned: bool,
    /// Whether white surrounds the letters.
    pub halo: bool,
}

/// Pixels in rows.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Image {
    pub columns: usize,
    pub pixels: Vec<Color>,
}

impl Drawing {
    /// An empty picture on white.
    pub(super) fn new(width: u32, height: u32, title: &str) -> Self {
        Drawing { width, height, title: title.to_owned(), items: Vec::new() }
    }

    pub(super) fn push(&mut self, item: Item) {
        self.items.push(item);
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The picture as an SVG document. It has no `id`, so several of them can stand in one page.
    pub fn svg(&self) -> String {
        svg::write(self)
    }

    /// The picture as a PNG file with `scale` pixels for each pixel of [`size`](Self::size), in both directions.
    ///
    /// # Errors
    /// If there is not enough memory for its pixels.
    ///
    /// # Panics
    /// If `scale` is 0.
    #[track_caller]
    pub fn png(&self, scale: u32) -> Result<Vec<u8>, PlotError> {
        assert!(scale > 0, "a picture needs at least 1 pixel per pixel, found a scale of 0");
        raster::write(self, scale)
    }
}

impl Rect {
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    pub fn corners(&self) -> Vec<Point> {
        vec![(self.x, self.y), (self.right(), self.y), (self.right(), self.bottom()), (self.x, self.bottom())]
    }
}

impl Color {
    /// The colour between two, `share` of the way from this one to the other; `share` is between 0 and 1.
    pub fn towards(self, other: Color, share: f64) -> Color {
        let mix =
            |from: u8, to: u8| (f64::from(from) + share * (f64::from(to) - f64::from(from))).round() as u8;
        Color([0, 1, 2].map(|i| mix(self.0[i], other.0[i])))
    }

    /// Whether white text is easier to read on it than black: by the weights of the three colours in BT.709.
    pub fn is_dark(self) -> bool {
        let [r, g, b] = self.0.map(f64::from);
        0.2126 * r + 0.7152 * g + 0.0722 * b < 128.0
    }
}

impl Text {
    /// Upright text that begins at a point.
    pub fn new(at: Point, text: impl Into<String>, size: f64, color: Color) -> Self {
        let (exponent, anchor) = (String::new(), Anchor::Start);
        Text { at, text: text.into(), exponent, size, anchor, color, turned: false, halo: false }
    }

    /// The same text with another side at its place.
    pub fn anchored(self, anchor: Anchor) -> Self {
        Text { anchor, ..self }
    }

    /// The width in pixels, with the exponent.
    pub fn width(&self) -> f64 {
        font::width(&self.text, self.size) + font::width(&self.exponent, self.exponent_size())
    }

    pub fn exponent_size(&self) -> f64 {
        0.75 * self.size
    }

    /// How much higher than the text the exponent stands.
    pub fn exponent_raise(&self) -> f64 {
        0.4 * self.size
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Color([r, g, b]) = self;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

impl Image {
    pub fn rows(&self) -> usize {
        self.pixels.len() / self.columns.max(1)
    }
}

impl From<Text> for Item {
    fn from(text: Text) -> Self {
        Item::Text(text)
    }
}

impl Dash {
    /// Lengths of line and gap, in pixels.
    pub fn pattern(self) -> Option<[f64; 2]> {
        match self {
            Dash::Solid => None,
            Dash::Dashed => Some([7.0, 4.0]),
            Dash::Dotted => Some([2.0, 3.0]),
        }
    }
}
