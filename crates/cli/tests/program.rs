//! The program as people run it: every command's main path, and what it says when something is wrong.

#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use layerwise::data::npy;
use layerwise::prelude::*;
use serde_json::Value;

/// A folder to work in.
struct Desk(tempfile::TempDir);

/// What came of a run.
#[derive(Debug)]
struct Done {
    code: i32,
    out: String,
    err: String,
}

fn iris() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/iris.csv")
}

impl Desk {
    fn new() -> Self {
        let desk = Desk(tempfile::tempdir().unwrap());
        fs::copy(iris(), desk.path("iris.csv")).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_layerwise"));
        command.current_dir(self.0.path()).args(line.split_whitespace());
        command
    }

    /// Runs `layerwise` with these arguments, which have no spaces in them.
    fn run(&self, line: &str) -> Done {
        let output = self.command(line).output().unwrap();
        Done {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs and expects success.
    fn ok(&self, line: &str) -> String {
        let done = self.run(line);
        assert_eq!(done.code, 0, "{line}: {done:?}");
        done.out
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(line)).unwrap()
    }

    /// Runs and expects an error with this code, whose text has `part` in it.
    #[track_caller]
    fn fails(&self, line: &str, code: i32, part: &str) {
        let done = self.run(line);
        assert_eq!(done.code, code, "{line}: {done:?}");
        assert!(done.err.contains(part), "{line}: {}", done.err);
        assert!(!done.err.contains("panicked"), "{line}: {}", done.err);
    }
}

#[test]
fn classes_from_a_table() {
    let desk = Desk::new();
    let trained = desk.json(
        "train iris.csv --target species --hidden 16 --epochs 60 --lr 0.01 --quiet --json --out iris.safetensors",
    );
    assert!(trained["training"]["metrics"]["validation_accuracy"].as_f64().unwrap() > 0.9, "{trained}");
    assert_eq!(trained["parameters"], 131);
    let evaluated = desk.json("eval iris.safetensors iris.csv --json");
    assert_eq!(evaluated["examples"], 150);
    assert!(evaluated["accuracy"].as_f64().unwrap() > 0.95, "{evaluated}");

    // Another order of the columns, one more, and no target.
    desk.put(
        "new.csv",
        "petal_width,note,petal_length,sepal_width,sepal_length\n0.2,a,1.4,3.4,5.0\n2.3,b,5.9,3.2,6.8\n",
    );
    let out = desk.ok("predict iris.safetensors new.csv");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "species,probability");
    assert!(lines[1].starts_with("setosa,0.9") && lines[2].starts_with("virginica,0."), "{out}");
    assert_eq!(lines.len(), 3);
    let out = desk.ok("predict iris.safetensors new.csv --probabilities");
    assert!(out.starts_with("species,probability,setosa,versicolor,virginica\n"), "{out}");
    let out = desk.ok("predict iris.safetensors new.csv --json");
    let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(first["species"], "setosa");

    let mut child = desk.command("predict iris.safetensors -");
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let new = fs::read(desk.path("new.csv")).unwrap();
    child.stdin.take().unwrap().write_all(&new).unwrap();
    let piped = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(piped.lines().collect::<Vec<_>>(), lines);

    let out = desk.ok("export iris.safetensors --onnx iris.onnx");
    assert_eq!(out, "iris.onnx: input \"input\" [batch, 4], output \"output\" [batch, 3]\n");
    let onnx = fs::read(desk.path("iris.onnx")).unwrap();
    assert!(onnx.windows(7).any(|bytes| bytes == b"Softmax"));
    desk.fails("export iris.safetensors", 2, "--onnx <FILE>");

    let info = desk.ok("info iris.safetensors");
    for part in
        ["4-16-3, relu, 131 parameters", "'petal_width': number", "classes setosa, versicolor, virginica"]
    {
        assert!(info.contains(part), "{info}");
    }
    assert_eq!(desk.json("info iris.safetensors --json")["architecture"]["network"]["widths"][1], 16);
}

