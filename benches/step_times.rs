//! Times training steps in the form that the comparison with other frameworks reads: a JSON line per network and batch size.
//!
//! `cargo run --release -p layerwise --example step_times -- --networks sigmoid_sgd --batches 32,128 --threads 2 --seconds 1`

mod networks;

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, bail};
use layerwise::tensor::{machine, threads};
use networks::{NETWORKS, Training};

const WARM_UP_STEPS: usize = 20;
const REPETITIONS: usize = 3;

fn main() -> anyhow::Result<()> {
    let options = options()?;
    let networks = options.get("networks").cloned().unwrap_or_else(|| NETWORKS.join(","));
    let batches = options.get("batches").map_or("32,128,512", String::as_str);
    let batches =
        batches.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>().context("--batches")?;
    let seconds = options.get("seconds").map_or(Ok(1.0), |s| s.parse()).context("--seconds")?;
    let threads =
        options.get("threads").map_or(Ok(threads::available()), |s| s.parse()).context("--threads")?;
    threads::run_on(threads, || {
        let peak = machine::peak_flops();
        for network in networks.split(',') {
            for training in batches.iter().filter_map(|&batch| Some((batch, Training::new(network, batch)?)))
            {
                measure(network, training, seconds, peak)?;
            }
        }
        Ok(())
    })
}

/// `--name value` pairs.
fn options() -> anyhow::Result<BTreeMap<String, String>> {
    let mut arguments = std::env::args().skip(1);
    let mut options = BTreeMap::new();
    while let Some(flag) = arguments.next() {
        let Some(name) = flag.strip_prefix("--") else { bail!("expected a flag, found {flag:?}") };
        let known = ["networks", "batches", "seconds", "threads", "repetitions", "data"];
        anyhow::ensure!(known.contains(&name), "no flag --{name}; the flags are {known:?}");
        options.insert(name.to_owned(), arguments.next().with_context(|| format!("--{name} takes a value"))?);
    }
    Ok(options)
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
