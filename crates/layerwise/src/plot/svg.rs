//! Writes a drawing as SVG.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::drawing::{Anchor, Drawing, Image, Item, Point, Rect, Text};
use super::escape::escape;
use super::raster;

/// The font of the embedded subset, then others that many systems have.
const FONTS: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

/// The whole document.
pub(super) fn write(drawing: &Drawing) -> String {
    let (width, height, title) = (drawing.width, drawing.height, escape(&drawing.title));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{FONTS}\">\n\
         <title>{title}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    drawing.items.iter().for_each(|item| write_item(&mut out, item));
    out + "</svg>\n"
}

fn write_item(out: &mut String, item: &Item) {
    match item {
        Item::Lines { paths, color, width, dash } => {
            let (d, width) = (path(paths, ""), number(*width));
            let dash = dash
                .pattern()
                .map(|[line, gap]| format!(" stroke-dasharray=\"{} {}\"", number(line), number(gap)))
                .unwrap_or_default();
            put(
                out,
                &format!(
                    "<path d=\"{d}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dash}/>"
                ),
            );
        }
        Item::Area { corners, color, opacity } => {
            let (d, opacity) = (path(std::slice::from_ref(corners), "Z"), number(*opacity));
            put(out, &format!("<path d=\"{d}\" fill=\"{color}\" fill-opacity=\"{opacity}\"/>"));
        }
        Item::Block { at, color } => put(out, &format!("<rect {} fill=\"{color}\"/>", place(at))),
        Item::Dots { centres, color, radius, square } => {
            // Lines without length have ends all the same, and take a third of the bytes of circles.
            let d: String = centres.iter().map(|&(x, y)| format!("M{} {}h0", number(x), number(y))).collect();
            let (width, cap) = (number(2.0 * radius), if *square { "square" } else { "round" });
            put(
                out,
                &format!(
                    "<path d=\"{d}\" stroke=\"{color}\" stroke-width=\"{width}\" stroke-linecap=\"{cap}\"/>"
                ),
            );
        }
        Item::Text(text) => write_text(out, text),
        Item::Image { at, image } => put(
            out,
            &format!(
                "<image {} preserveAspectRatio=\"none\" image-rendering=\"pixelated\" href=\"{}\"/>",
                place(at),
                data_uri(image)
            ),
        ),
        Item::Clipped { to, items } => {
            // An inner `svg` shows nothing outside itself, and needs no `id` as a clip path would.
            let [x, y, width, height] = [to.x, to.y, to.width, to.height].map(number);
            put(out, &format!("<svg {} viewBox=\"{x} {y} {width} {height}\">", place(to)));
            items.iter().for_each(|item| write_item(out, item));
            put(out, "</svg>");
        }
        Item::Moved { by: (x, y), items } => {
            put(out, &format!("<g transform=\"translate({} {})\">", number(*x), number(*y)));
            items.iter().for_each(|item| write_item(out, item));
            put(out, "</g>");
        }
    }
}

fn write_text(out: &mut String, text: &Text) {
    let (x, y) = (number(text.at.0), number(text.at.1));
    let anchor = match text.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let turned = if text.turned { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
    let halo = if text.halo {
        " stroke=\"#ffffff\" stroke-width=\"4\" stroke-linejoin=\"round\" paint-order=\"stroke\""
    } else {
        ""
    };
    let exponent = if text.exponent.is_empty() {
        String::new()
    } else {
        let (size, raise) = (number(text.exponent_size()), number(-text.exponent_raise()));
        format!("<tspan font-size=\"{size}\" dy=\"{raise}\">{}</tspan>", escape(&text.exponent))
    };
    put(
        out,
        &format!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{}\"{anchor}{turned}{halo}>{}{exponent}</text>",
            number(text.size),
            text.color,
            escape(&text.text)
        ),
    );
}

fn put(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn place(at: &Rect) -> String {
    let [x, y, width, height] = [at.x, at.y, at.width, at.height].map(number);
    format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
}

/// Path data through all points, each path closed by `end`.
fn path(paths: &[Vec<Point>], end: &str) -> String {
    let mut d = String::new();
    for points in paths {
        for (i, &(x, y)) in points.iter().enumerate() {
            let command = if i == 0 { 'M' } else { 'L' };
            // Writing to a string cannot fail.
            let _ = write!(d, "{command}{} {}", number(x), number(y));
        }
        d += end;
    }
    d
}

/// A coordinate with at most two decimals, which is enough at any size of a screen.
fn number(x: f64) -> String {
    debug_assert!(x.is_finite(), "a coordinate of {x}");
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn data_uri(image: &Image) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(raster::encode_image(image)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let written = [1.0, 0.5, -0.001, 10.0, 1.005e3, 12.3456].map(number);
        assert_eq!(written, ["1", "0.5", "0", "10", "1005", "12.35"]);
    }
}
