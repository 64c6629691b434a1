//! Which examples a run trains on, and in which batches.

use layerwise_tensor::Rng;
use layerwise_tensor::data::split_rows;

use super::{TrainError, Trainer};

/// The examples of a run.
pub(super) struct Plan {
    /// Those that are trained on, in ascending order; empty if they are all.
    rows: Vec<u32>,
    /// Those that are kept out for validation.
    pub validation: Vec<u32>,
    /// The order of the present epoch, without the examples that are dropped at its end.
    order: Vec<u32>,
    /// Examples that are trained on in an epoch.
    pub used: usize,
    shuffle: bool,
    pub batch: usize,
    /// Examples in a step.
    group: usize,
    /// Steps in an epoch.
    pub steps: usize,
}

impl Plan {
    pub fn new(trainer: &Trainer<'_>, examples: usize) -> Result<Self, TrainError> {
        let all = || (0..examples as u32).collect();
        let (order, validation) = match trainer.validation_split {
            Some(share) => split_rows(examples, share, trainer.seed),
            None => (all(), Vec::new()),
        };
        let (examples, batch) = (order.len(), trainer.batch_size);
        let used = if trainer.drop_last { examples / batch * batch } else { examples };
        if examples == 0 {
            return Err(TrainError::NoExamples);
        }
        if used == 0 {
            return Err(TrainError::NoBatches { examples, batch_size: batch });
        }
        let rows = if validation.is_empty() { Vec::new() } else { order.clone() };
        let group = batch.saturating_mul(trainer.accumulate);
        let steps = used.div_ceil(group);
        Ok(Plan { rows, validation, order, used, shuffle: trainer.shuffle, batch, group, steps })
    }

    /// Draws the order of the next epoch.
    pub fn shuffle(&mut self, rng: &mut Rng) {
        if !self.shuffle {
            return;
        }
        rng.split().stream(0).permute_into(&mut self.order);
        if !self.rows.is_empty() {
            self.order.iter_mut().for_each(|row| *row = self.rows[*row as usize]);
        }
    }

    /// The examples of a step of the epoch, from 0 on.
    pub fn group(&self, step: usize) -> &[u32] {
        let rest = &self.order[step * self.group..self.used];
        &rest[..self.group.min(rest.len())]
    }
}
