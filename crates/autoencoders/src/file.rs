//! A model in one file: its parameters by name (the safetensors format), its configuration as JSON in the header.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use layerwise_autograd::Params;
use layerwise_nn_layers::Init;
use layerwise_tensor::Rng;
use safetensors::tensor::{Metadata, TensorView};
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Autoencoder, AutoencoderModel, ConfigError, Vae, VaeModel};

/// Why a model was not saved. A file that was there before is still there.
#[derive(Debug, thiserror::Error)]
#[error("saving {}: {source}", path.display())]
pub struct SaveError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Why a model was not loaded.
#[derive(Debug, thiserror::Error)]
#[error("loading {}: {problem}", path.display())]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: LoadProblem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadProblem {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is not in the format.
    #[error("it is no safetensors file: {0}")]
    Format(String),
    /// It holds something else.
    #[error("expected {expected:?}, the file has {found:?}")]
    Kind {
        /// The kind of model.
        expected: &'static str,
        /// What the header says.
        found: Option<String>,
    },
    /// Its configuration is no configuration.
    #[error("its configuration: {0}")]
    Config(String),
    /// Its configuration makes no model.
    #[error("its configuration: {0}")]
    Invalid(#[from] ConfigError),
    /// Its configuration is of a larger model than it holds.
    #[error("its configuration asks for weights of {} numbers, the file has room for {found}", or_too_many(.expected))]
    TooSmall {
        /// The numbers of the weights, if they can be counted.
        expected: Option<usize>,
        /// The numbers that a file of its size has room for.
        found: usize,
    },
    /// A parameter is missing.
    #[error("parameter {0:?} is missing")]
    Missing(String),
    /// There is a parameter that the model does not have.
    #[error("parameter {0:?} is not one of the model's")]
    Unexpected(String),
    /// A parameter has another type or shape.
    #[error("parameter {name:?}: expected F32 {expected:?}, found {dtype} {found:?}")]
    Shape {
        /// The parameter.
        name: String,
        /// Its shape in the model.
        expected: Vec<usize>,
        /// Its element type in the file.
        dtype: String,
        /// Its shape in the file.
        found: Vec<usize>,
    },
}

fn or_too_many(count: &Option<usize>) -> String {
    count.map_or_else(|| "too many".to_owned(), |count| count.to_string())
}

const KIND: &str = "layerwise.model";
const CONFIG: &str = "layerwise.config";

impl AutoencoderModel {
    /// Writes the configuration and all of `params` to a file in the safetensors format. It is written beside its place and then
    /// renamed, so that there is always a whole file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, params: &Params, path: impl AsRef<Path>) -> Result<(), SaveError> {
        save("autoencoder", self.config(), params, path.as_ref())
    }

    /// Reads what [`AutoencoderModel::save`] has written, for a model whose parameters are the only ones and have no path in front.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or does not hold just such a model.
    pub fn load(path: impl AsRef<Path>) -> Result<(Params, AutoencoderModel), LoadError> {
        load("autoencoder", path.as_ref(), |config: Autoencoder, found| {
            config.validate()?;
            check_count(config.least_count(), found)?;
            let mut params = Params::new();
            // Initial values are overwritten, and a configuration's own might not fit.
            let model = config.clone().init(Init::Zeros).build(&mut params.root(), &mut Rng::seed(0));
            Ok((params, model.with_config(config)))
        })
    }
}

impl VaeModel {
    /// As [`AutoencoderModel::save`].
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, params: &Params, path: impl AsRef<Path>) -> Result<(), SaveError> {
        save("vae", self.config(), params, path.as_ref())
    }

    /// As [`AutoencoderModel::load`].
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or does not hold just such a model.
    pub fn load(path: impl AsRef<Path>) -> Result<(Params, VaeModel), LoadError> {
        load("vae", path.as_ref(), |config: Vae, found| {
            config.validate()?;
            check_count(config.least_count(), found)?;
            let mut params = Params::new();
            let model = config.clone().init(Init::Zeros).build(&mut params.root(), &mut Rng::seed(0));
            Ok((params, model.with_config(config)))
        })
    }
}

fn check_count(expected: Option<usize>, found: usize) -> Result<(), LoadProblem> {
    match expected {
        Some(count) if count <= found => Ok(()),
        expected => Err(LoadProblem::TooSmall { expected, found }),
    }
}