#[test]
fn the_same_seed_gives_the_same_file() {
    let desk = Desk::new();
    let bytes = |flags: &str| {
        desk.ok(&format!("train iris.csv --target species --epochs 5 --quiet --out m {flags}"));
        desk.ok("predict m iris.csv --probabilities")
    };
    let first = bytes("--seed 3 --threads 1");
    assert_eq!(bytes("--seed 3 --threads 2"), first);
    assert_ne!(bytes("--seed 4"), first);
}

#[test]
fn numbers_from_a_table_with_holes() {
    let desk = Desk::new();
    let text = fs::read_to_string(iris()).unwrap().replace("5.1,3.5,", ",3.5,");
    desk.put("holes.csv", &text);
    desk.fails(
        "train holes.csv --target petal_width --quiet",
        1,
        "holes.csv: line 2, column 'sepal_length': the value is missing, and no rule says how to fill it",
    );
    let trained = desk.json(
        "train holes.csv --target petal_width --missing median --epochs 60 --lr 0.003 --quiet --json --out m",
    );
    assert!(trained["training"]["metrics"]["validation_r2"].as_f64().unwrap() > 0.9, "{trained}");
    let out = desk.ok("predict m holes.csv");
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("petal_width"));
    let first: f64 = lines.next().unwrap().parse().unwrap();
    assert!((first - 0.2).abs() < 0.25, "{first}");
    assert_eq!(lines.count(), 149);
    // A species that the training data did not have.
    desk.put("new.csv", "sepal_length,sepal_width,petal_length,species\n5,3,1,gigantea\n");
    let done = desk.run("predict m new.csv");
    assert_eq!(done.code, 0);
    assert!(
        done.err.contains("column 'species': 1 value(s) that the training data did not have"),
        "{done:?}"
    );
    // Two targets.
    desk.ok("train iris.csv --target petal_width,petal_length --epochs 2 --quiet --out two");
    assert!(desk.ok("predict two iris.csv").starts_with("petal_width,petal_length\n"));
}

#[test]
fn a_configuration_file_says_what_flags_say_and_flags_win() {
    let desk = Desk::new();
    desk.put(
        "run.toml",
        "data = \"iris.csv\"\ntarget = \"species\"\nhidden = [8, 6]\nepochs = 3\nbatch-norm = true\njson = true\nquiet = true\nout = \"c\"\n",
    );
    let trained = desk.json("train --config run.toml");
    assert_eq!(trained["architecture"]["network"]["widths"], serde_json::json!([4, 8, 6, 3]));
    assert_eq!((&trained["training"]["epochs"], &trained["model"]), (&3.into(), &"c".into()));
    let trained = desk.json("train --config run.toml --epochs 2 --hidden 5 --batch-norm=false");
    assert_eq!(trained["architecture"]["network"]["widths"], serde_json::json!([4, 5, 3]));
    assert_eq!(trained["architecture"]["network"]["batch_norm"], false);
    assert_eq!(trained["training"]["epochs"], 2);

    desk.put("bad.toml", "hiden = 8\n");
    desk.fails("train iris.csv --config bad.toml", 2, "bad.toml: unexpected argument '--hiden' found");
    desk.put("bad.toml", "epochs = \"many\"\n");
    desk.fails("train iris.csv --config bad.toml", 2, "it must be a whole number of at least 1");
    desk.put("bad.toml", "epochs = \n");
    desk.fails("train iris.csv --config bad.toml", 2, "bad.toml: TOML parse error at line 1");
    desk.fails("train iris.csv --config none.toml", 2, "none.toml: No such file");
}

