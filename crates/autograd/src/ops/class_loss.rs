use layerwise_tensor::data::Labels;
use layerwise_tensor::{Shape, softmax};

use super::Op;
use super::pair_loss::Reduction;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId, Values, Workspace};

/// What a loss over classes may do beside the plain mean.
///
/// ```
/// use layerwise_autograd::{ClassLossOptions, Params, Reduction, Tape, Tensor};
/// let (mut tape, params) = (Tape::new(), Params::new());
/// let pass = tape.eval(&params);
/// let logits = pass.input(&Tensor::zeros([3, 2]));
/// let options = ClassLossOptions { weights: Some(&[1.0, 3.0]), reduction: Reduction::None, ..Default::default() };
/// let ln2 = std::f32::consts::LN_2;
/// assert_eq!(logits.cross_entropy_with(&[0, 1, 1], options).value().as_slice(), [ln2, 3.0 * ln2, 3.0 * ln2]);
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ClassLossOptions<'a> {
    /// The weight of each class, at least 0. Defaults to 1 for all.
    pub weights: Option<&'a [f32]>,
    /// The share of the target that is spread evenly over all classes, between 0 and 1 (Szegedy et al. 2016). Defaults to 0.
    pub label_smoothing: f32,
    /// Examples with this label have a loss of 0 and do not count in the mean. `usize::MAX` stands for every negative label, such
    /// as PyTorch's -100. Defaults to none.
    pub ignore_index: Option<usize>,
    /// Defaults to the mean: that of labels divides by the sum of the weights of the labels, that of probabilities by the batch.
    pub reduction: Reduction,
}

/// `-sum_c q_c y_c` for each row, where `y` are log-probabilities and `q` the weighted and smoothed target.
#[derive(Clone, Copy)]
pub(crate) struct ClassLoss {
    x: NodeId,
    /// Where the log-probabilities are kept, if `x` are logits.
    log_probabilities: Option<u32>,
    target: Target,
    weights: Option<u32>,
    smoothing: f32,
    /// 1, or 1 by what the mean divides by.
    scale: f32,
    reduction: Reduction,
}

#[derive(Clone, Copy)]
enum Target {
    /// Where the labels are kept, with [`IGNORED`] for those that do not count.
    Labels(usize),
    Probabilities(NodeId),
}

const IGNORED: u32 = u32::MAX;

