//! The layers of a pass, found in what it has recorded: values in and out of every non-linearity, by the layer's name.
//!
//! Every value of a pass lies in the tape until the next pass begins. So nothing has to watch while it is computed: whoever wants
//! to see the layers reads the record afterwards, and a pass nobody looks at does no more than before.

use layerwise_tensor::Activation;

use crate::graph::{Graph, Named, NodeId};
use crate::ops::{Linear, Op};
use crate::{ParamId, Pass, Var};

/// What entered the non-linearity of a layer in a pass, and what left it.
#[derive(Clone, Copy, Debug)]
pub struct LayerValues<'a> {
    /// The path of the layer, without the parameter's own name: `encoder.0` of `encoder.0.weight`.
    pub layer: &'a str,
    /// The function; `None` for a PReLU, and for what a module has reported by [`Pass::name_layer`].
    pub activation: Option<Activation>,
    /// The last dimension of both values: the number of units.
    pub units: usize,
    /// `[.., units]`, row by row.
    pub pre_activation: &'a [f32],
    /// `[.., units]`, row by row.
    pub output: &'a [f32],
}

/// A layer in the record of a pass.
struct Found {
    layer: ParamId,
    activation: Option<Activation>,
    /// `None` where it was not kept: the linear layer and its activation are one operation.
    pre_activation: Option<NodeId>,
    output: NodeId,
}

impl<'p> Pass<'p> {
    /// Says which layer a non-linearity belongs to, and what entered and left it, for [`Pass::visit_layers`]. For modules whose
    /// non-linearity is none of [`Activation`], or whose linear part is none of ours. `layer` is any parameter of the module: its
    /// path without the last part is the layer's name. It costs the few bytes it writes down.
    ///
    /// # Panics
    /// If the values belong to another pass, or their shapes differ.
    #[track_caller]
    pub fn name_layer(&'p self, layer: ParamId, pre_activation: Var<'p>, output: Var<'p>) {
        pre_activation.check_same_pass(output, "name_layer");
        let (before, after) = (pre_activation.shape(), output.shape());
        assert!(
            std::ptr::eq(self.tape, output.pass.tape) && before == after,
            "name_layer ({}): a value of shape {before} that enters and one of shape {after} that leaves, expected equal ones \
             of this pass",
            self.params.name(layer)
        );
        let named = Named { layer, pre_activation: pre_activation.node, activation: output.node };
        self.tape.graph.borrow_mut().named.push(named);
    }
}

impl Pass<'_> {
    /// Shows `see` every layer of the pass in the order of computation: every activation with the linear map it acts on, whatever
    /// stands between the two (a normalisation, a reshape, ..), every linear map without one, and what modules have named
    /// ([`Pass::name_layer`]).
    ///
    /// A linear map is [`Var::linear`], or a product with a parameter where an activation follows. The weight names the layer; where
    /// it is another layer's turned round (tied weights), the bias does. An activation that acts on no layer has no name, and is
    /// left out. A layer that is used twice is shown twice. Values are those of the pass, bit for bit; where
    /// linear map and activation were one operation, the value between the two is computed once more.
    ///
    /// `see` cannot record operations in this pass.
    pub fn visit_layers(&self, mut see: impl FnMut(LayerValues<'_>)) {
        let graph = self.tape.graph.borrow();
        let values = graph.values(self.params);
        let mut recomputed = vec![];
        for Found { layer, activation, pre_activation, output } in find(&graph) {
            let (out, shape) = values.shaped(output);
            let pre_activation = match (pre_activation, &graph.nodes()[output.index()].op) {
                (Some(node), _) => values.get(node),
                (None, Op::Linear(op)) => {
                    recomputed.resize(out.len(), 0.0);
                    op.pre_activation(values, &mut recomputed);
                    &recomputed
                }
                (None, _) => out,
            };
            let layer = self.params.layout().scope(layer);
            see(LayerValues { layer, activation, units: shape.last(), pre_activation, output: out });
        }
    }
}

