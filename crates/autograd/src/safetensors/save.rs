use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use ::safetensors::tensor::{Metadata, TensorView};
use ::safetensors::{Dtype, SafeTensorError, SafeTensors, serialize};
use serde::Serialize;

use super::dtype;
use crate::Params;
use crate::file::{SaveError, replace};

/// What the length of a header is a multiple of, in bytes, so that the numbers lie well in memory.
const ALIGNMENT: usize = 8;

/// What readers take, in bytes.
const LARGEST_HEADER: usize = 100_000_000;

/// Writes all parameters, running statistics included, to a file that PyTorch's `safetensors.torch.load_file` reads as a `state_dict`, with
/// `metadata` in its header. There is always a whole file ([`replace`]), and the same parameters and metadata give the same bytes.
///
/// # Errors
/// If the file cannot be written, or the header is larger than the format allows (100 MB).
pub fn save<K: Into<String>, V: Into<String>>(
    params: &Params,
    metadata: impl IntoIterator<Item = (K, V)>,
    path: impl AsRef<Path>,
) -> Result<(), SaveError> {
    let path = path.as_ref();
    let metadata = metadata.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    let bytes = to_bytes(params, metadata).map_err(|error| io::Error::other(error.to_string()));
    let bytes = bytes.map_err(|source| SaveError { path: path.to_owned(), source })?;
    replace(path, &bytes)
}

/// The bytes of a file: the same for the same parameters and metadata.
pub(super) fn to_bytes(
    params: &Params,
    metadata: BTreeMap<String, String>,
) -> Result<Vec<u8>, SafeTensorError> {
    let bytes: Vec<_> = params.ids().map(|id| encode(dtype(params.name(id)), &params[id])).collect();
    let views = params.ids().zip(&bytes).map(|(id, bytes)| {
        let (name, dims) = (params.name(id), params.shape(id).dims().to_vec());
        Ok((name, TensorView::new(dtype(name), dims, bytes)?))
    });
    let views = views.collect::<Result<Vec<_>, SafeTensorError>>()?;
    with_metadata(&serialize(views, None)?, &metadata)
}

/// A header with metadata.
#[derive(Serialize)]
struct Header<'a> {
    #[serde(rename = "__metadata__", skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: Metadata,
}

/// A file that had none with metadata in its header. `serialize` would take them as a hash map and write them in another order each time.
fn with_metadata(file: &[u8], metadata: &BTreeMap<String, String>) -> Result<Vec<u8>, SafeTensorError> {
    let (length, tensors) = SafeTensors::read_metadata(file)?;
    let numbers = &file[size_of::<u64>() + length..];
    let mut header = serde_json::to_vec(&Header { metadata, tensors })?;
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    if header.len() > LARGEST_HEADER {
        return Err(SafeTensorError::HeaderTooLarge);
    }
    Ok([&(header.len() as u64).to_le_bytes()[..], &header, numbers].concat())
}

fn encode(dtype: Dtype, values: &[f32]) -> Vec<u8> {
    match dtype {
        Dtype::I64 => values.iter().flat_map(|&x| (x as i64).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}
