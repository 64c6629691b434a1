//! Times a network in use in the form that the comparison with other frameworks reads: a JSON line per task.
//!
//! `cargo run --release -p layerwise --example inference_times -- --networks latency_small,scoring --threads 2 --seconds 1`
//!
//! Beside Layerwise it times loops written by hand for these networks, as the peer "loop".

mod by_hand;
mod options;

use std::hint::black_box;
use std::time::Instant;

use by_hand::ByHand;
use layerwise::prelude::*;
use layerwise::tensor::threads;
use options::Options;

const REPETITIONS: usize = 3;
/// Examples that take turns, so that no prediction of the processor fits all.
const EXAMPLES: usize = 1000;
/// The tasks, by the names that the peers use.
const TASKS: &str = "latency_mlp,latency_small,scoring";

fn main() -> anyhow::Result<()> {
    let options = Options::read()?;
    let (seconds, threads) = (options.seconds()?, options.threads()?);
    threads::run_on(threads, || {
        for task in options.list("networks", TASKS) {
            match task.as_str() {
                "latency_mlp" => latency(&task, &[784, 512, 256, 10], images(), seconds),
                "latency_small" => latency(&task, &[6, 64, 8, 4], noise(6), seconds),
                "scoring" => scoring(&task, seconds),
                _ => {}
            }
        }
    });
    Ok(())
}

fn network(widths: &[usize]) -> (Params, Sequential) {
    let mut params = Params::new();
    let model = Mlp::new(widths).build(&mut params.root(), &mut Rng::seed(0));
    (params, model)
}

/// A forward pass for a single example, to the output.
fn latency(task: &str, widths: &[usize], examples: Vec<Tensor>, seconds: f64) {
    let (params, model) = network(widths);
    let mut by_hand = ByHand::new(widths, &params);
    let mut tape = Tape::new();
    let mut next = 0;
    measure("layerwise", task, 1, seconds, || {
        next = (next + 1) % examples.len();
        let pass = tape.eval(&params);
        model.forward(pass.input(&examples[next])).with_value(|y| black_box(y[0]));
    });
    measure("loop", task, 1, seconds, || {
        next = (next + 1) % examples.len();
        black_box(by_hand.forward(examples[next].as_slice())[0]);
    });
}

/// The accuracy on the test images, from bytes to the figure.
fn scoring(task: &str, seconds: f64) {
    let (params, model) = network(&[784, 512, 256, 10]);
    let test = &Mnist::embedded().test;
    measure("layerwise", task, test.len(), seconds, || {
        black_box(accuracy(&model, &params, test));
    });
}

fn images() -> Vec<Tensor> {
    let images = Mnist::embedded().test.take(EXAMPLES).to_f32();
    images.rows().into_iter().map(|row| Tensor::new([1, row.len()], row.to_vec())).collect()
}

fn noise(features: usize) -> Vec<Tensor> {
    let draw = |i| {
        let mut x = vec![0.0; features];
        Rng::seed(i).stream(0).fill_normal(0, &mut x, 0.0, 1.0);
        Tensor::new([1, features], x)
    };
    (0..EXAMPLES as u64).map(draw).collect()
}

/// Calls `body` as often as fits, and prints the line.
fn measure(peer: &str, task: &str, batch: usize, seconds: f64, mut body: impl FnMut()) {
    let mut calls = 1;
    // Warm-up, which finds how many calls fill a repetition.
    let per_call = loop {
        let time = time(calls, &mut body);
        if time * calls as f64 > seconds / 10.0 {
            break time;
        }
        calls *= 2;
    };
    let calls = ((seconds / per_call) as usize).max(3);
    let mut times: Vec<f64> = (0..REPETITIONS).map(|_| time(calls, &mut body)).collect();
    times.sort_by(f64::total_cmp);
    println!(
        r#"{{"peer":"{peer}","version":"{}","network":"{task}","batch":{batch},"us_per_step":{:.4},"us_median":{:.4},"threads":{}}}"#,
        env!("CARGO_PKG_VERSION"),
        times[0] * 1e6,
        times[REPETITIONS / 2] * 1e6,
        threads::current(),
    );
}

/// Seconds per call.
fn time(calls: usize, body: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| body());
    start.elapsed().as_secs_f64() / calls as f64
}
