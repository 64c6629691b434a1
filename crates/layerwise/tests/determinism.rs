//! The same seed gives the same bits, on any number of threads and however the loop is written.

use layerwise::autoencoder_recipe::AutoencoderRecipe;
use layerwise::prelude::*;
use layerwise::recipe::Recipe;
use layerwise::{activation, batch_normalization, dropout, initialization, optimizer};
use layerwise::{autoencoder, denoising_autoencoder};

/// Section 1's network after an epoch.
fn after_an_epoch(threads: usize) -> Vec<f32> {
    threads::run_on(threads, || {
        let mut recipe = layerwise::mlp::recipe();
        recipe.epochs = 1;
        let trained = recipe.train(Mnist::embedded(), 7, Progress::Silent).expect("it trains");
        trained.params.flat().to_vec()
    })
}

#[test]
fn an_epoch_ends_with_the_same_bits_on_any_number_of_threads() {
    let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let one = bits(&after_an_epoch(1));
    for threads in 2..=4 {
        assert!(bits(&after_an_epoch(threads)) == one, "{threads} threads");
    }
}

/// The bits of the parameters of a section's network after an epoch of 2 000 images.
fn bits_after(recipe: &Recipe, threads: usize) -> Vec<u32> {
    let data = Mnist { train: Mnist::embedded().train.take(2000), test: Mnist::embedded().test.take(10) };
    let recipe = Recipe { epochs: 1, ..recipe.clone() };
    let trained = threads::run_on(threads, || recipe.train(&data, 7, Progress::Silent)).expect("it trains");
    trained.params.flat().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn every_section_and_every_rule_ends_with_the_same_bits_on_any_number_of_threads() {
    let sections = [dropout::recipe, activation::recipe, batch_normalization::recipe, initialization::recipe];
    let of_rules = optimizer::rules().map(|(_, optimizer)| Recipe { optimizer, ..optimizer::recipe() });
    for recipe in sections.map(|recipe| recipe()).iter().chain(&of_rules) {
        let one = bits_after(recipe, 1);
        for threads in 2..=4 {
            assert!(bits_after(recipe, threads) == one, "{threads} threads, {recipe:?}");
        }
    }
}

#[test]
fn autoencoders_and_their_noise_end_with_the_same_bits_on_any_number_of_threads() {
    let data = Mnist { train: Mnist::embedded().train.take(1000), test: Mnist::embedded().test.take(10) };
    for recipe in [autoencoder::recipe(), denoising_autoencoder::recipe()] {
        let recipe = AutoencoderRecipe { epochs: 1, ..recipe };
        let bits = |threads| {
            let trained = threads::run_on(threads, || recipe.train(&data, 7, Progress::Silent));
            trained.expect("it trains").params.flat().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let one = bits(1);
        for threads in 2..=4 {
            assert!(bits(threads) == one, "{threads} threads, {recipe:?}");
        }
    }
}

#[test]
fn another_seed_gives_another_network() {
    let train = |seed| {
        let data = Mnist { train: Mnist::embedded().train.take(320), test: Mnist::embedded().test.take(10) };
        let mut recipe = layerwise::mlp::recipe();
        recipe.epochs = 1;
        recipe.train(&data, seed, Progress::Silent).unwrap().params.flat().to_vec()
    };
    assert_eq!(train(1), train(1));
    assert_ne!(train(1), train(2));
}

#[test]
fn the_loop_written_by_hand_ends_where_the_trainer_does() {
    let data = Mnist::embedded().train.take(1000);
    let recipe = layerwise::mlp::recipe();
    let fresh = || {
        let mut params = Params::new();
        let model = recipe.network.build(&mut params.root(), &mut Rng::seed(3));
        let opt = recipe.optimizer.build(&params);
        (params, model, opt)
    };

    let (mut params, model, mut opt) = fresh();
    let trainer = Trainer::new(2).batch_size(32).in_order().progress(Progress::Silent);
    let history = trainer.fit(&mut params, &mut opt, &data, |pass, batch| {
        model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels)
    });
    assert!(history.unwrap().epochs[1].loss < 2.4);

    let (mut by_hand, model, mut opt) = fresh();
    threads::run(|| {
        let mut tape = Tape::new();
        for _ in 0..2 {
            for batch in data.batches(32) {
                let pass = tape.train(&by_hand, 0);
                let loss = model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels);
                loss.backward();
                opt.step(&mut by_hand, &mut tape);
            }
        }
    });
    assert_eq!(by_hand.flat(), params.flat());
}
