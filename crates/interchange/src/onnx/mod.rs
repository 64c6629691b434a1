//! Networks for onnxruntime, and for every other program that runs ONNX.
//!
//! ```
//! use layerwise_autograd::{Activation, Params};
//! use layerwise_interchange::onnx::{Head, OnnxConfig, export};
//! use layerwise_nn_layers::Mlp;
//! use layerwise_tensor::Rng;
//!
//! let mut params = Params::new();
//! let mlp = Mlp::new(&[784, 128, 10]).activation(Activation::Gelu).batch_norm().dropout(0.5);
//! let model = mlp.build(&mut params.root(), &mut Rng::seed(42));
//! let onnx = export(&model, &params, &OnnxConfig { head: Head::Softmax, ..Default::default() })?;
//! assert_eq!((onnx.inputs(), onnx.outputs()), (Some(784), Some(10)));
//! onnx.save(std::env::temp_dir().join("layerwise-model.onnx"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod graph;
mod layers;
mod proto;

use std::collections::BTreeMap;
use std::path::Path;

use layerwise_autograd::Params;
use layerwise_autograd::file::{SaveError, replace};
use layerwise_nn_layers::Sequential;
use prost::Message;
use serde::{Deserialize, Serialize};

use graph::Builder;

/// The operators that an exported network may use: those of ONNX 1.15 of 2023, the first version with GELU among them. onnxruntime has
/// them since 1.17.
pub const OPSET: i64 = 20;
const IR_VERSION: i64 = 9;
/// What protobuf allows.
const LARGEST: usize = (1 << 31) - 1;

/// How a network is exported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct OnnxConfig {
    /// What the input `[batch, in]` is called. Defaults to `"input"`.
    pub input: String,
    /// What the output `[batch, out]` is called. Defaults to `"output"`.
    pub output: String,
    /// What becomes of the network's output. Defaults to nothing: a classifier gives logits.
    pub head: Head,
    /// What becomes of batch normalisations. Defaults to keeping them.
    pub batch_norm: Normalisations,
    /// Texts for whoever loads the model, such as the names of its classes. Defaults to none.
    pub metadata: BTreeMap<String, String>,
}

impl Default for OnnxConfig {
    fn default() -> Self {
        OnnxConfig {
            input: "input".to_owned(),
            output: "output".to_owned(),
            head: Head::default(),
            batch_norm: Normalisations::default(),
            metadata: BTreeMap::new(),
        }
    }
}

/// A function of the output that losses have inside, and a server wants outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// The output as it is.
    #[default]
    None,
    /// The probabilities of classes, each row for itself.
    Softmax,
    /// Their logarithms.
    LogSoftmax,
    /// A probability for each element.
    Sigmoid,
}

/// What becomes of batch normalisations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisations {
    /// Operators of their own.
    #[default]
    Kept,
    /// Part of the linear layers in front, where that is possible ([`Sequential::fold_batch_norm`]).
    Folded,
}

/// Why a network was not exported.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// A module whose formula we do not know.
    #[error(
        "layer {layer} of the model, {name}, has no form in ONNX; only the layers of this library can be exported"
    )]
    Unsupported {
        /// Its place in the model, from 0 on; with a dot for each sequence inside a sequence.
        layer: String,
        /// The name of its type.
        name: String,
    },
    /// Layers that do not fit together.
    #[error("layer {layer} of the model takes {expected} features, the layer in front gives {found}")]
    Width {
        /// The place of the layer that takes them.
        layer: String,
        /// What it takes.
        expected: usize,
        /// What it would get.
        found: usize,
    },
    /// Input or output have the name of something else, or none.
    #[error("the name {0:?} is empty or taken; an input or output needs one of its own")]
    Name(String),
    /// More than the format can hold.
    #[error("the model has {0} bytes; a file in this format has at most {LARGEST}")]
    TooLarge(usize),
}

/// A network in ONNX.
#[derive(Clone, PartialEq, Debug)]
pub struct OnnxModel {
    model: proto::Model,
    widths: [Option<usize>; 2],
}

/// The network as it is in an evaluation pass: dropout and noise are left out. Its input is `[batch, in]` with a batch of any size, its
/// parameters have the names that they have in `params`.
///
/// # Errors
/// If there is a module among the layers that is not this library's, layers do not fit together, a name in `config` cannot be used, or the model
/// is larger than 2 GB.
///
/// # Panics
/// If `params` are not those of the model.
pub fn export(model: &Sequential, params: &Params, config: &OnnxConfig) -> Result<OnnxModel, OnnxError> {
    let built = build(model, params, config)?;
    match config.batch_norm {
        Normalisations::Kept => built.finish(config),
        // The layers have been found to fit together, so that folding them cannot panic.
        Normalisations::Folded => {
            let mut params = params.clone();
            build(&model.fold_batch_norm(&mut params), &params, config)?.finish(config)
        }
    }
}

fn build<'a>(model: &Sequential, params: &'a Params, config: &OnnxConfig) -> Result<Builder<'a>, OnnxError> {
    let mut builder = Builder::new(params, &config.input);
    layers::sequence(&mut builder, model, "")?;
    layers::head(&mut builder, config.head);
    Ok(builder)
}

impl OnnxModel {
    /// The number of features of the input; `None` if any will do.
    pub fn inputs(&self) -> Option<usize> {
        self.widths[0]
    }

    /// The number of features of the output; `None` if it is that of the input, whatever that is.
    pub fn outputs(&self) -> Option<usize> {
        self.widths[1]
    }

    /// The content of a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.model.encode_to_vec()
    }

    /// Writes a file. There is always a whole one ([`replace`]).
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), SaveError> {
        replace(path, &self.to_bytes())
    }
}
