//! Parameters in a file of the safetensors format, under the names that PyTorch's `state_dict` has for them.
//!
//! The format is a JSON header with names, types, shapes and places, then the numbers; the header has room for a map of texts, the
//! *metadata*. Everything is `F32` but `num_batches_tracked`, which is an integer in PyTorch and an `I64` here.
//!
//! - [`save`] and [`StateDict`] are for parameters whose shapes the reader knows, as `torch.save(model.state_dict())` is.
//! - [`save_model`] and [`load_model`] keep the configuration of the model in the metadata, so that the file alone is enough.
//!
//! ```
//! use layerwise_autograd::safetensors::{self, StateDict};
//! use layerwise_autograd::{Params, Tensor};
//!
//! let mut params = Params::new();
//! params.root().child(0).parameter("weight", [2, 3], |values| values.fill(0.5));
//! let path = std::env::temp_dir().join("layerwise-state-dict.safetensors");
//! safetensors::save(&params, [("epochs", "10")], &path)?;
//!
//! let file = StateDict::read(&path)?;
//! assert_eq!(file.metadata()["epochs"], "10");
//! params.set("0.weight", &Tensor::zeros([2, 3]));
//! file.load_into(&mut params)?;
//! assert_eq!(params.get("0.weight").unwrap(), Tensor::full([2, 3], 0.5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod load;
mod model;
mod save;
#[cfg(test)]
mod tests;

pub use crate::file::SaveError;
pub use error::{LoadError, LoadProblem};
pub use load::{StateDict, Unmatched};
pub use model::{load_model, save_model};
pub use save::save;

use ::safetensors::Dtype;

/// The type that a parameter has in a file: PyTorch counts batches in integers.
fn dtype(name: &str) -> Dtype {
    match name.rsplit('.').next() {
        Some("num_batches_tracked") => Dtype::I64,
        _ => Dtype::F32,
    }
}
