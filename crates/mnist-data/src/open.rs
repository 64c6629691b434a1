//! From IDX files in a folder to sets.

use std::path::{Path, PathBuf};

use ndarray::{Array1, Array3, ArrayD, Ix2, Ix3};

use crate::family::Part;
use crate::idx::{self, IdxArray};
use crate::{DataError, Family, ImageSet, Mnist};

/// More than three times the largest member (EMNIST by class has 547 MB of training pixels): a small compressed file
/// cannot make us fill the machine's memory.
const LIMIT: u64 = 2 << 30;

impl Mnist {
    /// Reads MNIST from the four IDX files in `folder`; see [`Family::open`].
    ///
    /// # Errors
    ///
    /// Those of [`Family::open`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, DataError> {
        Family::Mnist.open(folder)
    }
}

impl Family {
    /// Reads this member's four IDX files from `folder`.
    ///
    /// The names are the published ones, such as `train-images-idx3-ubyte`, also with a dot for the hyphen
    /// (`train-images.idx3-ubyte`), and each also with `.gz`. A file is decompressed if its content is gzip.
    ///
    /// # Errors
    ///
    /// [`DataError`]: a folder or file that is missing, a file that is not the right kind of IDX file, counts of images
    /// and labels that differ, a label that names no class, more than 2 GiB in one file.
    pub fn open(self, folder: impl AsRef<Path>) -> Result<Mnist, DataError> {
        let folder = folder.as_ref();
        if !folder.is_dir() {
            return Err(DataError::NotAFolder { path: folder.to_owned() });
        }
        let set = |part| {
            let images = find(folder, &self.image_file(part))?;
            let labels = find(folder, &self.label_file(part))?;
            assemble(self, load(&images)?, load(&labels)?)
        };
        Ok(Mnist { train: set(Part::Train)?, test: set(Part::Test)? })
    }
}

fn find(folder: &Path, name: &str) -> Result<PathBuf, DataError> {
    let dotted = name.replacen("-idx", ".idx", 1);
    let tried = [name.to_owned(), format!("{name}.gz"), dotted.clone(), format!("{dotted}.gz")];
    match tried.iter().map(|name| folder.join(name)).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => Err(DataError::MissingFile { folder: folder.to_owned(), tried: tried.into() }),
    }
}

fn load(path: &Path) -> Result<(IdxArray, String), DataError> {
    Ok((idx::open_bounded(path, LIMIT)?, path.display().to_string()))
}

/// A set of a family member from its two arrays, each with the name of its source.
pub(crate) fn assemble(
    family: Family,
    (images, image_name): (IdxArray, String),
    (labels, label_name): (IdxArray, String),
) -> Result<ImageSet, DataError> {
    let images = image_array(family, images, &image_name)?;
    let labels = class_array(family, labels, &label_name)?;
    let (n, m) = (images.dim().0, labels.len());
    if n != m {
        let context = format!("{image_name} and {label_name}");
        return Err(DataError::CountMismatch { context, images: n, labels: m });
    }
    ImageSet::new(images, labels)?.with_class_names(family.class_names())
}

fn image_array(family: Family, array: IdxArray, name: &str) -> Result<Array3<u8>, DataError> {
    let mut images = match array {
        IdxArray::U8(array) if array.ndim() == 3 => fixed::<u8, Ix3>(array),
        other => return Err(unexpected(&other, "u8 [n, rows, cols]", name)),
    };
    if family.is_transposed() {
        images.swap_axes(1, 2);
    }
    Ok(images)
}

fn class_array(family: Family, array: IdxArray, name: &str) -> Result<Array1<u8>, DataError> {
    match (family, array) {
        (Family::Qmnist, IdxArray::I32(table)) if table.ndim() == 2 && table.shape()[1] == 8 => {
            let table = fixed::<i32, Ix2>(table);
            classes(family, table.column(0).iter().map(|&label| label.into()), name)
        }
        (Family::Qmnist, other) => Err(unexpected(&other, "i32 [n, 8]", name)),
        (_, IdxArray::U8(labels)) if labels.ndim() == 1 => {
            classes(family, labels.iter().map(|&label| label.into()), name)
        }
        (_, other) => Err(unexpected(&other, "u8 [n]", name)),
    }
}

/// The classes, from 0, of labels as they stand in the file.
fn classes(family: Family, labels: impl Iterator<Item = i64>, name: &str) -> Result<Array1<u8>, DataError> {
    let first = i64::from(family.first_label());
    let end = first + family.class_names().len() as i64;
    let class = |(index, label)| match u8::try_from(label - first) {
        Ok(class) if label < end => Ok(class),
        _ => Err(DataError::LabelOutOfRange { context: name.to_owned(), index, label, first, end }),
    };
    labels.enumerate().map(class).collect()
}

fn fixed<T, D: ndarray::Dimension>(array: ArrayD<T>) -> ndarray::Array<T, D> {
    array.into_dimensionality().expect("the caller has compared the number of dimensions")
}

fn unexpected(array: &IdxArray, expected: &'static str, name: &str) -> DataError {
    let found = format!("{} {:?}", array.element_type(), array.shape());
    DataError::UnexpectedArray { context: name.to_owned(), expected, found }
}