impl<'p> Var<'p> {
    /// [`Var::cross_entropy`] with class weights, label smoothing, labels to ignore and another reduction. With smoothing `s`,
    /// classes `C` and weights `w`, the loss of a row is
    ///
    /// ```text
    /// -sum_c q_c ln softmax(x)_c        q_c = w_c ((1 - s) [c is the label] + s / C)
    /// ```
    ///
    /// The result is a scalar, or `[batch]` without a reduction. The mean of nothing is NaN, as in PyTorch.
    ///
    /// # Panics
    /// If it is no matrix of logits `[batch, classes]`, or labels or options do not fit it.
    #[track_caller]
    pub fn cross_entropy_with(
        self,
        labels: &(impl Labels + ?Sized),
        options: ClassLossOptions<'_>,
    ) -> Var<'p> {
        self.of_labels("cross_entropy_with", true, labels, options)
    }

    /// The cross-entropy against probabilities `[batch, classes]`: as [`Var::cross_entropy_with`] with
    /// `q_c = w_c ((1 - s) target_c + s / C)`. The mean divides by the batch. Rows of the target need not sum to 1, and gradients
    /// flow into it.
    ///
    /// # Panics
    /// If it is no matrix of logits, the shapes differ, the options do not fit, or labels are to be ignored.
    #[track_caller]
    pub fn cross_entropy_of_probabilities(self, target: Var<'p>, options: ClassLossOptions<'_>) -> Var<'p> {
        let name = "cross_entropy_of_probabilities";
        self.check_same_pass(target, name);
        let (batch, classes) = matrix(name, self.shape());
        let (shape, found) = (self.shape(), target.shape());
        assert!(shape == found, "{name}: logits {shape} with probabilities {found}");
        assert!(options.ignore_index.is_none(), "{name}: there are no labels that could be ignored");
        check_options(name, classes, &options);
        let needs_gradient = self.needs_gradient() || target.needs_gradient();
        self.record_class_loss(needs_gradient, true, options, |_| {
            (Target::Probabilities(target.node), batch as f64)
        })
    }

    /// The mean over the batch of `-x[label]`, for log-probabilities `x [batch, classes]`: the negative log-likelihood.
    ///
    /// # Panics
    /// As [`Var::cross_entropy`].
    #[track_caller]
    pub fn nll(self, labels: &(impl Labels + ?Sized)) -> Var<'p> {
        self.of_labels("nll", false, labels, ClassLossOptions::default())
    }

    /// [`Var::cross_entropy_with`], for log-probabilities in place of logits.
    ///
    /// # Panics
    /// As [`Var::cross_entropy_with`].
    #[track_caller]
    pub fn nll_with(self, labels: &(impl Labels + ?Sized), options: ClassLossOptions<'_>) -> Var<'p> {
        self.of_labels("nll_with", false, labels, options)
    }

    #[track_caller]
    fn of_labels(
        self,
        name: &str,
        are_logits: bool,
        labels: &(impl Labels + ?Sized),
        options: ClassLossOptions<'_>,
    ) -> Var<'p> {
        let shape = self.shape();
        let (batch, classes) = matrix(name, shape);
        assert!(batch == labels.len(), "{name}: a matrix {shape} with {} labels", labels.len());
        check_options(name, classes, &options);
        let counts = |label: usize| Some(label) != options.ignore_index;
        for example in 0..batch {
            let label = labels.get(example);
            assert!(
                label < classes || !counts(label),
                "{name}: the label {} of example {example} is not below the number of classes, {classes}",
                if label == usize::MAX { "(negative)".to_owned() } else { label.to_string() }
            );
        }
        self.record_class_loss(self.needs_gradient(), are_logits, options, |workspace| {
            let first = workspace.indices.len();
            let mut divisor = 0.0;
            for label in (0..batch).map(|example| labels.get(example)) {
                workspace.indices.push(if counts(label) { label as u32 } else { IGNORED });
                if counts(label) {
                    divisor += options.weights.map_or(1.0, |weights| f64::from(weights[label]));
                }
            }
            (Target::Labels(first), divisor)
        })
    }

    /// `target` stores the target, and returns where it is and what the mean divides by.
    fn record_class_loss(
        self,
        needs_gradient: bool,
        are_logits: bool,
        options: ClassLossOptions<'_>,
        target: impl FnOnce(&mut Workspace) -> (Target, f64),
    ) -> Var<'p> {
        let ClassLossOptions { weights, label_smoothing: smoothing, reduction, .. } = options;
        let shape = self.shape();
        let (batch, classes) = (shape.rows(), shape.last());
        let result = if reduction == Reduction::None { Shape::from([batch]) } else { Shape::SCALAR };
        self.pass.record(result, needs_gradient, |Forward { values, out, workspace }| {
            let (target, divisor) = target(workspace);
            let log_probabilities = are_logits.then(|| {
                let (slot, log) = workspace.buffer(shape.len());
                log.copy_from_slice(values.get(self.node));
                softmax::log_softmax(log, classes);
                slot as u32
            });
            let weights = weights.map(|weights| {
                let (slot, buffer) = workspace.buffer(classes);
                buffer.copy_from_slice(weights);
                slot as u32
            });
            let scale = if reduction == Reduction::Mean { (1.0 / divisor) as f32 } else { 1.0 };
            let op =
                ClassLoss { x: self.node, log_probabilities, target, weights, smoothing, scale, reduction };
            let mut total = 0.0;
            for row in 0..batch {
                // Nothing is expected of a class that is impossible: 0 ln 0 is 0.
                let terms =
                    op.log_row(values, workspace, row, classes).iter().enumerate().map(|(class, &y)| {
                        let q = op.expected(values, workspace, row, class, classes);
                        if q == 0.0 { 0.0 } else { -f64::from(q) * f64::from(y) }
                    });
                let loss: f64 = terms.sum();
                total += loss;
                if let (Reduction::None, Some(out)) = (reduction, out.get_mut(row)) {
                    *out = loss as f32;
                }
            }
            match reduction {
                Reduction::Mean => out[0] = (total / divisor) as f32,
                Reduction::Sum => out[0] = total as f32,
                Reduction::None => {}
            }
            Op::ClassLoss(op)
        })
    }
}

