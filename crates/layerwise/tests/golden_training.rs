//! The first 100 steps of section 1 against PyTorch; `golden/generate.py` makes the numbers and states the recipe.

use layerwise::mlp;
use layerwise::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    losses: Vec<f32>,
    parameters: Vec<Parameter>,
}

/// A parameter after the last step.
#[derive(Deserialize)]
struct Parameter {
    name: String,
    mean: f64,
    std: f64,
    /// The root of the mean square of the change since the beginning.
    moved: f64,
    places: Vec<usize>,
    /// The elements at these places.
    elements: Vec<f32>,
}

/// Element `i` of the parameter number `n`; `golden/generate.py` explains the formula.
fn initial(n: usize, i: usize, fan_in: usize) -> f32 {
    let mut h = (i as u32).wrapping_add((n as u32).wrapping_mul(0x9e37_79b9));
    h ^= h >> 16;
    h = h.wrapping_mul(0x7feb_352d);
    h ^= h >> 15;
    h = h.wrapping_mul(0x846c_a68b);
    h ^= h >> 16;
    let half = 1 << 23;
    ((h >> 8) as i32 - half) as f32 / half as f32 * (1.0 / (fan_in as f64).sqrt()) as f32
}

/// Fails where a number is off by more than 1e-5 of `scale`, and for a NaN.
#[track_caller]
fn assert_close(what: &str, found: f64, expected: f64, scale: f64) {
    assert!((found - expected).abs() <= 1e-5 * scale, "{what}: {found}, PyTorch has {expected}");
}

#[test]
fn a_hundred_steps_of_section_1_follow_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("golden/training.json")).unwrap();
    let recipe = mlp::recipe();
    let mut params = Params::new();
    let model = recipe.network.build(&mut params.root(), &mut Rng::seed(0));
    let mut fan_in = 0;
    for (n, id) in params.ids().enumerate() {
        // A bias follows its weight `[out, in]`.
        fan_in = params.shape(id).dims().get(1).copied().unwrap_or(fan_in);
        params[id].iter_mut().enumerate().for_each(|(i, x)| *x = initial(n, i, fan_in));
    }
    let before = params.clone();

    let mut opt = recipe.optimizer.build(&params);
    let mut tape = Tape::new();
    let mut losses = Vec::new();
    for batch in Mnist::embedded().train.batches(recipe.batch_size).take(golden.losses.len()) {
        let pass = tape.train(&params, 0);
        let loss = model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels);
        loss.backward();
        losses.push(loss.item());
        opt.step(&mut params, &mut tape);
    }

    assert_eq!((losses.len(), golden.losses.len()), (100, 100));
    for (step, (found, expected)) in losses.into_iter().zip(golden.losses).enumerate() {
        assert_close(&format!("the loss of step {step}"), found.into(), expected.into(), expected.into());
    }
    assert_eq!(params.len(), golden.parameters.len());
    for (id, golden) in params.ids().zip(golden.parameters) {
        let (name, values) = (params.name(id), params[id].iter().map(|&x| f64::from(x)));
        assert_eq!(name, golden.name);
        let n = values.len() as f64;
        let mean = values.clone().sum::<f64>() / n;
        let std = (values.clone().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let change = values.zip(&before[id]).map(|(x, &start)| (x - f64::from(start)).powi(2));
        let moved = (change.sum::<f64>() / n).sqrt();
        // Means and single elements may lie anywhere near zero: the standard deviation says how large elements are.
        assert_close(&format!("the mean of {name}"), mean, golden.mean, golden.std);
        assert_close(&format!("the standard deviation of {name}"), std, golden.std, golden.std);
        assert_close(&format!("the change of {name}"), moved, golden.moved, golden.moved);
        for (&place, expected) in golden.places.iter().zip(golden.elements) {
            let found = params[id][place];
            assert_close(&format!("element {place} of {name}"), found.into(), expected.into(), golden.std);
        }
    }
}