/// A white sheet with a black bar: a one.
fn drawing() -> Vec<u8> {
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

#[test]
fn codes_of_arrays_tables_and_images() {
    let desk = Desk::new();
    // Points on a plane in six dimensions, so that a code of two numbers is enough.
    let mut rng = Rng::seed(1);
    let points = Tensor::from_fn([300, 2], |_| rng.normal(0.0, 1.0));
    let plane = Tensor::from_fn([2, 6], |i| (i as f32 * 1.7).sin());
    let data = &points.matmul(&plane) + 100.0;
    npy::save(desk.path("data.npy"), &data).unwrap();
    let line = "autoencode data.npy --code 2 --hidden 16 --epochs 150 --lr 0.005 --quiet --json --out ae";
    let trained = desk.json(line);
    assert!(trained["training"]["metrics"]["validation_mse"].as_f64().unwrap() < 0.05, "{trained}");
    desk.ok("encode ae data.npy --out codes.npy");
    assert_eq!(npy::open(desk.path("codes.npy")).unwrap().shape().dims(), [300, 2]);
    desk.ok("reconstruct ae data.npy --out back.npy");
    let back = npy::open(desk.path("back.npy")).unwrap();
    let error = (&back - &data).map(|x| x * x).mean();
    assert!(error < 0.1, "{error}");
    let csv = desk.ok("encode ae data.npy");
    assert!(csv.starts_with("code1,code2\n") && csv.lines().count() == 301, "{csv}");
    assert!(desk.ok("info ae").contains("autoencoder 6-16-2, 2-16-6"));

    let out = desk.ok("export ae --onnx ae.onnx --fold");
    assert_eq!(out, "ae.onnx: input \"input\" [batch, 6], output \"output\" [batch, 6]\n");

    desk.ok("autoencode iris.csv --code 3 --hidden 8 --epochs 1 --quiet --out ae");
    let csv = desk.ok("reconstruct ae iris.csv");
    let header = "sepal_length,sepal_width,petal_length,petal_width,species=setosa,species=versicolor,species=virginica\n";
    assert!(csv.starts_with(header), "{csv}");

    npy::save(desk.path("flat.npy"), &Tensor::from([1.0, 2.0])).unwrap();
    desk.fails("autoencode flat.npy", 1, "flat.npy: an array of shape [2], expected two dimensions or more");
    npy::save(desk.path("nan.npy"), &Tensor::from([[1.0, f32::NAN]])).unwrap();
    desk.fails("autoencode nan.npy", 1, "nan.npy: element 1 (example 0) is NaN, expected a finite number");
    desk.fails(
        "encode ae data.npy",
        1,
        "data.npy: this is an array (.npy, .npz), the model takes a table (CSV)",
    );
    desk.fails("predict ae iris.csv", 1, "ae holds an autoencoder, and `layerwise predict` needs a network");
}

/// Points in two dimensions, `-1` and `7` left and right of a line, and a number that is linear in them.
fn points() -> (Tensor, Tensor, Tensor) {
    let mut rng = Rng::seed(2);
    let x = Tensor::from_fn([200, 1, 2], |_| rng.normal(3.0, 2.0));
    let of = |f: fn(&[f32]) -> f32| x.as_slice().chunks(2).map(f).collect::<Vec<_>>();
    let classes = of(|x| if x[0] + x[1] > 6.0 { 7.0 } else { -1.0 });
    let numbers = of(|x| 100.0 + 3.0 * x[0] - x[1]);
    (x, Tensor::new([200], classes), Tensor::new([200, 1], numbers))
}

#[test]
fn classes_from_arrays() {
    let desk = Desk::new();
    let (x, classes, _) = points();
    npy::save_npz(desk.path("points.npz"), &[("y", &classes), ("x", &x)]).unwrap();
    npy::save(desk.path("x.npy"), &x).unwrap();
    npy::save(desk.path("y.npy"), &classes).unwrap();
    let flags = "--hidden 8 --epochs 30 --lr 0.01 --quiet --json";
    let trained = desk.json(&format!("train points.npz {flags} --out m"));
    assert!(trained["training"]["metrics"]["validation_accuracy"].as_f64().unwrap() > 0.9, "{trained}");
    assert!(desk.ok("info m").contains("classes -1, 7"));
    let accuracy = |line: &str| desk.json(&format!("eval {line} --json"))["accuracy"].as_f64().unwrap();
    assert!(accuracy("m points.npz") > 0.95);
    assert_eq!(accuracy("m x.npy --target y.npy"), accuracy("m points.npz"));
    // Two files instead of one, and other names in the archive: the same model.
    desk.ok(&format!("train x.npy --target y.npy {flags} --out pair"));
    npy::save_npz(desk.path("named.npz"), &[("points", &x), ("side", &classes)]).unwrap();
    desk.ok(&format!("train named.npz --target side {flags} --out named"));
    let predicted = desk.ok("predict m points.npz");
    assert!(predicted.starts_with("y,probability\n") && predicted.lines().count() == 201, "{predicted}");
    assert!(predicted.lines().skip(1).all(|line| line.starts_with("-1,") || line.starts_with("7,")));
    assert_eq!(desk.ok("predict m x.npy"), predicted);
    assert_eq!(desk.ok("predict pair x.npy"), predicted);
    assert_eq!(desk.ok("predict named named.npz"), predicted.replace("y,", "side,"));
    assert_eq!(accuracy("named named.npz"), accuracy("m points.npz"));
    assert!(desk.ok("export m --onnx m.onnx").contains("output \"output\" [batch, 2]"));
    assert!(fs::read(desk.path("m.onnx")).unwrap().windows(7).any(|bytes| bytes == b"Softmax"));
}

#[test]
fn numbers_from_arrays() {
    let desk = Desk::new();
    let (x, _, numbers) = points();
    npy::save_npz(desk.path("points.npz"), &[("x", &x), ("y", &numbers)]).unwrap();
    let trained = desk.json("train points.npz --hidden 8 --epochs 60 --lr 0.01 --quiet --json --out m");
    assert!(trained["training"]["metrics"]["validation_r2"].as_f64().unwrap() > 0.9, "{trained}");
    assert!(desk.json("eval m points.npz --json")["r2"].as_f64().unwrap() > 0.9);
    // In the units of the target.
    let out = desk.ok("predict m points.npz");
    let found: Vec<f32> = out.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    let error = found.iter().zip(numbers.as_slice()).map(|(x, y)| (x - y).abs()).sum::<f32>() / 200.0;
    assert!(out.starts_with("y\n") && error < 2.0, "{error}");
    let two: Vec<f32> = numbers.as_slice().iter().flat_map(|y| [*y, -*y]).collect();
    npy::save_npz(desk.path("two.npz"), &[("x", &x), ("y", &Tensor::new([200, 2], two))]).unwrap();
    desk.ok("train two.npz --epochs 1 --quiet --out two");
    assert!(desk.ok("predict two two.npz").starts_with("y1,y2\n"));
    desk.fails("eval two points.npz", 1, "points.npz, y: 1 targets for each example, the model has 2");
    // An autoencoder takes the inputs, and writes archives.
    desk.ok("autoencode points.npz --code 1 --epochs 1 --quiet --out ae");
    desk.ok("encode ae points.npz --out codes.npz");
    assert_eq!(npy::open_npz(desk.path("codes.npz")).unwrap()[0].1.shape().dims(), [200, 1]);
}

#[test]
fn what_is_wrong_with_arrays_is_said() {
    let desk = Desk::new();
    let (x, classes, numbers) = points();
    npy::save(desk.path("x.npy"), &x).unwrap();
    npy::save(desk.path("y.npy"), &classes).unwrap();
    npy::save(desk.path("few.npy"), &Tensor::zeros([3])).unwrap();
    npy::save(desk.path("zeros.npy"), &Tensor::zeros([200])).unwrap();
    npy::save(desk.path("wide.npy"), &Tensor::zeros([200, 3])).unwrap();
    npy::save(desk.path("numbers.npy"), &numbers).unwrap();
    npy::save(desk.path("nan.npy"), &classes.map(|y| if y > 0.0 { y } else { f32::NAN })).unwrap();
    npy::save_npz(desk.path("odd.npz"), &[("a", &x), ("b", &x), ("y", &classes)]).unwrap();
    npy::save_npz(desk.path("no.npz"), &[("x", &x), ("label", &classes)]).unwrap();
    npy::save_npz(desk.path("none.npz"), &[]).unwrap();
    npy::save_npz(desk.path("alone.npz"), &[("y", &classes)]).unwrap();
    let header = format!("{:69}\n", "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 1), }");
    desk.put("complex.npy", [b"\x93NUMPY\x01\0\x46\0", header.as_bytes()].concat());
    for (line, code, part) in [
        (
            "x.npy",
            2,
            "--target is missing: x.npy has the inputs alone; name the file of the targets (--target y.npy)",
        ),
        ("x.npy --target species", 1, "species: No such file"),
        ("x.npy --target few.npy", 1, "few.npy: targets of 3 examples, x.npy has 200"),
        (
            "x.npy --target zeros.npy --task classification",
            1,
            "zeros.npy: every target is 0; a classifier needs two",
        ),
        (
            "x.npy --target wide.npy --task classification",
            1,
            "wide.npy: 3 targets for each example, expected a class",
        ),
        ("x.npy --target numbers.npy --task classification", 1, "expected a class: a whole number"),
        ("x.npy --target nan.npy", 1, "nan.npy: element "),
        ("x.npy --target y.npy,y.npy", 2, "--target takes one array"),
        (
            "x.npy --target y.npy --validation x.npy",
            2,
            "--validation: x.npy has inputs alone; take an archive (.npz) with their targets",
        ),
        (
            "y.npy --target y.npy",
            1,
            "y.npy: an array of shape [200], expected two dimensions or more: examples first",
        ),
        ("complex.npy --target y.npy", 1, "complex.npy: elements of type <c8, expected floats"),
        (
            "no.npz",
            1,
            "no.npz: no array 'y' for the targets (--target is another name); there is x [200, 1, 2], label [200]",
        ),
        ("odd.npz", 1, "odd.npz: no array 'x' for the inputs; there is a [200, 1, 2], b [200, 1, 2]"),
        ("none.npz", 1, "none.npz: the archive has no arrays"),
        ("alone.npz", 1, "alone.npz: no array 'x' for the inputs; there is no other"),
    ] {
        desk.fails(&format!("train {line} --quiet"), code, part);
    }
    desk.ok("train x.npy --target y.npy --epochs 1 --quiet --out m");
    desk.fails("eval m x.npy", 2, "--target is missing: x.npy has the inputs alone");
    desk.fails("eval m x.npy --target zeros.npy", 1, "zeros.npy: element 0 is 0, expected one of -1, 7");
    desk.fails("eval m wide.npy --target y.npy", 1, "wide.npy: examples of 3 numbers, the model takes 2");
    desk.fails("predict m iris.csv", 1, "this is a table (CSV), the model takes an array (.npy, .npz)");
    desk.fails(
        "predict m odd.npz",
        1,
        "odd.npz: no array 'x' for the inputs; there is a [200, 1, 2], b [200, 1, 2], y [200]",
    );
    desk.ok("train iris.csv --target species --epochs 1 --quiet --out table");
    desk.fails("eval table iris.csv --target species", 2, "--target names the targets of arrays");
}

#[test]
fn validation_on_other_data() {
    let desk = Desk::new();
    let text = fs::read_to_string(iris()).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    // Other columns in front, and much larger numbers: the scales are those of the training data.
    let rows: Vec<&str> = rows.lines().collect();
    let other: Vec<String> = rows.iter().step_by(3).map(|row| format!("0,1{row}")).collect();
    desk.put("other.csv", format!("id,{header}\n{}\n", other.join("\n")));
    let line = "train iris.csv --target species --epochs 5 --quiet --json";
    let trained = desk.json(&format!("{line} --validation other.csv --out m"));
    assert_eq!(trained["training"]["examples"], 150);
    let whole = desk.json(&format!("{line} --validation 0 --out whole"));
    assert_eq!(trained["input"], whole["input"]);
    assert_eq!(desk.ok("predict m iris.csv"), desk.ok("predict whole iris.csv"));
    let metrics = &trained["training"]["metrics"];
    let evaluated = desk.json("eval m other.csv --json");
    assert_eq!(
        (&metrics["validation_accuracy"], &metrics["validation_loss"]),
        (&evaluated["accuracy"], &evaluated["loss"])
    );
    assert!(whole["training"]["metrics"]["validation_loss"].is_null());
    desk.put("run.toml", "validation = \"other.csv\"\n");
    assert_eq!(&desk.json(&format!("{line} --config run.toml"))["training"]["metrics"], metrics);

    desk.ok("autoencode iris.csv --epochs 1 --quiet --validation other.csv --out ae");
    desk.fails(&format!("{line} --validation 0,2"), 1, "0,2: No such file");
    desk.put("rose.csv", format!("{header}\n1,2,3,4,rose\n"));
    desk.fails(
        &format!("{line} --validation rose.csv"),
        1,
        "rose.csv: line 2, column 'species': found 'rose'",
    );
    desk.put("less.csv", "sepal_length,species\n1,setosa\n");
    desk.fails(&format!("{line} --validation less.csv"), 1, "less.csv: no column 'sepal_width'");
    desk.fails(
        &format!("{line} --validation mnist"),
        1,
        "mnist: this is the embedded MNIST, the model takes a table (CSV)",
    );
}

#[test]
fn what_is_wrong_is_said_and_has_its_exit_code() {
    let desk = Desk::new();
    desk.fails(
        "train",
        2,
        "needs data: a CSV file, arrays (.npy, .npz), a folder of images, or the word mnist",
    );
    desk.fails(
        "train iris.csv",
        2,
        "--target is missing: which column is to be learned? The columns are sepal_length,",
    );
    desk.fails(
        "train iris.csv --target y",
        1,
        "iris.csv: no column 'y'; the columns are sepal_length, sepal_width, petal_length, petal_width, species",
    );
    desk.fails("train iris.csv --target species --epochs 0", 2, "it must be a whole number of at least 1");
    desk.fails("train iris.csv --target species --activation relo", 2, "possible values: relu, sigmoid");
    desk.fails("train iris.csv --target species --optimizer adan", 2, "it must be sgd, adagrad,");
    desk.fails("train iris.csv --target species --missing often", 2, "it must be refuse, mean, median,");
    desk.fails(
        "train iris.csv --target species --validation 1",
        2,
        "it must be a number from 0 to below 1, or a file or a folder",
    );
    desk.fails("train iris.csv --target species --image-size 3", 2, "it must be like 28x28");
    desk.fails("train none.csv --target y", 1, "none.csv: No such file or directory");
    desk.fails(
        "train iris.csv --target species --out none/m",
        1,
        "writing none/m: No such file or directory",
    );
    desk.fails("train iris.csv --target species --out .", 1, "writing .: it is a folder");
    desk.fails("train iris.csv --target species --lr 1e30 --optimizer sgd --quiet", 1, "the loss is");
    desk.put("one.csv", "x,y\n1,a\n2,a\n");
    desk.fails(
        "train one.csv --target y",
        1,
        "the target 'y' is 'a' in every row; a classifier needs two classes",
    );
    desk.put("empty.csv", "");
    desk.fails(
        "train empty.csv --target y",
        1,
        "empty.csv: the file is empty, expected a line with the columns' names",
    );
    desk.put("image.png", drawing());
    desk.fails("train image.png", 2, "image.png: one image is no data to train on");
    desk.fails("info iris.csv", 1, "loading iris.csv: it is no safetensors file");
    desk.fails("info none", 1, "loading none: No such file or directory");
    desk.fails("predict iris.csv", 2, "required arguments were not provided");
    desk.fails("bench --widths 3", 2, "--widths needs two numbers at least");
    desk.fails("fly", 2, "unrecognized subcommand 'fly'");
    desk.fails("completions tcsh", 2, "possible values: bash, elvish, fish, powershell, zsh");
    desk.ok("train iris.csv --target species --epochs 1 --quiet --out m");
    desk.fails("eval m image.png", 1, "image.png: this is an image, the model takes a table (CSV)");
    desk.put("other.csv", "sepal_length,sepal_width,petal_length,species\n1,2,3,setosa\n");
    desk.fails("eval m other.csv", 1, "other.csv: no column 'petal_width'; the columns are sepal_length,");
    desk.put("odd.csv", "sepal_length,sepal_width,petal_length,petal_width,species\n1,2,x,4,setosa\n");
    desk.fails("eval m odd.csv", 1, "odd.csv: line 2, column 'petal_length': found 'x', expected a number");
    desk.put("odd.csv", "sepal_length,sepal_width,petal_length,petal_width,species\n1,2,3,4,rose\n");
    desk.fails("eval m odd.csv", 1, "found 'rose', expected one of setosa, versicolor, virginica");
}

#[test]
fn a_model_file_is_not_believed() {
    let desk = Desk::new();
    desk.ok("train iris.csv --target species --hidden 7 --epochs 1 --quiet --out m");
    let whole = fs::read(desk.path("m")).unwrap();
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let text = String::from_utf8(whole[8..8 + header].to_vec()).unwrap();
    for (from, to, part) in [
        (
            r#"\"widths\":[4,7,3]"#,
            r#"\"widths\":[4,0,3]"#,
            "two widths or more, none of them 0; found [4, 0, 3]",
        ),
        (
            r#"\"widths\":[4,7,3]"#,
            r#"\"widths\":[4,99999999999,3]"#,
            "asks for weights of 699999999993 numbers",
        ),
        (
            r#"\"widths\":[4,7,3]"#,
            r#"\"widths\":[5,7,3]"#,
            "the layers have 5 inputs and 3 outputs, the data 4 and 3",
        ),
        (r#"\"activation\":\"relu\""#, r#"\"activation\":\"relo\""#, "no activation is named \"relo\""),
        (r#"\"dropout\":0.0"#, r#"\"dropout\":1.0"#, "dropout is 1, expected 0 to below 1"),
        (
            "layerwise-program",
            "another-program",
            "expected \"layerwise-program\", the file has Some(\"another-program\")",
        ),
    ] {
        assert!(text.contains(from), "{text}");
        let text = text.replace(from, to);
        let length = (text.len() as u64).to_le_bytes();
        desk.put("bad", [&length[..], text.as_bytes(), &whole[8 + header..]].concat());
        desk.fails("info bad", 1, part);
    }
    for cut in [0, 7, 8, header / 2, header + 8, whole.len() - 1] {
        desk.put("bad", &whole[..cut]);
        desk.fails("info bad", 1, "loading bad: it is no safetensors file");
    }
}

#[test]
fn what_needs_no_data_works() {
    let desk = Desk::new();
    let out = desk.ok("bench --widths 8,4,2 --batch-size 4 --json");
    let value: Value = serde_json::from_str(&out).unwrap();
    assert!(value["seconds_per_step"].as_f64().unwrap() > 0.0);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(desk.ok(&format!("completions {shell}")).contains("autoencode"), "{shell}");
    }
    for command in
        "train eval predict autoencode encode reconstruct export info course bench completions".split(' ')
    {
        assert!(desk.ok(&format!("{command} --help")).contains("Usage: layerwise"), "{command}");
    }
    assert!(desk.ok("--version").starts_with("layerwise "));
    // Without a command it is the course, as it has always been.
    let out = desk.ok("--section mlp --epochs 1 --seed 3 --json");
    let outcome: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&outcome["section"], &outcome["seed"]), (&"mlp".into(), &3.into()));
}

