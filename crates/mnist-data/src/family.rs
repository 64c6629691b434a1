//! The members of the family, and how their files differ.

/// A data set in the format of MNIST: labelled images of 28 x 28 pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Handwritten digits: 60 000 training and 10 000 test images, 10 classes (LeCun, Cortes, Burges).
    Mnist,
    /// Articles of clothing, of the same size as MNIST (Xiao, Rasul, Vollgraf 2017).
    FashionMnist,
    /// Cursive hiragana, of the same size as MNIST (Clanuwat et al. 2018).
    Kmnist,
    /// Handwritten letters and digits (Cohen et al. 2017).
    ///
    /// The files hold the images transposed; they come upright out of [`open`](Family::open).
    Emnist(EmnistSplit),
    /// MNIST with the 60 000 test images from which the known 10 000 were taken (Yadav, Bottou 2019).
    ///
    /// Of the eight columns in its label files, the class is kept; [`crate::idx`] reads the others.
    Qmnist,
}

/// The six selections of EMNIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmnistSplit {
    /// 47 classes with the same number of images each: 112 800 training and 18 800 test images.
    Balanced,
    /// All 62 digits, capitals and small letters: 697 932 training and 116 323 test images.
    ByClass,
    /// As `ByClass`, with the small letters that look like their capitals merged into them: 47 classes.
    ByMerge,
    /// Ten digits: 240 000 training and 40 000 test images.
    Digits,
    /// 26 letters, capital and small together: 124 800 training and 20 800 test images.
    ///
    /// The files number them from 1; here `a` is 0, as for every other set.
    Letters,
    /// Ten digits in the size of MNIST.
    Mnist,
}

impl EmnistSplit {
    fn name(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::ByClass => "byclass",
            Self::ByMerge => "bymerge",
            Self::Digits => "digits",
            Self::Letters => "letters",
            Self::Mnist => "mnist",
        }
    }

    fn characters(self) -> &'static str {
        match self {
            Self::Balanced | Self::ByMerge => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt",
            Self::ByClass => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            Self::Digits | Self::Mnist => "0123456789",
            Self::Letters => "abcdefghijklmnopqrstuvwxyz",
        }
    }
}

/// The two halves of every member.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Train,
    Test,
}

impl Family {
    /// The names of the classes in the order of the labels.
    pub fn class_names(self) -> Vec<String> {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        match self {
            Self::Mnist | Self::Qmnist => ('0'..='9').map(String::from).collect(),
            Self::FashionMnist => names(&[
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ]),
            Self::Kmnist => names(&["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]),
            Self::Emnist(split) => split.characters().chars().map(String::from).collect(),
        }
    }

    /// The folder of this member's files in a cache.
    #[cfg(feature = "download")]
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Kmnist => "kmnist",
            Self::Emnist(_) => "emnist",
            Self::Qmnist => "qmnist",
        }
    }

    pub(crate) fn image_file(self, part: Part) -> String {
        self.file(part, "images-idx3-ubyte")
    }

    pub(crate) fn label_file(self, part: Part) -> String {
        self.file(part, if self == Self::Qmnist { "labels-idx2-int" } else { "labels-idx1-ubyte" })
    }

    fn file(self, part: Part, kind: &str) -> String {
        let part = match (self, part) {
            (_, Part::Train) => "train",
            (Self::Emnist(_) | Self::Qmnist, Part::Test) => "test",
            (_, Part::Test) => "t10k",
        };
        match self {
            Self::Emnist(split) => format!("emnist-{}-{part}-{kind}", split.name()),
            Self::Qmnist => format!("qmnist-{part}-{kind}"),
            _ => format!("{part}-{kind}"),
        }
    }

    /// The label of the first class as it stands in the files.
    pub(crate) fn first_label(self) -> u8 {
        u8::from(self == Self::Emnist(EmnistSplit::Letters))
    }

    pub(crate) fn is_transposed(self) -> bool {
        matches!(self, Self::Emnist(_))
    }
}
