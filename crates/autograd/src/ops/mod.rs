//! The differentiable operations: a closed list, one file each with the formula, its derivative, both passes and the tests.
//!
//! An operation is what its backward pass has to remember: where its inputs are, and its constants. Its result lies in the
//! tape.

mod abs;
mod activation;
mod activation_slope;
mod add;
mod affine;
mod batch_norm;
mod bce;
mod clamp;
mod class_loss;
mod concat;
mod cosine_embedding;
mod cross_entropy;
mod custom;
mod div;
mod dropout;
mod exp;
mod huber;
mod kl_div;
mod layer_norm;
mod linear;
mod log;
mod log_softmax;
mod mae;
mod matmul;
mod max;
mod mean;
mod mse;
mod mul;
mod pair_loss;
mod powf;
mod prelu;
mod reshape;
mod slice;
mod softmax;
mod sqrt;
mod square;
mod sub;
mod sum;
mod transpose;

use layerwise_tensor::{Accum, Activation, elementwise};

use crate::gradients::Backward;
use crate::graph::{Forward, Node, NodeId};
use crate::{ParamId, Params, Var};

pub(crate) use linear::Linear;

pub use class_loss::ClassLossOptions;
pub use custom::{CustomOp, Inputs};
pub use pair_loss::Reduction;

/// Everything that can stand in a tape.
pub(crate) enum Op {
    // Leaves.
    Input,
    Variable,
    Param(ParamId),
    // The same value under another name.
    Detach(NodeId),
    Reshape(NodeId),
    // Element by element.
    Add(NodeId, NodeId),
    Sub(NodeId, NodeId),
    Mul(NodeId, NodeId),
    Div(NodeId, NodeId),
    Affine(NodeId, f32),
    Exp(NodeId),
    Log(NodeId),
    Sqrt(NodeId),
    Square(NodeId),
    Powf(NodeId, f32),
    Abs(NodeId),
    Clamp(NodeId, f32, f32),
    Activation(NodeId, Activation),
    ActivationSlope(NodeId, Activation),
    Prelu(NodeId, NodeId),
    Dropout { x: NodeId, factors: usize },
    GaussianNoise(NodeId),
    // Along rows and columns.
    Transpose(NodeId),
    Slice { x: NodeId, axis: usize, start: usize },
    Concat { list: usize, parts: usize, axis: usize },
    Sum { x: NodeId, scale: f32 },
    SumAxis { x: NodeId, axis: usize, scale: f32 },
    MaxAxis { x: NodeId, axis: usize, places: usize },
    Softmax(NodeId),
    LogSoftmax(NodeId),
    BatchNorm(batch_norm::BatchNorm),
    LayerNorm(layer_norm::LayerNorm),
    // Products and losses.
    MatMul(matmul::MatMul),
    Linear(Linear),
    CrossEntropy(cross_entropy::CrossEntropy),
    ClassLoss(class_loss::ClassLoss),
    Mse(NodeId, NodeId),
    PairLoss(pair_loss::PairLoss),
    // The user's.
    Custom(custom::Custom),
}

