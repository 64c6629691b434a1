//! The model file: parameters by name, and all that is needed to use them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use layerwise::autograd::safetensors::{LoadProblem, load_model, save_model};
use layerwise::data::{CsvConfig, Preprocessing, Scaler};
use layerwise::prelude::*;
use serde::{Deserialize, Serialize};

use crate::args::activation;
use crate::arrays::{Learned, Names};

/// What the metadata of a file calls its content.
const KIND: &str = "layerwise-program";

/// Everything but the parameters.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Description {
    pub architecture: Architecture,
    pub input: Input,
    pub training: Training,
}

/// The layers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    Network(Network),
    Autoencoder(Autoencoder),
}

/// A multi-layer perceptron.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Network {
    /// The input's first.
    pub widths: Vec<usize>,
    /// What follows hidden layers, one of `ACTIVATIONS`.
    pub activation: String,
    #[serde(default)]
    pub dropout: f32,
    #[serde(default)]
    pub batch_norm: bool,
}

/// What the inputs are made of.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// Rows of a table.
    Table { preprocessing: Preprocessing, csv: CsvConfig },
    /// Grey images `[rows, cols]`, from 0 to 1.
    Images {
        size: [usize; 2],
        /// Empty for an autoencoder.
        class_names: Vec<String>,
        /// Whether a drawing is brought to MNIST's form.
        is_mnist: bool,
    },
    /// Arrays `[n, ..]`.
    Array {
        scaler: Scaler,
        #[serde(default)]
        names: Names,
        /// Nothing for an autoencoder.
        #[serde(default)]
        learned: Option<Learned>,
    },
}

impl Input {
    /// Numbers of an example.
    pub fn inputs(&self) -> usize {
        match self {
            Input::Table { preprocessing, .. } => preprocessing.inputs(),
            // What a file says may be any numbers; no network is that wide.
            Input::Images { size: [rows, cols], .. } => rows.saturating_mul(*cols),
            Input::Array { scaler, .. } => scaler.width(),
        }
    }

    /// Outputs of a network that learns the target; 0 without one.
    pub fn outputs(&self) -> usize {
        match self {
            Input::Table { preprocessing, .. } => preprocessing.outputs(),
            Input::Images { class_names, .. } => class_names.len(),
            Input::Array { learned, .. } => learned.as_ref().map_or(0, Learned::outputs),
        }
    }

    /// The names of the classes; empty where there are none.
    pub fn class_names(&self) -> &[String] {
        match self {
            Input::Table { preprocessing, .. } => preprocessing.class_names(),
            Input::Images { class_names, .. } => class_names,
            Input::Array { learned: Some(Learned::Classes { names }), .. } => names,
            Input::Array { .. } => &[],
        }
    }

    /// What brings outputs back to the units of the target, where it is numbers.
    pub fn target_scaler(&self) -> Option<Scaler> {
        match self {
            Input::Table { preprocessing, .. } => preprocessing.target_scaler(),
            Input::Array { learned: Some(Learned::Numbers { scaler }), .. } => Some(scaler.clone()),
            _ => None,
        }
    }

    /// What the predictions are called.
    pub fn target_names(&self) -> Vec<String> {
        match self {
            Input::Table { preprocessing, .. } => {
                preprocessing.target_columns().iter().map(|&name| name.to_owned()).collect()
            }
            Input::Array { names, learned: Some(Learned::Numbers { scaler }), .. } if scaler.width() > 1 => {
                (1..=scaler.width()).map(|i| format!("{}{i}", names.targets)).collect()
            }
            Input::Array { names, learned: Some(_), .. } => vec![names.targets.clone()],
            _ => vec!["class".to_owned()],
        }
    }

    fn check(&self) -> Result<(), String> {
        let scalers = match self {
            Input::Table { preprocessing, .. } => {
                return preprocessing.validate().map_err(|error| error.to_string());
            }
            Input::Images { .. } => return Ok(()),
            Input::Array { scaler, learned: Some(Learned::Numbers { scaler: of_targets }), .. } => {
                vec![scaler, of_targets]
            }
            Input::Array { scaler, .. } => vec![scaler],
        };
        match scalers.iter().all(|scaler| scaler.is_valid()) {
            true => Ok(()),
            false => Err("its scales are no scales".into()),
        }
    }
}

/// How it was trained.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Training {
    pub data: String,
    pub examples: usize,
    pub epochs: usize,
    pub batch_size: usize,
    pub optimizer: Option<OptimizerConfig>,
    pub seed: u64,
    pub seconds: f64,
    pub is_interrupted: bool,
    /// The loss of the last epoch, and what was measured on the validation part.
    pub metrics: BTreeMap<String, f64>,
}

/// Layers that have been built.
pub enum Model {
    Network(Sequential),
    Autoencoder(Box<AutoencoderModel>),
}

impl Description {
    pub fn save(&self, params: &Params, path: &Path) -> anyhow::Result<()> {
        Ok(save_model(KIND, self, params, path)?)
    }

    /// Reads a file. Nothing of it is believed before it is checked.
    pub fn load(path: &Path) -> anyhow::Result<(Description, Model, Params)> {
        let build = |description: Description, room: usize| {
            description.check().map_err(LoadProblem::Config)?;
            LoadProblem::check_count(description.architecture.least_count(), room)?;
            let mut params = Params::new();
            let model = description.architecture.build(&mut params, 0);
            Ok((params, (description, model)))
        };
        let (params, (description, model)) = load_model(KIND, path, build)?;
        Ok((description, model, params))
    }

