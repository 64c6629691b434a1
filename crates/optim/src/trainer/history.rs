use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::number;

/// The name that stands for the mean training loss of an epoch.
pub(super) const LOSS: &str = "loss";

/// What a training run went through.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct History {
    /// One record per epoch, in order. An epoch that was cut off has one only if [`Trainer::steps`](crate::Trainer::steps) ended it.
    pub epochs: Vec<EpochRecord>,
    /// Why there are no more.
    pub ended: Ended,
    /// What went wrong without ending the run: a checkpoint that could not be read and has been passed over, say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The forms in which histories have been written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    /// Before there was more than epochs in it.
    Epochs(Vec<EpochRecord>),
    All {
        epochs: Vec<EpochRecord>,
        #[serde(default)]
        ended: Ended,
        #[serde(default)]
        warnings: Vec<String>,
    },
}

impl From<Written> for History {
    fn from(written: Written) -> Self {
        match written {
            Written::Epochs(epochs) => History { epochs, ..History::default() },
            Written::All { epochs, ended, warnings } => History { epochs, ended, warnings },
        }
    }
}

/// Why a run made no further steps.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ended {
    /// All epochs, or as many steps as asked for, have been made.
    #[default]
    Finished,
    /// What [`Trainer::early_stopping`](crate::Trainer::early_stopping) watched has stopped getting better.
    Early {
        /// What was watched.
        watched: String,
        /// Its best value.
        #[serde(with = "number")]
        best: f64,
        /// The epoch that had it.
        epoch: usize,
    },
    /// The flag of [`Trainer::stop_when`](crate::Trainer::stop_when) was raised.
    Stopped,
    /// A callback wanted it, for this reason.
    Callback(String),
}

/// One epoch of a training run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Its number, from 1 on.
    pub epoch: usize,
    /// The mean training loss over its examples, each taken when its batch was trained on.
    #[serde(with = "number")]
    pub loss: f64,
    /// The learning rate of its last step. 0 in histories from before it was recorded.
    #[serde(default)]
    pub lr: f32,
    /// How long it took, with the metrics.
    pub seconds: f64,
    /// What was measured at its end, by name. In JSON, NaN and infinities are texts.
    #[serde(with = "number::map")]
    pub metrics: BTreeMap<String, f64>,
}

impl EpochRecord {
    /// The loss or a metric that is there.
    pub(super) fn measured(&self, name: &str) -> f64 {
        if name == LOSS { self.loss } else { self.metrics[name] }
    }
}

impl History {
    /// The last value of a metric. `None` if there was no epoch, or no such metric.
    pub fn last(&self, metric: &str) -> Option<f64> {
        self.epochs.last()?.metrics.get(metric).copied()
    }

    /// The seconds of all epochs together.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|epoch| epoch.seconds).sum()
    }
}