impl Op {
    /// Passes the gradient of the result on to the inputs.
    pub(crate) fn backward(&self, pass: Backward<'_, '_>) {
        match *self {
            Op::Input | Op::Variable | Op::Param(_) | Op::Detach(_) => {}
            Op::Reshape(x) => reshape::backward(x, pass),
            Op::Add(a, b) => add::backward(a, b, pass),
            Op::Sub(a, b) => sub::backward(a, b, pass),
            Op::Mul(a, b) => mul::backward(a, b, pass),
            Op::Div(a, b) => div::backward(a, b, pass),
            Op::Affine(x, scale) => affine::backward(x, scale, pass),
            Op::Exp(x) => exp::backward(x, pass),
            Op::Log(x) => log::backward(x, pass),
            Op::Sqrt(x) => sqrt::backward(x, pass),
            Op::Square(x) => square::backward(x, pass),
            Op::Powf(x, p) => powf::backward(x, p, pass),
            Op::Abs(x) => abs::backward(x, pass),
            Op::Clamp(x, low, high) => clamp::backward(x, low, high, pass),
            Op::Activation(x, activation) => activation::backward(x, activation, pass),
            Op::ActivationSlope(x, activation) => activation_slope::backward(x, activation, pass),
            Op::Prelu(x, slope) => prelu::backward(x, slope, pass),
            Op::Dropout { x, factors } => dropout::backward(x, factors, pass),
            Op::GaussianNoise(x) => dropout::backward_noise(x, pass),
            Op::Transpose(x) => transpose::backward(x, pass),
            Op::Slice { x, axis, start } => slice::backward(x, axis, start, pass),
            Op::Concat { list, parts, axis } => concat::backward(list, parts, axis, pass),
            Op::Sum { x, scale } => sum::backward(x, scale, pass),
            Op::SumAxis { x, axis, scale } => sum::backward_axis(x, axis, scale, pass),
            Op::MaxAxis { x, axis, places } => max::backward_axis(x, axis, places, pass),
            Op::Softmax(x) => softmax::backward(x, pass),
            Op::LogSoftmax(x) => log_softmax::backward(x, pass),
            Op::BatchNorm(op) => op.backward(pass),
            Op::LayerNorm(op) => op.backward(pass),
            Op::MatMul(op) => op.backward(pass),
            Op::Linear(op) => op.backward(pass),
            Op::CrossEntropy(op) => op.backward(pass),
            Op::ClassLoss(op) => op.backward(pass),
            Op::Mse(x, target) => mse::backward(x, target, pass),
            Op::PairLoss(op) => op.backward(pass),
            Op::Custom(ref op) => op.backward(pass),
        }
    }

    /// The operation for a person: its name, and the parameter it reads or is.
    pub(crate) fn describe(&self, params: &Params, nodes: &[Node]) -> String {
        let name = match self {
            Op::Input => "the input",
            Op::Variable => "the variable",
            Op::Param(id) => return format!("the parameter {}", params.name(*id)),
            Op::Detach(_) => "detach",
            Op::Reshape(_) => "reshape",
            Op::Add(..) => "add",
            Op::Sub(..) => "sub",
            Op::Mul(..) => "mul",
            Op::Div(..) => "div",
            Op::Affine(..) => "affine",
            Op::Exp(_) => "exp",
            Op::Log(_) => "log",
            Op::Sqrt(_) => "sqrt",
            Op::Square(_) => "square",
            Op::Powf(..) => "powf",
            Op::Abs(_) => "abs",
            Op::Clamp(..) => "clamp",
            Op::Activation(_, activation) => return format!("activation {activation:?}"),
            Op::ActivationSlope(_, activation) => return format!("the slope of activation {activation:?}"),
            Op::Transpose(_) => "transpose",
            Op::Slice { .. } => "slice",
            Op::Concat { .. } => "concat",
            Op::Sum { .. } | Op::SumAxis { .. } => "sum or mean",
            Op::MaxAxis { .. } => "max",
            Op::Softmax(_) => "softmax",
            Op::LogSoftmax(_) => "log_softmax",
            Op::BatchNorm(_) => "batch_norm",
            Op::LayerNorm(_) => "layer_norm",
            Op::Prelu(..) => "prelu",
            Op::Dropout { .. } => "dropout",
            Op::GaussianNoise(_) => "gaussian_noise",
            Op::MatMul(_) => "matmul",
            Op::Linear(op) => match nodes[op.weight_node().index()].op {
                Op::Param(id) => return format!("linear ({})", params.name(id)),
                _ => "linear",
            },
            Op::CrossEntropy(_) => "cross_entropy",
            Op::ClassLoss(_) => "a loss over classes",
            Op::Mse(..) => "mse",
            Op::PairLoss(op) => op.name(),
            Op::Custom(custom) => custom.op.name(),
        };
        name.to_owned()
    }
}

