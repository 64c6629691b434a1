//! Makes a generated variant, and a contact sheet of its training images, class by class, as a PGM file.
//!
//! `cargo run --release -p layerwise-mnist-data --example variants -- VARIANT FILE [SEED]`

use std::error::Error;
use std::time::Instant;

use layerwise_mnist_data::{ImageSet, Mnist, Variant};
use ndarray::Axis;

/// Images per row and rows of the sheet, and the grey gap around each image.
const COLUMNS: usize = 20;
const ROWS: usize = 10;
const GAP: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: variants VARIANT FILE [SEED]";
    let variant: Variant = arguments.next().ok_or(usage)?.parse()?;
    let file = arguments.next().ok_or(usage)?;
    let seed = arguments.next().map_or(Ok(42), |seed| seed.parse())?;

    Mnist::embedded(); // decoded first, so that only the variant is timed
    let start = Instant::now();
    let splits = variant.generate(seed);
    println!("{variant} with seed {seed}: {:.2?}", start.elapsed());
    for (name, set) in [("train", &splits.train), ("validation", &splits.validation), ("test", &splits.test)]
    {
        let (mean, std) = set.mean_std();
        println!("{name:>10}: {:?} per class, pixels {mean:.4} +- {std:.4}", set.class_counts());
    }
    std::fs::write(&file, sheet(&splits.train))?;
    println!("wrote {file}: {}", splits.train.class_names().join(", "));
    Ok(())
}

/// A binary PGM: the classes from top to bottom, each with as many rows as the others.
fn sheet(set: &ImageSet) -> Vec<u8> {
    let [height, width] = set.image_shape().map(|side| side + GAP);
    let (sheet_width, sheet_height) = (COLUMNS * width + GAP, ROWS * height + GAP);
    let mut pixels = vec![128; sheet_width * sheet_height];
    let per_class = ROWS / set.classes() * COLUMNS;
    for class in 0..set.classes() {
        let rows = (0..set.len()).filter(|&row| usize::from(set.labels()[row]) == class);
        for (i, row) in (class * per_class..).zip(rows.take(per_class)) {
            let [top, left] = [i / COLUMNS * height + GAP, i % COLUMNS * width + GAP];
            for ((r, c), &pixel) in set.images().index_axis(Axis(0), row).indexed_iter() {
                pixels[(top + r) * sheet_width + left + c] = pixel;
            }
        }
    }
    let mut file = format!("P5 {sheet_width} {sheet_height} 255\n").into_bytes();
    file.append(&mut pixels);
    file
}
