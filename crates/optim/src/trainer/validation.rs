//! The loss on examples that are not trained on.

use layerwise_autograd::{Params, Pass, Tape, Var};
use layerwise_tensor::data::Dataset;

use super::Trainer;
use super::look::Mean;
use super::loss::Loss;

/// What it is called among the metrics.
pub(super) const VAL_LOSS: &str = "val_loss";

/// Examples in a pass of an evaluation.
const BATCH: usize = 256;

impl<'a> Trainer<'a> {
    /// Measures the loss on `data` after every epoch, as the metric `"val_loss"`: the mean over its examples, of evaluation passes over
    /// batches of 256. `loss` is a mean over a batch, usually the one that is trained with.
    ///
    /// # Panics
    /// If there is such a metric already. During the run where `loss` does.
    #[must_use]
    #[track_caller]
    pub fn validate<D: Dataset + Sync>(
        self,
        data: &'a D,
        loss: impl for<'p> Fn(&'p Pass<'p>, &D::Batch<'_>) -> Var<'p> + Send + 'a,
    ) -> Self {
        self.refuse_second_validation();
        let rows: Vec<u32> = (0..data.len() as u32).collect();
        let mut tape = Tape::new();
        self.metric(VAL_LOSS, move |params| mean_loss(&mut tape, params, data, &rows, &loss))
    }

    /// Keeps this share of the examples out of the training, drawn once by the seed of the run, and measures the loss on them after every
    /// epoch, as [`Trainer::validate`] does. At least one example is kept, and one is left.
    ///
    /// # Panics
    /// If it is not in (0, 1), or there is a metric `"val_loss"` already.
    #[must_use]
    #[track_caller]
    pub fn validation_split(self, share: f64) -> Self {
        assert!(
            share > 0.0 && share < 1.0,
            "the share of a validation split must be in (0, 1), found {share}"
        );
        self.refuse_second_validation();
        Trainer { validation_split: Some(share), ..self }
    }

    #[track_caller]
    fn refuse_second_validation(&self) {
        let is_free =
            self.validation_split.is_none() && self.metrics.iter().all(|(name, _)| name != VAL_LOSS);
        assert!(is_free, "there is a metric {VAL_LOSS:?} already: validate with one set of examples");
    }
}

/// The mean loss over some examples.
pub(super) fn mean_loss<D: Dataset>(
    tape: &mut Tape,
    params: &Params,
    data: &D,
    rows: &[u32],
    loss: &impl Loss<D>,
) -> f64 {
    let mut mean = Mean::default();
    for rows in rows.chunks(BATCH) {
        let pass = tape.eval(params);
        mean.add(loss(&pass, &data.batch(rows)).item().into(), rows.len());
    }
    mean.get()
}