/// Records `y = f(x)` element by element.
fn unary<'p>(x: Var<'p>, op: impl FnOnce(NodeId) -> Op, f: impl Fn(f32) -> f32) -> Var<'p> {
    let node = x.node;
    x.pass.record(x.shape(), x.needs_gradient(), |Forward { values, out, .. }| {
        elementwise::map(values.get(node), out, Accum::Replace, f);
        op(node)
    })
}

/// `dx = derivative(dy, x, y)` element by element.
fn unary_backward(x: NodeId, pass: Backward<'_, '_>, derivative: impl Fn(f32, f32, f32) -> f32) {
    let Backward { node, values, gradient, sink, .. } = pass;
    for ((g, &x), &y) in gradient.iter_mut().zip(values.get(x)).zip(values.get(node)) {
        *g = derivative(*g, x, y);
    }
    sink.hand_on(x, gradient);
}

/// Records `y = f(a, b)` element by element with broadcasting.
#[track_caller]
fn binary<'p>(
    name: &str,
    a: Var<'p>,
    b: Var<'p>,
    op: impl FnOnce(NodeId, NodeId) -> Op,
    f: impl Fn(f32, f32) -> f32,
) -> Var<'p> {
    a.check_same_pass(b, name);
    let shape = elementwise::common_shape(name, a.shape(), b.shape());
    a.pass.record(shape, a.needs_gradient() || b.needs_gradient(), |Forward { values, out, .. }| {
        elementwise::zip(values.shaped(a.node), values.shaped(b.node), out, Accum::Replace, f);
        op(a.node, b.node)
    })
}

/// `da = by_a(dy, a, b)` and `db = by_b(dy, b, a)`, each summed over what was repeated.
fn binary_backward(
    a: NodeId,
    b: NodeId,
    pass: Backward<'_, '_>,
    by_a: impl Fn(f32, f32, f32) -> f32,
    by_b: impl Fn(f32, f32, f32) -> f32,
) {
    let Backward { values, gradient, sink, .. } = pass;
    let (left, right) = (values.shaped(a), values.shaped(b));
    sink.add(a, |out, accum| elementwise::zip_backward(gradient, left, right, (out, accum), by_a));
    sink.add(b, |out, accum| elementwise::zip_backward(gradient, right, left, (out, accum), by_b));
}

#[cfg(test)]
pub(crate) mod tests {
    use crate::{Params, Pass, Tape, Var};
    use layerwise_tensor::{Shape, Tensor};

    /// Numbers in -1..1 without a pattern.
    pub fn noise(shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        let salt = shape.rank() as u32 * 77 + shape.last() as u32;
        Tensor::from_fn(shape, |i| {
            let bits =
                (i as u32 ^ salt).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
            bits as i32 as f32 / i32::MAX as f32
        })
    }

    /// Pairs of operands in all ways of broadcasting, away from zero.
    pub fn for_each_broadcast(check: impl Fn(Tensor, Tensor)) {
        let shapes: [(&[usize], &[usize]); 6] = [
            (&[2, 3], &[2, 3]),
            (&[2, 3], &[3]),
            (&[1], &[2, 3]),
            (&[2, 1], &[1, 3]),
            (&[3], &[2, 2, 3]),
            (&[], &[2]),
        ];
        for (a, b) in shapes {
            let away_from_zero = |x: f32| x + 0.5 * x.signum();
            check(noise(a).map(away_from_zero), noise(b).map(away_from_zero));
        }
    }

    /// The text that `body` panics with.
    pub fn panic_text(body: impl FnOnce()) -> String {
        let payload =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).expect_err("it should panic");
        match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => payload.downcast::<&str>().expect("a panic has a text").to_string(),
        }
    }

    /// Checks the text of the panic of an operation that is used wrongly.
    pub fn panics_with(text: &str, wrong: impl for<'p> FnOnce(&'p Pass<'p>) -> Var<'p>) {
        let found = panic_text(|| {
            let (mut tape, params) = (Tape::new(), Params::new());
            wrong(&tape.eval(&params));
        });
        assert_eq!(found, text);
    }
}
