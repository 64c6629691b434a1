//! The program as people run it: every command's main path, and what it says when something is wrong.

#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

mod arrays;
mod desk;
mod images;
mod tables;

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use desk::{Desk, iris};
use images::drawing;

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
