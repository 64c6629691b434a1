//! What a path on the command line holds.

use std::path::Path;

use anyhow::Context;
use layerwise::data::images::{ImageFolder, ImageFolderConfig};
use layerwise::data::{Preprocessing, Table, Wanted, images, npy};
use layerwise::prelude::*;

use crate::model::{Description, Input};

/// The word for the embedded MNIST.
pub const MNIST: &str = "mnist";

/// The kinds of data that a path can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Mnist,
    Table,
    Array,
    Image,
    Folder,
}

impl Kind {
    /// By its name: a word, a folder, or the ending. Anything else is taken for a table.
    pub fn of(path: &Path) -> Kind {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match &*ending {
            _ if path == Path::new(MNIST) => Kind::Mnist,
            _ if path.is_dir() => Kind::Folder,
            "npy" => Kind::Array,
            "png" | "jpg" | "jpeg" => Kind::Image,
            _ => Kind::Table,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Mnist => "the embedded MNIST",
            Kind::Table => "a table (CSV)",
            Kind::Array => "an array (.npy)",
            Kind::Image => "an image",
            Kind::Folder => "a folder of images",
        }
    }
}

/// `[n, ..]` as a matrix.
pub fn flat(array: Tensor) -> anyhow::Result<Tensor> {
    let shape = array.shape();
    anyhow::ensure!(
        shape.rank() >= 2,
        "an array of shape {shape}, expected two dimensions or more: examples first"
    );
    anyhow::ensure!(shape.len() > 0, "an array of shape {shape} has no elements");
    let rows = shape.dims()[0];
    if let Some(at) = array.as_slice().iter().position(|x| !x.is_finite()) {
        let (example, found) = (at / (shape.len() / rows), array.as_slice()[at]);
        anyhow::bail!("element {at} (example {example}) is {found}, expected a finite number");
    }
    Ok(array.reshape([rows, shape.len() / rows]))
}

/// An array file as a matrix.
pub fn open_array(path: &Path) -> anyhow::Result<Tensor> {
    flat(npy::open(path)?).with_context(|| path.display().to_string())
}

/// A folder of images, all brought to one size if there is one.
pub fn open_folder(path: &Path, size: Option<[usize; 2]>) -> anyhow::Result<ImageFolder> {
    Ok(ImageFolder::open(path, &ImageFolderConfig { size })?)
}

/// MNIST's test images as a matrix.
pub fn mnist_test() -> Tensor {
    Tensor::from(Mnist::embedded().test.to_f32())
}

/// All examples of a file as the inputs of a model, without targets.
pub fn inputs(description: &Description, path: &Path) -> anyhow::Result<Tensor> {
    let kind = Kind::of(path);
    match (&description.input, kind) {
        (Input::Table { preprocessing, csv }, Kind::Table) => {
            let mut reader = preprocessing.reader(path, csv, Wanted::Inputs)?;
            let table = reader.next_rows(u32::MAX as usize)?;
            let table = table.with_context(|| format!("{}: there are no rows", path.display()))?;
            encode(preprocessing, &table, false).map(|examples| examples.inputs)
        }
        (Input::Images { size: [28, 28], .. }, Kind::Mnist) => Ok(mnist_test()),
        (Input::Images { size, is_mnist, .. }, Kind::Image) => image(path, *size, *is_mnist),
        (Input::Images { size, .. }, Kind::Folder) => Ok(open_folder(path, Some(*size))?.inputs()),
        (Input::Images { size, .. }, Kind::Array) => of_width(open_array(path)?, size[0] * size[1], path),
        (Input::Array { scaler }, Kind::Array) => {
            let mut array = of_width(open_array(path)?, scaler.width(), path)?;
            scaler.apply(&mut array);
            Ok(array)
        }
        (input, kind) => Err(mismatch(input, kind, path)),
    }
}

fn of_width(array: Tensor, width: usize, path: &Path) -> anyhow::Result<Tensor> {
    let found = array.shape().last();
    anyhow::ensure!(
        found == width,
        "{}: examples of {found} numbers, the model takes {width}",
        path.display()
    );
    Ok(array)
}

/// Applies the rules of a model to a table and says on the standard error how many categories were not known.
pub fn encode(
    preprocessing: &Preprocessing,
    table: &Table,
    with_targets: bool,
) -> anyhow::Result<layerwise::data::Examples> {
    let examples =
        if with_targets { preprocessing.apply(table)? } else { preprocessing.apply_to_inputs(table)? };
    for (column, count) in &examples.unseen {
        eprintln!(
            "note: {}, column '{column}': {count} value(s) that the training data did not have; their inputs are 0",
            table.name()
        );
    }
    Ok(examples)
}

/// One image as a row.
pub fn image(path: &Path, size: [usize; 2], is_mnist: bool) -> anyhow::Result<Tensor> {
    let image = images::open(path)?;
    let image = if is_mnist {
        images::digit(image.view())
            .with_context(|| format!("{}: there is nothing on the image", path.display()))?
    } else {
        images::resize(image.view(), size)
    };
    Ok(Tensor::new([1, size[0] * size[1]], image.iter().map(|&x| f32::from(x) / 255.0).collect()))
}

/// The model was made for other data.
pub fn mismatch(input: &Input, kind: Kind, path: &Path) -> anyhow::Error {
    let expected = match input {
        Input::Table { .. } => "a table (CSV)",
        Input::Images { is_mnist: true, .. } => "images, or the word mnist",
        Input::Images { .. } => "images",
        Input::Array { .. } => "an array (.npy)",
    };
    anyhow::anyhow!("{}: this is {}, the model takes {expected}", path.display(), kind.name())
}