impl ClassLoss {
    /// With `Q = sum_c q_c`: `dx_c = dy (softmax(x)_c Q - q_c)` of logits, `dx_c = -dy q_c` of log-probabilities; and
    /// `dt_c = -dy (1 - s) w_c y_c`.
    pub(super) fn backward(self, pass: Backward<'_, '_>) {
        let Backward { values, workspace, gradient, sink, .. } = pass;
        let shape = values.shape(self.x);
        let (batch, classes) = (shape.rows(), shape.last());
        let of_row =
            |row: usize| self.scale * gradient[if self.reduction == Reduction::None { row } else { 0 }];
        sink.add(self.x, |out, accum| {
            for row in 0..batch {
                let expected = |class| self.expected(values, workspace, row, class, classes);
                let (g, y) = (of_row(row), self.log_row(values, workspace, row, classes));
                let out = &mut out[row * classes..][..classes];
                let total: f32 = (0..classes).map(expected).sum();
                for (class, (out, y)) in out.iter_mut().zip(y).enumerate() {
                    let spread =
                        if self.log_probabilities.is_some() && total != 0.0 { y.exp() * total } else { 0.0 };
                    let d = spread - expected(class);
                    // A mean over nothing must not reach rows that do not count.
                    accum.apply(out, if d == 0.0 { 0.0 } else { g * d });
                }
            }
        });
        if let Target::Probabilities(target) = self.target {
            sink.add(target, |out, accum| {
                for row in 0..batch {
                    let (g, y) = (of_row(row), self.log_row(values, workspace, row, classes));
                    for (class, y) in y.iter().enumerate() {
                        let w = self.weight(workspace, class);
                        accum.apply(&mut out[row * classes + class], -g * (1.0 - self.smoothing) * w * y);
                    }
                }
            });
        }
    }

    /// The log-probabilities of a row.
    fn log_row<'a>(
        self,
        values: Values<'a>,
        workspace: &'a Workspace,
        row: usize,
        classes: usize,
    ) -> &'a [f32] {
        let all = match self.log_probabilities {
            Some(slot) => workspace.saved(slot as usize),
            None => values.get(self.x),
        };
        &all[row * classes..][..classes]
    }

    /// `q_c`
    fn expected(
        self,
        values: Values<'_>,
        workspace: &Workspace,
        row: usize,
        class: usize,
        classes: usize,
    ) -> f32 {
        let target = match self.target {
            Target::Labels(first) => match workspace.indices[first + row] {
                IGNORED => return 0.0,
                label if label as usize == class => 1.0,
                _ => 0.0,
            },
            Target::Probabilities(target) => values.get(target)[row * classes + class],
        };
        self.weight(workspace, class) * ((1.0 - self.smoothing) * target + self.smoothing / classes as f32)
    }

    fn weight(self, workspace: &Workspace, class: usize) -> f32 {
        self.weights.map_or(1.0, |slot| workspace.saved(slot as usize)[class])
    }
}

#[track_caller]
fn matrix(name: &str, shape: Shape) -> (usize, usize) {
    let [batch, classes] = *shape.dims() else {
        panic!("{name}: a value of shape {shape} is no matrix [batch, classes]")
    };
    (batch, classes)
}

