//! A network as a chain of nodes.

use std::collections::HashSet;

use layerwise_autograd::{ParamId, Params};
use prost::Message;

use super::proto::{self, Attribute, Dimension, Entry, Extent, Graph, Node, OperatorSet, Tensor, ValueInfo};
use super::{IR_VERSION, LARGEST, OPSET, OnnxConfig, OnnxError, OnnxModel};

/// The nodes so far, and where they have come to.
pub(super) struct Builder<'a> {
    params: &'a Params,
    nodes: Vec<Node>,
    /// Parameters that nodes read, in the order of their first use.
    used: Vec<ParamId>,
    constants: Vec<Tensor>,
    /// The name of the last value.
    value: String,
    /// The number of its features; `None` as long as any will do.
    width: Option<usize>,
    input_width: Option<usize>,
}

impl<'a> Builder<'a> {
    pub fn new(params: &'a Params, input: &str) -> Self {
        Builder {
            params,
            nodes: vec![],
            used: vec![],
            constants: vec![],
            value: input.to_owned(),
            width: None,
            input_width: None,
        }
    }

    pub fn params(&self) -> &'a Params {
        self.params
    }

    /// The name of the last value.
    pub fn value(&self) -> String {
        self.value.clone()
    }

    /// The number of features of the last value, if it is known.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// A layer at the place `layer` takes `inputs` features and gives `outputs`.
    pub fn map_width(&mut self, layer: &str, inputs: usize, outputs: usize) -> Result<(), OnnxError> {
        match self.width {
            Some(found) if found != inputs => {
                return Err(OnnxError::Width { layer: layer.to_owned(), expected: inputs, found });
            }
            Some(_) => {}
            None => self.input_width = Some(inputs),
        }
        self.width = Some(outputs);
        Ok(())
    }

    /// The name of a parameter, which becomes part of the model.
    pub fn parameter(&mut self, id: ParamId) -> String {
        if !self.used.contains(&id) {
            self.used.push(id);
        }
        self.params.name(id).to_owned()
    }

    /// The name of a constant, which becomes part of the model.
    pub fn constant(&mut self, dims: &[usize], values: &[f32]) -> String {
        let name = format!("constant/{}", self.constants.len());
        self.constants.push(tensor(&name, dims, values));
        name
    }

    /// A node whose output is the last value from now on.
    pub fn node(&mut self, op: &str, inputs: Vec<String>, attribute: Vec<Attribute>) {
        let n = self.nodes.len();
        self.value = format!("value/{n}");
        self.nodes.push(Node {
            input: inputs,
            output: vec![self.value.clone()],
            name: Some(format!("{op}/{n}")),
            op_type: Some(op.to_owned()),
            attribute,
        });
    }

    /// A node of the last value alone.
    pub fn unary(&mut self, op: &str, attributes: Vec<Attribute>) {
        self.node(op, vec![self.value()], attributes);
    }

    pub fn finish(mut self, config: &OnnxConfig) -> Result<OnnxModel, OnnxError> {
        if self.nodes.is_empty() {
            self.unary("Identity", vec![]);
        }
        if let Some(last) = self.nodes.last_mut() {
            last.output = vec![config.output.clone()];
        }
        let parameters = self.used.iter().map(|&id| {
            let params = self.params;
            tensor(params.name(id), params.shape(id).dims(), &params[id])
        });
        let graph = Graph {
            initializer: parameters.chain(self.constants).collect(),
            node: self.nodes,
            name: Some("layerwise".to_owned()),
            input: vec![value_info(&config.input, self.input_width)],
            output: vec![value_info(&config.output, self.width)],
        };
        check_names(&graph, config)?;
        let entry =
            |(key, value): (&String, &String)| Entry { key: Some(key.clone()), value: Some(value.clone()) };
        let model = proto::Model {
            ir_version: Some(IR_VERSION),
            producer_name: Some("layerwise".to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            graph: Some(graph),
            opset_import: vec![OperatorSet { domain: Some(String::new()), version: Some(OPSET) }],
            metadata_props: config.metadata.iter().map(entry).collect(),
        };
        match model.encoded_len() {
            len if len > LARGEST => Err(OnnxError::TooLarge(len)),
            _ => Ok(OnnxModel { model, widths: [self.input_width, self.width] }),
        }
    }
}

/// Every value of a graph has a name of its own.
fn check_names(graph: &Graph, config: &OnnxConfig) -> Result<(), OnnxError> {
    let inner = graph.node.iter().rev().skip(1).flat_map(|node| &node.output);
    let initializers = graph.initializer.iter().filter_map(|tensor| tensor.name.as_ref());
    let mut taken: HashSet<&str> = inner.chain(initializers).map(String::as_str).collect();
    for name in [&config.input, &config.output] {
        if name.is_empty() || !taken.insert(name) {
            return Err(OnnxError::Name(name.clone()));
        }
    }
    Ok(())
}

fn tensor(name: &str, dims: &[usize], values: &[f32]) -> Tensor {
    Tensor {
        dims: dims.iter().map(|&extent| extent as i64).collect(),
        data_type: Some(proto::FLOAT),
        name: Some(name.to_owned()),
        raw_data: Some(values.iter().flat_map(|x| x.to_le_bytes()).collect()),
    }
}

/// `[batch, width]`.
fn value_info(name: &str, width: Option<usize>) -> ValueInfo {
    let width = match width {
        Some(width) => Extent::Value(width as i64),
        None => Extent::Name("features".to_owned()),
    };
    let dim = [Extent::Name("batch".to_owned()), width].map(|extent| Dimension { extent: Some(extent) });
    let shape = Some(proto::Shape { dim: dim.into() });
    let tensor_type = Some(proto::TensorType { elem_type: Some(proto::FLOAT), shape });
    ValueInfo { name: Some(name.to_owned()), r#type: Some(proto::Type { tensor_type }) }
}

pub(super) fn float(name: &str, value: f32) -> Attribute {
    Attribute { f: Some(value), ..attribute(name, proto::ATTRIBUTE_FLOAT) }
}

pub(super) fn int(name: &str, value: i64) -> Attribute {
    Attribute { i: Some(value), ..attribute(name, proto::ATTRIBUTE_INT) }
}

pub(super) fn string(name: &str, value: &str) -> Attribute {
    Attribute { s: Some(value.as_bytes().to_vec()), ..attribute(name, proto::ATTRIBUTE_STRING) }
}

fn attribute(name: &str, kind: i32) -> Attribute {
    Attribute { name: Some(name.to_owned()), r#type: Some(kind), ..Attribute::default() }
}
