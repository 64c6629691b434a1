//! The backward side of a tape: the gradients of nodes and parameters, and how they flow.

use layerwise_tensor::{Accum, Buffer};

use crate::Params;
use crate::graph::{Graph, Node, NodeId, Values, Workspace};
use crate::ops::Op;

/// Gradients of the nodes of a pass, and those of the parameters, which outlive it.
#[derive(Default)]
pub(crate) struct Gradients {
    nodes: Vec<Buffer>,
    /// Whether a node's gradient has been written in this backward pass.
    written: Vec<bool>,
    /// Memory for an operation's own use while it runs backward.
    scratch: Buffer,
    /// Laid out like the parameters.
    pub params: Buffer,
    /// Whether a parameter's gradient has been written since the last step.
    pub params_written: Vec<bool>,
    /// Whether what operations write is looked at.
    pub check: bool,
    /// The first gradient with a number in it that is not finite, in the last backward pass that was looked at.
    pub non_finite: Option<NonFinite>,
}

/// A gradient that is not finite.
#[derive(Clone, Copy)]
pub(crate) struct NonFinite {
    /// The operation that has written it.
    pub by: NodeId,
    /// What it is the gradient of.
    pub of: NodeId,
    /// The first such number.
    pub found: f32,
}

impl Gradients {
    /// The gradient of a variable, if the last backward pass reached it.
    pub fn of(&self, node: NodeId) -> Option<&[f32]> {
        let reached = self.written.get(node.index()).copied().unwrap_or(false);
        reached.then(|| &*self.nodes[node.index()])
    }

    /// Goes through the nodes from the last to the first and lets each operation pass its gradient on to its inputs. The
    /// gradient of the last node is `seed`.
    pub fn backward(&mut self, graph: &Graph, params: &Params, from: NodeId, seed: &[f32]) {
        self.nodes.resize_with(self.nodes.len().max(graph.nodes().len()), Buffer::default);
        self.written.clear();
        self.written.resize(graph.nodes().len(), false);
        self.fit_to(params);
        let values = graph.values(params);
        let mut scratch = std::mem::take(&mut self.scratch);
        self.non_finite = None;
        let mut sink = Sink { nodes: graph.nodes(), gradients: self, params, by: from };
        sink.add(from, |out, accum| {
            debug_assert_eq!(accum, Accum::Replace);
            out.copy_from_slice(seed);
        });
        for at in (0..=from.index()).rev() {
            if sink.gradients.written[at] {
                // Taken out for the time of the call: the operation may overwrite it, or hand it on as it is.
                let mut gradient = std::mem::take(&mut sink.gradients.nodes[at]);
                let node = NodeId(at as u32);
                sink.by = node;
                let workspace = &graph.workspace;
                graph.nodes()[at].op.backward(Backward {
                    node,
                    values,
                    workspace,
                    gradient: &mut gradient,
                    scratch: &mut scratch,
                    sink: &mut sink,
                });
                sink.gradients.nodes[at] = gradient;
            }
        }
        self.scratch = scratch;
    }

    /// Makes room for the gradients of these parameters.
    fn fit_to(&mut self, params: &Params) {
        if self.params.len() != params.flat().len() || self.params_written.len() != params.len() {
            self.params.resize(params.flat().len());
            self.params.fill(0.0); // the gaps between parameters stay zero
            self.params_written.clear();
            self.params_written.resize(params.len(), false);
        }
    }
}

/// What an operation's backward function works with.
pub(crate) struct Backward<'a, 's> {
    /// The operation's own place.
    pub node: NodeId,
    pub values: Values<'a>,
    pub workspace: &'a Workspace,
    /// The gradient of the operation's result. It is not needed any more afterwards: it may be overwritten.
    pub gradient: &'a mut Buffer,
    /// Memory with anything in it, to be made as large as needed.
    pub scratch: &'a mut Buffer,
    pub sink: &'a mut Sink<'s>,
}

/// Where operations put the gradients of their inputs.
pub(crate) struct Sink<'a> {
    nodes: &'a [Node],
    gradients: &'a mut Gradients,
    params: &'a Params,
    /// The operation that runs.
    by: NodeId,
}

impl Sink<'_> {
    /// Lets `write` replace or add to the gradient of a node; does nothing if nobody needs it.
    pub fn add(&mut self, node: NodeId, write: impl FnOnce(&mut [f32], Accum)) {
        let Node { op, shape, needs_gradient } = &self.nodes[node.index()];
        if !needs_gradient {
            return;
        }
        let gradients = &mut *self.gradients;
        if let Op::Param(id) = *op {
            let accum = first_replaces(&mut gradients.params_written[id.index()]);
            let out = &mut gradients.params[self.params.layout().range(id)];
            write(out, accum);
            let bad = if gradients.check { non_finite(out) } else { None };
            self.remember(node, bad);
        } else {
            let accum = first_replaces(&mut gradients.written[node.index()]);
            let out = &mut gradients.nodes[node.index()];
            if accum == Accum::Replace {
                out.resize(shape.len());
            }
            write(out, accum);
            let bad = if gradients.check { non_finite(out) } else { None };
            self.remember(node, bad);
        }
    }

    fn remember(&mut self, of: NodeId, bad: Option<f32>) {
        if let (Some(found), None) = (bad, self.gradients.non_finite) {
            self.gradients.non_finite = Some(NonFinite { by: self.by, of, found });
        }
    }

    /// Makes `gradient` (or adds it to) the gradient of a node, without a copy where that is possible.
    pub fn hand_on(&mut self, node: NodeId, gradient: &mut Buffer) {
        let target = &self.nodes[node.index()];
        let is_param = matches!(target.op, Op::Param(_));
        if target.needs_gradient && !is_param && !self.gradients.written[node.index()] {
            self.gradients.written[node.index()] = true;
            let target = &mut self.gradients.nodes[node.index()];
            // What comes back has to be as large as what was given away, or the next pass would allocate.
            target.resize(gradient.len());
            std::mem::swap(target, gradient);
            let bad = if self.gradients.check { non_finite(target) } else { None };
            self.remember(node, bad);
        } else {
            self.add(node, |out, accum| layerwise_tensor::elementwise::map(gradient, out, accum, |g| g));
        }
    }
}

fn non_finite(gradient: &[f32]) -> Option<f32> {
    gradient.iter().copied().find(|g| !g.is_finite())
}

fn first_replaces(written: &mut bool) -> Accum {
    if std::mem::replace(written, true) { Accum::Add } else { Accum::Replace }
}
