//! `layerwise bench`: how long a training step takes on this machine.

use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use layerwise::prelude::*;
use serde_json::json;

use crate::args::{ThreadArgs, at_least_1};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The widths of the network, the input's first
    #[arg(long, value_name = "WIDTHS", value_delimiter = ',', default_value = "784,512,256,10", value_parser = at_least_1)]
    widths: Vec<usize>,
    /// Examples in a step; each is measured
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "32,128,512", value_parser = at_least_1)]
    batch_size: Vec<usize>,
    /// Prints a JSON object for each size of a batch
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: ThreadArgs,
}

/// How long each is measured.
const TIME: Duration = Duration::from_secs(1);

pub fn run(args: &Args) -> anyhow::Result<u8> {
    let [inputs, .., classes] = args.widths[..] else {
        return Err(crate::Usage("--widths needs two numbers at least: inputs and outputs".into()).into());
    };
    let threads = args.threads.threads.unwrap_or_else(threads::available);
    if !args.json {
        let widths: Vec<_> = args.widths.iter().map(ToString::to_string).collect();
        writeln!(stdout(), "{}, ReLU, cross-entropy, SGD, {threads} threads; medians", widths.join("-"))?;
        writeln!(stdout(), "{:>6} {:>12} {:>12}", "batch", "ms a step", "examples/s")?;
    }
    for &batch in &args.batch_size {
        let seconds = args.threads.run(|| measure(&args.widths, inputs, classes, batch));
        let rate = batch as f64 / seconds;
        if args.json {
            let value = json!({ "widths": args.widths, "batch_size": batch, "threads": threads, "seconds_per_step": seconds, "examples_per_second": rate });
            writeln!(stdout(), "{value}")?;
        } else {
            writeln!(stdout(), "{batch:>6} {:>12.3} {rate:>12.0}", 1e3 * seconds)?;
        }
    }
    Ok(0)
}

/// The median of the seconds of a step: forward, backward, update.
fn measure(widths: &[usize], inputs: usize, classes: usize, batch: usize) -> f64 {
    let mut params = Params::new();
    let model = Mlp::new(widths).build(&mut params.root(), &mut Rng::seed(0));
    let mut opt = Sgd::new(&params, SgdConfig { lr: 0.01, momentum: 0.5, ..Default::default() });
    let mut rng = Rng::seed(1);
    let x = Tensor::from_fn([batch, inputs], |_| rng.uniform(0.0, 1.0));
    let labels: Vec<u32> = (0..batch).map(|i| (i % classes) as u32).collect();
    let mut tape = Tape::new();
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 5 || start.elapsed() < TIME {
        let begin = Instant::now();
        let pass = tape.train(&params, times.len() as u64);
        model.forward(pass.input(&x)).cross_entropy(&labels).backward();
        opt.step(&mut params, &mut tape);
        times.push(begin.elapsed().as_secs_f64());
    }
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}