#[track_caller]
fn check_options(name: &str, classes: usize, options: &ClassLossOptions<'_>) {
    let smoothing = options.label_smoothing;
    assert!(
        (0.0..=1.0).contains(&smoothing),
        "{name}: label_smoothing must be between 0 and 1, found {smoothing}"
    );
    let weights = options.weights.unwrap_or(&[]);
    assert!(
        options.weights.is_none() || weights.len() == classes,
        "{name}: {} weights for {classes} classes",
        weights.len()
    );
    for (class, weight) in weights.iter().enumerate() {
        assert!(
            weight.is_finite() && *weight >= 0.0,
            "{name}: the weight of class {class} must be finite and at least 0, found {weight}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, Tape, gradcheck};
    use layerwise_tensor::Tensor;

    const WEIGHTS: [f32; 3] = [0.5, 2.0, 1.25];

    #[test]
    fn gradients() {
        for reduction in [Reduction::Mean, Reduction::Sum, Reduction::None] {
            for label_smoothing in [0.0, 0.2] {
                for weights in [None, Some(&WEIGHTS[..])] {
                    let options =
                        ClassLossOptions { weights, label_smoothing, ignore_index: None, reduction };
                    let ignoring = ClassLossOptions { ignore_index: Some(usize::MAX), ..options };
                    let labels = [0_i64, 2, -100, 1];
                    let (x, params) = (noise([4, 3]), Params::new());
                    gradcheck(&params, std::slice::from_ref(&x), |_, x| {
                        (x[0] * 3.0).cross_entropy_with(&labels, ignoring)
                    })
                    .unwrap();
                    gradcheck(&params, std::slice::from_ref(&x), |_, x| x[0].nll_with(&labels, ignoring))
                        .unwrap();
                    gradcheck(&params, &[x, noise([4, 3]).map(f32::abs)], |_, x| {
                        (x[0] * 3.0).cross_entropy_of_probabilities(x[1], options)
                    })
                    .unwrap();
                }
            }
        }
    }

    #[test]
    fn without_options_it_is_the_short_form() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let x = pass.input(&noise([4, 3]));
        let labels = [0_u8, 2, 1, 1];
        let short = x.cross_entropy(&labels).item();
        let long = x.cross_entropy_with(&labels, ClassLossOptions::default()).item();
        assert!((short - long).abs() < 1e-6);
        assert!((short - x.log_softmax().nll(&labels).item()).abs() < 1e-6);
    }

    #[test]
    fn extremes_survive() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let logits = pass.variable(&Tensor::new([2, 2], vec![1000.0, 0.0, f32::NEG_INFINITY, 0.0]));
        let target = pass.input(&Tensor::new([2, 2], vec![0.0, 1.0, 0.0, 1.0]));
        let loss = logits.cross_entropy_of_probabilities(target, ClassLossOptions::default());
        loss.backward();
        assert_eq!(loss.item(), 500.0);
        assert_eq!(logits.gradient().unwrap().as_slice(), [0.5, -0.5, 0.0, 0.0]);
    }

    #[test]
    fn a_mean_over_nothing_is_nan_and_has_no_gradient() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let x = pass.variable(&noise([2, 3]));
        let ignoring = ClassLossOptions { ignore_index: Some(7), ..Default::default() };
        let loss = x.cross_entropy_with(&[7_u8, 7], ignoring);
        loss.backward();
        assert!(loss.item().is_nan());
        assert_eq!(x.gradient().unwrap().as_slice(), [0.0; 6]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let of = ClassLossOptions::default();
        panics_with("nll: a value of shape [3] is no matrix [batch, classes]", |pass| {
            pass.input(&noise([3])).nll(&[0_u8])
        });
        panics_with("nll: a matrix [2, 3] with 1 labels", |pass| pass.input(&noise([2, 3])).nll(&[0_u8]));
        let range = "nll_with: the label 3 of example 1 is not below the number of classes, 3";
        panics_with(range, |pass| pass.input(&noise([2, 3])).nll_with(&[0_u8, 3], of));
        let negative =
            "cross_entropy_with: the label (negative) of example 0 is not below the number of classes, 3";
        panics_with(negative, |pass| pass.input(&noise([2, 3])).cross_entropy_with(&[-1, 0], of));
        panics_with("cross_entropy_with: 2 weights for 3 classes", |pass| {
            let options = ClassLossOptions { weights: Some(&[1.0, 1.0]), ..of };
            pass.input(&noise([2, 3])).cross_entropy_with(&[1, 0], options)
        });
        let weight = "cross_entropy_with: the weight of class 1 must be finite and at least 0, found -1";
        panics_with(weight, |pass| {
            let options = ClassLossOptions { weights: Some(&[1.0, -1.0, 0.0]), ..of };
            pass.input(&noise([2, 3])).cross_entropy_with(&[1, 0], options)
        });
        let smoothing = "cross_entropy_with: label_smoothing must be between 0 and 1, found 1.5";
        panics_with(smoothing, |pass| {
            let options = ClassLossOptions { label_smoothing: 1.5, ..of };
            pass.input(&noise([2, 3])).cross_entropy_with(&[1, 0], options)
        });
        let shapes = "cross_entropy_of_probabilities: logits [2, 3] with probabilities [3]";
        panics_with(shapes, |pass| {
            pass.input(&noise([2, 3])).cross_entropy_of_probabilities(pass.input(&noise([3])), of)
        });
        let labels = "cross_entropy_of_probabilities: there are no labels that could be ignored";
        panics_with(labels, |pass| {
            let x = pass.input(&noise([2, 3]));
            x.cross_entropy_of_probabilities(x, ClassLossOptions { ignore_index: Some(0), ..of })
        });
    }
}
