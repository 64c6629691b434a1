mod confusion;
mod running;

use layerwise_autograd::{Params, Tape, Var};
use layerwise_tensor::data::{Classified, Labels};
use layerwise_tensor::{reduce, threads};
use serde::{Deserialize, Serialize};

use crate::Module;

pub use confusion::{ConfusionMatrix, Scores};
pub use running::RunningMean;

/// How a classifier does on a data set.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Evaluation {
    /// The share of examples whose largest logit is that of their class, between 0 and 1.
    pub accuracy: f64,
    /// The mean cross-entropy.
    pub loss: f64,
}

/// Examples that are evaluated at a time: enough to keep the processors busy, few enough to stay in their caches.
const BATCH: usize = 500;

/// Runs a classifier that gives logits over a whole data set, in evaluation mode. Sums are accumulated in f64.
///
/// Both figures are NaN for a data set without examples.
///
/// # Panics
/// If the model does not fit the data.
#[track_caller]
pub fn evaluate<D: Classified + Sync>(model: &dyn Module, params: &Params, data: &D) -> Evaluation {
    let (mut correct, mut loss) = (0, 0.0);
    for_each_batch(model, params, data, |logits, labels| {
        loss += f64::from(logits.cross_entropy(labels).item()) * labels.len() as f64;
        correct += logits.with_value(|values| hits(values, logits.shape().last(), labels));
    });
    let examples = data.len() as f64;
    Evaluation { accuracy: correct as f64 / examples, loss: loss / examples }
}

/// Calls `body` with the logits and the labels of every batch of a data set, in evaluation mode.
#[track_caller]
fn for_each_batch<D: Classified + Sync>(
    model: &dyn Module,
    params: &Params,
    data: &D,
    mut body: impl FnMut(Var<'_>, &dyn Labels) + Send,
) {
    let rows: Vec<u32> = (0..data.len() as u32).collect();
    threads::run(|| {
        let mut tape = Tape::new();
        for rows in rows.chunks(BATCH) {
            let batch = data.batch(rows);
            let (inputs, labels) = D::inputs_and_labels(&batch);
            let pass = tape.eval(params);
            body(model.forward(pass.input(inputs)), labels);
        }
    });
}

/// The share of examples whose largest logit is that of their class, between 0 and 1: [`evaluate`] without the loss.
///
/// # Panics
/// If the model does not fit the data.
#[track_caller]
pub fn accuracy<D: Classified + Sync>(model: &dyn Module, params: &Params, data: &D) -> f64 {
    evaluate(model, params, data).accuracy
}

/// The share of examples whose class is among the `k` largest logits, between 0 and 1; NaN without examples. Of equal logits the
/// first is the larger one, so that `k` 1 gives [`accuracy`].
///
/// # Panics
/// If `k` is 0, or the model does not fit the data.
#[track_caller]
pub fn top_k_accuracy<D: Classified + Sync>(model: &dyn Module, params: &Params, data: &D, k: usize) -> f64 {
    assert!(k > 0, "top_k_accuracy: k must be at least 1, found 0");
    let mut correct = 0;
    for_each_batch(model, params, data, |logits, labels| {
        let classes = logits.shape().last();
        confusion::check_fit("top_k_accuracy", logits.shape(), labels, classes);
        correct += logits.with_value(|values| {
            let ranks = values.chunks_exact(classes).enumerate().map(|(row, x)| rank(x, labels.get(row)));
            ranks.filter(|&rank| rank < k).count()
        });
    });
    correct as f64 / data.len() as f64
}

/// How many elements of a row come before that at `place`: larger ones, and equal ones further in front. NaN is the largest.
fn rank(row: &[f32], place: usize) -> usize {
    let x = row[place];
    let precedes = |(i, &other): (usize, &f32)| {
        let is_equal = other == x || (other.is_nan() && x.is_nan());
        if is_equal { i < place } else { other > x || other.is_nan() }
    };
    row.iter().enumerate().filter(|&element| precedes(element)).count()
}

/// The number of rows whose largest element is at their label's place.
fn hits(logits: &[f32], classes: usize, labels: &dyn Labels) -> usize {
    reduce::argmax_rows(logits, classes).enumerate().filter(|&(row, class)| class == labels.get(row)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerwise_autograd::{Activation, Tensor};
    use layerwise_tensor::data::TensorDataset;

    #[test]
    fn logits_that_point_at_the_class_are_counted() {
        // More than one batch; every third example is labelled wrongly.
        let n = 1250;
        let inputs = Tensor::from_fn([n, 4], |i| if i % 4 == i / 4 % 4 { 2.0 } else { 0.0 });
        let labels = (0..n as u32).map(|i| if i % 3 == 0 { (i + 1) % 4 } else { i % 4 }).collect();
        let data = TensorDataset::new(inputs, labels);
        let found = evaluate(&Activation::Identity, &Params::new(), &data);
        let wrong = n.div_ceil(3) as f64 / n as f64;
        assert!((found.accuracy - (1.0 - wrong)).abs() < 1e-12);
        let total = (2.0_f64.exp() + 3.0).ln();
        assert!((found.loss - (total - 2.0 * (1.0 - wrong))).abs() < 1e-6, "{}", found.loss);
        assert_eq!(accuracy(&Activation::Identity, &Params::new(), &data), found.accuracy);
    }

    #[test]
    fn the_class_is_looked_for_among_the_largest() {
        // The classes stand at places 0, 1, 2 and 2 of their rows' orders; equal logits count from the front.
        let logits =
            [[3.0, 2.0, 1.0, 0.0], [2.0, 3.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0], [f32::NAN, 3.0, 2.5, 0.0]];
        let data = TensorDataset::new(Tensor::new([4, 4], logits.concat()), vec![0, 0, 2, 2]);
        let top = |k| top_k_accuracy(&Activation::Identity, &Params::new(), &data, k);
        assert_eq!([1, 2, 3, 4, 9].map(top), [0.25, 0.5, 1.0, 1.0, 1.0]);
        assert_eq!(top(1), accuracy(&Activation::Identity, &Params::new(), &data));
    }

    #[test]
    #[should_panic(expected = "top_k_accuracy: k must be at least 1, found 0")]
    fn the_largest_none_hold_nothing() {
        let data = TensorDataset::new(Tensor::zeros([1, 4]), vec![0]);
        top_k_accuracy(&Activation::Identity, &Params::new(), &data, 0);
    }

    #[test]
    fn no_examples_have_no_figures() {
        let data = TensorDataset::new(Tensor::zeros([0, 4]), vec![]);
        assert!(evaluate(&Activation::Identity, &Params::new(), &data).accuracy.is_nan());
    }
}
