use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a training run went through.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History {
    /// One record per epoch, in order.
    pub epochs: Vec<EpochRecord>,
}

/// One epoch of a training run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Its number, from 1 on.
    pub epoch: usize,
    /// The mean training loss over its examples, each taken when its batch was trained on.
    pub loss: f64,
    /// The learning rate of its last step. 0 in histories from before it was recorded.
    #[serde(default)]
    pub lr: f32,
    /// How long it took, with the metrics.
    pub seconds: f64,
    /// What was measured at its end, by name.
    pub metrics: BTreeMap<String, f64>,
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
