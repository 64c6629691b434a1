//! Exported networks without anybody who runs them; `golden/generate_onnx.py` makes the bytes.
#![cfg(feature = "onnx")]

use layerwise_autograd::{Activation, Params, Var};
use layerwise_interchange::onnx::{Head, Normalisations, OnnxConfig, OnnxError, export};
use layerwise_nn_layers::{BatchNorm, Dropout, Layer, Linear, Mlp, Module, PRelu, Sequential};
use layerwise_tensor::Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    bytes: String,
}

/// Two linear layers with batch normalisation and a bounded activation.
fn network() -> (Params, Sequential) {
    let mut params = Params::new();
    let mlp = Mlp::new(&[3, 2, 4]).activation(Activation::HardTanh).batch_norm().dropout(0.5);
    let model = mlp.build(&mut params.root(), &mut Rng::seed(0));
    for id in params.ids() {
        let least = if params.name(id).ends_with("running_var") { 1.0 } else { 0.0 };
        params[id].iter_mut().enumerate().for_each(|(i, value)| *value = least + i as f32 / 8.0);
    }
    (params, model)
}

#[test]
fn the_bytes_are_those_that_the_onnx_package_writes() {
    let golden: Golden = serde_json::from_str(include_str!("golden/onnx.json")).unwrap();
    let (params, model) = network();
    let config = OnnxConfig {
        input: "x".to_owned(),
        output: "y".to_owned(),
        head: Head::Softmax,
        metadata: [("classes".to_owned(), "a,b,c,d".to_owned())].into(),
        ..Default::default()
    };
    let onnx = export(&model, &params, &config).unwrap();
    assert_eq!((onnx.inputs(), onnx.outputs()), (Some(3), Some(4)));
    let bytes: String = onnx.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(bytes, golden.bytes);
}

#[test]
fn a_file_holds_the_bytes() {
    let (params, model) = network();
    let onnx = export(&model, &params, &OnnxConfig::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    onnx.save(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), onnx.to_bytes());
}

#[test]
fn folding_leaves_the_parameters_alone_and_makes_the_file_smaller() {
    let (params, model) = network();
    let before = params.flat().to_vec();
    let kept = export(&model, &params, &OnnxConfig::default()).unwrap();
    let config = OnnxConfig { batch_norm: Normalisations::Folded, ..Default::default() };
    let folded = export(&model, &params, &config).unwrap();
    assert!(folded.to_bytes().len() < kept.to_bytes().len());
    assert_eq!(params.flat(), before);
}

#[test]
fn a_network_of_any_width_is_the_identity_or_what_it_does() {
    let mut params = Params::new();
    let prelu = PRelu::new(&mut params.root());
    for model in [Sequential::new(), Sequential::new().then(Dropout::new(0.5)), Sequential::new().then(prelu)]
    {
        let onnx = export(&model, &params, &OnnxConfig::default()).unwrap();
        assert_eq!((onnx.inputs(), onnx.outputs()), (None, None));
    }
}

/// A module that nobody but us knows.
struct Double;

impl Module for Double {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        x * 2.0
    }
}

#[test]
fn what_cannot_be_exported_is_named() {
    let (params, model) = network();
    let error = |model: &Sequential, params: &Params, config: OnnxConfig| {
        export(model, params, &config).unwrap_err().to_string()
    };
    let inner = Sequential::new().then(Activation::Relu).then(Layer::custom(Double));
    assert_eq!(
        error(&model.clone().then(inner), &params, OnnxConfig::default()),
        "layer 5.1 of the model, onnx::Double, has no form in ONNX; only the layers of this library can be exported"
    );

    let (mut params, mut rng) = (Params::new(), Rng::seed(0));
    let mut root = params.root();
    let linear = Linear::new(&mut root.child(0), 3, 4, &mut rng);
    let narrow = Linear::new(&mut root.child(1), 3, 4, &mut rng);
    let norm = BatchNorm::new(&mut root.child(2), 5);
    let text = "layer 1 of the model takes 3 features, the layer in front gives 4";
    assert_eq!(error(&Sequential::new().then(linear).then(narrow), &params, OnnxConfig::default()), text);
    let folded = OnnxConfig { batch_norm: Normalisations::Folded, ..Default::default() };
    let text = "layer 1 of the model takes 5 features, the layer in front gives 4";
    assert_eq!(error(&Sequential::new().then(linear).then(norm), &params, folded), text);

    let model = Sequential::new().then(linear).then(Activation::LecunTanh);
    for (input, output, name) in [
        ("", "output", ""),
        ("same", "same", "same"),
        ("0.weight", "output", "0.weight"),
        ("input", "value/0", "value/0"),
        ("constant/0", "output", "constant/0"),
    ] {
        let config = OnnxConfig { input: input.to_owned(), output: output.to_owned(), ..Default::default() };
        let found = export(&model, &params, &config).unwrap_err();
        assert_eq!(found, OnnxError::Name(name.to_owned()));
    }
}