fn find(graph: &Graph) -> Vec<Found> {
    let mut found: Vec<Found> = vec![];
    // Linear maps that some non-linearity acts on, and non-linearities that a module has named.
    let mut taken = vec![false; graph.nodes().len()];
    for &Named { layer, pre_activation, activation } in &graph.named {
        taken[activation.index()] = true;
        if let Some((linear, _)) = linear_before(graph, pre_activation) {
            taken[linear.index()] = true;
        }
        found.push(Found {
            layer,
            activation: None,
            pre_activation: Some(pre_activation),
            output: activation,
        });
    }
    for output in graph.ids().filter(|id| !taken[id.index()]).collect::<Vec<_>>() {
        let (x, activation) = match graph.nodes()[output.index()].op {
            Op::Activation(x, activation) if activation != Activation::Identity => (x, Some(activation)),
            Op::Prelu(x, _) => (x, None),
            _ => continue,
        };
        if let Some((linear, layer)) = linear_before(graph, x) {
            taken[linear.index()] = true;
            found.push(Found { layer, activation, pre_activation: Some(x), output });
        }
    }
    for output in graph.ids().filter(|id| !taken[id.index()]) {
        if let Op::Linear(op) = graph.nodes()[output.index()].op
            && let Some(layer) = layer_of(graph, op)
        {
            let kept = op.activation() == Activation::Identity;
            found.push(Found {
                layer,
                activation: Some(op.activation()),
                pre_activation: kept.then_some(output),
                output,
            });
        }
    }
    found.sort_by_key(|found| found.output.0);
    found
}

/// The linear map that a value comes from, and a parameter of its layer.
fn linear_before(graph: &Graph, mut node: NodeId) -> Option<(NodeId, ParamId)> {
    loop {
        node = match graph.nodes()[node.index()].op {
            Op::Linear(op) => return layer_of(graph, op).map(|layer| (node, layer)),
            Op::MatMul(op) => {
                return op.operands().into_iter().find_map(|side| param(graph, side)).map(|w| (node, w));
            }
            Op::Reshape(x) | Op::Detach(x) | Op::Affine(x, _) | Op::Activation(x, _) | Op::Prelu(x, _) => x,
            Op::Dropout { x, .. } | Op::GaussianNoise(x) => x,
            Op::BatchNorm(op) => op.input_node(),
            Op::LayerNorm(op) => op.input_node(),
            Op::Add(a, b) | Op::Sub(a, b) | Op::Mul(a, b) | Op::Div(a, b) => {
                if param(graph, a).is_some() {
                    b
                } else {
                    a
                }
            }
            Op::Custom(ref custom) => custom.first_input(&graph.workspace)?,
            _ => return None,
        }
    }
}

/// A parameter of the layer that a linear map belongs to: its weight, or its bias where the weight is another layer's turned round.
fn layer_of(graph: &Graph, op: Linear) -> Option<ParamId> {
    let is_own = matches!(graph.nodes()[op.weight_node().index()].op, Op::Param(_));
    let bias = op.bias_node().filter(|_| !is_own).and_then(|bias| param(graph, bias));
    bias.or_else(|| param(graph, op.weight_node()))
}

