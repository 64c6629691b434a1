//! Networks on images.

use layerwise::prelude::*;

use crate::desk::Desk;

/// A white sheet with a black bar: a one.
pub fn drawing() -> Vec<u8> {
    let mut pixels = vec![255; 200 * 300];
    for row in 40..260 {
        for col in 90..115 {
            pixels[row * 200 + col] = 0;
        }
    }
    png(200, 300, &pixels)
}

fn png(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

#[test]
fn digits_drawn_by_hand_and_taken_from_mnist() {
    let desk = Desk::new();
    let trained = desk.json("train mnist --hidden 64 --epochs 1 --quiet --json --out digits");
    assert!(trained["training"]["metrics"]["validation_accuracy"].as_f64().unwrap() > 0.9, "{trained}");
    assert!(desk.json("eval digits mnist --json")["accuracy"].as_f64().unwrap() > 0.9);
    desk.put("one.png", drawing());
    // Test images of MNIST as somebody would have them: larger, black on white.
    let test = &Mnist::embedded().test;
    for i in 0..20 {
        let image = test.images().index_axis_move(ndarray::Axis(0), i);
        let pixels: Vec<u8> = (0..112 * 112).map(|at| 255 - image[[at / 112 / 4, at % 112 / 4]]).collect();
        desk.put(&format!("{i}.png"), png(112, 112, &pixels));
    }
    let files: Vec<String> = (0..20).map(|i| format!("{i}.png")).collect();
    let out = desk.ok(&format!("predict digits one.png {}", files.join(" ")));
    let classes: Vec<&str> = out.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert!(out.starts_with("file,class,probability\none.png,1,0."), "{out}");
    let hits = (0..20).filter(|&i| classes[i + 1] == test.labels()[i].to_string()).count();
    assert!(hits >= 18, "{hits} of 20: {out}");

    desk.put("empty.png", png(30, 30, &[200; 900]));
    desk.fails("predict digits empty.png", 1, "empty.png: there is nothing on the image");
    desk.fails(
        "predict digits iris.csv",
        1,
        "iris.csv: this is a table (CSV), the model takes images, or the word mnist",
    );
    desk.put("broken.png", &drawing()[..60]);
    desk.fails("predict digits broken.png", 1, "broken.png: the PNG file cannot be decoded");
}

#[test]
fn classes_from_a_folder_of_images() {
    let desk = Desk::new();
    for i in 0..20_u8 {
        desk.put(&format!("shades/dark/{i}.png"), png(4, 3, &[2 * i; 12]));
        desk.put(&format!("shades/light/{i}.png"), png(4, 3, &[255 - 2 * i; 12]));
    }
    let trained = desk.json("train shades --hidden 4 --epochs 40 --lr 0.02 --quiet --json --out m");
    assert_eq!(trained["training"]["metrics"]["validation_accuracy"], 1.0, "{trained}");
    assert_eq!(desk.json("eval m shades --json")["accuracy"], 1.0);
    assert!(desk.ok("predict m shades/dark/0.png").contains("shades/dark/0.png,dark,"));
    desk.put("shades/dark/odd.png", png(5, 3, &[0; 15]));
    desk.fails(
        "train shades --quiet",
        1,
        "odd.png: an image of 5 x 3 pixels (width x height), expected 4 x 3",
    );
    desk.ok("train shades --image-size 3x4 --epochs 1 --quiet --out m");
}