fn save(kind: &str, config: &impl Serialize, params: &Params, path: &Path) -> Result<(), SaveError> {
    let attempt = || -> io::Result<()> {
        let config = serde_json::to_string(config)?;
        let bytes = encode(kind, config, params).map_err(|error| io::Error::other(error.to_string()))?;
        replace(path, &bytes)
    };
    attempt().map_err(|source| SaveError { path: path.to_owned(), source })
}

fn encode(kind: &str, config: String, params: &Params) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let bytes: Vec<Vec<u8>> =
        params.ids().map(|id| params[id].iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = params.ids().zip(&bytes).map(|(id, bytes)| {
        let view = TensorView::new(Dtype::F32, params.shape(id).dims().to_vec(), bytes)?;
        Ok((params.name(id), view))
    });
    let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    let header = [(KIND.to_owned(), kind.to_owned()), (CONFIG.to_owned(), config)];
    safetensors::serialize(views, Some(header.into_iter().collect()))
}

/// Writes a file beside `path` and renames it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name"))?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let result = written.and_then(|()| fs::rename(&beside, path));
    if result.is_err() {
        // What is left of the attempt is of no use; that it cannot be removed is not the error to report.
        let _ = fs::remove_file(&beside);
    }
    result
}

fn load<C: DeserializeOwned, M>(
    kind: &'static str,
    path: &Path,
    build: impl FnOnce(C, usize) -> Result<(Params, M), LoadProblem>,
) -> Result<(Params, M), LoadError> {
    let attempt = || -> Result<(Params, M), LoadProblem> {
        let bytes = fs::read(path)?;
        let format = |error: safetensors::SafeTensorError| LoadProblem::Format(error.to_string());
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(format)?;
        let config = config(kind, &header)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(format)?;
        let found = bytes.len() / size_of::<f32>();
        let (mut params, model) = build(config, found)?;
        fill(&mut params, &tensors)?;
        Ok((params, model))
    };
    attempt().map_err(|problem| LoadError { path: path.to_owned(), problem })
}

fn config<C: DeserializeOwned>(kind: &'static str, header: &Metadata) -> Result<C, LoadProblem> {
    let entry = |name: &str| header.metadata().as_ref().and_then(|entries| entries.get(name));
    let found = entry(KIND);
    if found.is_none_or(|found| found != kind) {
        return Err(LoadProblem::Kind { expected: kind, found: found.cloned() });
    }
    let text = entry(CONFIG).ok_or_else(|| LoadProblem::Config("it is missing".to_owned()))?;
    serde_json::from_str(text).map_err(|error| LoadProblem::Config(error.to_string()))
}

