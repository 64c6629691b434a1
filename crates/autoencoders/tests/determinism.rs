//! The same seed gives the same bits, on any number of threads.

use layerwise_autoencoders::{Activation, Autoencoder, Corruption, Emphasis, Loss, Pca, Stacked, Vae};
use layerwise_autograd::Params;
use layerwise_optim::{Adam, AdamConfig, Progress, Trainer};
use layerwise_tensor::{Rng, Tensor, threads};

/// Wide enough that products, noise and sums are shared out between threads.
fn data() -> Tensor {
    Tensor::from_fn([256, 300], |i| 0.5 + 0.5 * (i as f32 * 0.013).sin())
}

fn trainer() -> Trainer<'static> {
    Trainer::new(2).batch_size(128).seed(1).progress(Progress::Silent)
}

fn check(name: &str, run: impl Fn() -> Vec<f32> + Sync) {
    let bits = |threads| threads::run_on(threads, || run().iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    let one = bits(1);
    for threads in 2..=4 {
        assert!(bits(threads) == one, "{name}: {threads} threads");
    }
}

#[test]
fn training_ends_with_the_same_bits() {
    let base = || Autoencoder::new(&[300, 200]).code(Activation::Sigmoid).loss(Loss::BceWithLogits);
    for (name, config) in [
        ("sparse", base().kl_sparsity(0.1, 0.1).l1_sparsity(0.01)),
        ("contractive, tied", base().contractive(0.1).tied()),
        ("masking", base().corruption(Corruption::masking(0.25)).emphasis(Emphasis::FULL)),
        ("gaussian", base().corruption(Corruption::gaussian(0.25))),
        ("salt and pepper", base().corruption(Corruption::salt_and_pepper(0.25))),
        ("deep", Autoencoder::new(&[300, 200, 64]).batch_norm().dropout(0.2)),
    ] {
        check(name, || {
            let mut params = Params::new();
            let model = config.build(&mut params.root(), &mut Rng::seed(2));
            let mut opt = Adam::new(&params, AdamConfig::default());
            model.fit(&mut params, &mut opt, trainer(), &data()).unwrap();
            [params.flat(), model.reconstruct_all(&params, &data()).unwrap().as_slice()].concat()
        });
    }
}

#[test]
fn relatives_end_with_the_same_bits() {
    check("vae", || {
        let mut params = Params::new();
        let model = Vae::new(&[300, 128, 16]).build(&mut params.root(), &mut Rng::seed(2));
        let mut opt = Adam::new(&params, AdamConfig::default());
        model.fit(&mut params, &mut opt, trainer(), &data()).unwrap();
        [params.flat(), model.sample(&params, 20, 3).as_slice()].concat()
    });
    check("stacked", || {
        let mut stacked = Stacked::new(&[300, 200, 100])
            .each(|autoencoder| autoencoder.corruption(Corruption::masking(0.25)))
            .epochs(1)
            .start(1)
            .progress(Progress::Silent);
        stacked.pretrain(&data()).unwrap();
        stacked.unroll().0.flat().to_vec()
    });
    check("pca", || Pca::fit(&data(), 5).unwrap().transform(&data()).unwrap().as_slice().to_vec());
}
