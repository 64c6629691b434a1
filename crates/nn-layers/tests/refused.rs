//! Wrong configurations are refused when something is built from them, with the value and the range.

use std::panic::{AssertUnwindSafe, catch_unwind};

use layerwise_autograd::Params;
use layerwise_nn_layers::{
    Activation, AlphaDropout, Averaging, BatchNorm, BatchNormConfig, ConfusionMatrix, Dropout,
    GaussianDropout, GaussianNoise, Init, Layer, LayerNorm, LayerNormConfig, Linear, Mlp, Observer,
    Sequential, Summary,
};
use layerwise_tensor::Rng;

const WIDTHS: [usize; 3] = [4, 6, 3];

fn batch_norm(config: BatchNormConfig) {
    BatchNorm::with_config(&mut Params::new().root(), 2, config);
}

fn momentum(momentum: f32) -> BatchNormConfig {
    BatchNormConfig { averaging: Averaging::Exponential { momentum }, ..Default::default() }
}

fn linear(init: Init) {
    Linear::with_init(&mut Params::new().root(), 6, 2, init, &mut Rng::seed(0));
}

/// From a file, say: the methods of `Mlp` have not seen it.
fn read(text: &str) {
    let mlp: Mlp = serde_json::from_str(text).expect("the shape of a configuration");
    mlp.build(&mut Params::new().root(), &mut Rng::seed(0));
}

const NAN: f32 = f32::NAN;

type Wrong = fn();

