//! Which nodes a layer becomes.

use layerwise_autograd::{Activation, ParamId};
use layerwise_nn_layers::{BatchNorm, Layer, LayerNorm, Linear, PRelu, Sequential, TransposedLinear};

use super::graph::{Builder, float, int, string};
use super::{Head, OnnxError};

/// All layers of a sequence, whose place in the model is `path` with a dot at its end.
pub(super) fn sequence(graph: &mut Builder<'_>, layers: &Sequential, path: &str) -> Result<(), OnnxError> {
    for (i, layer) in layers.layers().iter().enumerate() {
        let place = format!("{path}{i}");
        match layer {
            Layer::Linear(layer) => linear(graph, layer, &place)?,
            Layer::TransposedLinear(layer) => transposed(graph, layer, &place)?,
            Layer::Activation(function) => activation(graph, *function, &place)?,
            Layer::Dropout(_) | Layer::GaussianDropout(_) | Layer::AlphaDropout(_) => {}
            Layer::GaussianNoise(_) => {}
            Layer::BatchNorm(layer) => batch_norm(graph, layer, &place)?,
            Layer::LayerNorm(layer) => layer_norm(graph, layer, &place)?,
            Layer::PRelu(layer) => prelu(graph, layer, &place)?,
            Layer::Sequential(inner) => sequence(graph, inner, &format!("{place}."))?,
            Layer::Custom(module) => return Err(unsupported(&place, module.name())),
            other => return Err(unsupported(&place, &format!("{other:?}"))),
        }
    }
    Ok(())
}

fn unsupported(layer: &str, name: &str) -> OnnxError {
    OnnxError::Unsupported { layer: layer.to_owned(), name: name.to_owned() }
}

/// What follows the last layer.
pub(super) fn head(graph: &mut Builder<'_>, head: Head) {
    match head {
        Head::None => {}
        Head::Softmax => graph.unary("Softmax", vec![int("axis", -1)]),
        Head::LogSoftmax => graph.unary("LogSoftmax", vec![int("axis", -1)]),
        Head::Sigmoid => graph.unary("Sigmoid", vec![]),
    }
}

fn linear(graph: &mut Builder<'_>, layer: &Linear, place: &str) -> Result<(), OnnxError> {
    let [outputs, inputs] = extents(graph, layer.weight());
    graph.map_width(place, inputs, outputs)?;
    let mut operands = vec![graph.value(), graph.parameter(layer.weight())];
    operands.extend(layer.bias().map(|bias| graph.parameter(bias)));
    graph.node("Gemm", operands, vec![int("transB", 1)]);
    activation(graph, layer.activation(), place)
}

fn transposed(graph: &mut Builder<'_>, layer: &TransposedLinear, place: &str) -> Result<(), OnnxError> {
    let [inputs, outputs] = extents(graph, layer.weight());
    graph.map_width(place, inputs, outputs)?;
    let operands = vec![graph.value(), graph.parameter(layer.weight()), graph.parameter(layer.bias())];
    graph.node("Gemm", operands, vec![]);
    activation(graph, layer.activation(), place)
}

/// Rows and columns of a weight.
fn extents(graph: &Builder<'_>, weight: ParamId) -> [usize; 2] {
    let shape = graph.params().shape(weight);
    [shape.rows(), shape.last()]
}

fn batch_norm(graph: &mut Builder<'_>, layer: &BatchNorm, place: &str) -> Result<(), OnnxError> {
    let features = graph.params().shape(layer.running_mean()).len();
    graph.map_width(place, features, features)?;
    let operands = vec![
        graph.value(),
        learned(graph, layer.weight(), 1.0, features),
        learned(graph, layer.bias(), 0.0, features),
        graph.parameter(layer.running_mean()),
        graph.parameter(layer.running_var()),
    ];
    graph.node("BatchNormalization", operands, vec![float("epsilon", layer.config().eps)]);
    Ok(())
}

fn layer_norm(graph: &mut Builder<'_>, layer: &LayerNorm, place: &str) -> Result<(), OnnxError> {
    let attributes = vec![int("axis", -1), float("epsilon", layer.eps())];
    let [Some(weight), Some(bias)] = [layer.weight(), layer.bias()] else {
        // The operator wants a scale. One number for all is allowed, but not by every version of onnxruntime.
        let features = graph.width().unwrap_or(1);
        let operands = vec![graph.value(), learned(graph, None, 1.0, features)];
        graph.node("LayerNormalization", operands, attributes);
        return Ok(());
    };
    let features = graph.params().shape(weight).len();
    graph.map_width(place, features, features)?;
    let operands = vec![graph.value(), graph.parameter(weight), graph.parameter(bias)];
    graph.node("LayerNormalization", operands, attributes);
    Ok(())
}

/// A parameter, or what it would be.
fn learned(graph: &mut Builder<'_>, id: Option<ParamId>, without: f32, features: usize) -> String {
    match id {
        Some(id) => graph.parameter(id),
        None => graph.constant(&[features], &vec![without; features]),
    }
}

fn prelu(graph: &mut Builder<'_>, layer: &PRelu, place: &str) -> Result<(), OnnxError> {
    let slopes = graph.params().shape(layer.weight()).len();
    if slopes != 1 {
        graph.map_width(place, slopes, slopes)?;
    }
    let operands = vec![graph.value(), graph.parameter(layer.weight())];
    graph.node("PRelu", operands, vec![]);
    Ok(())
}

fn activation(graph: &mut Builder<'_>, function: Activation, place: &str) -> Result<(), OnnxError> {
    match function {
        Activation::Identity => {}
        Activation::Sigmoid => graph.unary("Sigmoid", vec![]),
        Activation::Tanh => graph.unary("Tanh", vec![]),
        Activation::LecunTanh => {
            times(graph, 2.0 / 3.0);
            graph.unary("Tanh", vec![]);
            times(graph, 1.7159);
        }
        Activation::Relu => graph.unary("Relu", vec![]),
        Activation::LeakyRelu { slope } => graph.unary("LeakyRelu", vec![float("alpha", slope)]),
        Activation::Elu { alpha } => graph.unary("Elu", vec![float("alpha", alpha)]),
        Activation::Selu => graph.unary("Selu", vec![]),
        Activation::Gelu => graph.unary("Gelu", vec![]),
        Activation::GeluTanh => graph.unary("Gelu", vec![string("approximate", "tanh")]),
        Activation::Silu => {
            let x = graph.value();
            graph.unary("Sigmoid", vec![]);
            graph.node("Mul", vec![x, graph.value()], vec![]);
        }
        Activation::Mish => graph.unary("Mish", vec![]),
        Activation::Softplus => graph.unary("Softplus", vec![]),
        Activation::Softsign => graph.unary("Softsign", vec![]),
        Activation::HardSigmoid => {
            graph.unary("HardSigmoid", vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)]);
        }
        Activation::HardTanh => {
            let operands = vec![graph.value(), graph.constant(&[], &[-1.0]), graph.constant(&[], &[1.0])];
            graph.node("Clip", operands, vec![]);
        }
        Activation::HardSwish => graph.unary("HardSwish", vec![]),
        other => return Err(unsupported(place, &format!("{other:?}"))),
    }
    Ok(())
}

fn times(graph: &mut Builder<'_>, factor: f32) {
    let operands = vec![graph.value(), graph.constant(&[], &[factor])];
    graph.node("Mul", operands, vec![]);
}
