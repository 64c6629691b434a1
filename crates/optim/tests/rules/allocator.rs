//! Counts what all threads ask the system's allocator for.

use std::alloc::System;
use std::sync::atomic::{AtomicUsize, Ordering};

use layerwise_tensor::threads::for_each_part;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations so far.
pub fn count() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

/// Waits until all workers have come: a thread allocates when it starts, which may be later than the first step.
pub fn gather(threads: usize) {
    let arrived = AtomicUsize::new(0);
    for_each_part(&mut vec![0.0; threads][..], 1, |_| {
        arrived.fetch_add(1, Ordering::Relaxed);
        while arrived.load(Ordering::Relaxed) < threads {
            std::thread::yield_now();
        }
    });
}
