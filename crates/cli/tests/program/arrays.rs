//! NumPy's arrays: networks, autoencoders, and what may be wrong with a file.

use std::fs;

use layerwise::data::npy;
use layerwise::prelude::*;

use crate::desk::Desk;

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
