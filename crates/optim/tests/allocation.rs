//! After its first step, a run with everything on allocates nothing.

#[path = "rules/allocator.rs"]
mod allocator;

use std::sync::atomic::AtomicBool;

use allocator::count;
use layerwise_autograd::{Params, Tensor};
use layerwise_optim::{Clip, Constraint, OneCycle, Progress, Schedule, Sgd, SgdConfig, Trainer};
use layerwise_tensor::threads;

/// Nobody raises it.
static STOP: AtomicBool = AtomicBool::new(false);

/// The allocations between the ends of consecutive steps, of ten steps.
fn allocations_per_step(threads: usize, clip: Clip) -> Vec<usize> {
    let data = Tensor::from_fn([40, 300], |i| (i as f32 * 0.11).sin());
    threads::run_on(threads, || {
        let mut params = Params::new();
        let w = params.root().parameter("weight", [400, 300], |w| w.fill(0.1)); // several parts for the threads
        let mut opt = Sgd::new(&params, SgdConfig::with_momentum(0.1, 0.9));
        let cycle = OneCycle::new(0.1, 5);
        let mut counts = Vec::with_capacity(10);
        Trainer::new(1)
            .batch_size(2)
            .accumulate(2)
            .check_operations()
            .stop_when(&STOP)
            .progress(Progress::Silent)
            .lr_schedule(Schedule::linear(0.01, 0.1, 5).then(cycle.lr()).scaled(0.5))
            .momentum_schedule(cycle.momentum())
            .clip(clip)
            .constraint("*weight", Constraint::MaxNorm(0.5))
            .every(1, |_| counts.push(count()))
            .fit(&mut params, &mut opt, &data, |pass, rows| {
                pass.input(rows).matmul(pass.param(w).transpose()).square().mean()
            })
            .expect("it is finite");
        counts.windows(2).map(|pair| pair[1] - pair[0]).collect()
    })
}

fn main() {
    for threads in [1, 2, 4] {
        for clip in [Clip::GlobalNorm(0.01), Clip::Value(0.001)] {
            assert_eq!(allocations_per_step(threads, clip), [0; 9], "{threads} threads, {clip:?}");
        }
    }
}