#[test]
fn a_run_goes_on_from_its_checkpoint() {
    let desk = Desk::new();
    let line = "train iris.csv --target species --quiet --batch-norm --dropout 0.1";
    desk.ok(&format!("{line} --epochs 8 --out whole"));
    desk.ok(&format!("{line} --epochs 3 --out part --checkpoint c"));
    desk.ok(&format!("{line} --epochs 8 --out part --checkpoint c --resume"));
    let tensors = |name: &str| {
        let bytes = fs::read(desk.path(name)).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[8 + header..].to_vec()
    };
    assert_eq!(tensors("whole"), tensors("part"));
    desk.fails(&format!("{line} --checkpoint c"), 1, "resume it, or take another folder");
    desk.fails(
        &format!("{line} --checkpoint c --resume --hidden 9"),
        1,
        "this run has \"layers 4-9-3, relu, batch normalisation, dropout 0.1; Adam with learning rate 0.001; data and rules ",
    );
    desk.fails(&format!("{line} --resume"), 2, "--checkpoint <DIR>");
    let patient = desk.json(&format!("{line} --epochs 5000 --patience 3 --json"));
    assert!(patient["training"]["epochs"].as_u64().unwrap() < 4000, "{patient}");
    assert_eq!(patient["training"]["is_interrupted"], false);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_its_model() {
    let desk = Desk::new();
    let mut child = desk.command("train iris.csv --target species --epochs 1000000 --json --out m");
    let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("ending after this step"), "{}", err.len());
    let trained: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(trained["training"]["is_interrupted"], true);
    assert!(desk.ok("info m").contains("(interrupted)"));
}