    /// Whether the parts fit together.
    fn check(&self) -> Result<(), String> {
        self.architecture.check()?;
        self.input.check()?;
        let (inputs, outputs) = (self.input.inputs(), self.input.outputs());
        let (found_inputs, found_outputs) = self.architecture.ends();
        if found_inputs != inputs || found_outputs.is_some_and(|found| found != outputs) {
            return Err(format!(
                "the layers have {found_inputs} inputs and {} outputs, the data {} and {outputs}",
                found_outputs.unwrap_or_default(),
                inputs
            ));
        }
        Ok(())
    }
}

impl Architecture {
    fn check(&self) -> Result<(), String> {
        match self {
            Architecture::Network(network) => network.check(),
            Architecture::Autoencoder(config) => config.validate().map_err(|error| error.to_string()),
        }
    }

    /// Inputs, and outputs of a network.
    fn ends(&self) -> (usize, Option<usize>) {
        match self {
            Architecture::Network(Network { widths, .. }) => (widths[0], widths.last().copied()),
            Architecture::Autoencoder(config) => (config.encoder_widths()[0], None),
        }
    }

    /// How many numbers the weights are; `None` if too many to count. This program ties no weights.
    fn least_count(&self) -> Option<usize> {
        let parts: [&[usize]; 2] = match self {
            Architecture::Network(Network { widths, .. }) => [widths, &[]],
            Architecture::Autoencoder(config) => [config.encoder_widths(), config.decoder_widths()],
        };
        let mut pairs = parts.iter().flat_map(|widths| widths.windows(2));
        pairs.try_fold(0_usize, |sum, pair| sum.checked_add(pair[0].checked_mul(pair[1])?))
    }

    /// The layers with their first weights.
    pub fn build(&self, params: &mut Params, seed: u64) -> Model {
        let mut rng = Rng::seed(seed);
        match self {
            Architecture::Network(network) => {
                Model::Network(network.mlp().build(&mut params.root(), &mut rng))
            }
            Architecture::Autoencoder(config) => {
                Model::Autoencoder(Box::new(config.build(&mut params.root(), &mut rng)))
            }
        }
    }
}

impl Network {
    fn check(&self) -> Result<(), String> {
        if self.widths.len() < 2 || self.widths.contains(&0) {
            return Err(format!("a network has two widths or more, none of them 0; found {:?}", self.widths));
        }
        if activation(&self.activation).is_none() {
            return Err(format!("no activation is named {:?}", self.activation));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(format!("dropout is {}, expected 0 to below 1", self.dropout));
        }
        Ok(())
    }

    fn mlp(&self) -> Mlp {
        let mut mlp = Mlp::new(&self.widths);
        if let Some(activation) = activation(&self.activation) {
            mlp = mlp.activation(activation);
        }
        if self.batch_norm {
            mlp = mlp.batch_norm();
        }
        if self.dropout > 0.0 { mlp.dropout(self.dropout) } else { mlp }
    }
}

/// The outputs of a model for `inputs [n, width]`, in batches that fit into the cache.
pub fn forward(params: &Params, inputs: &Tensor, f: impl for<'p> Fn(Var<'p>) -> Var<'p> + Sync) -> Tensor {
    const BATCH: usize = 500;
    let (rows, width) = (Dataset::len(inputs), inputs.shape().last());
    threads::run(|| {
        let (mut tape, mut out, mut outputs) = (Tape::new(), Vec::new(), 0);
        for part in inputs.as_slice().chunks(BATCH * width.max(1)) {
            let pass = tape.eval(params);
            let part = Tensor::new([part.len() / width.max(1), width], part.to_vec());
            let found = f(pass.input(&part));
            outputs = found.shape().last();
            found.with_value(|values| out.extend_from_slice(values));
        }
        Tensor::new([rows, outputs], out)
    })
}

/// The network of a file that has to hold one.
pub fn load_network(path: &Path, command: &str) -> anyhow::Result<(Description, Sequential, Params)> {
    match Description::load(path)? {
        (description, Model::Network(network), params) => Ok((description, network, params)),
        _ => anyhow::bail!(
            "{} holds an autoencoder, and `layerwise {command}` needs a network; see `layerwise encode` and `layerwise reconstruct`",
            path.display()
        ),
    }
}

/// The autoencoder of a file that has to hold one.
pub fn load_autoencoder(
    path: &Path,
    command: &str,
) -> anyhow::Result<(Description, Box<AutoencoderModel>, Params)> {
    match Description::load(path)? {
        (description, Model::Autoencoder(model), params) => Ok((description, model, params)),
        _ => anyhow::bail!(
            "{} holds a network, and `layerwise {command}` needs an autoencoder; see `layerwise predict`",
            path.display()
        ),
    }
}

/// Whether a file can be written at `path`, asked before the work is done.
pub fn check_writable(path: &Path) -> anyhow::Result<()> {
    let context = || format!("writing {}", path.display());
    anyhow::ensure!(!path.is_dir(), "writing {}: it is a folder", path.display());
    let mut beside = path.file_name().with_context(context)?.to_owned();
    beside.push(format!(".{}.try", std::process::id()));
    let beside = path.with_file_name(beside);
    std::fs::File::create(&beside).and_then(|_| std::fs::remove_file(&beside)).with_context(context)
}
