use std::fmt;

use layerwise_tensor::{Shape, Tensor};

use crate::graph::NodeId;
use crate::ops::Op;
use crate::{ParamId, Pass};

/// A value in a pass: what operations take and give.
///
/// It is a handle, free to copy. Operations compute at once; the methods that make them are documented with their formulas.
/// All of them panic, at the caller's line and with both shapes, where shapes do not fit.
#[derive(Clone, Copy)]
pub struct Var<'p> {
    pub(crate) pass: &'p Pass<'p>,
    pub(crate) node: NodeId,
}

impl<'p> Var<'p> {
    /// The pass it belongs to.
    #[inline]
    pub fn pass(self) -> &'p Pass<'p> {
        self.pass
    }

    /// Its shape.
    #[inline]
    pub fn shape(self) -> Shape {
        self.pass.tape.graph.borrow().nodes()[self.node.index()].shape
    }

    /// A copy of its value.
    pub fn value(self) -> Tensor {
        self.with_value(|value| Tensor::new(self.shape(), value.to_vec()))
    }

    /// Calls `read` with its elements, row by row, where they lie.
    #[inline]
    pub fn with_value<R>(self, read: impl FnOnce(&[f32]) -> R) -> R {
        let graph = self.pass.tape.graph.borrow();
        read(graph.values(self.pass.params).get(self.node))
    }

    /// Its only element.
    ///
    /// # Panics
    /// If it has not exactly one.
    #[track_caller]
    pub fn item(self) -> f32 {
        let shape = self.shape();
        assert!(shape.len() == 1, "item of a value of shape {shape}, which has {} elements", shape.len());
        self.with_value(|value| value[0])
    }

    /// Adds the gradient of this value to the gradients of all parameters it depends on.
    ///
    /// # Panics
    /// If it has not exactly one element, or depends on no parameter and no variable.
    #[track_caller]
    pub fn backward(self) {
        let shape = self.shape();
        assert!(
            shape.len() == 1,
            "backward of a value of shape {shape}: a loss is a single number; reduce it with mean or sum, or call \
             backward_with and say how its elements are weighted"
        );
        self.run_backward(&[1.0]);
    }

    /// Like [`Var::backward`], for the sum of all elements weighted by `weights`.
    ///
    /// # Panics
    /// If the shapes differ, or the value depends on no parameter and no variable.
    #[track_caller]
    pub fn backward_with(self, weights: &Tensor) {
        let (shape, found) = (self.shape(), weights.shape());
        assert!(shape == found, "backward_with: a value of shape {shape} with weights of shape {found}");
        self.run_backward(weights.as_slice());
    }

    #[track_caller]
    fn run_backward(self, seed: &[f32]) {
        let graph = self.pass.tape.graph.borrow();
        assert!(
            graph.nodes()[self.node.index()].needs_gradient,
            "backward of a value that depends on no parameter and no variable"
        );
        self.pass.tape.gradients.borrow_mut().backward(&graph, self.pass.params, self.node, seed);
    }

    /// The gradient that the last backward pass gave a variable of [`Pass::variable`]. `None` if it did not reach it, or
    /// this is not such a variable: the gradients in between are overwritten as soon as they have been used.
    pub fn gradient(self) -> Option<Tensor> {
        if !matches!(self.pass.tape.graph.borrow().nodes()[self.node.index()].op, Op::Variable) {
            return None;
        }
        let gradients = self.pass.tape.gradients.borrow();
        gradients.of(self.node).map(|gradient| Tensor::new(self.shape(), gradient.to_vec()))
    }

    /// The same value, through which no gradient flows.
    pub fn detach(self) -> Var<'p> {
        self.alias(Op::Detach(self.node), self.shape(), false)
    }

    pub(crate) fn alias(self, op: Op, shape: Shape, needs_gradient: bool) -> Var<'p> {
        let node = self.pass.tape.graph.borrow_mut().alias(op, shape, needs_gradient);
        Var { pass: self.pass, node }
    }

    #[inline]
    pub(crate) fn needs_gradient(self) -> bool {
        self.pass.tape.graph.borrow().nodes()[self.node.index()].needs_gradient
    }

    /// The parameter this value is, if it is one as it stands.
    #[inline]
    pub(crate) fn as_param(self) -> Option<ParamId> {
        match self.pass.tape.graph.borrow().nodes()[self.node.index()].op {
            Op::Param(id) => Some(id),
            _ => None,
        }
    }

    /// # Panics
    /// If the two belong to different passes.
    #[track_caller]
    #[inline]
    pub(crate) fn check_same_pass(self, other: Var<'p>, operation: &str) {
        assert!(
            std::ptr::eq(self.pass.tape, other.pass.tape),
            "{operation}: the two values belong to passes over different tapes; bring one over with value() and input()"
        );
    }
}

impl fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Var {:?}", self.value())
    }
}
