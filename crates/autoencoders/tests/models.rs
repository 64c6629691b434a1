//! What models do with data: training, errors before it, noise, the whole data set at once.

use layerwise_autoencoders::{
    Activation, Autoencoder, Corruption, DataError, Emphasis, FitError, Likelihood, Loss, Pca, Scale, Vae,
};
use layerwise_autograd::{Gradcheck, Params, Tape, Tensor, Var, gradcheck};
use layerwise_nn_layers::{Layer, Module, Sequential};
use layerwise_optim::{Adam, AdamConfig, Progress, TrainError, Trainer};
use layerwise_tensor::data::{Dataset, TensorDataset};
use layerwise_tensor::{Rng, Stream};

/// 200 examples of 12 features between 0 and 1 that depend on two numbers.
fn data() -> Tensor {
    let latent = |i: usize, k: usize| (i as f32 * [0.37, 0.83][k]).sin();
    Tensor::from_fn([200, 12], |at| {
        let (i, j) = (at / 12, at % 12);
        let weight = |k: usize| ((j + 5 * k) as f32 * 0.9).cos();
        0.5 + 0.2 * (latent(i, 0) * weight(0) + latent(i, 1) * weight(1))
    })
}

fn trainer(epochs: usize) -> Trainer<'static> {
    Trainer::new(epochs).batch_size(20).seed(1).progress(Progress::Silent)
}

fn adam(params: &Params) -> Adam {
    Adam::new(params, AdamConfig { lr: 1e-2, ..Default::default() })
}

#[test]
fn a_linear_autoencoder_comes_to_what_pca_keeps() {
    // Spread out and around zero, so that few epochs are enough.
    let x = data().map(|x| 8.0 * (x - 0.5));
    let pca = Pca::fit(&x, 1).unwrap().reconstruction_error(&x).unwrap();
    for config in [Autoencoder::new(&[12, 1]), Autoencoder::new(&[12, 1]).tied()] {
        let mut params = Params::new();
        let model = config.build(&mut params.root(), &mut Rng::seed(3));
        let mut opt = adam(&params);
        let history = model.fit(&mut params, &mut opt, trainer(150), &x).unwrap();
        let error = model.reconstruction_error(&params, &x).unwrap();
        // No linear one is better, and it comes within 2 %.
        assert!(error.per_pixel_mse > pca.per_pixel_mse * (1.0 - 1e-5), "{}", error.per_pixel_mse);
        assert!(
            error.per_pixel_mse < pca.per_pixel_mse * 1.02,
            "{} {}",
            error.per_pixel_mse,
            pca.per_pixel_mse
        );
        assert!(history.epochs[0].loss > 2.0 * history.epochs[149].loss);
    }
}

#[test]
fn errors_of_a_data_set_are_sums_in_f64() {
    let x = data();
    let mut params = Params::new();
    let model = Autoencoder::new(&[12, 3]).build(&mut params.root(), &mut Rng::seed(3));
    let error = model.reconstruction_error(&params, &x).unwrap();
    let z = model.reconstruct_all(&params, &x).unwrap();
    let rows = x.as_slice().chunks(12).zip(z.as_slice().chunks(12));
    let by_hand: Vec<f64> = rows
        .map(|(x, z)| x.iter().zip(z).map(|(x, z)| (f64::from(*z) - f64::from(*x)).powi(2)).sum())
        .collect();
    assert_eq!(error.per_example, by_hand);
    let mean = by_hand.iter().sum::<f64>() / 200.0;
    assert_eq!((error.per_image_squared_error, error.per_pixel_mse), (mean, mean / 12.0));
}

