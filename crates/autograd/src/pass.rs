use std::cell::Cell;

use layerwise_tensor::Stream;
use layerwise_tensor::data::Source;
use layerwise_tensor::{Shape, Tensor};

use crate::gradients::NonFinite;
use crate::graph::{Forward, NodeId};
use crate::ops::Op;
use crate::{ParamId, Params, Tape, Var};

/// What a pass is for. Layers that behave differently ask the pass they are in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Training: dropout drops, batch normalisation uses and reports the statistics of the batch.
    Train,
    /// Evaluation: the function that the model is.
    Eval,
}

/// One forward pass, and as many backward passes as are asked for, over a [`Params`] that it only reads.
///
/// Made by [`Tape::train`] and [`Tape::eval`]. It borrows the tape, so that there is one pass at a time and none outlives the
/// parameters it has read.
pub struct Pass<'t> {
    pub(crate) tape: &'t Tape,
    pub(crate) params: &'t Params,
    mode: Mode,
    seed: u64,
    streams: Cell<u64>,
}

impl<'t> Pass<'t> {
    #[inline]
    pub(crate) fn new(tape: &'t Tape, params: &'t Params, mode: Mode, seed: u64) -> Self {
        Pass { tape, params, mode, seed, streams: Cell::new(0) }
    }

    /// Training or evaluation.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The parameters this pass reads.
    #[inline]
    pub fn params(&self) -> &'t Params {
        self.params
    }

    /// The next random stream of this pass. The n-th call has the same stream in every pass with the same seed.
    pub fn stream(&self) -> Stream {
        let next = self.streams.get();
        self.streams.set(next + 1);
        Stream { seed: self.seed, stream: next }
    }
}

impl<'p> Pass<'p> {
    /// Data: no gradient flows into it.
    pub fn input(&'p self, source: &(impl Source + ?Sized)) -> Var<'p> {
        self.leaf(source, Op::Input, false)
    }

    /// A constant that can be differentiated by: its gradient is read with [`Var::gradient`].
    pub fn variable(&'p self, source: &(impl Source + ?Sized)) -> Var<'p> {
        self.leaf(source, Op::Variable, true)
    }

    /// A single number as data.
    pub fn scalar(&'p self, value: f32) -> Var<'p> {
        self.input(&Tensor::from(value))
    }

    /// A parameter, or a running statistic as data. It is read where it lies, not copied.
    #[inline]
    pub fn param(&'p self, id: ParamId) -> Var<'p> {
        let needs_gradient = self.params.layout().is_trainable(id);
        let node = self.tape.graph.borrow_mut().alias(Op::Param(id), self.params.shape(id), needs_gradient);
        Var { pass: self, node }
    }

    /// Reports the next value of a running statistic: `write` is given the present one (that of an earlier report since the last
    /// step, if there was one) and changes it. The model changes when an optimizer makes its step.
    ///
    /// # Panics
    /// If it is a trainable parameter.
    #[track_caller]
    pub fn report_statistic(&self, id: ParamId, write: impl FnOnce(&mut [f32])) {
        let layout = self.params.layout();
        assert!(
            !layout.is_trainable(id),
            "the parameter {:?} is trained, it is no running statistic",
            layout.name(id)
        );
        self.tape.statistics.borrow_mut().report(self.params, id, write);
    }

    #[inline]
    fn leaf(&'p self, source: &(impl Source + ?Sized), op: Op, needs_gradient: bool) -> Var<'p> {
        self.record(source.shape(), needs_gradient, |Forward { out, .. }| {
            source.write_to(out);
            op
        })
    }

    #[inline]
    pub(crate) fn record(
        &'p self,
        shape: Shape,
        needs_gradient: bool,
        forward: impl FnOnce(Forward<'_>) -> Op,
    ) -> Var<'p> {
        let node = self.tape.graph.borrow_mut().record(self.params, shape, needs_gradient, forward);
        Var { pass: self, node }
    }

    /// The first operation of this pass whose result has a NaN or an infinity in it, described for a person.
    pub fn first_non_finite(&self) -> Option<String> {
        let graph = self.tape.graph.borrow();
        let values = graph.values(self.params);
        graph.ids().find_map(|id| {
            let bad = values.get(id).iter().find(|x| !x.is_finite())?;
            let node = &graph.nodes()[id.index()];
            let what = node.op.describe(self.params, graph.nodes());
            Some(format!("{what} of shape {} (operation {} of the pass) has {bad}", node.shape, id.index()))
        })
    }

    /// The first operation on the way back whose gradient for one of its inputs has a NaN or an infinity in it, described for a person.
    /// `None` if there is none, or nobody has looked ([`Tape::check_gradients`]).
    ///
    /// ```
    /// use layerwise_autograd::{Params, Tape};
    /// let mut params = Params::new();
    /// let w = params.root().parameter("w", [2], |w| w[0] = 4.0);
    /// let mut tape = Tape::new();
    /// tape.check_gradients(true);
    /// let pass = tape.train(&params, 0);
    /// pass.param(w).sqrt().sum().backward(); // the slope of the root is infinite at 0
    /// let text = pass.first_non_finite_gradient().unwrap();
    /// assert_eq!(text, "the gradient of the parameter w, from sqrt of shape [2] (operation 1 of the pass), has inf");
    /// ```
    pub fn first_non_finite_gradient(&self) -> Option<String> {
        let NonFinite { by, of, found } = self.tape.gradients.borrow().non_finite?;
        let graph = self.tape.graph.borrow();
        let nodes = graph.nodes();
        let describe = |id: NodeId| nodes[id.index()].op.describe(self.params, nodes);
        let (of, name, shape) = (describe(of), describe(by), nodes[by.index()].shape);
        let at = by.index();
        Some(format!(
            "the gradient of {of}, from {name} of shape {shape} (operation {at} of the pass), has {found}"
        ))
    }
}
