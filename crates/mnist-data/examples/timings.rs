//! How long the embedded data takes to decode, and a shuffled batch to convert.
//!
//! `cargo run --release -p layerwise-mnist-data --example timings`

use std::hint::black_box;
use std::time::{Duration, Instant};

use layerwise_mnist_data::{MNIST_MEAN, MNIST_STD, Mnist};

fn main() {
    let start = Instant::now();
    let mnist = Mnist::embedded();
    println!("Mnist::embedded, first call: {:?}", start.elapsed());

    // Normalised, so that the general case is the one that is timed.
    let train = mnist.train.normalised(MNIST_MEAN, MNIST_STD);
    for size in [32, 128, 512] {
        let mut buffer = vec![0.0; size * train.features()];
        let mut times: Vec<Duration> = Vec::new();
        for seed in 0..5 {
            for batch in train.batches(size).shuffled(seed).drop_last() {
                let start = Instant::now();
                batch.images.write_to(&mut buffer);
                times.push(start.elapsed());
                black_box(&mut buffer);
            }
        }
        times.sort_unstable();
        let median = times[times.len() / 2];
        println!("BatchImages::write_to, {size} shuffled rows of 784: median {median:?}");
        assert!(black_box(&buffer).iter().all(|value| (-0.5..3.0).contains(value)));
    }
}
