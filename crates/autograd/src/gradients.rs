//! The backward side of a tape: the gradients of nodes and parameters, and how they flow.

mod waiting;

use layerwise_tensor::threads::Slices;
use layerwise_tensor::{Accum, Buffer, Mat, matmul, matmul_in_parts};

use crate::graph::{Graph, Node, NodeId, Values, Workspace};
use crate::ops::Op;
use crate::{ParamId, Params};
use waiting::Product;

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
    /// Whether a parameter's gradient has been written since the last step, or waits.
    pub params_written: Vec<bool>,
    /// Gradients that are computed when somebody asks for them.
    waiting: Vec<Product>,
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
    /// Computes the gradients that wait.
    pub fn settle(&mut self, graph: &Graph) {
        while let Some(product) = self.waiting.pop() {
            self.compute(&product, graph);
        }
    }

    fn compute(&mut self, product: &Product, graph: &Graph) {
        let (dz, x) = product.factors(&self.nodes, graph);
        matmul(dz.t(), x, &mut self.params[product.range.clone()], Accum::Replace);
    }

    /// Whether the parameter's gradient waits.
    pub fn waits(&self, id: ParamId) -> bool {
        self.waiting.iter().any(|product| product.weight == id)
    }

    fn take_waiting(&mut self, id: ParamId) -> Option<Product> {
        let at = self.waiting.iter().position(|product| product.weight == id)?;
        Some(self.waiting.swap_remove(at))
    }

    /// Uses up the gradient of a parameter: see [`crate::ParamGradients::use_up`].
    #[track_caller]
    pub fn use_up<S: Slices + Send>(
        &mut self,
        graph: &Graph,
        id: ParamId,
        slices: S,
        body: impl Fn(&mut [f32], S) + Sync,
    ) {
        let Some(product) = self.take_waiting(id) else {
            panic!("use_up: the gradient of parameter {} does not wait", id.index());
        };
        self.params_written[id.index()] = false;
        let (dz, x) = product.factors(&self.nodes, graph);
        matmul_in_parts(dz.t(), x, slices, body);
    }

    /// Forgets the gradients of all parameters.
    pub fn clear_params(&mut self) {
        self.params_written.fill(false);
        self.waiting.clear();
    }

    /// The gradient of a variable, if the last backward pass reached it.
    pub fn of(&self, node: NodeId) -> Option<&[f32]> {
        let reached = self.written.get(node.index()).copied().unwrap_or(false);
        reached.then(|| &*self.nodes[node.index()])
    }

    /// Goes through the nodes from the last to the first and lets each operation pass its gradient on to its inputs. The
    /// gradient of the last node is `seed`.
    pub fn backward(&mut self, graph: &Graph, params: &Params, from: NodeId, seed: &[f32]) {
        // What waits is made of gradients of nodes, which are written again.
        self.settle(graph);
        self.nodes.resize_with(self.nodes.len().max(graph.nodes().len()), Buffer::default);
        self.written.clear();
        self.written.resize(graph.nodes().len(), false);
        self.fit_to(params);
        let values = graph.values(params);
        let mut scratch = std::mem::take(&mut self.scratch);
        self.non_finite = None;
        let mut sink = Sink { graph, gradients: self, params, by: from };
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
    graph: &'a Graph,
    gradients: &'a mut Gradients,
    params: &'a Params,
    /// The operation that runs.
    by: NodeId,
}

impl Sink<'_> {
    /// Lets `write` replace or add to the gradient of a node; does nothing if nobody needs it.
    pub fn add(&mut self, node: NodeId, write: impl FnOnce(&mut [f32], Accum)) {
        let Node { op, shape, needs_gradient } = &self.graph.nodes()[node.index()];
        if !needs_gradient {
            return;
        }
        let gradients = &mut *self.gradients;
        if let Op::Param(id) = *op {
            if let Some(product) = gradients.take_waiting(id) {
                gradients.compute(&product, self.graph);
            }
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

    /// Adds `dz^T x` to the gradient of a weight, where `dz` is the gradient of the operation that runs, as it leaves it, and `x` the value of a node. If it is a large
    /// parameter's first, it waits.
    pub fn add_product(&mut self, weight: NodeId, dz: Mat<'_>, (x_node, x): (NodeId, Mat<'_>)) {
        let graph = self.graph;
        let Node { ref op, needs_gradient, .. } = graph.nodes()[weight.index()];
        if let Op::Param(id) = *op
            && let Some(x_node) = graph.owner(x_node)
            && needs_gradient
            && !self.gradients.check
            && !self.gradients.params_written[id.index()]
            && Product::may_wait(dz, x)
        {
            self.gradients.params_written[id.index()] = true;
            let range = self.params.layout().range(id);
            let product = Product { weight: id, range, dz: self.by, x: x_node, examples: x.rows() };
            self.gradients.waiting.push(product);
        } else {
            self.add(weight, |out, accum| matmul(dz.t(), x, out, accum));
        }
    }

    fn remember(&mut self, of: NodeId, bad: Option<f32>) {
        if let (Some(found), None) = (bad, self.gradients.non_finite) {
            self.gradients.non_finite = Some(NonFinite { by: self.by, of, found });
        }
    }

    /// Makes `gradient` (or adds it to) the gradient of a node, without a copy where that is possible.
    pub fn hand_on(&mut self, node: NodeId, gradient: &mut Buffer) {
        let target = &self.graph.nodes()[node.index()];
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
