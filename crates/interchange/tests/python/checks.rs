//! What is compared, and with whom.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

#[cfg(any(feature = "safetensors", feature = "onnx"))]
use super::common;

#[cfg(any(feature = "safetensors", feature = "onnx"))]
use {layerwise_autograd::Params, layerwise_nn_layers::Sequential, layerwise_tensor::Rng};

pub fn run() {
    let Some(python) = std::env::var_os("LAYERWISE_PYTHON") else {
        println!("skipped: LAYERWISE_PYTHON names no Python to compare with");
        return;
    };
    let python = Python(python);
    #[cfg(feature = "safetensors")]
    python.run("torch safetensors numpy", pytorch);
    #[cfg(feature = "onnx")]
    python.run("onnx onnxruntime numpy", onnx);
    #[cfg(feature = "tensorboard")]
    python.run("tensorboard numpy", tensorboard);
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

struct Python(OsString);

impl Python {
    fn run(&self, packages: &str, check: fn(&Python, &Path) -> Outcome) {
        let import = format!("import {}", packages.replace(' ', ", "));
        let output = Command::new(&self.0).args(["-c", &import]).output().expect("the interpreter starts");
        if output.status.success() {
            let folder = tempfile::tempdir().expect("a folder for temporary files");
            check(self, folder.path()).expect("the check comes to its end");
        } else {
            let why = String::from_utf8_lossy(&output.stderr);
            println!("skipped: a check that needs {packages}: {}", why.trim().lines().last().unwrap_or(""));
        }
    }

    /// Runs a script of the folder `golden`.
    fn script(&self, name: &str, folder: &Path) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        let status = Command::new(&self.0).arg("-B").arg(script).arg(folder).status();
        let status = status.expect("the interpreter starts");
        assert!(status.success(), "{name} has failed");
    }
}

/// The network's values at inputs that are drawn.
#[cfg(any(feature = "safetensors", feature = "onnx"))]
fn drawn(batch: usize, params: &Params, model: &Sequential, rng: &mut Rng) -> common::Rows {
    let row = |rng: &mut Rng| (0..common::FEATURES).map(|_| rng.normal(0.0, 2.0)).collect();
    let x: Vec<Vec<f32>> = (0..batch).map(|_| row(rng)).collect();
    common::Rows { y: common::run(params, model, &x), x }
}

/// `load_state_dict` takes our files and gives our outputs, and the other way round.
#[cfg(feature = "safetensors")]
fn pytorch(python: &Python, folder: &Path) -> Outcome {
    use layerwise_interchange::safetensors::{self, StateDict};

    let mut networks = common::networks();
    let mut rng = Rng::seed(1);
    let mut ours = std::collections::BTreeMap::new();
    for (name, (params, model)) in &networks {
        safetensors::save(params, [("case", name)], folder.join(format!("{name}.safetensors")))?;
        ours.insert(name, drawn(7, params, model, &mut rng));
    }
    std::fs::write(folder.join("ours.json"), serde_json::to_string(&ours)?)?;
    python.script("check_pytorch.py", folder);

    let theirs = std::fs::read_to_string(folder.join("theirs.json"))?;
    let theirs: std::collections::BTreeMap<String, common::Rows> = serde_json::from_str(&theirs)?;
    assert!(theirs.keys().eq(networks.keys()));
    for (name, rows) in theirs {
        let (params, model) = networks.get_mut(&name).expect("the names are equal");
        let file = StateDict::read(folder.join(format!("{name}.theirs.safetensors")))?;
        assert_eq!(file.metadata()["framework"], "pytorch");
        file.load_into(params)?;
        rows.check(&name, params, model);
    }
    Ok(())
}

