//! After its first pass, a network in use allocates nothing: neither for one example nor for a few, nor for many.

use std::alloc::System;

use layerwise::prelude::*;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// The system's allocator, which counts what it is asked for by any thread.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations so far.
fn allocations() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

/// Allocations in each of ten passes of the network over as many examples.
fn allocations_per_pass(network: &Mlp, inputs: usize, batch: usize) -> Vec<usize> {
    let mut params = Params::new();
    let model = network.build(&mut params.root(), &mut Rng::seed(0));
    let x = Tensor::from_fn([batch, inputs], |i| (i as f32 * 0.7).sin());
    let mut tape = Tape::new();
    let mut counts = Vec::with_capacity(10);
    for _ in 0..10 {
        let before = allocations();
        let pass = tape.eval(&params);
        let finite = model.forward(pass.input(&x)).softmax().with_value(|y| y.iter().all(|y| y.is_finite()));
        counts.push(allocations() - before);
        assert!(finite);
    }
    counts
}

fn main() {
    let small = [6, 64, 8, 4];
    let large = [784, 512, 256, 10];
    for widths in [small, large] {
        for network in [Mlp::new(&widths), Mlp::new(&widths).batch_norm().dropout(0.5)] {
            for batch in [1, 3, 64] {
                for threads in [1, 2] {
                    let passes = || allocations_per_pass(&network, widths[0], batch);
                    let counts = threads::run_on(threads, passes);
                    assert!(counts[0] > 0, "the first pass fills the tape");
                    assert_eq!(counts[1..], [0; 9], "{network:?}, batch {batch}, {threads} threads");
                }
            }
        }
    }
    // The program's own thread: passes that small never enter a pool.
    for batch in [1, 3, 64] {
        assert_eq!(allocations_per_pass(&Mlp::new(&small), small[0], batch)[1..], [0; 9], "batch {batch}");
    }
}
