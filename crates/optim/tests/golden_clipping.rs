//! Clipping and the max-norm constraint against PyTorch; `golden/generate_clipping.py` makes the numbers.

use layerwise_autograd::{Params, Tape, Tensor};
use layerwise_optim::{Constraint, clip_grad_norm, clip_grad_value};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    gradients: [Vec<f32>; 2],
    norms: Vec<Norm>,
    values: Vec<Value>,
    weights: Vec<Weight>,
}

#[derive(Deserialize)]
struct Norm {
    /// What the gradients are multiplied by before.
    scale: f32,
    max_norm: f32,
    norm: f32,
    clipped: [Vec<f32>; 2],
}

#[derive(Deserialize)]
struct Value {
    limit: f32,
    clipped: [Vec<f32>; 2],
}

#[derive(Deserialize)]
struct Weight {
    max: f32,
    weight: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/clipping.json")).expect("the generator writes it")
}

/// A tape with these gradients of `a` and `b`, multiplied, and none of `c`.
fn with_gradients(gradients: &[Vec<f32>; 2], scale: f32) -> (Params, Tape) {
    let mut params = Params::new();
    let mut root = params.root();
    let ids = [root.parameter("a", [3, 5], |_| ()), root.parameter("b", [4], |_| ())];
    root.parameter("c", [2], |c| c.fill(7.0));
    let mut tape = Tape::new();
    let pass = tape.train(&params, 0);
    for (id, gradient) in ids.into_iter().zip(gradients) {
        let gradient = pass.input(&Tensor::new(params.shape(id), gradient.clone()));
        (pass.param(id) * gradient * scale).sum().backward();
    }
    (params, tape)
}

/// Fails where an element is off by more than 1e-5 of itself, and for a NaN.
#[track_caller]
fn assert_close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let close = (found - expected).abs() <= 1e-5 * expected.abs();
        assert!(close, "{what}: {found:?}, PyTorch has {expected:?}");
    }
}

#[track_caller]
fn assert_gradients(what: &str, params: &Params, tape: &Tape, expected: &[Vec<f32>; 2]) {
    for (name, expected) in ["a", "b"].into_iter().zip(expected) {
        let found = tape.gradient(params, name).expect("it was reached");
        assert_close(&format!("{what}, {name}"), found.as_slice(), expected);
    }
    assert!(tape.gradient(params, "c").is_none());
}

#[test]
fn the_global_norm_follows_pytorch() {
    let golden = golden();
    assert_eq!(golden.norms.len(), 6);
    for Norm { scale, max_norm, norm, clipped } in &golden.norms {
        let (params, mut tape) = with_gradients(&golden.gradients, *scale);
        let what = format!("scale {scale}, max_norm {max_norm}");
        assert_close(&what, &[clip_grad_norm(&params, &mut tape, *max_norm)], &[*norm]);
        assert_gradients(&what, &params, &tape, clipped);
    }
}

#[test]
fn values_follow_pytorch() {
    let golden = golden();
    assert_eq!(golden.values.len(), 4);
    for Value { limit, clipped } in &golden.values {
        let (params, mut tape) = with_gradients(&golden.gradients, 1.0);
        clip_grad_value(&params, &mut tape, *limit);
        assert_gradients(&format!("limit {limit}"), &params, &tape, clipped);
    }
}

#[test]
fn the_max_norm_follows_pytorch() {
    let golden = golden();
    assert_eq!(golden.weights.len(), 4);
    for Weight { max, weight } in &golden.weights {
        let mut params = Params::new();
        let w = params.root().parameter("w", [3, 5], |w| w.copy_from_slice(&golden.gradients[0]));
        Constraint::MaxNorm(*max).apply(&mut params, "w");
        assert_close(&format!("max {max}"), &params[w], weight);
    }
}
