//! Folders of images, one for each class.

use std::fs;
use std::path::{Path, PathBuf};

use layerwise_tensor::Tensor;
use layerwise_tensor::data::TensorDataset;
use ndarray::{Array3, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::decode::check_size;
use super::{ImageError, ImageProblem, open, resize};

/// How a folder of images is read.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageFolderConfig {
    /// `[rows, cols]` to which every image is brought, without regard to its proportions ([`resize`]). Defaults to none: all have to have one
    /// size.
    pub size: Option<[usize; 2]>,
}

/// Labelled greyscale images, read from a folder with a folder for each class: `digits/seven/a.png`.
#[derive(Clone, PartialEq, Debug)]
pub struct ImageFolder {
    /// `[n, rows, cols]`, from 0 (black) to 255 (white), by class and then by file name.
    pub images: Array3<u8>,
    /// The class of each image.
    pub labels: Vec<u32>,
    /// The names of the classes' folders, sorted.
    pub class_names: Vec<String>,
}

impl ImageFolder {
    /// Reads all PNG and JPEG files (by the endings `.png`, `.jpg` and `.jpeg`) in the folders of `path`. Other files, files beside the
    /// folders, folders within them, and folders without images do not count.
    ///
    /// # Errors
    /// If there are no images or those of one class only, one cannot be read, or has another size than the first and none was given.
    pub fn open(path: impl AsRef<Path>, config: &ImageFolderConfig) -> Result<Self, ImageError> {
        let path = path.as_ref();
        let fail = |problem| ImageError { path: path.display().to_string(), problem };
        if let Some(size @ [rows, cols]) = config.size {
            check_size(cols, rows).map_err(fail)?;
            if size.contains(&0) {
                return Err(fail(ImageProblem::NoPixels(size)));
            }
        }
        let mut folder = Collected { pixels: Vec::new(), first: None };
        let (mut labels, mut class_names) = (Vec::new(), Vec::new());
        for class in entries(path)?.into_iter().filter(|entry| entry.is_dir()) {
            let files = entries(&class)?.into_iter().filter(|file| is_image(file));
            let before = labels.len();
            for file in files {
                folder.add(&file, config)?;
                labels.push(class_names.len() as u32);
            }
            if labels.len() > before {
                class_names.push(class.file_name().unwrap_or_default().to_string_lossy().into_owned());
            }
        }
        let Some((_, [rows, cols])) = folder.first else { return Err(fail(ImageProblem::NoImages)) };
        if let [class] = &class_names[..] {
            return Err(fail(ImageProblem::OneClass(class.clone())));
        }
        let images = Array3::from_shape_vec((labels.len(), rows, cols), folder.pixels)
            .expect("every image has this size");
        Ok(ImageFolder { images, labels, class_names })
    }

    /// The images as `[n, rows * cols]`, from 0 to 1.
    pub fn inputs(&self) -> Tensor {
        let (n, rows, cols) = self.images.dim();
        let scaled = self.images.iter().map(|&x| f32::from(x) / 255.0);
        Tensor::new([n, rows * cols], scaled.collect())
    }

    /// The images, from 0 to 1, with their classes.
    pub fn to_dataset(&self) -> TensorDataset {
        TensorDataset::new(self.inputs(), self.labels.clone())
    }

    /// One image.
    ///
    /// # Panics
    /// If there are not as many.
    #[track_caller]
    pub fn image(&self, i: usize) -> ArrayView2<'_, u8> {
        assert!(i < self.labels.len(), "ImageFolder::image: image {i} of {}", self.labels.len());
        self.images.index_axis(Axis(0), i)
    }
}

/// The pixels of the images so far, and the file and size of the first.
struct Collected {
    pixels: Vec<u8>,
    first: Option<(PathBuf, [usize; 2])>,
}

impl Collected {
    fn add(&mut self, file: &Path, config: &ImageFolderConfig) -> Result<(), ImageError> {
        let mut image = open(file)?;
        if let Some(size) = config.size {
            image = resize(image.view(), size);
        }
        let found = [image.nrows(), image.ncols()];
        let (first, expected) = self.first.get_or_insert_with(|| (file.to_owned(), found));
        if found != *expected {
            let (expected, first) = (*expected, first.display().to_string());
            let problem = ImageProblem::Size { found, expected, first };
            return Err(ImageError { path: file.display().to_string(), problem });
        }
        self.pixels.extend(image);
        Ok(())
    }
}

/// What is in a folder, sorted by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let mut entries =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        entries.sort_unstable();
        Ok(entries)
    };
    read().map_err(|error| ImageError { path: folder.display().to_string(), problem: error.into() })
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    path.is_file() && ["png", "jpg", "jpeg"].contains(&&*ending)
}