const CASES: [(&str, Wrong); 41] = [
    ("dropout: p is 1, but must lie in [0, 1)", || drop(Layer::from(Dropout::new(1.0)))),
    ("dropout: p is -0.1, but must lie in [0, 1)", || drop(Layer::from(Dropout::new(-0.1)))),
    ("dropout: p is NaN, but must lie in [0, 1)", || drop(Layer::from(Dropout::new(NAN)))),
    ("gaussian_dropout: p is 1, but must lie in [0, 1)", || drop(Layer::from(GaussianDropout::new(1.0)))),
    ("alpha_dropout: p is 2, but must lie in [0, 1)", || drop(Layer::from(AlphaDropout::new(2.0)))),
    ("gaussian_noise: std is -1, but must be finite and at least 0", || {
        drop(Layer::from(GaussianNoise::new(-1.0)));
    }),
    ("gaussian_noise: std is NaN, but must be finite and at least 0", || {
        drop(Layer::from(GaussianNoise::new(NAN)));
    }),
    ("batch_norm: eps is 0, but must be finite and above 0", || {
        batch_norm(BatchNormConfig { eps: 0.0, ..Default::default() });
    }),
    ("batch_norm: eps is NaN, but must be finite and above 0", || {
        batch_norm(BatchNormConfig { eps: NAN, ..Default::default() });
    }),
    ("batch_norm: momentum is 1.5, but must lie in [0, 1]", || batch_norm(momentum(1.5))),
    ("batch_norm: momentum is -0.1, but must lie in [0, 1]", || batch_norm(momentum(-0.1))),
    ("batch_norm: momentum is NaN, but must lie in [0, 1]", || batch_norm(momentum(NAN))),
    ("layer_norm: eps is -1, but must be finite and above 0", || {
        let config = LayerNormConfig { eps: -1.0, ..Default::default() };
        LayerNorm::with_config(&mut Params::new().root(), 2, config);
    }),
    ("leaky_relu: slope is -0.1, but must be finite and at least 0", || {
        drop(Layer::from(Activation::LeakyRelu { slope: -0.1 }));
    }),
    ("leaky_relu: slope is NaN, but must be finite and at least 0", || {
        drop(Sequential::new().then(Activation::LeakyRelu { slope: NAN }));
    }),
    ("elu: alpha is inf, but must be finite", || {
        let elu = Activation::Elu { alpha: f32::INFINITY };
        Linear::new(&mut Params::new().root(), 2, 2, &mut Rng::seed(0)).with_activation(elu);
    }),
    ("init: gain is 0, but must be finite and above 0", || linear(Init::Orthogonal { gain: 0.0 })),
    ("init: gain is NaN, but must be finite and above 0", || linear(Init::Orthogonal { gain: NAN })),
    ("init: std is -1, but must be finite and at least 0", || linear(Init::TruncatedNormal { std: -1.0 })),
    ("init: std is inf, but must be finite and at least 0", || {
        linear(Init::Sparse { per_unit: 1, std: f32::INFINITY });
    }),
    ("init: per_unit is 0, but must lie in 1..=6, the number of inputs", || {
        linear(Init::Sparse { per_unit: 0, std: 1.0 });
    }),
    ("init: per_unit is 7, but must lie in 1..=6, the number of inputs", || {
        linear(Init::Sparse { per_unit: 7, std: 1.0 });
    }),
    ("init: value is NaN, but must be finite", || linear(Init::Constant { value: NAN })),
    ("an MLP has at least two widths (input and output), none of them 0; found []", || drop(Mlp::new(&[]))),
    ("an MLP has at least two widths (input and output), none of them 0; found [4, 0]", || {
        drop(Mlp::new(&[4, 0]));
    }),
    ("dropout: p is 1, but must lie in [0, 1)", || drop(Mlp::new(&WIDTHS).dropout(1.0))),
    ("dropout: p is -1, but must lie in [0, 1)", || drop(Mlp::new(&WIDTHS).input_dropout(-1.0))),
    ("batch_norm: momentum is 2, but must lie in [0, 1]", || {
        drop(Mlp::new(&WIDTHS).batch_norm_with(momentum(2.0)));
    }),
    ("layer_norm: eps is 0, but must be finite and above 0", || {
        drop(Mlp::new(&WIDTHS).layer_norm_with(LayerNormConfig { eps: 0.0, ..Default::default() }));
    }),
    ("leaky_relu: slope is -1, but must be finite and at least 0", || {
        drop(Mlp::new(&WIDTHS).activation(Activation::LeakyRelu { slope: -1.0 }));
    }),
    ("init: gain is -1, but must be finite and above 0", || {
        drop(Mlp::new(&WIDTHS).init(Init::Orthogonal { gain: -1.0 }));
    }),
    ("an MLP has at least two widths (input and output), none of them 0; found [4]", || {
        read(r#"{"widths":[4],"activation":"relu"}"#);
    }),
    ("dropout: p is 1.5, but must lie in [0, 1)", || {
        read(r#"{"widths":[4,6,3],"activation":"relu","dropout":1.5}"#);
    }),
    ("dropout: p is -1, but must lie in [0, 1)", || {
        read(r#"{"widths":[4,6,3],"activation":"relu","input_dropout":-1}"#);
    }),
    ("batch_norm: eps is -1, but must be finite and above 0", || {
        read(r#"{"widths":[4,6,3],"activation":"relu","batch_norm":{"eps":-1}}"#);
    }),
    ("leaky_relu: slope is -2, but must be finite and at least 0", || {
        read(r#"{"widths":[4,6,3],"activation":{"leaky_relu":{"slope":-2}}}"#);
    }),
    ("init: std is -1, but must be finite and at least 0", || {
        read(r#"{"widths":[4,6,3],"activation":"relu","init":{"truncated_normal":{"std":-1}}}"#);
    }),
    ("percentile: the percentage is -1, but must lie in [0, 100]", || drop(Observer::new(&[50.0, -1.0]))),
    ("percentile: the percentage is NaN, but must lie in [0, 100]", || {
        drop(Summary::of(&[1.0], &[f64::NAN]));
    }),
    ("percentile: the percentage is 101, but must lie in [0, 100]", || drop(Observer::new(&[101.0]))),
    ("a confusion matrix needs at least 1 class, found 0", || drop(ConfusionMatrix::new(0))),
];

#[test]
fn wrong_configurations_are_refused_when_built() {
    for (i, (expected, wrong)) in CASES.into_iter().enumerate() {
        let Err(payload) = catch_unwind(AssertUnwindSafe(wrong)) else {
            panic!("case {i} is accepted: {expected}")
        };
        let found = payload.downcast::<String>().map(|text| *text);
        let found = found.or_else(|other| other.downcast::<&str>().map(|text| text.to_string()));
        assert_eq!(found.ok().as_deref(), Some(expected), "case {i}");
    }
}
