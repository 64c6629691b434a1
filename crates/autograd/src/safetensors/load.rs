use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ::safetensors::tensor::{Metadata, TensorInfo};
use ::safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::{LoadError, LoadProblem, dtype};
use crate::{ParamId, Params};

/// The tensors of a file by name, and the metadata of its header. Names, types, sizes and places have been checked against the length of the
/// file.
#[derive(Clone, Debug)]
pub struct StateDict {
    bytes: Vec<u8>,
    /// Where the numbers begin.
    start: usize,
    header: Metadata,
    metadata: BTreeMap<String, String>,
}

/// What has no counterpart on the other side: the result of [`StateDict::load_matching_into`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unmatched {
    /// Parameters that the file does not have, in the order of declaration. They keep their values.
    pub missing: Vec<String>,
    /// Tensors of the file that the model does not have, by name.
    pub unexpected: Vec<String>,
}

impl StateDict {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is not in the format.
    pub fn read(path: impl AsRef<Path>) -> Result<StateDict, LoadError> {
        let path = path.as_ref();
        let attempt = || StateDict::from_bytes(fs::read(path)?);
        attempt().map_err(|problem| LoadError { path: path.to_owned(), problem })
    }

    /// The same from memory.
    ///
    /// # Errors
    /// If the bytes are not in the format.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<StateDict, LoadProblem> {
        let format = |error: SafeTensorError| LoadProblem::Format(error.to_string());
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(format)?;
        let metadata = header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        Ok(StateDict { start: bytes.len() - header.data_len(), bytes, header, metadata })
    }

    /// The texts of the header.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The names of the tensors, in the order of the alphabet.
    pub fn names(&self) -> Vec<String> {
        let mut names = self.header.offset_keys();
        names.sort_unstable();
        names
    }

    /// The shape of a tensor. `None` if there is no such one.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.header.info(name).map(|info| &info.shape[..])
    }

    /// How many numbers of four bytes the file has room for, the header included.
    pub fn room(&self) -> usize {
        self.bytes.len() / size_of::<f32>()
    }

    /// Overwrites all parameters with the tensors of their names: PyTorch's `load_state_dict(strict=True)`.
    ///
    /// # Errors
    /// If one is missing or of another type or shape, or the file has one more. Nothing has changed then.
    pub fn load_into(&self, params: &mut Params) -> Result<(), LoadProblem> {
        let Unmatched { missing, unexpected } = self.compare(params)?;
        if let Some(name) = missing.into_iter().next() {
            return Err(LoadProblem::Missing(name));
        }
        if let Some(name) = unexpected.into_iter().next() {
            return Err(LoadProblem::Unexpected(name));
        }
        self.fill(params);
        Ok(())
    }

    /// Overwrites the parameters that the file has, and says what was left out on either side: PyTorch's `load_state_dict(strict=False)`.
    ///
    /// # Errors
    /// If one has another type or shape. Nothing has changed then.
    pub fn load_matching_into(&self, params: &mut Params) -> Result<Unmatched, LoadProblem> {
        let unmatched = self.compare(params)?;
        self.fill(params);
        Ok(unmatched)
    }

    /// The names on one side only. An error if what is on both does not fit.
    fn compare(&self, params: &Params) -> Result<Unmatched, LoadProblem> {
        let mut missing = vec![];
        for id in params.ids() {
            match self.header.info(params.name(id)) {
                Some(found) => check(params, id, found)?,
                None => missing.push(params.name(id).to_owned()),
            }
        }
        let known: std::collections::HashSet<_> = params.ids().map(|id| params.name(id)).collect();
        let mut unexpected = self.names();
        unexpected.retain(|name| !known.contains(name.as_str()));
        Ok(Unmatched { missing, unexpected })
    }

    fn fill(&self, params: &mut Params) {
        for id in params.ids() {
            let Some(found) = self.header.info(params.name(id)) else { continue };
            let (from, to) = found.data_offsets;
            let bytes = &self.bytes[self.start + from..self.start + to];
            let values = params[id].iter_mut();
            match found.dtype {
                Dtype::I64 => {
                    let (numbers, _) = bytes.as_chunks();
                    values.zip(numbers).for_each(|(x, bytes)| *x = i64::from_le_bytes(*bytes) as f32);
                }
                _ => {
                    let (numbers, _) = bytes.as_chunks();
                    values.zip(numbers).for_each(|(x, bytes)| *x = f32::from_le_bytes(*bytes));
                }
            }
        }
    }
}

/// Whether a tensor can be a parameter: its shape, and `F32` or what we write ourselves.
fn check(params: &Params, id: ParamId, found: &TensorInfo) -> Result<(), LoadProblem> {
    let (name, expected) = (params.name(id), params.shape(id));
    if [Dtype::F32, dtype(name)].contains(&found.dtype) && found.shape == expected.dims() {
        return Ok(());
    }
    Err(LoadProblem::Shape {
        name: name.to_owned(),
        expected: expected.dims().to_vec(),
        dtype: format!("{:?}", found.dtype),
        found: found.shape.clone(),
    })
}
