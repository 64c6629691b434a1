//! What holds for every kind of layer. A new kind is one line in `KINDS`.

use layerwise_autograd::{Activation, Params, Scope, Tape, Tensor, Var};
use layerwise_nn_layers::{
    Affine, AlphaDropout, BatchNorm, BatchNormConfig, Dropout, GaussianDropout, GaussianNoise, Init, Layer,
    LayerNorm, LayerNormConfig, Linear, Module, PRelu, Sequential, TransposedLinear,
};
use layerwise_tensor::{Rng, threads};

/// Large enough that kernels cut it among threads, and no multiple of their tiles.
const BATCH: usize = 512;
const FEATURES: usize = 300;

type Build = fn(&mut Scope<'_>, &mut Rng) -> Layer;

/// Layers from `FEATURES` to `FEATURES`.
const KINDS: [(&str, Build); 35] = [
    ("linear", |scope, rng| Linear::new(scope, FEATURES, FEATURES, rng).into()),
    ("linear without bias", |scope, rng| Linear::without_bias(scope, FEATURES, FEATURES, rng).into()),
    ("linear and sigmoid", |scope, rng| linear_and(scope, rng, Activation::Sigmoid)),
    ("linear and gelu", |scope, rng| linear_and(scope, rng, Activation::Gelu)),
    ("linear and its transpose", |scope, rng| {
        let linear = Linear::new(&mut scope.child(0), FEATURES, FEATURES, rng);
        let mut second = scope.child(1);
        let back = TransposedLinear::of(&linear, &mut second, [FEATURES, FEATURES], Init::PytorchLinear, rng);
        Sequential::new().then(linear).then(back.with_activation(Activation::Tanh)).into()
    }),
    ("identity", |_, _| Activation::Identity.into()),
    ("sigmoid", |_, _| Activation::Sigmoid.into()),
    ("tanh", |_, _| Activation::Tanh.into()),
    ("lecun tanh", |_, _| Activation::LecunTanh.into()),
    ("relu", |_, _| Activation::Relu.into()),
    ("leaky relu", |_, _| Activation::LeakyRelu { slope: 0.1 }.into()),
    ("elu", |_, _| Activation::Elu { alpha: 0.7 }.into()),
    ("selu", |_, _| Activation::Selu.into()),
    ("gelu", |_, _| Activation::Gelu.into()),
    ("gelu tanh", |_, _| Activation::GeluTanh.into()),
    ("silu", |_, _| Activation::Silu.into()),
    ("mish", |_, _| Activation::Mish.into()),
    ("softplus", |_, _| Activation::Softplus.into()),
    ("softsign", |_, _| Activation::Softsign.into()),
    ("hard sigmoid", |_, _| Activation::HardSigmoid.into()),
    ("hard tanh", |_, _| Activation::HardTanh.into()),
    ("hard swish", |_, _| Activation::HardSwish.into()),
    ("prelu", |scope, _| PRelu::new(scope).into()),
    ("prelu per feature", |scope, _| PRelu::per_feature(scope, FEATURES).into()),
    ("dropout", |_, _| Dropout::new(0.4).into()),
    ("gaussian dropout", |_, _| GaussianDropout::new(0.4).into()),
    ("alpha dropout", |_, _| AlphaDropout::new(0.4).into()),
    ("gaussian noise", |_, _| GaussianNoise::new(0.4).into()),
    ("batch norm", |scope, _| BatchNorm::new(scope, FEATURES).into()),
    ("batch norm without affine", |scope, _| {
        let config = BatchNormConfig { affine: Affine::Off, ..Default::default() };
        BatchNorm::with_config(scope, FEATURES, config).into()
    }),
    ("layer norm", |scope, _| LayerNorm::new(scope, FEATURES).into()),
    ("layer norm without affine", |scope, _| {
        let config = LayerNormConfig { affine: Affine::Off, ..Default::default() };
        LayerNorm::with_config(scope, FEATURES, config).into()
    }),
    ("softmax", |_, _| Layer::custom(OfRows(|x| x.softmax()))),
    ("log_softmax", |_, _| Layer::custom(OfRows(|x| x.log_softmax()))),
    ("a sequence with a module that names its layer", |scope, rng| {
        let linear = Linear::new(&mut scope.child(0), FEATURES, FEATURES, rng);
        Sequential::new().then(Layer::custom(Absolute(linear))).then(Dropout::new(0.1)).into()
    }),
];

fn linear_and(scope: &mut Scope<'_>, rng: &mut Rng, activation: Activation) -> Layer {
    Linear::new(scope, FEATURES, FEATURES, rng).with_activation(activation).into()
}

/// An operation of rows as a layer.
struct OfRows(for<'p> fn(Var<'p>) -> Var<'p>);

impl Module for OfRows {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        (self.0)(x)
    }
}

