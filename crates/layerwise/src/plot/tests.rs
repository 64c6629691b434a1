//! What holds for every kind of picture.

use std::io::Cursor;

use layerwise_nn_layers::ConfusionMatrix;

use super::*;

const NAN: f64 = f64::NAN;
const INFINITY: f64 = f64::INFINITY;

/// A text with everything that means something in XML, and a character that it forbids.
const AWKWARD: &str = "a < b & \"c\" > 'd' \u{7} ]]> ü";

/// Data for curves, histograms, bars and scatter plots: ordinary, and everything that might go wrong.
fn data() -> Vec<(&'static str, Vec<(f64, f64)>)> {
    let wave = |n: u32| (0..n).map(|i| (f64::from(i), 2.0 + f64::from(i).sin())).collect();
    vec![
        ("ordinary", wave(100)),
        ("dense", wave(50_000)),
        ("empty", vec![]),
        ("single", vec![(3.0, 4.0)]),
        ("zero", vec![(0.0, 0.0)]),
        ("constant", (0..9).map(|i| (f64::from(i), 0.1)).collect()),
        ("vertical", (0..9).map(|i| (0.1, f64::from(i))).collect()),
        (
            "not finite",
            vec![(0.0, 1.0), (1.0, NAN), (2.0, INFINITY), (NAN, 2.0), (-INFINITY, 1.0), (3.0, 5.0)],
        ),
        ("nothing finite", vec![(0.0, NAN), (NAN, -INFINITY)]),
        ("negative", vec![(-1.0, -2.0), (0.0, -3.0), (1.0, 0.0)]),
        ("huge", vec![(-1e308, 1e308), (1e308, -1e308), (1e300, -1e300), (-1e300, 1e300)]),
        ("tiny", vec![(5e-324, 5e-324), (1e-308, 2e-308), (1e-300, 1e-300)]),
        ("many decades", vec![(1e-300, 1e300), (1e300, 1e-300), (1.0, 1.0)]),
        ("far from zero", vec![(1e9, 1e15), (1e9 + 1.0, 1e15 + 1.0), (1e9 + 2.0, 1e15 + 4.0)]),
    ]
}

fn curves(points: &[(f64, f64)], title: &str) -> Vec<Box<dyn Picture>> {
    let points = || points.iter().copied();
    let band = || points().map(|(x, y)| (x, [y - 1.0, y, y + y.abs()]));
    let plain =
        || Curves::new(title).x_label(title).y_label(title).line(title, points()).band("band", band());
    let shared = Curves::share_y([plain(), plain()]);
    let row = Row::new(title).picture(&shared[0]).picture(&shared[1].clone().size(240, 180));
    vec![
        Box::new(plain()),
        Box::new(plain().log_y()),
        Box::new(plain().log_x().log_y().size(240, 180)),
        Box::new(plain().y_range(-1.0, 0.5)),
        Box::new(row),
    ]
}

fn others(points: &[(f64, f64)], title: &str) -> Vec<Box<dyn Picture>> {
    let points = || points.iter().copied();
    let names: Vec<String> = points().take(12).map(|(x, _)| format!("{title} {x}")).collect();
    let ys = || points().take(12).map(|(_, y)| y);
    vec![
        Box::new(Histogram::new(title).x_label(title).values(title, points().map(|(_, y)| y))),
        Box::new(Bars::new(title, names.clone()).values(title, ys()).values("b", ys())),
        Box::new(Bars::new(title, names).y_label(title).y_range(0.9, 1.0).values("", ys())),
        Box::new(Scatter::new(title).class(title, points()).class("b", points().map(|(x, y)| (y, x)))),
    ]
}

fn tables_and_grids(title: &str) -> Vec<Box<dyn Picture>> {
    let mut matrix = ConfusionMatrix::new(3);
    let empty = ConfusionTable::new(title, &matrix).names([title, "b", "c"]);
    (0..30).for_each(|i| matrix.add(i % 3, i * i % 3));
    let pixels = [0.0f32, 1.0, -2.0, 0.5, f32::NAN, f32::INFINITY, 1e30, 0.1];
    let grid = |shades| ImageGrid::new(title, 2, 2).shades(shades).row(title, &pixels).row("", &[]);
    vec![
        Box::new(empty),
        Box::new(ConfusionTable::new(title, &matrix)),
        Box::new(ConfusionTable::new(title, &ConfusionMatrix::new(62)).size(240, 180)),
        Box::new(grid(Shades::Unit)),
        Box::new(grid(Shades::EachImage)),
        Box::new(grid(Shades::Symmetric).zoom(1)),
        Box::new(ImageGrid::new(title, 28, 28)),
        Box::new(ImageGrid::new(title, 1, 1).row("", &[0.5])),
        Box::new(Row::new(title)),
    ]
}

fn everything() -> Vec<(String, Box<dyn Picture>)> {
    let mut all = Vec::new();
    for title in ["Plain", AWKWARD, ""] {
        for (name, points) in data() {
            let pictures = curves(&points, title).into_iter().chain(others(&points, title)).enumerate();
            all.extend(pictures.map(|(i, picture)| (format!("{name} {i} {title:?}"), picture)));
        }
        let pictures = tables_and_grids(title).into_iter().enumerate();
        all.extend(pictures.map(|(i, picture)| (format!("table or grid {i} {title:?}"), picture)));
    }
    all
}

/// Every number of an attribute: coordinates, sizes, path data.
fn numbers(text: &str) -> impl Iterator<Item = f64> {
    let parts =
        text.split(|c: char| !c.is_ascii_digit() && !".-".contains(c)).filter(|part| !part.is_empty());
    parts.filter_map(|part| part.parse().ok())
}

