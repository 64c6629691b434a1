//! How the time of an epoch grows with the width, the depth and the batch size of a network, as a picture.
//!
//! `cargo run --release -p layerwise --features plot --example growth -- docs/growth.svg`, a minute and a half on two cores.

use std::time::Instant;

use anyhow::Context;
use layerwise::plot::{Curves, Picture, Row};
use layerwise::prelude::*;

/// Seconds that are spent on each size.
const SECONDS: f64 = 1.2;

/// One size: seconds of an epoch, and billions of floating-point operations per second in its products.
struct Point {
    size: usize,
    epoch: f64,
    gflops: f64,
}

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("the path of the picture is missing")?;
    let [widths, depths, batches] = threads::run(|| {
        let powers = |from: usize, to: usize| {
            std::iter::successors(Some(from), |n| Some(2 * n)).take_while(move |&n| n <= to)
        };
        [
            measure("width", powers(128, 4096), |width| (vec![784, width, width, 10], 128)),
            measure("depth", powers(1, 16), |depth| ([&[784], &vec![256; depth][..], &[10]].concat(), 128)),
            measure("batch", powers(1, 4096), |batch| (vec![784, 512, 256, 10], batch)),
        ]
    });
    let picture = Row::new("Seconds per epoch of 60 000 images, ReLU, SGD with momentum")
        .picture(&curve("784-w-w-10, batch 128", "width w", &widths))
        .picture(&curve("784 - d times 256 - 10, batch 128", "depth d", &depths))
        .picture(&curve("784-512-256-10", "batch", &batches));
    picture.save(&path)?;
    Ok(())
}

fn curve(title: &str, x: &str, points: &[Point]) -> Curves {
    let line = points.iter().map(|point| (point.size as f64, point.epoch));
    Curves::new(title).x_label(x).y_label("seconds").log_x().log_y().size(360, 300).line("", line)
}

/// Trains a network of each size for a moment, and prints a line for each.
fn measure(
    what: &str,
    sizes: impl Iterator<Item = usize>,
    network: impl Fn(usize) -> (Vec<usize>, usize),
) -> Vec<Point> {
    println!("\n| {what} | seconds per epoch | GFLOP/s |\n| ---: | ---: | ---: |");
    let points = sizes.map(|size| {
        let (widths, batch) = network(size);
        let seconds = seconds_per_step(&widths, batch);
        // Forward, and backward without the gradient of the images.
        let products: usize = widths.windows(2).map(|w| 3 * w[0] * w[1]).sum();
        let flops = 2.0 * (batch * (products - widths[0] * widths[1])) as f64;
        let point = Point { size, epoch: seconds * 60_000.0 / batch as f64, gflops: flops / seconds / 1e9 };
        println!("| {size} | {:.2} | {:.0} |", point.epoch, point.gflops);
        point
    });
    points.collect()
}

/// The median time of a training step.
fn seconds_per_step(widths: &[usize], batch: usize) -> f64 {
    let train = &Mnist::embedded().train;
    let order = Rng::seed(1).stream(0).permutation(train.len());
    let mut params = Params::new();
    let model = Mlp::new(widths).init(Init::HeUniform).build(&mut params.root(), &mut Rng::seed(0));
    let mut opt = Sgd::new(&params, SgdConfig::with_momentum(0.001, 0.5));
    let mut tape = Tape::new();
    let (start, mut times) = (Instant::now(), vec![]);
    for rows in order.chunks_exact(batch).cycle() {
        let begin = Instant::now();
        let batch = train.batch(rows);
        let pass = tape.train(&params, 0);
        model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels).backward();
        opt.step(&mut params, &mut tape);
        times.push(begin.elapsed().as_secs_f64());
        if times.len() > 5 && start.elapsed().as_secs_f64() > SECONDS {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