#[test]
fn any_kind_of_data_gives_the_same_training() {
    let x = data();
    let array = ndarray::Array2::from_shape_vec((200, 12), x.as_slice().to_vec()).unwrap();
    let labelled = TensorDataset::new(x.clone(), vec![0; 200]);
    let images = x.clone().reshape([200, 3, 4]);
    let config = Autoencoder::new(&[12, 4]).code(Activation::Sigmoid).corruption(Corruption::masking(0.5));
    macro_rules! trained {
        ($data:expr) => {{
            let mut params = Params::new();
            let model = config.build(&mut params.root(), &mut Rng::seed(3));
            let mut opt = adam(&params);
            model.fit(&mut params, &mut opt, trainer(2), $data).unwrap();
            (model.encode_all(&params, $data).unwrap(), params.flat().to_vec())
        }};
    }
    let expected = trained!(&x);
    assert_eq!(trained!(&array), expected);
    assert_eq!(trained!(&array.t().as_standard_layout().reversed_axes()), expected);
    assert_eq!(trained!(&labelled), expected);
    assert_eq!(trained!(&images), expected);
}

#[test]
fn labelled_images_are_data_as_they_are() {
    let images = layerwise_mnist_data::Mnist::embedded().test.take(200);
    let mut params = Params::new();
    let config = Autoencoder::new(&[784, 32]).code(Activation::Sigmoid).loss(Loss::BceWithLogits);
    let model = config.build(&mut params.root(), &mut Rng::seed(3));
    let before = model.reconstruction_error(&params, &images).unwrap();
    let mut opt = adam(&params);
    model.fit(&mut params, &mut opt, trainer(10), &images).unwrap();
    let after = model.reconstruction_error(&params, &images).unwrap();
    assert!(
        after.per_pixel_mse < 0.3 * before.per_pixel_mse,
        "{} {}",
        after.per_pixel_mse,
        before.per_pixel_mse
    );
    assert_eq!(model.features(&params, &images).unwrap().len(), 200);
}

#[test]
fn unfit_data_is_refused_before_anything_is_trained() {
    let logits = Autoencoder::new(&[12, 4]).loss(Loss::BceWithLogits);
    let check = |config: &Autoencoder, data: &Tensor| {
        let mut params = Params::new();
        let model = config.build(&mut params.root(), &mut Rng::seed(3));
        let before = params.flat().to_vec();
        let mut opt = adam(&params);
        let error = model.fit(&mut params, &mut opt, trainer(2), data).unwrap_err();
        assert_eq!(params.flat(), before);
        error
    };
    let plain = Autoencoder::new(&[12, 4]);
    let none = Tensor::zeros([0, 12]);
    assert_eq!(check(&plain, &none), FitError::Data(DataError::Empty));
    let narrow = check(&plain, &Tensor::zeros([5, 11]));
    assert_eq!(narrow, FitError::Data(DataError::Width { expected: 12, found: 11 }));
    assert_eq!(narrow.to_string(), "the examples have 11 features, the model takes 12");
    let mut bad = data();
    bad.as_mut_slice()[12 * 150 + 7] = f32::NAN;
    let text = "feature 7 of example 150 is NaN, which is no finite number";
    assert_eq!(check(&plain, &bad).to_string(), text);
    bad.as_mut_slice()[12 * 150 + 7] = -0.25;
    let text = "feature 7 of example 150 is -0.25; binary cross-entropy takes values between 0 and 1";
    assert_eq!(check(&logits, &bad).to_string(), text);

    let vae = Vae::new(&[12, 4]).build(&mut Params::new().root(), &mut Rng::seed(3));
    let mut params = Params::new();
    Vae::new(&[12, 4]).build(&mut params.root(), &mut Rng::seed(3));
    let mut opt = adam(&params);
    assert_eq!(vae.fit(&mut params, &mut opt, trainer(2), &bad).unwrap_err().to_string(), text);
    assert_eq!(vae.encode_all(&params, &none).unwrap_err(), DataError::Empty);
    assert_eq!(Pca::fit(&none, 1).unwrap_err(), DataError::Empty);
    bad.as_mut_slice()[5] = f32::INFINITY;
    assert_eq!(
        Pca::fit(&bad, 1).unwrap_err().to_string(),
        "feature 5 of example 0 is inf, which is no finite number"
    );
}

