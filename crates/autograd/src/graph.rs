//! The forward side of a tape: nodes and their values.

use layerwise_tensor::{Buffer, Shape};

use crate::ops::Op;
use crate::{ParamId, Params};

/// What the forward pass leaves behind.
#[derive(Default)]
pub(crate) struct Graph {
    pub nodes: Vec<Node>,
    /// One per node, and more from longer passes before.
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
    /// Its nodes, first to last.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    #[inline]
    pub fn values<'a>(&'a self, params: &'a Params) -> Values<'a> {
        Values { nodes: &self.nodes, values: &self.values, params }
    }

    #[inline]
    pub fn clear(&mut self) {
        self.nodes.clear();
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
        let at = self.nodes.len();
        if at == self.values.len() {
            self.values.push(Buffer::default());
        }
        let (before, rest) = self.values.split_at_mut(at);
        rest[0].resize(shape.len());
        let values = Values { nodes: &self.nodes, values: before, params };
        let op = forward(Forward { values, out: &mut rest[0], workspace: &mut self.workspace });
        self.nodes.push(Node { op, shape, needs_gradient });
        NodeId(at as u32)
    }

    /// Appends a node that has no memory of its own.
    #[inline]
    pub fn alias(&mut self, op: Op, shape: Shape, needs_gradient: bool) -> NodeId {
        if self.nodes.len() == self.values.len() {
            self.values.push(Buffer::default());
        }
        self.nodes.push(Node { op, shape, needs_gradient });
        NodeId(self.nodes.len() as u32 - 1)
    }
}
