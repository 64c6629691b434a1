//! Training steps of the reference networks: `cargo bench --bench step`.
//!
//! Prints, after criterion's own report, microseconds per step and the fraction of the machine's multiply-add peak, which is
//! measured first.

mod networks;

use std::time::{Duration, Instant};

use criterion::Criterion;
use layerwise::tensor::{machine, threads};
use networks::{NETWORKS, Training};

fn steps(criterion: &mut Criterion) {
    let peak = machine::peak_flops();
    println!(
        "peak: {:.0} GFLOP/s ({}, {} threads)",
        peak / 1e9,
        machine::instruction_set(),
        threads::current()
    );
    let mut group = criterion.benchmark_group("step");
    for network in NETWORKS {
        for batch in [32, 128, 512] {
            let mut training = Training::new(network, batch).expect("it is one of ours");
            let (mut steps, mut total) = (0, Duration::ZERO);
            group.bench_function(format!("{network}/{batch}"), |bencher| {
                bencher.iter_custom(|iterations| {
                    let start = Instant::now();
                    (0..iterations).for_each(|_| {
                        training.step();
                    });
                    let time = start.elapsed();
                    steps += iterations;
                    total += time;
                    time
                });
            });
            let seconds = total.as_secs_f64() / steps as f64;
            let fraction = training.flops() / seconds / peak;
            println!(
                "{network}/{batch}: {:.0} us per step, {:.0} % of the peak\n",
                seconds * 1e6,
                fraction * 100.0
            );
        }
    }
    group.finish();
}

/// On the worker threads, as the training loop is.
fn main() {
    threads::run(|| {
        let mut criterion = Criterion::default().configure_from_args();
        steps(&mut criterion);
        criterion.final_summary();
    });
}
