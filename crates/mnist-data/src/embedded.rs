//! MNIST inside the crate.

use std::sync::OnceLock;

use ruzstd::decoding::StreamingDecoder;

use crate::idx::{self, IdxArray};
use crate::{DataError, Family, Mnist, open};

/// Compressed IDX files; `data/README.md` says how they were made.
struct Files {
    images: &'static [u8],
    labels: &'static [u8],
}

const TRAIN: Files = Files {
    images: include_bytes!("../data/train-images-idx3-ubyte.zst"),
    labels: include_bytes!("../data/train-labels-idx1-ubyte.zst"),
};
const TEST: Files = Files {
    images: include_bytes!("../data/t10k-images-idx3-ubyte.zst"),
    labels: include_bytes!("../data/t10k-labels-idx1-ubyte.zst"),
};

impl Mnist {
    /// MNIST itself: 60 000 training and 10 000 test images of 28 x 28 pixels, with no file and no network.
    ///
    /// Decoded at the first call (about 0.3 s in release), then shared by the whole process: 55 MB.
    pub fn embedded() -> &'static Self {
        static MNIST: OnceLock<Mnist> = OnceLock::new();
        MNIST.get_or_init(|| {
            decode().expect("the embedded files are part of this crate and its tests compare their checksums")
        })
    }
}

fn decode() -> Result<Mnist, DataError> {
    let set = |files: &Files, name: &str| {
        open::assemble(
            Family::Mnist,
            (decompress(files.images, name)?, format!("embedded {name} images")),
            (decompress(files.labels, name)?, format!("embedded {name} labels")),
        )
    };
    Ok(Mnist { train: set(&TRAIN, "train")?, test: set(&TEST, "test")? })
}

fn decompress(bytes: &'static [u8], name: &str) -> Result<IdxArray, DataError> {
    let decoder = StreamingDecoder::new(bytes).expect("every embedded file starts with a zstd frame header");
    Ok(idx::read(decoder, name)?)
}
