//! `Mlp` against `torch.nn.Sequential`, the normalisations against PyTorch's; `golden/generate.py` and `golden/generate_norms.py`
//! make the numbers.

use std::collections::BTreeMap;

use layerwise_autograd::{Activation, Params, Tape, Tensor};
use layerwise_nn_layers::{Averaging, BatchNorm, BatchNormConfig, Layer, LayerNorm, Mlp, Module};
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
    dweight: Array,
    dbias: Array,
    after: BTreeMap<String, Array>,
    eval: Array,
}

#[test]
fn normalisations_have_the_results_gradients_and_statistics_of_pytorch() {
    let golden: Norms = serde_json::from_str(include_str!("golden/norms.json")).unwrap();
    assert_eq!(golden.cases.len(), 3);
    for case in golden.cases {
        let (mut params, name) = (Params::new(), &case.name);
        let mut root = params.root();
        let cumulative =
            BatchNormConfig { eps: 1e-3, averaging: Averaging::Cumulative, ..BatchNormConfig::default() };
        let norm: Layer = match name.as_str() {
            "batch_norm" => BatchNorm::new(&mut root, 4).into(),
            "batch_norm_cumulative" => BatchNorm::with_config(&mut root, 4, cumulative).into(),
            _ => LayerNorm::new(&mut root, 4).into(),
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
                for (part, gradient) in [("weight", &case.dweight), ("bias", &case.dbias)] {
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
