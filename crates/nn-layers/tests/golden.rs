//! `Mlp` against `torch.nn.Sequential`, the layers against PyTorch's; `golden/generate.py`, `golden/generate_layers.py` and
//! `golden/generate_norms.py` make the numbers.

use std::collections::BTreeMap;

use layerwise_autograd::{Activation, Params, Tape, Tensor};
use layerwise_nn_layers::{
    Affine, Averaging, BatchNorm, BatchNormConfig, Layer, LayerNorm, LayerNormConfig, Linear, Mlp, Module,
    PRelu,
};
use layerwise_tensor::Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    widths: Vec<usize>,
    labels: Vec<u8>,
    x: Array,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    activation: Activation,
    logits: Array,
    loss: Array,
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    value: Array,
    gradient: Array,
}

#[derive(Deserialize)]
struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Array {
    fn tensor(&self) -> Tensor {
        Tensor::new(self.shape.as_slice(), self.values.iter().map(|&x| x as f32).collect())
    }

    /// Fails where an element is off by more than 1e-5 of itself and 2e-7 of the largest element, and for a NaN.
    ///
    /// The second term is for small sums of large numbers: they carry the rounding of what was added up.
    #[track_caller]
    fn assert_close(&self, what: &str, found: &Tensor) {
        assert_eq!(found.shape().dims(), self.shape, "{what}");
        let largest = self.values.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        for (i, (&found, expected)) in found.as_slice().iter().zip(&self.values).enumerate() {
            let error = (f64::from(found) - expected).abs();
            let allowed = 1e-5 * expected.abs() + 2e-7 * largest;
            assert!(error <= allowed, "{what}, element {i}: {found}, PyTorch has {expected}");
        }
    }
}

#[test]
fn an_mlp_has_the_names_logits_loss_and_gradients_of_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("golden/mlp.json")).unwrap();
    assert_eq!(golden.cases.len(), 4);
    for Case { activation, logits, loss, parameters } in golden.cases {
        let mut params = Params::new();
        let mlp = Mlp::new(&golden.widths).activation(activation);
        let model = mlp.build(&mut params.root(), &mut Rng::seed(0));
        let names: Vec<_> = params.ids().map(|id| params.name(id).to_owned()).collect();
        assert_eq!(names, parameters.iter().map(|p| p.name.as_str()).collect::<Vec<_>>());
        parameters.iter().for_each(|p| params.set(&p.name, &p.value.tensor()));

        let mut tape = Tape::new();
        let pass = tape.train(&params, 0);
        let y = model.forward(pass.input(&golden.x.tensor()));
        logits.assert_close(&format!("logits with {activation:?}"), &y.value());
        let entropy = y.cross_entropy(&golden.labels);
        loss.assert_close(&format!("the loss with {activation:?}"), &entropy.value());
        entropy.backward();
        for Parameter { name, gradient, .. } in parameters {
            let found = tape.gradient(&params, &name).unwrap();
            gradient.assert_close(&format!("the gradient of {name} with {activation:?}"), &found);
        }
    }
}

#[derive(Deserialize)]
struct Norms {
    cases: Vec<Norm>,
}

#[derive(Deserialize)]
struct Norm {
    name: String,
    state: BTreeMap<String, Array>,
    xs: Vec<Array>,
    ys: Vec<Array>,
    weights: Array,
    dx: Array,
    gradients: BTreeMap<String, Array>,
    after: BTreeMap<String, Array>,
    eval: Array,
}

