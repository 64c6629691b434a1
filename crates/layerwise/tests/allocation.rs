//! After its first step, training allocates nothing.

use std::alloc::System;

use layerwise::prelude::*;
use layerwise::recipe::Recipe;
use layerwise::{activation, batch_normalization, dropout, initialization, mlp, optimizer};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// The system's allocator, which counts what it is asked for by any thread.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations so far.
fn allocations() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

/// Allocations in each of the first ten steps of a section's network with this rule.
fn allocations_per_step(recipe: &Recipe, optimizer: &OptimizerConfig, threads: usize) -> Vec<usize> {
    let mnist = Mnist::embedded();
    threads::run_on(threads, || {
        let mut params = Params::new();
        let model = recipe.network.build(&mut params.root(), &mut Rng::seed(0));
        let mut opt = optimizer.build(&params);
        let mut tape = Tape::new();
        let mut counts = Vec::with_capacity(10);
        for batch in mnist.train.batches(recipe.batch_size).shuffled(0).take(10) {
            let before = allocations();
            let pass = tape.train(&params, 0);
            let loss = model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels);
            loss.backward();
            opt.step(&mut params, &mut tape);
            counts.push(allocations() - before);
        }
        counts
    })
}

/// Allocations in each of the first ten steps of a graph of many operations, whose gradients are handed on from one to the next.
fn allocations_of_a_long_chain() -> Vec<usize> {
    let x = Tensor::from_fn([8, 6], |i| (i as f32 * 0.7).sin());
    let mut params = Params::new();
    let w = params.root().parameter("w", [6], |w| w.fill(0.5));
    let mut opt = Sgd::new(&params, SgdConfig::default());
    let mut tape = Tape::new();
    let mut counts = Vec::with_capacity(10);
    for _ in 0..10 {
        let before = allocations();
        let pass = tape.train(&params, 0);
        let y = (pass.input(&x) * pass.param(w)).tanh().exp().reshape([6, 8]).softmax().transpose();
        let z = Var::concat(&[y.slice(1, 0..2), y.sigmoid().log_softmax()], 1).square() * 2.0 - 1.0;
        (z.max_axis(0).mean() + z.mse(z.detach()) + y.sum_axis(1).abs().sum()).backward();
        opt.step(&mut params, &mut tape);
        counts.push(allocations() - before);
    }
    counts
}

fn main() {
    let sections = [
        mlp::recipe,
        dropout::recipe,
        activation::recipe,
        batch_normalization::recipe,
        initialization::recipe,
    ];
    let of_sections = sections.map(|recipe| (recipe(), recipe().optimizer));
    let of_rules = optimizer::rules().map(|(_, optimizer)| (optimizer::recipe(), optimizer));
    for (recipe, optimizer) in of_sections.iter().chain(&of_rules) {
        for threads in [1, 2, 4] {
            let counts = allocations_per_step(recipe, optimizer, threads);
            assert!(counts[0] > 0, "the first step fills the tape");
            assert_eq!(counts[1..], [0; 9], "{threads} threads, {recipe:?}, {optimizer:?}");
        }
    }
    assert_eq!(allocations_of_a_long_chain()[1..], [0; 9], "a long chain");
}
