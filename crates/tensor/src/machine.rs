//! What this machine can do, for reports and benchmarks.

use std::time::Instant;

use crate::kernels::{Isa, multiply_add, multiply_add_flops};
use crate::threads;

/// The instruction set that the kernels use here: "AVX-512", "AVX2 + FMA", "NEON" or "portable". It is the widest that the machine has, unless the
/// environment variable `LAYERWISE_ISA` names another one of [`instruction_sets`]; the variable is read once, before anything is computed.
///
/// # Panics
/// If the variable names something that this machine does not have. So does whatever else is the first to compute.
pub fn instruction_set() -> &'static str {
    Isa::best().name()
}

/// What `LAYERWISE_ISA` may be on this machine, the narrowest first: "portable", and "avx2", "avx512" or "neon" where they are.
///
/// ```
/// assert_eq!(layerwise_tensor::machine::instruction_sets()[0], "portable");
/// ```
pub fn instruction_sets() -> Vec<&'static str> {
    Isa::available().iter().map(|isa| isa.key()).collect()
}

/// Measures how many floating-point operations per second all threads of the current pool reach together when they do
/// nothing but multiply and add in registers: the limit of any matrix product. Takes a third of a second.
pub fn peak_flops() -> f64 {
    const ROUNDS: usize = 1 << 20;
    let tasks = threads::current();
    let run = || {
        let start = Instant::now();
        threads::for_each(tasks, |_| multiply_add(ROUNDS));
        tasks as f64 * multiply_add_flops(ROUNDS) / start.elapsed().as_secs_f64()
    };
    threads::run(|| {
        let until = Instant::now();
        let mut best = 0.0_f64;
        while until.elapsed().as_secs_f64() < 0.3 {
            best = best.max(run());
        }
        best
    })
}
