use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use ::safetensors::tensor::TensorView;
use ::safetensors::{Dtype, SafeTensorError, serialize};

use super::dtype;
use crate::Params;
use crate::file::{SaveError, replace};

/// Writes all parameters, running statistics included, to a file that PyTorch's `safetensors.torch.load_file` reads as a `state_dict`, with
/// `metadata` in its header. There is always a whole file ([`replace`]).
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
    serialize(views, (!metadata.is_empty()).then(|| metadata.into_iter().collect()))
}

fn encode(dtype: Dtype, values: &[f32]) -> Vec<u8> {
    match dtype {
        Dtype::I64 => values.iter().flat_map(|&x| (x as i64).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}