#[test]
fn a_run_that_diverges_is_an_error_of_the_training_loop() {
    let mut params = Params::new();
    let model = Autoencoder::new(&[12, 4]).build(&mut params.root(), &mut Rng::seed(3));
    let mut opt = Adam::new(&params, AdamConfig { lr: 1e30, ..Default::default() });
    let error = model.fit(&mut params, &mut opt, trainer(2), &data()).unwrap_err();
    assert!(matches!(error, FitError::Train(TrainError::Diverged { .. })), "{error}");
}

#[test]
#[should_panic(
    expected = "pca: the number of components is 13, but must lie in 1..=12, the number of features"
)]
fn there_are_no_more_components_than_features() {
    let _ = Pca::fit(&data(), 13);
}

#[test]
#[should_panic(expected = "masking: nu is 1.5, but must lie in [0, 1]")]
fn a_configuration_is_checked_when_built() {
    let config = Autoencoder::new(&[12, 4]).corruption(Corruption::Masking { nu: 1.5 });
    config.build(&mut Params::new().root(), &mut Rng::seed(3));
}

#[test]
#[should_panic(expected = "gaussian likelihood: std is 0, but must be finite and above 0")]
fn a_variational_configuration_is_checked_when_built() {
    let config = Vae::new(&[12, 4]).likelihood(Likelihood::Gaussian { std: 0.0 });
    config.build(&mut Params::new().root(), &mut Rng::seed(3));
}

/// The loss of every corruption, put together by hand from [`Corruption::apply`] with the seed of the pass.
#[test]
fn a_training_pass_corrupts_the_input_and_not_the_target() {
    let x = data();
    let mut params = Params::new();
    let base = Autoencoder::new(&[12, 4]).code(Activation::Tanh);
    let clean = base.build(&mut params.root(), &mut Rng::seed(3));
    for corruption in [
        Corruption::masking(0.25),
        Corruption::independent_masking(0.25),
        Corruption::gaussian(0.3),
        Corruption::SaltAndPepper { nu: 0.2, low: -1.0, high: 2.0 },
    ] {
        let corrupted = corruption.apply(&x, 9);
        for emphasis in [None, Some(Emphasis { corrupted: 2.0, others: 0.5 }), Some(Emphasis::FULL)] {
            let config = base.clone().corruption(corruption);
            let config = match emphasis {
                Some(emphasis) => config.emphasis(emphasis),
                None => config,
            };
            let model = config.build(&mut Params::new().root(), &mut Rng::seed(3));
            let mut tape = Tape::new();
            let found = model.loss(&tape.train(&params, 9), &x).item();

            let pass = tape.eval(&params);
            let z = clean.reconstruct(pass.input(&corrupted.values)).value();
            let Emphasis { corrupted: alpha, others: beta } =
                emphasis.unwrap_or(Emphasis { corrupted: 1.0, others: 1.0 });
            let squares = z.as_slice().iter().zip(x.as_slice()).zip(corrupted.mask.as_slice());
            let total: f64 = squares
                .map(|((z, x), mask)| {
                    f64::from(z - x).powi(2) * f64::from(if *mask == 1.0 { alpha } else { beta })
                })
                .sum();
            let expected = total / x.as_slice().len() as f64;
            assert!(
                (f64::from(found) - expected).abs() < 1e-6 * expected,
                "{corruption:?} {found} {expected}"
            );

            // Fresh noise for another seed, and none in an evaluation pass.
            assert_ne!(model.loss(&tape.train(&params, 10), &x).item(), found, "{corruption:?}");
            let evaluated = model.loss(&tape.eval(&params), &x).item();
            assert_eq!(evaluated, clean.loss(&tape.eval(&params), &x).item());
        }
    }
}

