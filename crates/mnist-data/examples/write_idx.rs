//! Writes the embedded MNIST as its four IDX files, for programs that read those.
//!
//! `cargo run --release -p layerwise-mnist-data --example write_idx -- FOLDER`

use std::error::Error;
use std::path::Path;

use layerwise_mnist_data::{Mnist, idx};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder? usage: write_idx FOLDER")?;
    std::fs::create_dir_all(&folder)?;
    let mnist = Mnist::embedded();
    for (name, set) in [("train", &mnist.train), ("t10k", &mnist.test)] {
        let at = |kind: &str| Path::new(&folder).join(format!("{name}-{kind}-ubyte"));
        idx::save(at("images-idx3"), set.images())?;
        idx::save(at("labels-idx1"), set.labels())?;
    }
    println!("wrote four files to {folder}");
    Ok(())
}
