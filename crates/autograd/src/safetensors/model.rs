//! A model in one file: its parameters, and what it is built from.

use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{LoadError, LoadProblem, SaveError, StateDict, save};
use crate::Params;

const KIND: &str = "layerwise.model";
const CONFIG: &str = "layerwise.config";

/// [`save`] with the kind of the model and its configuration in the metadata, the latter as JSON.
///
/// # Errors
/// If the file cannot be written, or the configuration has no form in JSON.
pub fn save_model(
    kind: &str,
    config: &impl Serialize,
    params: &Params,
    path: impl AsRef<Path>,
) -> Result<(), SaveError> {
    let path = path.as_ref();
    let config = serde_json::to_string(config).map_err(io::Error::from);
    let config = config.map_err(|source| SaveError { path: path.to_owned(), source })?;
    save(params, [(KIND, kind), (CONFIG, &config)], path)
}

/// Reads what [`save_model`] has written: `build` makes parameters and model of the configuration, then the parameters are overwritten.
///
/// `build` is also told how many numbers the file has room for. It ought to refuse a configuration whose model is larger before it makes it
/// ([`LoadProblem::check_count`]), and one that makes no model, as it comes from outside.
///
/// ```
/// use layerwise_autograd::Params;
/// use layerwise_autograd::safetensors::{LoadProblem, load_model, save_model};
///
/// let build = |width: usize, found: usize| -> Result<_, LoadProblem> {
///     LoadProblem::check_count(Some(width), found)?;
///     let mut params = Params::new();
///     let model = params.root().parameter("weight", [width], |_| ());
///     Ok((params, model))
/// };
/// let path = std::env::temp_dir().join("layerwise-model.safetensors");
/// let (mut params, model) = build(3, usize::MAX)?;
/// params[model].copy_from_slice(&[1.0, 2.0, 3.0]);
/// save_model("line", &3, &params, &path)?;
///
/// let (params, model) = load_model("line", &path, build)?;
/// assert_eq!(params[model], [1.0, 2.0, 3.0]);
/// let error = load_model("circle", &path, build).unwrap_err();
/// assert!(error.to_string().ends_with(r#"expected "circle", the file has Some("line")"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be read, is damaged, or does not hold just such a model.
pub fn load_model<C: DeserializeOwned, M>(
    kind: &'static str,
    path: impl AsRef<Path>,
    build: impl FnOnce(C, usize) -> Result<(Params, M), LoadProblem>,
) -> Result<(Params, M), LoadError> {
    let path = path.as_ref();
    let file = StateDict::read(path)?;
    let attempt = || -> Result<(Params, M), LoadProblem> {
        let (mut params, model) = build(config(kind, &file)?, file.room())?;
        file.load_into(&mut params)?;
        Ok((params, model))
    };
    attempt().map_err(|problem| LoadError { path: path.to_owned(), problem })
}

fn config<C: DeserializeOwned>(kind: &'static str, file: &StateDict) -> Result<C, LoadProblem> {
    let found = file.metadata().get(KIND);
    if found.is_none_or(|found| found != kind) {
        return Err(LoadProblem::Kind { expected: kind, found: found.cloned() });
    }
    let text = file.metadata().get(CONFIG).ok_or_else(|| LoadProblem::Config("it is missing".to_owned()))?;
    serde_json::from_str(text).map_err(|error| LoadProblem::Config(error.to_string()))
}
