//! After its first step, training allocates nothing.

// The counting allocator is the one thing here that the language asks `unsafe` for.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use layerwise::prelude::*;

/// The system's allocator, which counts what it is asked for by any thread.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of the trait.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of the trait.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of the trait.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations in each of the first ten steps of section 1.
fn allocations_per_step(threads: usize) -> Vec<usize> {
    let mnist = Mnist::embedded();
    let recipe = layerwise::mlp::recipe();
    threads::run_on(threads, || {
        let mut params = Params::new();
        let model = recipe.network.build(&mut params.root(), &mut Rng::seed(0));
        let mut opt = Sgd::new(&params, recipe.optimizer);
        let mut tape = Tape::new();
        let mut counts = Vec::with_capacity(10);
        for batch in mnist.train.batches(recipe.batch_size).shuffled(0).take(10) {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            let pass = tape.train(&params, 0);
            let loss = model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels);
            loss.backward();
            opt.step(&mut params, &mut tape);
            counts.push(ALLOCATIONS.load(Ordering::Relaxed) - before);
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
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let pass = tape.train(&params, 0);
        let y = (pass.input(&x) * pass.param(w)).tanh().exp().reshape([6, 8]).softmax().transpose();
        let z = Var::concat(&[y.slice(1, 0..2), y.sigmoid().log_softmax()], 1).square() * 2.0 - 1.0;
        (z.max_axis(0).mean() + z.mse(z.detach()) + y.sum_axis(1).abs().sum()).backward();
        opt.step(&mut params, &mut tape);
        counts.push(ALLOCATIONS.load(Ordering::Relaxed) - before);
    }
    counts
}

// One test, so that no other thread of the test program is counted.
#[test]
fn steps_2_to_10_allocate_nothing() {
    for threads in [1, 2, 4] {
        let counts = allocations_per_step(threads);
        assert!(counts[0] > 0, "the first step fills the tape");
        assert_eq!(counts[1..], [0; 9], "{threads} threads");
    }
    assert_eq!(allocations_of_a_long_chain()[1..], [0; 9], "a long chain");
}
