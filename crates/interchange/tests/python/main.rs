//! Programs of others read what we write, and we read what they write. `LAYERWISE_PYTHON` names an interpreter with the packages of
//! `golden/requirements.txt`; without it, and without the packages that a part needs, this says what it leaves out.

#[cfg(any(feature = "safetensors", feature = "onnx", feature = "tensorboard"))]
mod checks;
#[cfg(any(feature = "safetensors", feature = "onnx"))]
#[path = "../common/mod.rs"]
mod common;

fn main() {
    #[cfg(any(feature = "safetensors", feature = "onnx", feature = "tensorboard"))]
    checks::run();
}
