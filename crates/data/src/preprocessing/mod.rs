//! From the columns of a table to the numbers of a network, by rules that are fitted once and saved with the model.

mod apply;
mod config;
mod fit;
#[cfg(feature = "csv")]
mod read;
mod validate;

use serde::{Deserialize, Serialize};

use crate::Scaler;

pub use config::{Fill, FillText, PreprocessingConfig, Task, Unseen};
pub use validate::InvalidPreprocessing;

/// What turns a table into examples: its columns, categories, fill values, scales and class names, fitted on the training data.
///
/// It is data: saved with a model, it reads new tables, whatever the order of their columns.
///
/// ```
/// use layerwise_data::{CsvConfig, Preprocessing, PreprocessingConfig, Table, Targets};
///
/// let csv = "area,city,sold\n60,Bern,yes\n90,Oslo,no\n75,Bern,yes\n";
/// let table = Table::from_csv(csv, "houses", &CsvConfig::default())?;
/// let config = PreprocessingConfig { targets: vec!["sold".into()], ..Default::default() };
/// let preprocessing = Preprocessing::fit(&table, &config)?;
/// assert_eq!(preprocessing.input_names(), ["area", "city=Bern", "city=Oslo"]);
/// assert_eq!(preprocessing.class_names(), ["no", "yes"]);
///
/// let examples = preprocessing.apply(&table)?;
/// assert_eq!(examples.inputs.as_slice()[6..], [0.0, 1.0, 0.0]); // 75 is the mean
/// assert_eq!(examples.targets, Targets::Classes(vec![1, 0, 1]));
/// # Ok::<(), layerwise_data::TableError>(())
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Preprocessing {
    features: Vec<Feature>,
    target: Target,
}

/// A column that goes into the network.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Feature {
    /// One input: `(x - shift) / scale`.
    Number {
        /// The column.
        column: String,
        /// What stands for a missing value; nothing if one is refused.
        fill: Option<f64>,
        /// What is subtracted.
        shift: f64,
        /// What the difference is divided by.
        scale: f64,
    },
    /// An input for each category: 1 for that of the row, 0 for the others.
    Category {
        /// The column.
        column: String,
        /// The categories in the order of the inputs.
        names: Vec<String>,
        /// The category of a missing value; nothing if one is refused.
        fill: Option<String>,
        /// What a category that is not among them becomes.
        unseen: Unseen,
    },
}

/// What is learned.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Target {
    /// Nothing: for models that need no target.
    None,
    /// A class.
    Classes {
        /// The column.
        column: String,
        /// The classes in the order of their indices: by value if all are numbers, else by their characters' code points.
        names: Vec<String>,
        /// Whether the column is one of numbers, so that 1 and 1.0 are one class.
        is_numeric: bool,
    },
    /// One or more numbers.
    Numbers(Vec<NumberTarget>),
}

/// A column of numbers that is learned, as `(y - shift) / scale`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NumberTarget {
    /// The column.
    pub column: String,
    /// What is subtracted.
    pub shift: f64,
    /// What the difference is divided by.
    pub scale: f64,
}

/// Which columns of a table are needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// Those that go into the network: for predictions.
    Inputs,
    /// The targets as well: for training and evaluation.
    InputsAndTargets,
}

impl Preprocessing {
    /// The columns that go into the network, in the order of the inputs.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// What is learned.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The number of inputs of the network.
    pub fn inputs(&self) -> usize {
        self.features.iter().map(Feature::width).sum()
    }

    /// The number of outputs: classes, or numeric targets; 0 without a target.
    pub fn outputs(&self) -> usize {
        match &self.target {
            Target::None => 0,
            Target::Classes { names, .. } => names.len(),
            Target::Numbers(targets) => targets.len(),
        }
    }

    /// What each input is: a column, or a column and one of its categories.
    pub fn input_names(&self) -> Vec<String> {
        let names = |feature: &Feature| match feature {
            Feature::Number { column, .. } => vec![column.clone()],
            Feature::Category { column, names, .. } => {
                names.iter().map(|name| format!("{column}={name}")).collect()
            }
        };
        self.features.iter().flat_map(names).collect()
    }

    /// The scaling of the inputs, categories having none: [`Scaler::invert`] turns inputs, or what an autoencoder gives back for them, into
    /// the units of the table.
    pub fn input_scaler(&self) -> Scaler {
        let scales = |feature: &Feature| match feature {
            Feature::Number { shift, scale, .. } => vec![(*shift, *scale)],
            Feature::Category { names, .. } => vec![(0.0, 1.0); names.len()],
        };
        let (shift, scale) = self.features.iter().flat_map(scales).unzip();
        Scaler { shift, scale }
    }

    /// The classes in the order of their indices; empty where no class is learned.
    pub fn class_names(&self) -> &[String] {
        match &self.target {
            Target::Classes { names, .. } => names,
            Target::None | Target::Numbers(_) => &[],
        }
    }

    /// The target columns.
    pub fn target_columns(&self) -> Vec<&str> {
        match &self.target {
            Target::None => Vec::new(),
            Target::Classes { column, .. } => vec![column],
            Target::Numbers(targets) => targets.iter().map(|target| target.column.as_str()).collect(),
        }
    }

    /// The scaling of numeric targets: [`Scaler::invert`] turns a network's outputs into the units of the table. `None` where no number is
    /// learned.
    pub fn target_scaler(&self) -> Option<Scaler> {
        match &self.target {
            Target::Numbers(targets) => {
                let (shift, scale) = targets.iter().map(|target| (target.shift, target.scale)).unzip();
                Some(Scaler { shift, scale })
            }
            Target::None | Target::Classes { .. } => None,
        }
    }
}

impl Feature {
    /// The column it is made of.
    pub fn column(&self) -> &str {
        match self {
            Feature::Number { column, .. } | Feature::Category { column, .. } => column,
        }
    }

    /// How many inputs it is.
    pub fn width(&self) -> usize {
        match self {
            Feature::Number { .. } => 1,
            Feature::Category { names, .. } => names.len(),
        }
    }
}
