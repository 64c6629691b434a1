//! Where each member is published, and by which checksums its files are known.
//!
//! MD5 as in torchvision (`torchvision/datasets/mnist.py`), SHA-256 and length as in TensorFlow Datasets
//! (`tensorflow_datasets/url_checksums/`). For QMNIST neither a SHA-256 nor a length is published.

use crate::Family;

/// A file and how to recognise it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RemoteFile {
    pub name: &'static str,
    pub kind: FileKind,
    /// In bytes, where it is published.
    pub length: Option<u64>,
    pub md5: &'static str,
    pub sha256: Option<&'static str>,
}

impl RemoteFile {
    /// The most a mirror may send. The largest file of unknown length (QMNIST's images) has about 10 MB.
    pub(super) fn limit(&self) -> u64 {
        self.length.unwrap_or(64 << 20)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Gzip,
    Zip,
}

impl FileKind {
    pub(super) fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => &[0x1F, 0x8B],
            Self::Zip => b"PK",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "a gzip file",
            Self::Zip => "a zip archive",
        }
    }
}

/// The mirrors and files of one family member. Every mirror's address ends where the file's name begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub mirrors: &'static [&'static str],
    pub files: &'static [RemoteFile],
}

pub(super) fn source(family: Family) -> Source {
    match family {
        Family::Mnist => MNIST,
        Family::FashionMnist => FASHION_MNIST,
        Family::Kmnist => KMNIST,
        Family::Emnist(_) => EMNIST,
        Family::Qmnist => QMNIST,
    }
}

const fn gzip(name: &'static str, length: u64, md5: &'static str, sha256: &'static str) -> RemoteFile {
    RemoteFile { name, kind: FileKind::Gzip, length: Some(length), md5, sha256: Some(sha256) }
}

const fn gzip_by_md5(name: &'static str, md5: &'static str) -> RemoteFile {
    RemoteFile { name, kind: FileKind::Gzip, length: None, md5, sha256: None }
}

const MNIST: Source = Source {
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ],
    files: &[
        gzip(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        gzip(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "d53e105ee54ea40749a09fcbcd1e9432",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        gzip(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "9fb629c4189551a2d022fa330f9573f3",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        gzip(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "ec29112dd5afa0611ce80d1b7f02629c",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ],
};

const FASHION_MNIST: Source = Source {
    mirrors: &[
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ],
    files: &[
        gzip(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        gzip(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "25c81989df183df01b3e8a0aad5dffbe",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        gzip(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "bef4ecab320f06d8554ea6380940ec79",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        gzip(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "bb300cfdad3c16e7a12a480ee83cd310",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ],
};

/// One host publishes the IDX files; its second address serves where the first is blocked or redirected.
const KMNIST: Source = Source {
    mirrors: &[
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ],
    files: &[
        gzip(
            "train-images-idx3-ubyte.gz",
            18_165_135,
            "bdb82020997e1d708af4cf47b453dcf7",
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        ),
        gzip(
            "train-labels-idx1-ubyte.gz",
            29_497,
            "e144d726b3acfaa3e44228e80efcd344",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        ),
        gzip(
            "t10k-images-idx3-ubyte.gz",
            3_041_136,
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        ),
        gzip(
            "t10k-labels-idx1-ubyte.gz",
            5_120,
            "7320c461ea6c1c855c0b718fb2a4b134",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ],
};

/// One archive with the gzip files of all six splits.
const EMNIST: Source = Source {
    mirrors: &[
        "https://biometrics.nist.gov/cs_links/EMNIST/",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
    ],
    files: &[RemoteFile {
        name: "gzip.zip",
        kind: FileKind::Zip,
        length: Some(561_753_746),
        md5: "58c8d27c78d21e728a6bc7b3cc06412e",
        sha256: Some("fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"),
    }],
};

const QMNIST: Source = Source {
    mirrors: &[
        "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
        "https://github.com/facebookresearch/qmnist/raw/master/",
    ],
    files: &[
        gzip_by_md5("qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
        gzip_by_md5("qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4"),
        gzip_by_md5("qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
        gzip_by_md5("qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa"),
    ],
};
