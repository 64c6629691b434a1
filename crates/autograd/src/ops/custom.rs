use std::sync::Arc;

use layerwise_tensor::{Accum, Shape};

use super::Op;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId, Values, Workspace};
use crate::{Pass, Var};

/// A differentiable operation from outside this crate.
///
/// One value of it can be used in any number of passes: what belongs to a pass is handed to its functions.
///
/// ```
/// use std::sync::Arc;
/// use layerwise_autograd::{CustomOp, Inputs, Params, Tape, gradcheck};
/// use layerwise_tensor::{Accum, Shape, Tensor, elementwise};
///
/// /// `y = sin x`
/// struct Sine;
///
/// impl CustomOp for Sine {
///     fn name(&self) -> &str {
///         "sine"
///     }
///     fn shape(&self, inputs: &[Shape]) -> Shape {
///         inputs[0]
///     }
///     fn forward(&self, inputs: Inputs<'_>, out: &mut [f32]) {
///         elementwise::map(inputs.get(0), out, Accum::Replace, f32::sin);
///     }
///     /// `dx = dy cos x`
///     fn backward(&self, inputs: Inputs<'_>, _y: &[f32], dy: &[f32], _input: usize, (dx, accum): (&mut [f32], Accum)) {
///         for ((dx, dy), x) in dx.iter_mut().zip(dy).zip(inputs.get(0)) {
///             accum.apply(dx, dy * x.cos());
///         }
///     }
/// }
///
/// let sine: Arc<dyn CustomOp> = Arc::new(Sine);
/// gradcheck(&Params::new(), &[Tensor::from([0.3, 1.2])], |pass, x| pass.apply(&sine, x)).unwrap();
/// ```
pub trait CustomOp: Send + Sync {
    /// What error messages call it.
    fn name(&self) -> &str;

    /// The shape of the result.
    ///
    /// # Panics
    /// If the shapes, or their number, do not fit; the text should name them.
    fn shape(&self, inputs: &[Shape]) -> Shape;

    /// Writes the result. The contents of `out` are unspecified before.
    fn forward(&self, inputs: Inputs<'_>, out: &mut [f32]);

    /// Replaces or adds to the gradient of input number `input`, given the result `y` and its gradient `dy`. Called once for each
    /// input that needs a gradient.
    fn backward(&self, inputs: Inputs<'_>, y: &[f32], dy: &[f32], input: usize, dx: (&mut [f32], Accum));
}

/// The values an operation of the user's is applied to.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    values: Values<'a>,
    nodes: &'a [u32],
}

impl<'a> Inputs<'a> {
    /// The elements of input number `i`, row by row.
    pub fn get(self, i: usize) -> &'a [f32] {
        self.values.get(NodeId(self.nodes[i]))
    }

    /// The shape of input number `i`.
    pub fn shape(self, i: usize) -> Shape {
        self.values.shape(NodeId(self.nodes[i]))
    }
}

/// More inputs than this are concatenated first.
const MAX_INPUTS: usize = 8;

impl<'p> Pass<'p> {
    /// The result of an operation of the user's.
    ///
    /// # Panics
    /// If there are more than 8 inputs, or the operation refuses their shapes.
    #[track_caller]
    pub fn apply(&'p self, op: &Arc<dyn CustomOp>, inputs: &[Var<'p>]) -> Var<'p> {
        assert!(
            inputs.len() <= MAX_INPUTS,
            "{}: {} inputs, at most {MAX_INPUTS} are possible",
            op.name(),
            inputs.len()
        );
        let mut shapes = [Shape::SCALAR; MAX_INPUTS];
        for (shape, input) in shapes.iter_mut().zip(inputs) {
            assert!(
                std::ptr::eq(self.tape, input.pass.tape),
                "{}: an input belongs to another tape",
                op.name()
            );
            *shape = input.shape();
        }
        let shape = op.shape(&shapes[..inputs.len()]);
        let needs_gradient = inputs.iter().any(|input| input.needs_gradient());
        self.record(shape, needs_gradient, |Forward { values, out, workspace }| {
            let list = workspace.indices.len();
            workspace.indices.extend(inputs.iter().map(|input| input.node.0));
            op.forward(Inputs { values, nodes: &workspace.indices[list..] }, out);
            Op::Custom(Custom { op: Arc::clone(op), list, inputs: inputs.len() })
        })
    }
}

/// A user's operation in a pass.
pub(crate) struct Custom {
    pub op: Arc<dyn CustomOp>,
    list: usize,
    inputs: usize,
}

impl Custom {
    pub fn first_input(&self, workspace: &Workspace) -> Option<NodeId> {
        nodes(workspace, self).first().copied().map(NodeId)
    }

    pub(super) fn backward(&self, pass: Backward<'_, '_>) {
        let Backward { node, values, workspace, gradient, sink, .. } = pass;
        let nodes: &[u32] = nodes(workspace, self);
        for (i, &input) in nodes.iter().enumerate() {
            let inputs = Inputs { values, nodes };
            sink.add(NodeId(input), |out, accum| {
                self.op.backward(inputs, values.get(node), gradient, i, (out, accum));
            });
        }
    }
}

fn nodes<'a>(workspace: &'a Workspace, custom: &Custom) -> &'a [u32] {
    &workspace.indices[custom.list..custom.list + custom.inputs]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, gradcheck};

    /// `y = a b`, which we have, as a user would write it.
    struct Product;

    impl CustomOp for Product {
        fn name(&self) -> &str {
            "product"
        }
        fn shape(&self, inputs: &[Shape]) -> Shape {
            assert!(inputs.len() == 2 && inputs[0] == inputs[1], "product: shapes {inputs:?}");
            inputs[0]
        }
        fn forward(&self, inputs: Inputs<'_>, out: &mut [f32]) {
            for (i, out) in out.iter_mut().enumerate() {
                *out = inputs.get(0)[i] * inputs.get(1)[i];
            }
        }
        fn backward(
            &self,
            inputs: Inputs<'_>,
            _y: &[f32],
            dy: &[f32],
            input: usize,
            (dx, accum): (&mut [f32], Accum),
        ) {
            for (i, dx) in dx.iter_mut().enumerate() {
                accum.apply(dx, dy[i] * inputs.get(1 - input)[i]);
            }
        }
    }

    #[test]
    fn gradient() {
        let product: Arc<dyn CustomOp> = Arc::new(Product);
        gradcheck(&Params::new(), &[noise([3, 2]), noise([3, 2])], |pass, x| pass.apply(&product, x).exp())
            .unwrap();
        gradcheck(&Params::new(), &[noise([3])], |pass, x| pass.apply(&product, &[x[0], x[0]])).unwrap();
    }

    #[test]
    fn the_next_pass_lets_it_go() {
        let product: Arc<dyn CustomOp> = Arc::new(Product);
        let (mut tape, params) = (crate::Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let x = pass.input(&noise([2]));
        pass.apply(&product, &[x, x]);
        assert_eq!(Arc::strong_count(&product), 2);
        tape.eval(&params);
        assert_eq!(Arc::strong_count(&product), 1);
    }

    #[test]
    fn it_refuses_shapes_itself() {
        let product: Arc<dyn CustomOp> = Arc::new(Product);
        panics_with("product: shapes [[2], [3]]", |pass| {
            pass.apply(&product, &[pass.input(&noise([2])), pass.input(&noise([3]))])
        });
    }
}
