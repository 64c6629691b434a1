use std::fmt;

use layerwise_autograd::{Params, Shape, Tensor};
use layerwise_tensor::data::{Classified, Labels};
use layerwise_tensor::reduce;
use serde::{Deserialize, Serialize};

use super::for_each_batch;
use crate::Module;

/// How often each class was taken for each class.
///
/// ```
/// use layerwise_nn_layers::ConfusionMatrix;
/// let mut matrix = ConfusionMatrix::new(2);
/// for (label, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
///     matrix.add(label, predicted);
/// }
/// assert_eq!(matrix.accuracy(), 0.75);
/// assert_eq!((matrix.scores(1).precision, matrix.scores(1).recall), (0.5, 1.0));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    classes: usize,
    /// `[label, predicted]`
    counts: Vec<u64>,
}

/// How well one class is found, or an average over classes. All are between 0 and 1, and 0 where nothing was to be divided by, as
/// in scikit-learn.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Scores {
    /// The share of the examples taken for the class that are of it.
    pub precision: f64,
    /// The share of the examples of the class that are taken for it.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
}

impl ConfusionMatrix {
    /// Nothing counted yet.
    ///
    /// # Panics
    /// If there are no classes.
    #[track_caller]
    pub fn new(classes: usize) -> Self {
        assert!(classes > 0, "a confusion matrix needs at least 1 class, found 0");
        ConfusionMatrix { classes, counts: vec![0; classes * classes] }
    }

    /// That of a classifier that gives logits, over a whole data set, in evaluation mode.
    ///
    /// # Panics
    /// If the model does not fit the data, or does not give `classes` logits.
    #[track_caller]
    pub fn of<D: Classified + Sync>(model: &dyn Module, params: &Params, data: &D, classes: usize) -> Self {
        let mut matrix = ConfusionMatrix::new(classes);
        for_each_batch(model, params, data, |logits, labels| {
            let shape = logits.shape();
            logits.with_value(|values| matrix.add_rows(values, shape, labels));
        });
        matrix
    }

    /// Counts one example.
    ///
    /// # Panics
    /// If a class is not below the number of classes.
    #[track_caller]
    pub fn add(&mut self, label: usize, predicted: usize) {
        let classes = self.classes;
        assert!(
            label < classes && predicted < classes,
            "the label {label} or the prediction {predicted} is not below the number of classes, {classes}"
        );
        self.counts[label * classes + predicted] += 1;
    }

    /// Counts a batch: of logits `[batch, classes]`, the largest of a row is its prediction (the first of equals).
    ///
    /// # Panics
    /// If the shapes do not fit, or a label is not below the number of classes.
    #[track_caller]
    pub fn add_logits(&mut self, logits: &Tensor, labels: &(impl Labels + ?Sized)) {
        self.add_rows(logits.as_slice(), logits.shape(), labels);
    }

    #[track_caller]
    fn add_rows(&mut self, logits: &[f32], shape: Shape, labels: &(impl Labels + ?Sized)) {
        check_fit("a confusion matrix", shape, labels, self.classes);
        for (row, predicted) in reduce::argmax_rows(logits, self.classes).enumerate() {
            self.add(labels.get(row), predicted);
        }
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many examples of class `label` were taken for class `predicted`.
    ///
    /// # Panics
    /// If a class is not below the number of classes.
    #[track_caller]
    pub fn count(&self, label: usize, predicted: usize) -> u64 {
        assert!(predicted < self.classes, "class {predicted} of a confusion matrix of {}", self.classes);
        self.row(label)[predicted]
    }

    /// How many examples there were.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many examples of a class there were.
    ///
    /// # Panics
    /// If it is not below the number of classes.
    #[track_caller]
    pub fn support(&self, class: usize) -> u64 {
        self.row(class).iter().sum()
    }

    /// The share of the examples on the diagonal; NaN without examples.
    pub fn accuracy(&self) -> f64 {
        let hits: u64 = self.counts.iter().step_by(self.classes + 1).sum();
        hits as f64 / self.total() as f64
    }

    /// How well a class is found.
    ///
    /// # Panics
    /// If it is not below the number of classes.
    #[track_caller]
    pub fn scores(&self, class: usize) -> Scores {
        let support = self.support(class);
        let hits = self.count(class, class);
        let predicted: u64 = self.counts.iter().skip(class).step_by(self.classes).sum();
        Scores {
            precision: ratio(hits, predicted),
            recall: ratio(hits, support),
            f1: ratio(2 * hits, predicted + support),
        }
    }

    /// The mean of the scores of all classes, each counting the same.
    pub fn macro_average(&self) -> Scores {
        self.average(|_| 1)
    }

    /// The mean of the scores of all classes, each weighted by its number of examples.
    pub fn weighted_average(&self) -> Scores {
        self.average(|class| self.support(class))
    }

    fn average(&self, weight: impl Fn(usize) -> u64) -> Scores {
        let mut mean = Scores::default();
        let total: u64 = (0..self.classes).map(&weight).sum();
        for class in 0..self.classes {
            let (share, scores) = (ratio(weight(class), total), self.scores(class));
            mean.precision += share * scores.precision;
            mean.recall += share * scores.recall;
            mean.f1 += share * scores.f1;
        }
        mean
    }

    #[track_caller]
    fn row(&self, class: usize) -> &[u64] {
        assert!(class < self.classes, "class {class} of a confusion matrix of {}", self.classes);
        &self.counts[class * self.classes..][..self.classes]
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// # Panics
/// If `shape` is not a row of logits for each label, or a label is not below the number of classes.
#[track_caller]
pub(super) fn check_fit(what: &str, shape: Shape, labels: &(impl Labels + ?Sized), classes: usize) {
    let count = labels.len();
    assert!(
        shape.dims() == [count, classes],
        "{what}: logits of shape {shape} with {count} labels and {classes} classes"
    );
    for example in 0..count {
        let label = labels.get(example);
        assert!(
            label < classes,
            "{what}: the label {} of example {example} is not below the number of classes, {classes}",
            if label == usize::MAX { "(negative)".to_owned() } else { label.to_string() }
        );
    }
}

impl fmt::Display for ConfusionMatrix {
    /// A line per class: how often it was taken for each, then its scores; at the end the averages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.counts.iter().copied().max().unwrap_or(0).to_string().len();
        let width = most.max((self.classes - 1).to_string().len()) + 1;
        write!(f, "{:<8}", "label")?;
        for class in 0..self.classes {
            write!(f, "{class:>width$}")?;
        }
        writeln!(f, "  precision  recall      f1")?;
        for class in 0..self.classes {
            write!(f, "{class:<8}")?;
            for count in self.row(class) {
                write!(f, "{count:>width$}")?;
            }
            writeln!(f, "{}", self.scores(class))?;
        }
        let gap = width * self.classes;
        writeln!(f, "{:<8}{:gap$}{}", "macro", "", self.macro_average())?;
        writeln!(f, "{:<8}{:gap$}{}", "weighted", "", self.weighted_average())?;
        write!(f, "accuracy {:.4} of {}", self.accuracy(), self.total())
    }
}

impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {:>9.4}  {:>6.4}  {:>6.4}", self.precision, self.recall, self.f1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerwise_autograd::Activation;
    use layerwise_tensor::data::TensorDataset;

    const LABELS: [u32; 8] = [0, 0, 0, 1, 1, 2, 2, 2];
    const PREDICTED: [usize; 8] = [0, 0, 1, 1, 0, 2, 2, 1];

    /// Four classes, the last of which neither occurs nor is predicted.
    fn logits() -> Tensor {
        Tensor::from_fn([8, 4], |i| if i % 4 == PREDICTED[i / 4] { 1.0 } else { 0.0 })
    }

    fn matrix() -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(4);
        matrix.add_logits(&logits(), &LABELS);
        matrix
    }

