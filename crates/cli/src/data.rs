//! What a path on the command line holds.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use layerwise::data::images::{ImageFolder, ImageFolderConfig};
use layerwise::data::{CsvConfig, Examples, Preprocessing, Table, Targets, Wanted, images};
use layerwise::prelude::*;

use crate::arrays::{Labelled, Names, open_inputs};
use crate::model::Input;

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
            "npy" | "npz" => Kind::Array,
            "png" | "jpg" | "jpeg" => Kind::Image,
            _ => Kind::Table,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Mnist => "the embedded MNIST",
            Kind::Table => "a table (CSV)",
            Kind::Array => "an array (.npy, .npz)",
            Kind::Image => "an image",
            Kind::Folder => "a folder of images",
        }
    }
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
pub fn inputs(input: &Input, path: &Path) -> anyhow::Result<Tensor> {
    match (input, Kind::of(path)) {
        (Input::Table { preprocessing, csv }, Kind::Table) => {
            Ok(encode(preprocessing, &all_rows(preprocessing, csv, path, Wanted::Inputs)?, false)?.inputs)
        }
        (Input::Images { size: [28, 28], .. }, Kind::Mnist) => Ok(mnist_test()),
        (Input::Images { size, is_mnist, .. }, Kind::Image) => image(path, *size, *is_mnist),
        (Input::Images { size, .. }, Kind::Folder) => Ok(open_folder(path, Some(*size))?.inputs()),
        (Input::Images { size, .. }, Kind::Array) => {
            let (array, _) = open_inputs(path, &Names::default().inputs)?;
            of_width(array, size[0] * size[1], path)
        }
        (Input::Array { scaler, names, .. }, Kind::Array) => {
            let (array, _) = open_inputs(path, &names.inputs)?;
            let mut array = of_width(array, scaler.width(), path)?;
            scaler.apply(&mut array);
            Ok(array)
        }
        (input, kind) => Err(mismatch(input, kind, path)),
    }
}

/// All examples of a file with their targets, as a model takes them. `target` names the targets of arrays.
pub fn examples(input: &Input, path: &Path, target: Option<&str>) -> anyhow::Result<Examples> {
    match (input, Kind::of(path)) {
        (Input::Table { preprocessing, csv }, Kind::Table) => {
            encode(preprocessing, &all_rows(preprocessing, csv, path, Wanted::InputsAndTargets)?, true)
        }
        (Input::Images { is_mnist: true, .. }, Kind::Mnist) => {
            Ok(with_classes(mnist_test(), Mnist::embedded().test.labels().iter().map(|&label| label.into())))
        }
        (Input::Images { size, class_names, .. }, Kind::Folder) => {
            let folder = open_folder(path, Some(*size))?;
            anyhow::ensure!(
                folder.class_names == *class_names,
                "{}: its folders are {}, the model's classes {}",
                path.display(),
                folder.class_names.join(", "),
                class_names.join(", ")
            );
            Ok(with_classes(folder.inputs(), folder.labels.iter().copied()))
        }
        (Input::Array { scaler, names, learned: Some(learned) }, Kind::Array) => {
            let mut labelled = Labelled::open(path, target, names)?;
            labelled.inputs = of_width(labelled.inputs, scaler.width(), path)?;
            labelled.encode(scaler, learned)
        }
        (input, kind) => Err(mismatch(input, kind, path)),
    }
}

fn all_rows(
    preprocessing: &Preprocessing,
    csv: &CsvConfig,
    path: &Path,
    wanted: Wanted,
) -> anyhow::Result<Table> {
    let table = preprocessing.reader(path, csv, wanted)?.next_rows(u32::MAX as usize)?;
    table.with_context(|| format!("{}: there are no rows", path.display()))
}

/// Images, from 0 to 1, and their classes.
pub fn with_classes(inputs: Tensor, labels: impl Iterator<Item = u32>) -> Examples {
    Examples { inputs, targets: Targets::Classes(labels.collect()), unseen: BTreeMap::new() }
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
pub fn encode(preprocessing: &Preprocessing, table: &Table, with_targets: bool) -> anyhow::Result<Examples> {
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
        Input::Array { .. } => "an array (.npy, .npz)",
    };
    anyhow::anyhow!("{}: this is {}, the model takes {expected}", path.display(), kind.name())
}
