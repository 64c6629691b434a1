//! The networks of `golden/cases.json` in Layerwise, and how results are compared.

use std::collections::BTreeMap;

use layerwise_autograd::{Activation, Params, Scope, Tape, Tensor};
use layerwise_nn_layers::{
    Affine, AlphaDropout, BatchNorm, BatchNormConfig, Dropout, GaussianDropout, GaussianNoise, Init,
    LayerNorm, LayerNormConfig, Linear, Mlp, Module, PRelu, Sequential, TransposedLinear,
};
use layerwise_tensor::Rng;
use serde::{Deserialize, Serialize};

/// Every input has so many features.
pub const FEATURES: usize = 5;

const ACTIVATIONS: [(&str, Activation); 17] = [
    ("identity", Activation::Identity),
    ("sigmoid", Activation::Sigmoid),
    ("tanh", Activation::Tanh),
    ("lecun tanh", Activation::LecunTanh),
    ("relu", Activation::Relu),
    ("leaky relu", Activation::LeakyRelu { slope: 0.1 }),
    ("elu", Activation::Elu { alpha: 0.7 }),
    ("selu", Activation::Selu),
    ("gelu", Activation::Gelu),
    ("gelu tanh", Activation::GeluTanh),
    ("silu", Activation::Silu),
    ("mish", Activation::Mish),
    ("softplus", Activation::Softplus),
    ("softsign", Activation::Softsign),
    ("hard sigmoid", Activation::HardSigmoid),
    ("hard tanh", Activation::HardTanh),
    ("hard swish", Activation::HardSwish),
];

type Build = fn(&mut Scope<'_>, &mut Rng) -> Sequential;

const NETWORKS: [(&str, Build); 11] = [
    ("linear", |scope, rng| Sequential::new().then(Linear::new(&mut scope.child(0), FEATURES, 4, rng))),
    ("linear without bias", |scope, rng| {
        Sequential::new().then(Linear::without_bias(&mut scope.child(0), FEATURES, 4, rng))
    }),
    ("linear and its transpose", |scope, rng| {
        let linear = Linear::new(&mut scope.child(0), FEATURES, 3, rng);
        let back = TransposedLinear::of(&linear, &mut scope.child(1), [3, FEATURES], Init::Zeros, rng);
        Sequential::new().then(linear).then(back)
    }),
    ("prelu", |scope, _| Sequential::new().then(PRelu::new(&mut scope.child(0)))),
    ("prelu per feature", |scope, _| {
        Sequential::new().then(PRelu::per_feature(&mut scope.child(0), FEATURES))
    }),
    ("batch norm", |scope, _| {
        let config = BatchNormConfig { eps: 1e-3, ..Default::default() };
        Sequential::new().then(BatchNorm::with_config(&mut scope.child(0), FEATURES, config))
    }),
    ("batch norm without affine", |scope, _| {
        let config = BatchNormConfig { affine: Affine::Off, ..Default::default() };
        Sequential::new().then(BatchNorm::with_config(&mut scope.child(0), FEATURES, config))
    }),
    ("layer norm", |scope, _| {
        let config = LayerNormConfig { eps: 1e-3, ..Default::default() };
        Sequential::new().then(LayerNorm::with_config(&mut scope.child(0), FEATURES, config))
    }),
    ("layer norm without affine", |scope, rng| {
        let config = LayerNormConfig { affine: Affine::Off, ..Default::default() };
        let linear = Linear::new(&mut scope.child(0), FEATURES, 4, rng);
        Sequential::new().then(linear).then(LayerNorm::with_config(&mut scope.child(1), 4, config))
    }),
    ("mlp", |scope, rng| {
        let mlp = Mlp::new(&[FEATURES, 8, 6, 3]).activation(Activation::Gelu).input_dropout(0.2);
        mlp.batch_norm().layer_norm().dropout(0.5).build(scope, rng)
    }),
    ("sequence in a sequence", |scope, rng| {
        let linear = Linear::new(&mut scope.child(0), FEATURES, 4, rng);
        let mut inside = scope.child(1);
        let inner = Sequential::new()
            .then(BatchNorm::new(&mut inside.child(0), 4))
            .then(Activation::Tanh)
            .then(Linear::new(&mut inside.child(2), 4, 3, rng));
        Sequential::new().then(linear).then(inner).then(PRelu::per_feature(&mut scope.child(2), 3))
    }),
];

/// All networks by name, with parameters that are drawn.
pub fn networks() -> BTreeMap<String, (Params, Sequential)> {
    let mut networks = BTreeMap::new();
    let mut add = |name: &str, build: &dyn Fn(&mut Scope<'_>, &mut Rng) -> Sequential| {
        let (mut params, mut rng) = (Params::new(), Rng::seed(networks.len() as u64));
        let model = build(&mut params.root(), &mut rng);
        draw(&mut params, &mut rng);
        assert!(networks.insert(name.to_owned(), (params, model)).is_none(), "two of {name:?}");
    };
    for (name, activation) in ACTIVATIONS {
        add(name, &|_, _| Sequential::new().then(activation));
        if activation != Activation::Identity {
            add(&format!("linear and {name}"), &|scope, rng| {
                let linear = Linear::new(&mut scope.child(0), FEATURES, 4, rng);
                Sequential::new().then(linear.with_activation(activation))
            });
        }
    }
    add("noise", &|_, _| {
        let model = Sequential::new().then(Dropout::new(0.5)).then(GaussianDropout::new(0.5));
        model.then(AlphaDropout::new(0.5)).then(GaussianNoise::new(0.5))
    });
    NETWORKS.iter().for_each(|(name, build)| add(name, build));
    networks
}

/// Overwrites parameters and running statistics with what no layer starts with.
pub fn draw(params: &mut Params, rng: &mut Rng) {
    for id in params.ids() {
        let name = params.name(id).to_owned();
        for value in &mut params[id] {
            let drawn = rng.normal(0.0, 1.0);
            *value = match name.rsplit('.').next() {
                Some("running_var") => drawn.abs() + 0.5,
                Some("num_batches_tracked") => 12.0,
                _ => drawn,
            };
        }
    }
}

/// Inputs and outputs, row by row.
#[derive(Serialize, Deserialize)]
pub struct Rows {
    pub x: Vec<Vec<f32>>,
    pub y: Vec<Vec<f64>>,
}

#[cfg(feature = "safetensors")]
impl Rows {
    /// Fails where an element of ours is off by more than 1e-5 of theirs and 1e-6 of the largest: small sums of large numbers carry the rounding
    /// of what was added up.
    #[track_caller]
    pub fn check(&self, name: &str, params: &Params, model: &Sequential) {
        let found = run(params, model, &self.x);
        let largest = self.y.iter().flatten().fold(0.0, |largest: f64, y| largest.max(y.abs()));
        for (found, expected) in found.iter().flatten().zip(self.y.iter().flatten()) {
            let error = (found - expected).abs();
            let allowed = 1e-5 * expected.abs() + 1e-6 * largest;
            assert!(error <= allowed, "{name}: {found}, PyTorch has {expected}");
        }
        assert_eq!(found.iter().map(Vec::len).sum::<usize>(), self.y.iter().map(Vec::len).sum::<usize>());
    }
}

/// The network's values, row by row.
pub fn run(params: &Params, model: &Sequential, x: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let mut tape = Tape::new();
    let pass = tape.eval(params);
    let y = model.forward(pass.input(&Tensor::new([x.len(), FEATURES], x.concat()))).value();
    y.as_slice().chunks(y.shape().last()).map(|row| row.iter().map(|&y| f64::from(y)).collect()).collect()
}
