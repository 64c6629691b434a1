//! Predictions from several threads over one set of parameters.
//!
//! A model is data: ids and constants, and the parameters beside it, which a pass only reads. So threads share both without a lock, and each has a
//! tape of its own, which allocates nothing after its first request. The answers are those of one thread, bit by bit.
//!
//! `cargo run --release --example serve_threads -- 1`: the number of epochs of the training before.

use std::thread;
use std::time::Instant;

use layerwise::prelude::*;

const THREADS: usize = 4;
const REQUEST: usize = 16;

/// What is shared between threads: this compiles only if it may be.
const fn is_shared<T: Send + Sync>() {}
const _: () = is_shared::<(Params, Sequential, Layer)>();
const _: () = is_shared::<(AutoencoderModel, VaeModel)>();

fn main() -> anyhow::Result<()> {
    let epochs = std::env::args().nth(1).map_or(Ok(1), |epochs| epochs.parse())?;
    let mnist = Mnist::embedded();
    let mut params = Params::new();
    let model = Mlp::new(&[784, 128, 10]).build(&mut params.root(), &mut Rng::seed(42));
    let mut opt = Adam::new(&params, AdamConfig::default());
    Trainer::new(epochs).batch_size(128).seed(42).fit(
        &mut params,
        &mut opt,
        &mnist.train,
        |pass, batch| model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels),
    )?;

    // Requests of a few images each, as a server would get them.
    let requests: Vec<Tensor> = mnist.test.batches(REQUEST).map(|batch| to_tensor(&batch.images)).collect();
    let (params, model, requests) = (&params, &model, &requests[..]);
    let alone = answer(model, params, requests);

    let start = Instant::now();
    let together: Vec<Tensor> = thread::scope(|scope| {
        let parts = requests.chunks(requests.len().div_ceil(THREADS));
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || answer(model, params, part))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no request fails")).collect()
    });
    let (images, seconds) = (mnist.test.len(), start.elapsed().as_secs_f64());
    println!("{images} images from {THREADS} threads: {:.0} per second", images as f64 / seconds);
    anyhow::ensure!(together == alone, "threads give other answers than one alone");
    Ok(())
}

/// The probabilities of the classes, request by request, from the thread that calls.
fn answer(model: &Sequential, params: &Params, requests: &[Tensor]) -> Vec<Tensor> {
    let mut tape = Tape::new();
    let mut answer = |request| {
        let pass = tape.eval(params);
        model.forward(pass.input(request)).softmax().value()
    };
    requests.iter().map(&mut answer).collect()
}

fn to_tensor(source: &impl Source) -> Tensor {
    let mut tensor = Tensor::zeros(source.shape());
    source.write_to(tensor.as_mut_slice());
    tensor
}
