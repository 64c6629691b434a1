//! After its first step, training allocates nothing, whatever the model.

use std::alloc::System;

use layerwise_autoencoders::{Activation, Autoencoder, Corruption, Emphasis, Likelihood, Loss, Scale, Vae};
use layerwise_autograd::{Params, Pass, Tape, Tensor, Var};
use layerwise_optim::{Adam, AdamConfig, Optimizer};
use layerwise_tensor::data::{Dataset, Rows};
use layerwise_tensor::{Rng, threads};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// The system's allocator, which counts what it is asked for by any thread.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations so far.
fn allocations() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

fn check(name: &str, mut params: Params, loss: impl for<'p> Fn(&'p Pass<'p>, &Rows<'_>) -> Var<'p> + Sync) {
    let data = Tensor::from_fn([640, 200], |i| 0.5 + 0.5 * (i as f32 * 0.013).sin());
    let rows: Vec<u32> = (0..640).collect();
    let fresh = params.clone();
    for threads in [1, 2, 4] {
        params.clone_from(&fresh);
        let params = &mut params;
        let counts = threads::run_on(threads, || {
            let mut opt = Adam::new(params, AdamConfig::default());
            let mut tape = Tape::new();
            let mut counts = Vec::with_capacity(10);
            for (step, rows) in rows.chunks(64).enumerate() {
                let before = allocations();
                let pass = tape.train(params, step as u64);
                loss(&pass, &data.batch(rows)).backward();
                opt.step(params, &mut tape);
                counts.push(allocations() - before);
            }
            counts
        });
        assert!(counts[0] > 0, "{name}: the first step fills the tape");
        assert_eq!(counts[1..], [0; 9], "{name}, {threads} threads");
    }
}

fn main() {
    let base = || Autoencoder::new(&[200, 100]).code(Activation::Sigmoid).loss(Loss::BceWithLogits);
    let deep = || Autoencoder::new(&[200, 100, 16]);
    for (name, config) in [
        ("plain", Autoencoder::new(&[200, 100])),
        ("deep", deep()),
        ("tied", deep().tied()),
        ("normalised", deep().batch_norm().dropout(0.3)),
        ("binary cross-entropy", base().loss(Loss::Bce).output(Activation::Sigmoid).scale(Scale::Sum)),
        ("sparse", base().kl_sparsity(0.1, 1.0).l1_sparsity(0.1)),
        ("contractive", base().contractive(0.1)),
        ("contractive with another activation", base().code(Activation::Softplus).contractive(0.1)),
        ("contractive and deep", deep().activation(Activation::Silu).contractive(0.1)),
        ("masking", base().corruption(Corruption::masking(0.25))),
        ("independent masking", base().corruption(Corruption::independent_masking(0.25))),
        ("gaussian noise", base().corruption(Corruption::gaussian(0.25))),
        ("salt and pepper", base().corruption(Corruption::salt_and_pepper(0.25))),
        ("emphasis", base().corruption(Corruption::masking(0.25)).emphasis(Emphasis::FULL)),
        (
            "everything",
            base()
                .tied()
                .corruption(Corruption::masking(0.25))
                .emphasis(Emphasis::FULL)
                .contractive(0.1)
                .kl_sparsity(0.1, 1.0),
        ),
    ] {
        let mut params = Params::new();
        let model = config.build(&mut params.root(), &mut Rng::seed(1));
        check(name, params, |pass, batch| model.loss(pass, batch));
    }
    for (name, config) in [
        ("variational", Vae::new(&[200, 100, 8])),
        (
            "variational with a normal likelihood",
            Vae::new(&[200, 8]).likelihood(Likelihood::Gaussian { std: 0.5 }),
        ),
    ] {
        let mut params = Params::new();
        let model = config.build(&mut params.root(), &mut Rng::seed(1));
        check(name, params, |pass, batch| model.loss(pass, batch));
    }
}