/// `|x W^T + b|`, which says so to whoever looks.
struct Absolute(Linear);

impl Module for Absolute {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        let z = self.0.forward(x);
        let y = z.abs();
        x.pass().name_layer(self.0.weight(), z, y);
        y
    }
}

fn built(build: Build) -> (Params, Layer) {
    let mut params = Params::new();
    let layer = build(&mut params.root(), &mut Rng::seed(1));
    (params, layer)
}

/// Normal numbers.
fn noise(seed: u64) -> Tensor {
    let mut x = Tensor::zeros([BATCH, FEATURES]);
    Rng::seed(seed).stream(0).fill_normal(0, x.as_mut_slice(), 0.0, 1.0);
    x
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// One training step: the result, the gradients of the input and of all parameters, the statistics afterwards.
fn step(params: &Params, layer: &Layer, x: &Tensor, weights: &Tensor) -> [Vec<u32>; 4] {
    let (mut tape, mut params) = (Tape::new(), params.clone());
    let pass = tape.train(&params, 3);
    let x = pass.variable(x);
    let y = layer.forward(x);
    y.backward_with(weights);
    let dx = x.gradient().expect("a variable that backward reaches");
    let (y, dx) = (bits(y.value().as_slice()), bits(dx.as_slice()));
    let gradients = bits(tape.param_gradients().flat());
    tape.finish_step(&mut params);
    [y, dx, gradients, bits(params.flat())]
}

fn any_number_of_threads_computes_the_same_bits() {
    let (x, weights) = (noise(1), noise(2));
    for (name, build) in KINDS {
        let (params, layer) = built(build);
        let one = threads::run_on(1, || step(&params, &layer, &x, &weights));
        for count in 2..=4 {
            let many = threads::run_on(count, || step(&params, &layer, &x, &weights));
            assert!(one == many, "{name} with {count} threads");
        }
    }
}

fn shapes_are_kept_in_both_modes_and_smaller_batches_follow_larger_ones() {
    for (name, build) in KINDS {
        let (params, layer) = built(build);
        let mut tape = Tape::new();
        for batch in [7, 2] {
            let x = Tensor::from_fn([batch, FEATURES], |i| (i as f32 * 0.37).sin());
            let pass = tape.train(&params, 0);
            assert_eq!(layer.forward(pass.input(&x)).shape().dims(), [batch, FEATURES], "{name}");
            let pass = tape.eval(&params);
            assert_eq!(layer.forward(pass.input(&x)).shape().dims(), [batch, FEATURES], "{name}");
        }
    }
}

/// Allocations, by the thread that trains, in each of ten steps. With one worker that is everything there is.
fn allocations(params: &mut Params, layer: &Layer, x: &Tensor, weights: &Tensor) -> Vec<u64> {
    let mut tape = Tape::new();
    let mut step = |seed| {
        let pass = tape.train(params, seed);
        layer.forward(pass.variable(x)).backward_with(weights);
        tape.finish_step(params);
    };
    (0..10).map(|seed| allocation_counter::measure(|| step(seed)).count_total).collect()
}

fn steps_2_to_10_allocate_nothing() {
    let (x, weights) = (noise(1), noise(2));
    for (name, build) in KINDS {
        for count in [1, 4] {
            let (mut params, layer) = built(build);
            let counts = threads::run_on(count, || allocations(&mut params, &layer, &x, &weights));
            assert!(counts[0] > 0, "{name}: the first step fills the tape");
            assert_eq!(counts[1..], [0; 9], "{name} with {count} threads");
        }
    }
}

fn noise_of_training_is_absent_from_evaluation() {
    let x = noise(1);
    for (name, build) in
        KINDS.into_iter().filter(|(name, _)| name.contains("dropout") || name.contains("noise"))
    {
        let (params, layer) = built(build);
        let mut tape = Tape::new();
        assert_eq!(layer.forward(tape.eval(&params).input(&x)).value(), x, "{name}");
    }
}

// One test: a worker that waits for the others of its pool may take up what another test has to do, and its allocations with it.
#[test]
fn what_holds_for_every_layer() {
    any_number_of_threads_computes_the_same_bits();
    shapes_are_kept_in_both_modes_and_smaller_batches_follow_larger_ones();
    steps_2_to_10_allocate_nothing();
    noise_of_training_is_absent_from_evaluation();
}