#[test]
fn gradients_of_noisy_losses() {
    let x = data();
    let few = Tensor::new([6, 12], x.as_slice()[..72].to_vec());
    let smooth = Autoencoder::new(&[12, 5, 3])
        .activation(Activation::Tanh)
        .code(Activation::Sigmoid)
        .loss(Loss::BceWithLogits)
        .scale(Scale::Sum)
        .corruption(Corruption::gaussian(0.2))
        .kl_sparsity(0.1, 0.5)
        .contractive(0.2);
    for config in [
        smooth.clone(),
        smooth.tied(),
        Autoencoder::new(&[12, 5, 3])
            .activation(Activation::Silu)
            .dropout(0.3)
            .corruption(Corruption::masking(0.25)),
        Autoencoder::new(&[12, 5, 3])
            .activation(Activation::Softplus)
            .tied()
            .batch_norm()
            .corruption(Corruption::salt_and_pepper(0.25))
            .emphasis(Emphasis::FULL),
    ] {
        let mut params = Params::new();
        let model = config.build(&mut params.root(), &mut Rng::seed(3));
        gradcheck(&params, &[], |pass, _| model.loss(pass, &few))
            .unwrap_or_else(|e| panic!("{config:?}: {e}"));
    }
    for config in
        [Vae::new(&[12, 5, 2]), Vae::new(&[12, 2]).likelihood(Likelihood::Gaussian { std: 0.4 }).beta(3.0)]
    {
        let mut params = Params::new();
        let config = config.activation(Activation::Tanh);
        let model = config.build(&mut params.root(), &mut Rng::seed(3));
        // The losses are sums over elements, around 10: rounding is larger than usual.
        let check = Gradcheck { tolerance: 3e-3, ..Default::default() };
        check
            .run(&params, &[], |pass, _| model.loss(pass, &few))
            .unwrap_or_else(|e| panic!("{config:?}: {e}"));
    }
}

#[test]
fn tied_weights_are_the_encoders() {
    let mut params = Params::new();
    let config = Autoencoder::new(&[5, 4, 2]).activation(Activation::Sigmoid).tied();
    let model = config.build(&mut params.root(), &mut Rng::seed(3));
    let names: Vec<_> = params.ids().map(|id| params.name(id)).collect();
    let encoder = ["encoder.0.weight", "encoder.0.bias", "encoder.2.weight", "encoder.2.bias"];
    assert_eq!(names, [&encoder[..], &["decoder.0.bias", "decoder.2.bias"]].concat());
    let free = Autoencoder::new(&[5, 4, 2]).activation(Activation::Sigmoid);
    let mut own = Params::new();
    let untied = free.build(&mut own.root(), &mut Rng::seed(4));
    for name in names {
        own.set(name, &params.get(name).unwrap());
    }
    for (decoder, encoder) in
        [("decoder.0.weight", "encoder.2.weight"), ("decoder.2.weight", "encoder.0.weight")]
    {
        let transposed = params.get(encoder).unwrap().into_array().reversed_axes();
        own.set(decoder, &Tensor::from(transposed));
    }
    let x = Tensor::from_fn([7, 5], |i| (i as f32 * 0.7).sin());
    let (mut a, mut b) = (Tape::new(), Tape::new());
    let (tied, untied) =
        (model.forward(a.eval(&params).input(&x)).value(), untied.forward(b.eval(&own).input(&x)).value());
    assert_eq!(tied, untied);
}