#[test]
fn normalisations_have_the_results_gradients_and_statistics_of_pytorch() {
    let golden: Norms = serde_json::from_str(include_str!("golden/norms.json")).unwrap();
    assert_eq!(golden.cases.len(), 6);
    for case in golden.cases {
        let (mut params, name) = (Params::new(), &case.name);
        let mut root = params.root();
        let plain = BatchNormConfig::default();
        let mut batch_norm = |config| Layer::from(BatchNorm::with_config(&mut root, 4, config));
        let norm = match name.as_str() {
            "batch_norm" => batch_norm(plain),
            "batch_norm_cumulative" => {
                batch_norm(BatchNormConfig { eps: 1e-3, averaging: Averaging::Cumulative, ..plain })
            }
            "batch_norm_momentum" => {
                batch_norm(BatchNormConfig { averaging: Averaging::Exponential { momentum: 0.375 }, ..plain })
            }
            "batch_norm_plain" => batch_norm(BatchNormConfig { affine: Affine::Off, ..plain }),
            "layer_norm" => LayerNorm::new(&mut root, 4).into(),
            "layer_norm_plain" => {
                let config = LayerNormConfig { eps: 0.01, affine: Affine::Off };
                LayerNorm::with_config(&mut root, 4, config).into()
            }
            other => panic!("no normalisation {other}"),
        };
        assert_eq!(params.len(), case.state.len(), "{name}");
        case.state.iter().for_each(|(name, value)| params.set(name, &value.tensor()));

        let mut tape = Tape::new();
        for (step, (x, expected)) in case.xs.iter().zip(&case.ys).enumerate() {
            let pass = tape.train(&params, 0);
            let x = pass.variable(&x.tensor());
            let y = norm.forward(x);
            expected.assert_close(&format!("{name}, step {step}"), &y.value());
            if step == 2 {
                y.backward_with(&case.weights.tensor());
                case.dx.assert_close(&format!("{name}, the gradient of x"), &x.gradient().unwrap());
                for (part, gradient) in &case.gradients {
                    let found = tape.gradient(&params, part).unwrap();
                    gradient.assert_close(&format!("{name}, the gradient of {part}"), &found);
                }
            }
            tape.finish_step(&mut params);
        }
        for (part, value) in &case.after {
            value.assert_close(&format!("{name}, {part} afterwards"), &params.get(part).unwrap());
        }
        let pass = tape.eval(&params);
        let y = norm.forward(pass.input(&case.xs[0].tensor()));
        case.eval.assert_close(&format!("{name}, evaluation"), &y.value());
    }
}

#[derive(Deserialize)]
struct Layers {
    cases: Vec<LayerCase>,
}

#[derive(Deserialize)]
struct LayerCase {
    name: String,
    x: Array,
    y: Array,
    weights: Array,
    dx: Array,
    parameters: Vec<Parameter>,
}

#[test]
fn layers_have_the_names_results_and_gradients_of_pytorch() {
    let golden: Layers = serde_json::from_str(include_str!("golden/layers.json")).unwrap();
    assert_eq!(golden.cases.len(), 4);
    for LayerCase { name, x, y, weights, dx, parameters } in golden.cases {
        let (mut params, mut rng) = (Params::new(), Rng::seed(0));
        let mut root = params.root();
        let layer: Layer = match name.as_str() {
            "linear" => Linear::new(&mut root, 5, 3, &mut rng).into(),
            "linear without bias" => Linear::without_bias(&mut root, 5, 3, &mut rng).into(),
            "prelu" => PRelu::new(&mut root).into(),
            "prelu per feature" => PRelu::per_feature(&mut root, 5).into(),
            other => panic!("no layer {other}"),
        };
        let names: Vec<_> = params.ids().map(|id| params.name(id).to_owned()).collect();
        assert_eq!(names, parameters.iter().map(|p| p.name.as_str()).collect::<Vec<_>>());
        parameters.iter().for_each(|p| params.set(&p.name, &p.value.tensor()));

        let mut tape = Tape::new();
        let pass = tape.train(&params, 0);
        let input = pass.variable(&x.tensor());
        let output = layer.forward(input);
        y.assert_close(&name, &output.value());
        output.backward_with(&weights.tensor());
        dx.assert_close(&format!("{name}, the gradient of x"), &input.gradient().unwrap());
        for p in parameters {
            let found = tape.gradient(&params, &p.name).unwrap();
            p.gradient.assert_close(&format!("{name}, the gradient of {}", p.name), &found);
        }
    }
}