/// The parameter that a value is, as it stands or in another shape.
fn param(graph: &Graph, node: NodeId) -> Option<ParamId> {
    match graph.nodes()[node.index()].op {
        Op::Param(id) => Some(id),
        Op::Transpose(x) | Op::Reshape(x) | Op::Detach(x) => param(graph, x),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::tests::noise;
    use crate::{Params, Tape};

    /// Weights `[4, 4]` of the layers `a` and `b`, and a slope.
    fn params() -> (Params, [ParamId; 3]) {
        let mut params = Params::new();
        let weight = noise([4, 4]);
        let mut root = params.root();
        let a = root.child("a").parameter("weight", [4, 4], |w| w.copy_from_slice(weight.as_slice()));
        let b = root.child("b").parameter("weight", [4, 4], |w| w.copy_from_slice(weight.as_slice()));
        let slope = root.child("c").parameter("weight", [4], |w| w.fill(0.5));
        (params, [a, b, slope])
    }

    type Seen = (String, Option<Activation>, Vec<f32>, Vec<f32>);

    fn seen(model: impl for<'p> FnOnce(Var<'p>, [Var<'p>; 3], [ParamId; 3]) -> Var<'p>) -> Vec<Seen> {
        let (params, ids) = params();
        let mut tape = Tape::new();
        let pass = tape.train(&params, 1);
        let y = model(pass.input(&noise([6, 4])), ids.map(|id| pass.param(id)), ids);
        y.square().sum().backward(); // what is read afterwards is still that of the forward pass
        let mut seen = vec![];
        pass.visit_layers(|layer| {
            assert_eq!(layer.units, 4);
            let [before, after] = [layer.pre_activation, layer.output].map(<[f32]>::to_vec);
            seen.push((layer.layer.to_owned(), layer.activation, before, after));
        });
        seen
    }

    fn names(seen: &[Seen]) -> Vec<(&str, Option<Activation>)> {
        seen.iter().map(|(name, activation, ..)| (name.as_str(), *activation)).collect()
    }

    #[test]
    fn fused_or_in_two_operations_values_are_the_same_bits() {
        let fused = seen(|x, [a, b, _], _| {
            let h = x.linear(a, None, Activation::Sigmoid);
            h.linear(b, None, Activation::Identity)
        });
        let parts = seen(|x, [a, b, _], _| {
            x.linear(a, None, Activation::Identity).sigmoid().linear(b, None, Activation::Identity)
        });
        assert_eq!(fused, parts);
        assert_eq!(names(&fused), [("a", Some(Activation::Sigmoid)), ("b", Some(Activation::Identity))]);
        let mut y = fused[0].2.clone();
        Activation::Sigmoid.forward(&mut y);
        assert_eq!(y, fused[0].3);
        assert_eq!(fused[1].2, fused[1].3);
    }

    #[test]
    fn a_normalisation_in_between_belongs_to_the_layer() {
        let seen = seen(|x, [a, b, slope], _| {
            let h = x.linear(a, None, Activation::Identity).batch_norm(None, None, 1e-5, |_, _| ());
            (h.relu().dropout(0.5).matmul_transposed(b) + 1.0).prelu(slope)
        });
        assert_eq!(names(&seen), [("a", Some(Activation::Relu)), ("b", None)]);
        let mean = |values: &[f32]| values.iter().step_by(4).sum::<f32>() / 6.0;
        assert!(mean(&seen[0].2).abs() < 1e-6, "{:?}", seen[0].2);
        assert!(seen[1].2.iter().zip(&seen[1].3).all(|(x, y)| *y == if *x > 0.0 { *x } else { 0.5 * x }));
    }

    #[test]
    fn a_module_names_what_nothing_else_could_know() {
        let seen = seen(|x, [a, b, _], [_, id, _]| {
            let z = x.linear(a, None, Activation::Relu).linear(b, None, Activation::Identity);
            let y = z.square().sqrt();
            x.pass().name_layer(id, z, y);
            y
        });
        assert_eq!(names(&seen), [("a", Some(Activation::Relu)), ("b", None)]);
        assert!(seen[1].2.iter().zip(&seen[1].3).all(|(z, y)| (z.abs() - y).abs() < 1e-6));
    }

    #[test]
    fn tied_weights_are_called_by_the_bias() {
        let seen = seen(|x, [a, _, slope], _| {
            let code = x.linear(a, None, Activation::Sigmoid);
            let back = code.linear(a.transpose(), Some(slope), Activation::Sigmoid);
            back.linear(a.transpose(), None, Activation::Identity).matmul_transposed(a.transpose()).tanh()
        });
        let [sigmoid, tanh] = [Activation::Sigmoid, Activation::Tanh].map(Some);
        assert_eq!(
            names(&seen),
            [("a", sigmoid), ("c", sigmoid), ("a", Some(Activation::Identity)), ("a", tanh)]
        );
    }

    #[test]
    fn what_acts_on_no_layer_is_left_out() {
        assert_eq!(names(&seen(|x, [a, ..], _| (x.sigmoid() * a.slice(0, 0..1)).exp().tanh())), []);
    }

    #[test]
    #[should_panic(
        expected = "name_layer (a.weight): a value of shape [6, 4] that enters and one of shape []"
    )]
    fn a_non_linearity_keeps_the_shape() {
        seen(|x, _, [id, ..]| {
            x.pass().name_layer(id, x, x.sum());
            x
        });
    }
}
