//! What a table becomes for a network.

use std::collections::BTreeMap;

use layerwise_tensor::Tensor;
use layerwise_tensor::data::TensorDataset;

use crate::RegressionDataset;

/// The rows of a table as numbers: what [`Preprocessing::apply`](crate::Preprocessing::apply) makes.
#[derive(Clone, PartialEq, Debug)]
pub struct Examples {
    /// `[rows, features]`
    pub inputs: Tensor,
    /// What is to be learned.
    pub targets: Targets,
    /// For each column, how many values were categories that the training data did not have; columns without are left out.
    pub unseen: BTreeMap<String, usize>,
}

/// The targets of examples.
#[derive(Clone, PartialEq, Debug)]
pub enum Targets {
    /// There are none, or they were not asked for.
    None,
    /// For each row the index of its class.
    Classes(Vec<u32>),
    /// Scaled numbers, `[rows, targets]`.
    Numbers(Tensor),
}

impl Examples {
    /// The examples as a data set of classes. `None` if they have none.
    pub fn into_classified(self) -> Option<TensorDataset> {
        match self.targets {
            Targets::Classes(labels) => Some(TensorDataset::new(self.inputs, labels)),
            Targets::None | Targets::Numbers(_) => None,
        }
    }

    /// The examples as a data set of numeric targets. `None` if they have none.
    pub fn into_regression(self) -> Option<RegressionDataset> {
        match self.targets {
            Targets::Numbers(targets) => Some(RegressionDataset::new(self.inputs, targets)),
            Targets::None | Targets::Classes(_) => None,
        }
    }
}
