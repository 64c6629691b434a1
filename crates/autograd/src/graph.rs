//! The forward side of a tape: nodes and their values.

use layerwise_tensor::{Buffer, Shape};

use crate::ops::Op;
use crate::{ParamId, Params};

/// What the forward pass leaves behind.
#[derive(Default)]
pub(crate) struct Graph {
    /// Those of this pass, and more from longer passes before. A node's parts are written to its place one by one: put together elsewhere and copied, it
    /// would have to wait until they can be read together.
    nodes: Vec<Node>,
    /// The number of nodes in this pass.
    len: usize,
    /// One per node.
    values: Vec<Buffer>,
    pub workspace: Workspace,
    /// Layers that modules have named, of [`crate::Pass::name_layer`].
    pub named: Vec<Named>,
}

/// A layer that a module has named: a parameter of it, what enters its non-linearity, and what leaves it.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    pub layer: ParamId,
    pub pre_activation: NodeId,
    pub activation: NodeId,
}

/// One operation and the shape of its result.
pub(crate) struct Node {
    pub op: Op,
    pub shape: Shape,
    /// Whether a parameter or a variable is among its ancestors.
    pub needs_gradient: bool,
}

/// What operations keep for their backward pass beside their result.
#[derive(Default)]
pub(crate) struct Workspace {
    buffers: Vec<Buffer>,
    used: usize,
    pub indices: Vec<u32>,
}

impl Workspace {
    /// A buffer that lives until the next pass, and the number to find it by.
    pub fn buffer(&mut self, len: usize) -> (usize, &mut [f32]) {
        if self.used == self.buffers.len() {
            self.buffers.push(Buffer::default());
        }
        let slot = self.used;
        self.used += 1;
        self.buffers[slot].resize(len);
        (slot, &mut self.buffers[slot])
    }

    pub fn saved(&self, slot: usize) -> &[f32] {
        &self.buffers[slot]
    }
}

/// What an operation's forward function works with.
pub(crate) struct Forward<'a> {
    pub values: Values<'a>,
    pub out: &'a mut [f32],
    pub workspace: &'a mut Workspace,
}

/// Reading access to the values of a pass.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a> {
    nodes: &'a [Node],
    values: &'a [Buffer],
    params: &'a Params,
}

impl<'a> Values<'a> {
    /// The value of a node, looked up through nodes that only rename another one's.
    #[inline]
    pub fn get(self, node: NodeId) -> &'a [f32] {
        match self.nodes[node.index()].op {
            Op::Param(id) => &self.params[id],
            Op::Detach(of) | Op::Reshape(of) => self.get(of),
            _ => &self.values[node.index()],
        }
    }

    #[inline]
    pub fn shape(self, node: NodeId) -> Shape {
        self.nodes[node.index()].shape
    }

    /// Both, as the element-wise kernels take them.
    #[inline]
    pub fn shaped(self, node: NodeId) -> (&'a [f32], Shape) {
        (self.get(node), self.shape(node))
    }
}

/// The place of an operation in a pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NodeId(pub u32);

impl NodeId {
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Graph {
    /// First to last.
    #[inline]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes[..self.len]
    }

    /// The node whose value a node shows, itself or another one. `None` if that is a parameter's.
    pub fn owner(&self, node: NodeId) -> Option<NodeId> {
        match self.nodes[node.index()].op {
            Op::Param(_) => None,
            Op::Detach(of) | Op::Reshape(of) => self.owner(of),
            _ => Some(node),
        }
    }

    /// The value of a node that is its own [`Graph::owner`].
    pub fn own_value(&self, node: NodeId) -> &[f32] {
        &self.values[node.index()]
    }

    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.len as u32).map(NodeId)
    }

    #[inline]
    pub fn values<'a>(&'a self, params: &'a Params) -> Values<'a> {
        Values { nodes: self.nodes(), values: &self.values, params }
    }

    #[inline]
    pub fn clear(&mut self) {
        // Operations of the user's are let go.
        self.nodes[..self.len].iter_mut().for_each(|node| node.op = Op::Input);
        self.len = 0;
        self.named.clear();
        self.workspace.used = 0;
        self.workspace.indices.clear();
    }

    /// Runs an operation's forward function and appends its node.
    #[inline]
    pub fn record(
        &mut self,
        params: &Params,
        shape: Shape,
        needs_gradient: bool,
        forward: impl FnOnce(Forward<'_>) -> Op,
    ) -> NodeId {
        let at = self.next();
        let (nodes, node) = split(&mut self.nodes, at);
        let (values, out) = split(&mut self.values, at);
        out.resize(shape.len());
        let values = Values { nodes, values, params };
        node.op = forward(Forward { values, out, workspace: &mut self.workspace });
        node.shape = shape;
        node.needs_gradient = needs_gradient;
        self.len += 1;
        NodeId(at as u32)
    }

    /// Appends a node that has no memory of its own.
    #[inline]
    pub fn alias(&mut self, op: Op, shape: Shape, needs_gradient: bool) -> NodeId {
        let at = self.next();
        let node = &mut self.nodes[at];
        node.op = op;
        node.shape = shape;
        node.needs_gradient = needs_gradient;
        self.len += 1;
        NodeId(at as u32)
    }

    /// The place of the next node.
    #[inline]
    fn next(&mut self) -> usize {
        if self.len == self.nodes.len() {
            self.nodes.push(Node { op: Op::Input, shape: Shape::SCALAR, needs_gradient: false });
            self.values.push(Buffer::default());
        }
        self.len
    }
}

/// What stands before a place, and what stands there.
#[inline]
fn split<T>(all: &mut [T], at: usize) -> (&[T], &mut T) {
    let (before, rest) = all.split_at_mut(at);
    (before, &mut rest[0])
}
