//! Times training steps in the form that the comparison with other frameworks reads: a JSON line per network and batch size.
//!
//! `cargo run --release -p layerwise --example step_times -- --networks sigmoid_sgd --batches 32,128 --threads 2 --seconds 1`

mod networks;
mod options;

use std::time::Instant;

use anyhow::Context;
use layerwise::tensor::{machine, threads};
use networks::{NETWORKS, Training};
use options::Options;

const WARM_UP_STEPS: usize = 20;
const REPETITIONS: usize = 3;

fn main() -> anyhow::Result<()> {
    let options = Options::read()?;
    let batches = options.list("batches", "32,128,512");
    let batches =
        batches.iter().map(|b| b.parse()).collect::<Result<Vec<usize>, _>>().context("--batches")?;
    let seconds = options.seconds()?;
    threads::run_on(options.threads()?, || {
        let peak = machine::peak_flops();
        for network in options.list("networks", &NETWORKS.join(",")) {
            let training = |&batch: &usize| Some((batch, Training::new(&network, batch)?));
            for training in batches.iter().filter_map(training) {
                measure(&network, training, seconds, peak)?;
            }
        }
        Ok(())
    })
}

fn measure(
    network: &str,
    (batch, mut training): (usize, Training),
    seconds: f64,
    peak: f64,
) -> anyhow::Result<()> {
    let start = Instant::now();
    let first: f32 = (0..WARM_UP_STEPS).map(|_| training.step()).sum();
    let steps =
        (seconds * WARM_UP_STEPS as f64 / start.elapsed().as_secs_f64()).clamp(5.0, 60_000.0 / batch as f64);
    let steps = steps as usize;
    let mut times = Vec::new();
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        (0..steps).for_each(|_| {
            training.step();
        });
        times.push(start.elapsed().as_secs_f64() / steps as f64);
    }
    // What is timed has to be training.
    let last: f32 = (0..WARM_UP_STEPS).map(|_| training.step()).sum();
    anyhow::ensure!(
        last < first,
        "{network}, batch {batch}: the loss did not fall ({first} to {last} over {steps} steps)"
    );
    times.sort_by(f64::total_cmp);
    println!(
        r#"{{"peer":"layerwise","version":"{}","network":"{network}","batch":{batch},"us_per_step":{:.1},"us_median":{:.1},"peak_fraction":{:.3},"peak_gflops":{:.0},"instruction_set":"{}"}}"#,
        env!("CARGO_PKG_VERSION"),
        times[0] * 1e6,
        times[REPETITIONS / 2] * 1e6,
        training.flops() / times[0] / peak,
        peak / 1e9,
        machine::instruction_set(),
    );
    Ok(())
}
