//! A classifier goes where ONNX is served: trained here, exported, run by onnxruntime.
//!
//! Writes `model.onnx` and `expected.json` (ten test images with our probabilities) to a folder; `examples/run_onnx.py` runs the network there in
//! onnxruntime and compares.
//!
//! ```console
//! $ cargo run --release --features layerwise/onnx --example export_onnx -- 2 /tmp/onnx   # epochs, folder
//! $ pip install numpy onnxruntime && python examples/run_onnx.py /tmp/onnx
//! ```

use std::path::PathBuf;

use anyhow::Context;
use layerwise::interchange::onnx::{Head, Normalisations, OnnxConfig, export};
use layerwise::prelude::*;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let epochs = args.next().map_or(Ok(2), |epochs| epochs.parse()).context("the number of epochs")?;
    let folder = args.next().map_or_else(|| std::env::temp_dir().join("layerwise-onnx"), PathBuf::from);
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;

    let mnist = Mnist::embedded();
    let mut params = Params::new();
    let model =
        Mlp::new(&[784, 128, 64, 10]).batch_norm().dropout(0.2).build(&mut params.root(), &mut Rng::seed(42));
    let mut opt = Adam::new(&params, AdamConfig::default());
    Trainer::new(epochs).batch_size(128).seed(42).fit(
        &mut params,
        &mut opt,
        &mnist.train,
        |pass, batch| model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels),
    )?;
    println!("test accuracy {:.2} %", 100.0 * accuracy(&model, &params, &mnist.test));

    // A server wants probabilities, and has no use for normalisations of their own.
    let config = OnnxConfig {
        head: Head::Softmax,
        batch_norm: Normalisations::Folded,
        metadata: [("classes".to_owned(), "0,1,2,3,4,5,6,7,8,9".to_owned())].into(),
        ..Default::default()
    };
    let onnx = export(&model, &params, &config)?;
    onnx.save(folder.join("model.onnx"))?;

    let images = mnist.test.take(10);
    let x = Tensor::from(images.to_f32().into_shape_with_order((10, 784))?);
    let mut tape = Tape::new();
    let probabilities = model.forward(tape.eval(&params).input(&x)).softmax().value();
    let rows = |values: &Tensor| -> Vec<Vec<f32>> {
        values.as_slice().chunks(values.shape().last()).map(<[f32]>::to_vec).collect()
    };
    let expected = serde_json::json!({ "input": rows(&x), "output": rows(&probabilities) });
    std::fs::write(folder.join("expected.json"), expected.to_string())?;
    println!("wrote model.onnx ({} bytes) and expected.json to {}", onnx.to_bytes().len(), folder.display());
    Ok(())
}
