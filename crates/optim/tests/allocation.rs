//! After its first step, a run with everything on allocates nothing.

// The counting allocator is the one thing here that the language asks `unsafe` for.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use layerwise_autograd::{Params, Tensor};
use layerwise_optim::{Clip, Constraint, OneCycle, Progress, Schedule, Sgd, SgdConfig, Trainer};
use layerwise_tensor::threads::{self, for_each_part};

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

/// Waits until all workers have come: a thread allocates when it starts, which may be later than the first step.
fn gather(threads: usize) {
    let arrived = AtomicUsize::new(0);
    for_each_part(&mut vec![0.0; threads][..], 1, |_| {
        arrived.fetch_add(1, Ordering::Relaxed);
        while arrived.load(Ordering::Relaxed) < threads {
            std::thread::yield_now();
        }
    });
}

/// The allocations between the ends of consecutive steps, of ten steps.
fn allocations_per_step(threads: usize, clip: Clip) -> Vec<usize> {
    let data = Tensor::from_fn([40, 300], |i| (i as f32 * 0.11).sin());
    threads::run_on(threads, || {
        gather(threads);
        let mut params = Params::new();
        let w = params.root().parameter("weight", [400, 300], |w| w.fill(0.1)); // several parts for the threads
        let mut opt = Sgd::new(&params, SgdConfig::with_momentum(0.1, 0.9));
        let cycle = OneCycle::new(0.1, 5);
        let mut counts = Vec::with_capacity(10);
        Trainer::new(1)
            .batch_size(4)
            .progress(Progress::Silent)
            .lr_schedule(Schedule::linear(0.01, 0.1, 5).then(cycle.lr()).scaled(0.5))
            .momentum_schedule(cycle.momentum())
            .clip(clip)
            .constraint("*weight", Constraint::MaxNorm(0.5))
            .every(1, |_| counts.push(ALLOCATIONS.load(Ordering::Relaxed)))
            .fit(&mut params, &mut opt, &data, |pass, rows| {
                pass.input(rows).matmul(pass.param(w).transpose()).square().mean()
            })
            .expect("it is finite");
        counts.windows(2).map(|pair| pair[1] - pair[0]).collect()
    })
}

// One test, so that no other thread of the test program is counted.
#[test]
fn steps_2_to_10_allocate_nothing() {
    for threads in [1, 2, 4] {
        for clip in [Clip::GlobalNorm(0.01), Clip::Value(0.001)] {
            assert_eq!(allocations_per_step(threads, clip), [0; 9], "{threads} threads, {clip:?}");
        }
    }
}
