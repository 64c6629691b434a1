//! Whether a long run gets slower with time: `cargo run --release -p layerwise --example long_run`.
//!
//! Weight decay takes the weights of pixels that are never set, and their velocities, towards zero: after some ten thousand steps they are
//! denormal numbers, with which many processors compute slowly. Worker threads flush these to zero; a program's own threads are left
//! alone. The same 100 epochs run on both, and the time of the last ten is compared with that of the first ten.

use std::time::Instant;

use layerwise::prelude::*;

const EPOCHS: usize = 100;
const IMAGES: usize = 6000;

/// What a run came to.
struct Run {
    /// Seconds of every epoch.
    epochs: Vec<f64>,
    /// Parameters that are denormal in the end.
    denormal: usize,
}

fn main() {
    // So small that nothing is spread over threads: all of it is computed where it is called.
    let worker = threads::run_on(1, train);
    let own = train();
    println!("| thread | median of the first 10 epochs, ms | of the last 10 | ratio | denormal parameters |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let [of_worker, _] = [("a worker", &worker), ("the program's own", &own)].map(|(name, run)| {
        let (first, last) = (median(&run.epochs[..10]), median(&run.epochs[EPOCHS - 10..]));
        let (ratio, denormal) = (last / first, run.denormal);
        println!("| {name} | {:.2} | {:.2} | {ratio:.2} | {denormal} |", 1e3 * first, 1e3 * last);
        ratio
    });
    assert!(own.denormal > 0, "the run is to have denormal numbers");
    assert_eq!(worker.denormal, 0, "a worker flushes them");
    assert!(of_worker < 1.5, "the last epochs took {of_worker:.2} times as long as the first");
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn train() -> Run {
    let data = Mnist::embedded().train.take(IMAGES);
    let mut params = Params::new();
    let network = Mlp::new(&[784, 16, 10]).activation(Activation::Sigmoid);
    let model = network.build(&mut params.root(), &mut Rng::seed(0));
    let config = SgdConfig { weight_decay: 0.1, ..SgdConfig::with_momentum(0.1, 0.9) };
    let (mut opt, mut tape) = (Sgd::new(&params, config), Tape::new());
    let mut epochs = vec![];
    for seed in 0..EPOCHS as u64 {
        let start = Instant::now();
        for batch in data.batches(32).shuffled(seed) {
            let pass = tape.train(&params, seed);
            model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels).backward();
            opt.step(&mut params, &mut tape);
        }
        epochs.push(start.elapsed().as_secs_f64());
    }
    Run { epochs, denormal: params.flat().iter().filter(|x| x.is_subnormal()).count() }
}
