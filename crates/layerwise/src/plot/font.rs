//! The embedded font: how wide a text is, and the outlines of its letters.

use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// A subset of DejaVu Sans, see `font/README.md`. It is wider than most fonts, so what is laid out for it has room in others too.
const FILE: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");

/// What stands in place of the rest of a text that is too long.
const ELLIPSIS: char = '…';

fn face() -> Face<'static> {
    Face::parse(FILE, 0).expect("the embedded font is valid")
}

/// The glyphs of a text with the place of each, and where the next one would be, in units of the font's size.
fn glyphs(face: &Face<'_>, text: &str) -> (Vec<(GlyphId, f64)>, f64) {
    let em = f64::from(face.units_per_em());
    let mut x = 0.0;
    let mut placed = Vec::new();
    for character in text.chars() {
        let glyph = face.glyph_index(character);
        placed.push((glyph.unwrap_or(GlyphId(0)), x));
        // A character that another font will have to supply is at most as wide as high.
        x += glyph.map_or(1.0, |glyph| f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) / em);
    }
    (placed, x)
}

/// The width of a text, in pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    glyphs(&face(), text).1 * size
}

/// Passes the outlines of a text to `pen(x)`, one letter after the other, in units of [`units_per_em`]; `x` is the letter's place.
pub(super) fn outline<P: OutlineBuilder>(text: &str, mut pen: impl FnMut(f64) -> P, mut done: impl FnMut(P)) {
    let face = face();
    for (glyph, x) in glyphs(&face, text).0 {
        let mut pen = pen(x * units_per_em());
        face.outline_glyph(glyph, &mut pen);
        done(pen);
    }
}

/// The font's own unit of length: how many are one font size.
pub(super) fn units_per_em() -> f64 {
    f64::from(face().units_per_em())
}

/// The text if it is not wider than `room`, otherwise as much of its beginning as is not, with an ellipsis.
pub(super) fn fit(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    (1..characters.len())
        .rev()
        .map(|n| characters[..n].iter().collect::<String>().trim_end().to_owned() + &ELLIPSIS.to_string())
        .find(|short| width(short, size) <= room)
        .unwrap_or_default()
}

/// The words of a text in lines that are not wider than `room`; a word that is by itself is shortened.
pub(super) fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size) <= room => *line += &format!(" {word}"),
            _ => lines.push(fit(word, size, room)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font() {
        // hmtx of DejaVu Sans: "0" is 1303 of 2048 units, "." 651.
        assert_eq!(width("0.0", 2048.0), 1303.0 * 2.0 + 651.0);
        assert_eq!(width("", 12.0), 0.0);
        assert_eq!(width("字", 12.0), 12.0);
    }

    #[test]
    fn the_font_has_what_labels_need() {
        let needed = "0123456789.−×%äöüéßσμθ∞≤→…·";
        assert!(needed.chars().all(|c| face().glyph_index(c).is_some()));
    }

    #[test]
    fn long_texts_are_shortened_or_wrapped() {
        let text = "the loss of eight optimizers";
        assert_eq!(fit(text, 12.0, 1000.0), text);
        let short = fit(text, 12.0, 80.0);
        assert!(short.ends_with(ELLIPSIS) && text.starts_with(short.trim_end_matches(ELLIPSIS)), "{short}");
        assert!(width(&short, 12.0) <= 80.0 && width(&short, 12.0) > 60.0);
        assert_eq!(fit(text, 12.0, 3.0), "");

        let lines = wrap(text, 12.0, 100.0);
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line, 12.0) <= 100.0));
        assert_eq!(lines.join(" "), text);
        assert!(wrap("", 12.0, 100.0).is_empty());
    }
}