#[test]
fn every_svg_is_well_formed_and_has_numbers_of_sensible_size() {
    for (name, picture) in everything() {
        let svg = picture.svg();
        let document =
            roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}\n{svg}"));
        let root = document.root_element();
        let (width, height) = picture.drawing().size();
        assert_eq!(root.attribute("width"), Some(width.to_string().as_str()), "{name}");
        assert_eq!(root.attribute("height"), Some(height.to_string().as_str()), "{name}");
        for node in document.descendants() {
            let geometry = node.attributes().filter(|a| !["href", "role", "xmlns"].contains(&a.name()));
            for attribute in geometry {
                let value = attribute.value();
                assert!(!value.contains("NaN") && !value.contains("inf"), "{name}: {value}");
                assert!(numbers(value).all(|number| number.abs() < 1e6), "{name}: {value}");
            }
        }
    }
}

#[test]
fn text_is_escaped_and_comes_back() {
    let picture = Curves::new(AWKWARD).line(AWKWARD, [(0.0, 1.0)]).x_label("a\tb");
    let svg = picture.svg();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let texts: Vec<_> = document.descendants().filter_map(|node| node.text()).collect();
    let shown = AWKWARD.replace('\u{7}', "\u{fffd}");
    assert!(texts.iter().filter(|text| **text == shown).count() >= 3, "title, heading and legend: {texts:?}");
}

#[test]
fn text_stays_inside_the_picture() {
    let long = "Accuracy of a network with batch normalisation and without it, over the steps of training";
    for (name, picture) in everything().into_iter().chain([("long".to_owned(), curves(&[], long).remove(0))])
    {
        let drawing = picture.drawing();
        let (width, height) = (f64::from(drawing.width), f64::from(drawing.height));
        for item in &drawing.items {
            let drawing::Item::Text(text) = item else { continue };
            let before = match text.anchor {
                drawing::Anchor::Start => 0.0,
                drawing::Anchor::Middle => text.width() / 2.0,
                drawing::Anchor::End => text.width(),
            };
            let (from, to) = (text.at.0 - before, text.at.0 - before + text.width());
            if !text.turned {
                assert!(
                    from >= -0.5 && to <= width + 0.5,
                    "{name}: {:?} from {from} to {to} of {width}",
                    text.text
                );
            }
            assert!(
                (0.0..=height).contains(&text.at.1),
                "{name}: {:?} at {:?} of {height}",
                text.text,
                text.at
            );
        }
    }
}

fn decode(png: Vec<u8>) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

#[test]
fn every_png_has_its_size_and_is_not_blank() {
    for (name, picture) in everything() {
        let (width, height, pixels) = decode(picture.png().unwrap());
        assert_eq!((width, height), picture.drawing().size(), "{name}");
        let nothing = name.ends_with("\"\"") && picture.drawing().items.is_empty();
        assert!(nothing || pixels.iter().any(|&byte| byte != 0xff), "{name}");
    }
}

#[test]
fn a_scaled_png_has_more_pixels() {
    let picture = Curves::new("a").size(240, 180);
    let (width, height, _) = decode(picture.drawing().png(3).unwrap());
    assert_eq!((width, height), (720, 540));
}

#[test]
fn pixels_have_the_colours_that_were_asked_for() {
    let grid = ImageGrid::new("", 1, 2).zoom(10).row("", &[0.0, 1.0]);
    let (width, _, pixels) = decode(grid.png().unwrap());
    let pixel = |x: usize, y: usize| &pixels[3 * (y * width as usize + x)..][..3];
    // The first row of images begins at (12, 16).
    assert_eq!((pixel(13, 17), pixel(21, 25), pixel(23, 20)), (&[0; 3][..], &[0; 3][..], &[255; 3][..]));

    let bars = Bars::new("", ["a"]).values("", [1.0]);
    let (width, height, pixels) = decode(bars.png().unwrap());
    let middle = 3 * (height as usize / 2 * width as usize + width as usize / 2);
    assert_eq!(pixels[middle..middle + 3], palette::SERIES[0].0);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let all = || {
        let (_, points) = data().remove(0);
        let pictures = curves(&points, "Plain").into_iter().chain(others(&points, "Plain"));
        pictures.chain(tables_and_grids("Plain")).map(|picture| (picture.svg(), picture.png().unwrap()))
    };
    for (first, second) in all().zip(all()) {
        assert!(first == second, "{}", first.0);
    }
}

#[test]
fn files_are_written_by_extension() {
    let folder = tempfile::tempdir().unwrap();
    let picture = Curves::new("a");
    for (name, begin) in [("a.svg", &b"<svg"[..]), ("a.PNG", b"\x89PNG")] {
        let path = folder.path().join(name);
        picture.save(&path).unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(begin), "{name}");
    }
    let error = picture.save(folder.path().join("a.gif")).unwrap_err();
    assert!(matches!(&error, PlotError::Format { .. }), "{error}");
    assert!(
        error.to_string().ends_with("a.gif: a picture is written to a file that ends in .svg or .png"),
        "{error}"
    );
    let error = picture.save(folder.path().join("none").join("a.svg")).unwrap_err();
    assert!(matches!(error, PlotError::Io { .. }), "{error}");
}

#[test]
#[should_panic(expected = "240 to 8000 pixels wide and 180 to 8000 high, found 100 x 100")]
fn sizes_have_limits() {
    let _ = Curves::new("").size(100, 100);
}
