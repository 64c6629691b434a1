//! Laws that particular layers obey.

use layerwise_autograd::{Params, Tape, Tensor};
use layerwise_nn_layers::{
    Activation, AlphaDropout, BatchNorm, Dropout, GaussianDropout, GaussianNoise, Layer, Linear, Module,
    Sequential,
};
use layerwise_tensor::Rng;

const P: f32 = 0.4;

fn noise(seed: u64, rows: usize, cols: usize) -> Tensor {
    let mut x = Tensor::zeros([rows, cols]);
    Rng::seed(seed).stream(0).fill_normal(0, x.as_mut_slice(), 0.0, 1.0);
    x
}

/// The result at `x` in a training pass of one seed, and the gradient of its sum weighted by `weights`.
fn trained(layer: &Layer, x: &Tensor, weights: &Tensor) -> (Tensor, Tensor) {
    let (mut tape, params) = (Tape::new(), Params::new());
    let pass = tape.train(&params, 9);
    let x = pass.variable(x);
    let y = layer.forward(x);
    y.backward_with(weights);
    (y.value(), x.gradient().expect("a variable that backward reaches"))
}

/// Mean and variance.
fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    (mean, values.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n)
}

#[test]
fn the_gradient_of_dropout_is_exactly_the_factor_of_the_value() {
    let (ones, weights) = (Tensor::full([40, 50], 1.0), noise(2, 40, 50));
    // At x = 1 the result is the factor itself.
    for layer in [Layer::from(Dropout::new(P)), GaussianDropout::new(P).into()] {
        let (factors, gradient) = trained(&layer, &ones, &weights);
        assert_eq!(gradient, factors.zip(&weights, |factor, weight| factor * weight), "{layer:?}");
    }
    let (kept, dropped) = ((1.0 / (1.0 - f64::from(P))) as f32, 0.0);
    let (factors, _) = trained(&Dropout::new(P).into(), &ones, &weights);
    assert!(factors.as_slice().iter().all(|&f| f == kept || f == dropped));
    // Alpha dropout has the mask of dropout: `a` where it keeps, nothing where it drops.
    let s = -1.758_099_340_847_376_6_f64;
    let q = f64::from(P);
    let a = ((1.0 - q) * (1.0 + q * s * s)).powf(-0.5) as f32;
    let (_, gradient) = trained(&AlphaDropout::new(P).into(), &ones, &weights);
    let expected = factors.zip(&weights, |factor, weight| if factor == 0.0 { 0.0 } else { weight * a });
    for (found, expected) in gradient.as_slice().iter().zip(expected.as_slice()) {
        assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{found} {expected}");
    }
    let (_, gradient) = trained(&GaussianNoise::new(1.0).into(), &ones, &weights);
    assert_eq!(gradient, weights);
}

#[test]
fn noise_has_the_mean_and_the_variance_it_promises() {
    let (x, q) = (noise(3, 1000, 400), f64::from(P));
    let n = x.as_slice().len() as f64;
    // Of x n with x normal: variance 1 + p / (1 - p); alpha dropout keeps 1.
    for (layer, variance) in [
        (Layer::from(Dropout::new(P)), 1.0 / (1.0 - q)),
        (GaussianDropout::new(P).into(), 1.0 / (1.0 - q)),
        (AlphaDropout::new(P).into(), 1.0),
        (GaussianNoise::new(0.5).into(), 1.25),
    ] {
        let (y, _) = trained(&layer, &x, &x);
        let (mean, found) = moments(y.as_slice());
        assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{layer:?}: the mean is {mean}");
        assert!((found / variance - 1.0).abs() < 0.01, "{layer:?}: the variance is {found}, not {variance}");
    }
}

#[test]
fn a_scale_of_the_weights_in_front_of_a_batch_normalisation_changes_nothing() {
    // BN((a W) u) = BN(W u) (Ioffe and Szegedy 2015, section 3.3), and the gradient by a W is that by W over a.
    let x = noise(4, 64, 20);
    let run = |scale: f32, activation: Activation| {
        let mut params = Params::new();
        let mut root = params.root();
        let linear = Linear::without_bias(&mut root.child(0), 20, 30, &mut Rng::seed(1));
        let norm = BatchNorm::new(&mut root.child(1), 30);
        let weight = params.get("0.weight").unwrap();
        params.set("0.weight", &weight.map(|w| scale * w * 8.0));
        let model = Sequential::new().then(linear).then(norm).then(activation);
        let mut tape = Tape::new();
        let pass = tape.train(&params, 0);
        let y = model.forward(pass.input(&x));
        y.backward_with(&noise(5, 64, 30));
        (y.value(), tape.gradient(&params, "0.weight").unwrap())
    };
    for activation in [Activation::Sigmoid, Activation::Relu] {
        let ((y, dw), (scaled, scaled_dw)) = (run(1.0, activation), run(4.0, activation));
        // eps = 1e-5 does not scale along; the variances are at least 5.
        for (a, b) in y.as_slice().iter().zip(scaled.as_slice()) {
            assert!((a - b).abs() < 1e-5, "{activation:?}: {a} {b}");
        }
        let largest = dw.map(f32::abs).max().unwrap();
        for (a, b) in dw.as_slice().iter().zip(scaled_dw.as_slice()) {
            assert!((a - 4.0 * b).abs() < 1e-5 * largest, "{activation:?}: {a} {}", 4.0 * b);
        }
    }
}

#[test]
fn what_a_batch_normalisation_takes_out_has_no_gradient() {
    let x = noise(6, 64, 20);
    let mut params = Params::new();
    let mut root = params.root();
    let linear = Linear::new(&mut root.child(0), 20, 20, &mut Rng::seed(1));
    let norm = BatchNorm::new(&mut root.child(1), 20);
    let mut tape = Tape::new();
    let pass = tape.train(&params, 0);
    let u = pass.variable(&x);
    norm.forward(u).sigmoid().backward_with(&noise(7, 64, 20));
    let gradient = u.gradient().unwrap();
    for feature in 0..20 {
        let column = gradient.as_slice().iter().skip(feature).step_by(20);
        let size: f32 = column.clone().map(|g| g.abs()).sum();
        let sum: f32 = column.sum();
        assert!(size > 1.0 && sum.abs() < 1e-6 * size, "feature {feature}: {sum} of {size}");
    }
    tape.clear();
    let pass = tape.train(&params, 0);
    let model = Sequential::new().then(linear).then(norm).then(Activation::Sigmoid);
    model.forward(pass.input(&x)).backward_with(&noise(7, 64, 20));
    let [bias, offset] = ["0.bias", "1.bias"].map(|name| tape.gradient(&params, name).unwrap());
    let largest = |gradient: &Tensor| gradient.map(f32::abs).max().unwrap();
    assert!(largest(&bias) < 1e-5 * largest(&offset), "{bias:?}");
}

#[test]
fn softmax_gives_shares_and_its_logarithm_theirs() {
    let x = noise(8, 30, 11).map(|x| 20.0 * x);
    let (mut tape, params) = (Tape::new(), Params::new());
    let pass = tape.eval(&params);
    let (shares, logs) = (pass.input(&x).softmax().value(), pass.input(&x).log_softmax().value());
    for (shares, logs) in shares.as_slice().chunks(11).zip(logs.as_slice().chunks(11)) {
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(shares.iter().zip(logs).all(|(share, log)| (share - log.exp()).abs() < 1e-6));
    }
}