#[test]
fn the_layers_of_a_model_are_its_reconstruction() {
    let x = Tensor::from_fn([5, 6], |i| (i as f32 * 0.7).sin().abs());
    let check = |params: &Params, reconstruct: &dyn for<'p> Fn(Var<'p>) -> Var<'p>, network: &Sequential| {
        let mut tape = Tape::new();
        let pass = tape.eval(params);
        let x = pass.input(&x);
        assert_eq!(network.forward(x).value(), reconstruct(x).value());
    };
    for loss in [Loss::Mse, Loss::BceWithLogits] {
        let mut params = Params::new();
        let config = Autoencoder::new(&[6, 4, 2]).tied().batch_norm().dropout(0.2).loss(loss);
        let model = config.build(&mut params.root(), &mut Rng::seed(1));
        check(&params, &|x| model.reconstruct(x), &model.network());
        assert!(model.network().layers().iter().all(|layer| !matches!(layer, Layer::Custom(_))));
    }
    for likelihood in [Likelihood::Bernoulli, Likelihood::Gaussian { std: 1.0 }] {
        let mut params = Params::new();
        let model = Vae::new(&[6, 4, 2]).likelihood(likelihood).build(&mut params.root(), &mut Rng::seed(1));
        check(&params, &|x| model.reconstruct(x), &model.network());
        assert_eq!(model.mean_encoder().layers().len(), 2);
    }
}

#[test]
fn a_variational_code_is_a_sample_whose_noise_is_standard_normal() {
    let mut params = Params::new();
    let model = Vae::new(&[3, 2]).build(&mut params.root(), &mut Rng::seed(3));
    let (mean, log_var) = (Tensor::full([20_000, 2], 1.5), Tensor::full([20_000, 2], 0.25_f32.ln()));
    let mut tape = Tape::new();
    let pass = tape.train(&params, 11);
    let z = model.reparameterise(pass.input(&mean), pass.input(&log_var)).value();
    let n = z.as_slice().len() as f64;
    let average = z.as_slice().iter().map(|&z| f64::from(z)).sum::<f64>() / n;
    let variance = z.as_slice().iter().map(|&z| (f64::from(z) - average).powi(2)).sum::<f64>() / n;
    assert!((average - 1.5).abs() < 4.0 * 0.5 / n.sqrt() && (variance / 0.25 - 1.0).abs() < 0.03);
    // From the first stream of the pass.
    let mut noise = vec![0.0; z.as_slice().len()];
    Stream { seed: 11, stream: 0 }.fill_normal(0, &mut noise, 0.0, 1.0);
    for (z, noise) in z.as_slice().iter().zip(noise) {
        assert!((z - (1.5 + 0.5 * noise)).abs() < 1e-6);
    }
    let pass = tape.eval(&params);
    assert_eq!(model.reparameterise(pass.input(&mean), pass.input(&log_var)).value(), mean);
}

#[test]
fn a_variational_autoencoder_learns_and_decodes_what_it_is_asked_to() {
    let x = data();
    let mut params = Params::new();
    let model = Vae::new(&[12, 16, 2])
        .likelihood(Likelihood::Gaussian { std: 0.1 })
        .activation(Activation::Tanh)
        .build(&mut params.root(), &mut Rng::seed(3));
    let before = model.reconstruction_error(&params, &x).unwrap();
    let mut opt = adam(&params);
    let history = model.fit(&mut params, &mut opt, trainer(40), &x).unwrap();
    let after = model.reconstruction_error(&params, &x).unwrap();
    assert!(
        after.per_pixel_mse < 0.2 * before.per_pixel_mse,
        "{} {}",
        after.per_pixel_mse,
        before.per_pixel_mse
    );
    assert!(history.epochs[39].loss < history.epochs[0].loss);

    let decoded = |codes: &Tensor| model.decode_all(&params, codes).unwrap();
    let line = model.interpolate(&params, &[0.0, 1.0], &[1.0, 3.0], 2);
    assert_eq!(line, decoded(&Tensor::from([[0.0, 1.0], [0.5, 2.0], [1.0, 3.0]])));
    let walk = model.latent_walk(&params, &[0.5, 0.25], 1, &[-1.0, 2.0]);
    assert_eq!(walk, decoded(&Tensor::from([[0.5, -1.0], [0.5, 2.0]])));
    let samples = model.sample(&params, 4, 5);
    assert_eq!(samples, model.sample(&params, 4, 5));
    assert_ne!(samples, model.sample(&params, 4, 6));
    assert_eq!(samples.shape().dims(), [4, 12]);
}