/// onnxruntime computes what we compute.
#[cfg(feature = "onnx")]
fn onnx(python: &Python, folder: &Path) -> Outcome {
    use layerwise_autoencoders::{Autoencoder, Loss, Vae};
    use layerwise_autograd::{Activation, Var};
    use layerwise_interchange::onnx::{Head, Normalisations, OnnxConfig, export};
    use layerwise_nn_layers::{Layer, Module};

    /// An operation of rows as a layer of ours.
    struct OfRows(for<'p> fn(Var<'p>) -> Var<'p>);
    impl Module for OfRows {
        fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
            (self.0)(x)
        }
    }

    let mut rng = Rng::seed(2);
    let mut cases = serde_json::Map::new();
    let mut add = |name: String,
                   params: &Params,
                   exported: &Sequential,
                   ours: &Sequential,
                   config: OnnxConfig|
     -> Outcome {
        let onnx = export(exported, params, &config)?;
        onnx.save(folder.join(format!("{name}.onnx")))?;
        let batches: Vec<_> = [1, 2, 33].map(|batch| drawn(batch, params, ours, &mut rng)).into();
        let mut without = vec!["Dropout"];
        if config.batch_norm == Normalisations::Folded {
            without.push("BatchNormalization");
        }
        let case = serde_json::json!({ "batches": batches, "without": without });
        assert!(cases.insert(name.clone(), case).is_none(), "two of {name}");
        Ok(())
    };
    for (name, (params, model)) in &common::networks() {
        add(name.clone(), params, model, model, OnnxConfig::default())?;
    }

    let (params, mlp) = &common::networks()["mlp"];
    let folded = OnnxConfig { batch_norm: Normalisations::Folded, ..Default::default() };
    add("folded".to_owned(), params, mlp, mlp, folded.clone())?;
    let heads: [(Head, Layer); 3] = [
        (Head::Softmax, Layer::custom(OfRows(|x| x.softmax()))),
        (Head::LogSoftmax, Layer::custom(OfRows(|x| x.log_softmax()))),
        (Head::Sigmoid, Activation::Sigmoid.into()),
    ];
    for (head, layer) in heads {
        let config = OnnxConfig { head, ..Default::default() };
        add(format!("{head:?}"), params, mlp, &mlp.clone().then(layer), config)?;
    }

    let config = Autoencoder::new(&[common::FEATURES, 4, common::FEATURES]).loss(Loss::BceWithLogits);
    for (name, config) in [
        ("autoencoder", config.clone().batch_norm().dropout(0.5)),
        ("tied", config.activation(Activation::Tanh).tied()),
    ] {
        let mut params = Params::new();
        let model = config.build(&mut params.root(), &mut Rng::seed(3));
        common::draw(&mut params, &mut Rng::seed(4));
        let network = model.network();
        let parts = [("encoder", model.encoder()), ("decoder", model.decoder()), ("whole", &network)];
        for (part, layers) in parts {
            add(format!("{name}, {part}"), &params, layers, layers, OnnxConfig::default())?;
            add(format!("{name}, {part}, folded"), &params, layers, layers, folded.clone())?;
        }
    }
    let mut params = Params::new();
    let vae = Vae::new(&[common::FEATURES, 4, common::FEATURES]).build(&mut params.root(), &mut Rng::seed(3));
    add("vae".to_owned(), &params, &vae.network(), &vae.network(), OnnxConfig::default())?;
    add("vae, mean".to_owned(), &params, &vae.mean_encoder(), &vae.mean_encoder(), OnnxConfig::default())?;

    std::fs::write(folder.join("cases.json"), serde_json::to_string(&cases)?)?;
    python.script("check_onnx.py", folder);
    Ok(())
}

/// TensorBoard's reader finds what was written by hand and by the callback of a run.
#[cfg(feature = "tensorboard")]
fn tensorboard(python: &Python, folder: &Path) -> Outcome {
    use layerwise_autograd::{Params, Tensor};
    use layerwise_interchange::tensorboard::TensorBoard;
    use layerwise_optim::{Progress, Sgd, SgdConfig, Trainer};
    use serde_json::json;

    let mut params = Params::new();
    let w = params.root().child(0).parameter("weight", [2, 2], |w| w.copy_from_slice(&[1.0, -2.0, 0.5, 3.0]));
    let mut opt = Sgd::new(&params, SgdConfig { lr: 0.05, ..Default::default() });
    let mut board = TensorBoard::create(folder.join("run"))?;
    let events = board.events();
    let grey: Vec<f32> = (0..6).map(|i| i as f32 / 5.0).collect();
    for step in [0, 1 << 40] {
        events.image("images/grey", step, [2, 3], &grey)?;
        events.scalar("by hand", step, -0.1)?;
    }
    events.image("images/colour", 3, [2, 1], &grey)?;
    events.histogram("values", 5, &[1.0, -0.5, 0.25, 0.25, 3.0])?;
    events.text("about", 0, "a *run*")?;
    // Three epochs of four steps.
    let history = Trainer::new(3)
        .batch_size(5)
        .progress(Progress::Silent)
        .metric("size", |params| params[w].iter().map(|&x| f64::from(x)).sum())
        .callback(board.every(4).histograms())
        .fit(&mut params, &mut opt, &Tensor::zeros([20, 1]), |pass, _| pass.param(w).square().sum())?;

    let points = |of: &dyn Fn(&layerwise_optim::EpochRecord) -> f64| -> Vec<(u64, f64)> {
        history.epochs.iter().map(|record| (4 * record.epoch as u64, of(record))).collect()
    };
    let losses = points(&|record| record.loss);
    let rates = points(&|record| f64::from(record.lr));
    let weights: Vec<_> = losses
        .iter()
        .map(|&(step, _)| {
            let size = 0.9_f64.powi(step as i32);
            json!([step, 4, -2.0 * size, 3.0 * size, 2.5 * size])
        })
        .collect();
    let expected = json!({
        "scalars": {
            "by hand": [(0, -0.1), (1_u64 << 40, -0.1)],
            "epoch/loss": losses,
            "epoch/lr": rates,
            "size": points(&|record| record.metrics["size"]),
            "step/loss": losses,
            "step/lr": rates,
        },
        "histograms": { "values": [(5, 5, -0.5, 3.0, 4.0)], "0.weight": weights },
        "images": { "images/grey": [[0, 2, 3], [1_u64 << 40, 2, 3]], "images/colour": [[3, 2, 1]] },
        "tensors": { "about": [(0, "a *run*")] },
    });
    std::fs::write(folder.join("expected.json"), expected.to_string())?;
    python.script("check_tensorboard.py", folder);
    Ok(())
}