    #[test]
    fn scores_are_those_of_the_definitions() {
        let matrix = matrix();
        assert_eq!(matrix.counts, [2, 1, 0, 0, 1, 1, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0]);
        assert_eq!((matrix.total(), matrix.support(1), matrix.count(2, 1)), (8, 2, 1));
        assert_eq!(matrix.accuracy(), 5.0 / 8.0);
        let of = |precision, recall, f1| Scores { precision, recall, f1 };
        let expected = [
            of(2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0),
            of(1.0 / 3.0, 0.5, 0.4),
            of(1.0, 2.0 / 3.0, 0.8),
            of(0.0, 0.0, 0.0),
        ];
        for (class, expected) in expected.into_iter().enumerate() {
            assert_eq!(matrix.scores(class), expected, "class {class}");
        }
        let close = |found: Scores, p: f64, r: f64, f1: f64| {
            let errors = [found.precision - p, found.recall - r, found.f1 - f1];
            assert!(errors.iter().all(|error| error.abs() < 1e-12), "{found:?}");
        };
        close(matrix.macro_average(), 0.5, (4.0 / 3.0 + 0.5) / 4.0, (2.0 / 3.0 + 1.2) / 4.0);
        // (3 x + 2 y + 3 z) / 8
        close(matrix.weighted_average(), (2.0 + 2.0 / 3.0 + 3.0) / 8.0, 5.0 / 8.0, (2.0 + 0.8 + 2.4) / 8.0);
    }

    #[test]
    fn a_model_is_counted_over_its_data() {
        let data = TensorDataset::new(logits(), LABELS.to_vec());
        assert_eq!(ConfusionMatrix::of(&Activation::Identity, &Params::new(), &data, 4), matrix());
        assert!(ConfusionMatrix::new(3).accuracy().is_nan());
    }

    #[test]
    fn it_prints_as_a_table() {
        let mut matrix = ConfusionMatrix::new(2);
        for (label, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
            matrix.add(label, predicted);
        }
        let lines = [
            "label    0 1  precision  recall      f1",
            "0        2 1     1.0000  0.6667  0.8000",
            "1        0 1     0.5000  1.0000  0.6667",
            "macro            0.7500  0.8333  0.7333",
            "weighted         0.8750  0.7500  0.7667",
            "accuracy 0.7500 of 4",
        ];
        assert_eq!(matrix.to_string().lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    #[should_panic(expected = "a confusion matrix: logits of shape [8, 4] with 8 labels and 3 classes")]
    fn logits_fit_the_classes() {
        ConfusionMatrix::new(3).add_logits(&logits(), &LABELS);
    }

    #[test]
    #[should_panic(
        expected = "a confusion matrix: the label 4 of example 0 is not below the number of classes, 4"
    )]
    fn labels_are_below_the_number_of_classes() {
        ConfusionMatrix::new(4).add_logits(&Tensor::zeros([1, 4]), &[4]);
    }
}
