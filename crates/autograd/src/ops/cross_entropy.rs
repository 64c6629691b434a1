use layerwise_tensor::data::Labels;
use layerwise_tensor::{Shape, softmax};

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

/// The loss of logits against classes, fused with the softmax in front of it.
#[derive(Clone, Copy)]
pub(crate) struct CrossEntropy {
    logits: NodeId,
    /// Where the probabilities are kept.
    probabilities: usize,
    /// Where the labels are kept.
    labels: usize,
}

impl<'p> Var<'p> {
    /// The mean over the batch of `-ln softmax(x)[label]`, for logits `x [batch, classes]`.
    ///
    /// # Panics
    /// If it is no matrix of logits, there are not as many labels as rows, or a label is not below the number of classes.
    #[track_caller]
    pub fn cross_entropy(self, labels: &(impl Labels + ?Sized)) -> Var<'p> {
        let shape = self.shape();
        let [batch, classes] = *shape.dims() else {
            panic!("cross_entropy: a value of shape {shape} is no matrix of logits [batch, classes]")
        };
        assert!(batch == labels.len(), "cross_entropy: logits {shape} with {} labels", labels.len());
        for example in 0..batch {
            let label = labels.get(example);
            assert!(
                label < classes,
                "cross_entropy: the label {} of example {example} is not below the number of classes, {classes}",
                if label == usize::MAX { "(negative)".to_owned() } else { label.to_string() }
            );
        }
        self.pass.record(Shape::SCALAR, self.needs_gradient(), |Forward { values, out, workspace }| {
            let first = workspace.indices.len();
            workspace.indices.extend((0..batch).map(|example| labels.get(example) as u32));
            let (slot, probabilities) = workspace.buffer(shape.len());
            probabilities.copy_from_slice(values.get(self.node));
            let label = |row: usize| labels.get(row);
            out[0] = (softmax::cross_entropy(probabilities, classes, label) / batch as f64) as f32;
            Op::CrossEntropy(CrossEntropy { logits: self.node, probabilities: slot, labels: first })
        })
    }
}

impl CrossEntropy {
    /// `dx = dy (softmax(x) - one_hot(label)) / batch`
    pub(super) fn backward(self, pass: Backward<'_, '_>) {
        let Backward { values, workspace, gradient, sink, .. } = pass;
        let shape = values.shape(self.logits);
        let (batch, classes) = (shape.rows(), shape.last());
        let scale = gradient[0] / batch as f32;
        let labels = &workspace.indices[self.labels..self.labels + batch];
        let probabilities = workspace.saved(self.probabilities);
        sink.add(self.logits, |out, accum| {
            for (row, &label) in labels.iter().enumerate() {
                for class in 0..classes {
                    let at = row * classes + class;
                    let target = if class == label as usize { 1.0 } else { 0.0 };
                    accum.apply(&mut out[at], scale * (probabilities[at] - target));
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::scalar::{Graph, Value};
    use crate::{Params, Tape, gradcheck};
    use layerwise_tensor::Tensor;

    #[test]
    fn gradient() {
        gradcheck(&Params::new(), &[noise([4, 3])], |_, x| (x[0] * 3.0).cross_entropy(&[0_u8, 2, 1, 1]))
            .unwrap();
        gradcheck(&Params::new(), &[noise([2, 3])], |_, x| x[0].cross_entropy(&[0_i64, 2]) + x[0].sum())
            .unwrap();
    }

    #[test]
    fn value_and_gradient_agree_with_the_scalar_engine() {
        let logits = noise([3, 4]);
        let labels = [1_u32, 3, 0];
        let graph = Graph::new();
        let x: Vec<Value<'_>> = logits.as_slice().iter().map(|&x| graph.value(f64::from(x))).collect();
        let mut loss = graph.value(0.0);
        for (row, &label) in x.chunks(4).zip(&labels) {
            let total = row[1..].iter().fold(row[0].exp(), |sum, x| sum + x.exp());
            loss = loss + (total.ln() - row[label as usize]) / 3.0;
        }
        loss.backward();

        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.train(&params, 0);
        let ours = pass.variable(&logits);
        let our_loss = ours.cross_entropy(&labels);
        our_loss.backward();
        assert!((f64::from(our_loss.item()) - loss.data()).abs() < 1e-6);
        for (ours, truth) in ours.gradient().unwrap().as_slice().iter().zip(&x) {
            assert!((f64::from(*ours) - truth.grad()).abs() < 1e-6);
        }
    }

    #[test]
    fn large_logits_do_not_overflow() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let logits = pass.input(&Tensor::new([1, 2], vec![1000.0, 0.0]));
        assert_eq!(
            (logits.cross_entropy(&[0_u8]).item(), logits.cross_entropy(&[1_u8]).item()),
            (0.0, 1000.0)
        );
    }

    #[test]
    fn bad_labels_are_named() {
        let range = "cross_entropy: the label 3 of example 1 is not below the number of classes, 3";
        panics_with(range, |pass| pass.input(&noise([2, 3])).cross_entropy(&[0_u8, 3]));
        let negative =
            "cross_entropy: the label (negative) of example 0 is not below the number of classes, 3";
        panics_with(negative, |pass| pass.input(&noise([2, 3])).cross_entropy(&[-1_i32, 0]));
        let count = "cross_entropy: logits [2, 3] with 1 labels";
        panics_with(count, |pass| pass.input(&noise([2, 3])).cross_entropy(&[0_u8]));
    }
}
