//! Networks on tables: what is learned, files, configurations.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::desk::{Desk, iris};

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