/// Overwrites all parameters with those of the file.
fn fill(params: &mut Params, tensors: &SafeTensors<'_>) -> Result<(), LoadProblem> {
    for id in params.ids() {
        let (name, expected) = (params.name(id).to_owned(), params.shape(id));
        let Ok(found) = tensors.tensor(&name) else { return Err(LoadProblem::Missing(name)) };
        if found.dtype() != Dtype::F32 || found.shape() != expected.dims() {
            let (expected, dtype) = (expected.dims().to_vec(), format!("{:?}", found.dtype()));
            let found = found.shape().to_vec();
            return Err(LoadProblem::Shape { name, expected, dtype, found });
        }
        let (values, _) = found.data().as_chunks::<4>();
        params[id].iter_mut().zip(values).for_each(|(x, bytes)| *x = f32::from_le_bytes(*bytes));
    }
    let mut names = tensors.names();
    names.sort_unstable();
    match names.into_iter().find(|name| params.id(name).is_none()) {
        Some(name) => Err(LoadProblem::Unexpected(name.to_owned())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Corruption, Likelihood, Loss};
    use layerwise_autograd::Activation;
    use std::collections::HashMap;

    fn config() -> Autoencoder {
        Autoencoder::new(&[6, 4, 2])
            .activation(Activation::LeakyRelu { slope: 0.1 })
            .tied()
            .batch_norm()
            .dropout(0.1)
            .loss(Loss::BceWithLogits)
            .corruption(Corruption::masking(0.25))
            .init(Init::XavierNormal)
    }

    /// The text of what is wrong with a file of these bytes.
    fn problem(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, bytes).unwrap();
        let error = AutoencoderModel::load(&path).unwrap_err();
        assert!(error.to_string().starts_with(&format!("loading {}: ", path.display())));
        error.problem.to_string()
    }

    fn file(config: &str, tensors: &[(&str, &[usize])]) -> Vec<u8> {
        let bytes = [0; 4096];
        let views = tensors.iter().map(|(name, shape)| {
            let len = shape.iter().product::<usize>() * 4;
            (*name, TensorView::new(Dtype::F32, shape.to_vec(), &bytes[..len]).unwrap())
        });
        let header = [(KIND, "autoencoder"), (CONFIG, config)].map(|(k, v)| (k.to_owned(), v.to_owned()));
        safetensors::serialize(views, Some(header.into_iter().collect())).unwrap()
    }

    #[test]
    fn a_model_comes_back_with_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let mut params = Params::new();
        let model = config().build(&mut params.root(), &mut Rng::seed(3));
        model.save(&params, &path).unwrap();
        // Over the file that is there, with nothing left beside it.
        model.save(&params, &path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let (loaded, again) = AutoencoderModel::load(&path).unwrap();
        assert_eq!((loaded.layout(), loaded.flat()), (params.layout(), params.flat()));
        assert_eq!(again.config(), &config());

        let vae =
            Vae::new(&[6, 5, 2]).likelihood(Likelihood::Gaussian { std: 0.5 }).beta(2.0).init(Init::HeNormal);
        let mut params = Params::new();
        let model = vae.build(&mut params.root(), &mut Rng::seed(3));
        model.save(&params, &path).unwrap();
        let (loaded, again) = VaeModel::load(&path).unwrap();
        assert_eq!((loaded.flat(), again.config()), (params.flat(), &vae));
        assert_eq!(problem(&fs::read(&path).unwrap()), r#"expected "autoencoder", the file has Some("vae")"#);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let config = serde_json::to_string(&Autoencoder::new(&[3, 2])).unwrap();
        let names: [(&str, &[usize]); 4] = [
            ("encoder.0.weight", &[2, 3]),
            ("encoder.0.bias", &[2]),
            ("decoder.0.weight", &[3, 2]),
            ("decoder.0.bias", &[3]),
        ];
        let whole = file(&config, &names);
        assert!(problem(&whole[..whole.len() - 4]).starts_with("it is no safetensors file: "));
        assert!(problem(b"").starts_with("it is no safetensors file: "));
        assert_eq!(problem(&file(&config, &names[..3])), r#"parameter "decoder.0.bias" is missing"#);
        let mut more = names.to_vec();
        more.push(("decoder.2.bias", &[1]));
        assert_eq!(problem(&file(&config, &more)), r#"parameter "decoder.2.bias" is not one of the model's"#);
        let mut other = names;
        other[0].1 = &[3, 2];
        assert_eq!(
            problem(&file(&config, &other)),
            r#"parameter "encoder.0.weight": expected F32 [2, 3], found F32 [3, 2]"#
        );
        assert!(problem(&file("{}", &names)).starts_with("its configuration: missing field `encoder`"));
        let zero = config.replace("[3,2]", "[3,0]");
        assert_eq!(
            problem(&file(&zero, &names)),
            "its configuration: an encoder has at least two widths (input and code), none of them 0; found [3, 0]"
        );
        let huge = config.replace("[3,2]", "[3,99999999999,2]");
        let text = problem(&file(&huge, &names));
        assert!(
            text.starts_with(
                "its configuration asks for weights of 500000000001 numbers, the file has room for "
            ),
            "{text}"
        );
        let endless = config.replace("[3,2]", "[3,18446744073709551615,2]");
        assert!(problem(&file(&endless, &names)).contains("weights of too many numbers"));
        assert_eq!(
            problem(&safetensors::serialize(HashMap::<String, TensorView<'_>>::new(), None).unwrap()),
            r#"expected "autoencoder", the file has None"#
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("model");
        let mut params = Params::new();
        let model = config().build(&mut params.root(), &mut Rng::seed(3));
        let error = model.save(&params, &path).unwrap_err();
        assert!(error.to_string().starts_with(&format!("saving {}: ", path.display())), "{error}");
        assert!(matches!(AutoencoderModel::load(&path).unwrap_err().problem, LoadProblem::Io(_)));
    }
}
