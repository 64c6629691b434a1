//! Autoencoders on top of each other.

use layerwise_autoencoders::{Activation, Autoencoder, Corruption, Loss, Stack, Stacked, StackedModel};
use layerwise_autograd::{Params, Tape, Tensor};
use layerwise_nn_layers::{Linear, Module, accuracy};
use layerwise_optim::{Adam, AdamConfig, Group, Progress, Trainer};
use layerwise_tensor::Rng;
use layerwise_tensor::data::{Dataset, Labels, Source, TensorDataset};

/// Three kinds of examples, 12 features between 0 and 1.
fn data() -> TensorDataset {
    let kind = |i: usize| i % 3;
    let x = Tensor::from_fn([150, 12], |at| {
        let (i, j) = (at / 12, at % 12);
        let noise = ((at as f32) * 1.7).sin() * 0.2;
        if j / 4 == kind(i) { 0.75 + noise } else { 0.25 + noise }
    });
    TensorDataset::new(x, (0..150).map(|i| kind(i) as u32).collect())
}

fn x() -> Tensor {
    Tensor::from_fn([9, 12], |i| 0.5 + 0.5 * (i as f32 * 0.61).sin())
}

fn config() -> Stacked {
    Stacked::new(&[12, 9, 6, 3])
        .each(|autoencoder| autoencoder.corruption(Corruption::masking(0.25)))
        .epochs(3)
        .batch_size(16)
        .optimizer(AdamConfig { lr: 5e-3, ..Default::default() })
        .layer(1, |layer| {
            layer.epochs = 4;
            layer.autoencoder = layer.autoencoder.clone().tied().corruption(Corruption::gaussian(0.1));
        })
}

fn started(seed: u64) -> StackedModel {
    config().start(seed).progress(Progress::Silent)
}

fn flat(model: &StackedModel) -> Vec<Vec<f32>> {
    model.trained().iter().map(|layer| layer.params.flat().to_vec()).collect()
}

#[test]
fn a_run_with_breaks_ends_as_one_without() {
    let data = data();
    let mut whole = started(5);
    let histories = whole.pretrain(&data).unwrap();
    assert_eq!(histories.iter().map(|history| history.epochs.len()).collect::<Vec<_>>(), [3, 4, 3]);
    assert!(whole.is_complete());
    let mut first = started(5);
    first.pretrain_layer(&data).unwrap();
    assert_eq!((first.trained().len(), first.is_complete()), (1, false));
    let mut resumed = first.clone();
    resumed.pretrain(&data).unwrap();
    assert_eq!(flat(&resumed), flat(&whole));
    assert_eq!(flat(&first)[..], flat(&whole)[..1]);
    let mut other = started(6);
    other.pretrain(&data).unwrap();
    assert!(flat(&other).iter().zip(&flat(&whole)).all(|(a, b)| a != b));
}

#[test]
fn each_layer_is_trained_on_clean_codes_of_those_below() {
    let data = data();
    let mut model = started(5);
    model.pretrain(&data).unwrap();
    let mut codes = model.trained()[0].model.encode_all(&model.trained()[0].params, &data).unwrap();
    for layer in &model.trained()[1..] {
        codes = layer.model.encode_all(&layer.params, &codes).unwrap();
    }
    assert_eq!(model.encode_all(&data).unwrap(), codes);
    let features = model.features(&data).unwrap();
    // The second layer alone, from its own seed.
    let below = model.trained()[0].model.encode_all(&model.trained()[0].params, &data).unwrap();
    let mut root = Rng::seed(5);
    root.split();
    let mut rng = root.split();
    let layer = &config().layers()[1].clone();
    let mut params = Params::new();
    let autoencoder = layer.autoencoder.build(&mut params.root(), &mut rng);
    let mut opt = layer.optimizer.build(&params);
    let trainer = Trainer::new(4).batch_size(16).seed(rng.next_u64()).progress(Progress::Silent);
    autoencoder.fit(&mut params, &mut opt, trainer, &below).unwrap();
    assert_eq!(params.flat(), model.trained()[1].params.flat());
    let all: Vec<u32> = (0..150).collect();
    let batch = features.batch(&all);
    let mut found = Tensor::zeros([150, 3]);
    batch.inputs.write_to(found.as_mut_slice());
    assert_eq!(found, codes);
    assert!((0..150).all(|i| batch.labels.get(i) == i % 3));
}

#[test]
fn unrolled_it_reconstructs_as_its_layers_do_one_after_the_other() {
    let data = data();
    let mut model = started(5);
    model.pretrain(&data).unwrap();
    let (params, deep) = model.unroll();
    let mut codes = x();
    for layer in model.trained() {
        codes = layer.model.encode_all(&layer.params, &codes).unwrap();
    }
    assert_eq!(deep.encode_all(&params, &x()).unwrap(), codes);
    for layer in model.trained().iter().rev() {
        codes = layer.model.decode_all(&layer.params, &codes).unwrap();
    }
    assert_eq!(deep.reconstruct_all(&params, &x()).unwrap(), codes);
    let names: Vec<_> = params.ids().map(|id| params.name(id).to_owned()).collect();
    let half =
        |half: &str| [0, 2, 4].map(|i| [format!("{half}.{i}.weight"), format!("{half}.{i}.bias")]).concat();
    assert_eq!(names, [half("encoder"), half("decoder")].concat());
    assert_eq!(deep.config().decoder_widths(), [3, 6, 9, 12]);

    // Fine-tuned end to end it becomes better.
    let mut params = params;
    let before = deep.reconstruction_error(&params, &data).unwrap().per_pixel_mse;
    let mut opt = Adam::new(&params, AdamConfig { lr: 1e-2, ..Default::default() });
    deep.fit(&mut params, &mut opt, Trainer::new(100).progress(Progress::Silent), &data).unwrap();
    let after = deep.reconstruction_error(&params, &data).unwrap().per_pixel_mse;
    assert!(after < 0.7 * before, "{after} {before}");
}

#[test]
fn deep_autoencoders_can_be_stacked_as_well() {
    let mut rng = Rng::seed(1);
    let mut params = [Params::new(), Params::new()];
    let lower =
        Autoencoder::new(&[12, 10, 8]).decoder(&[8, 12]).activation(Activation::Tanh).code(Activation::Tanh);
    let upper =
        Autoencoder::new(&[8, 5, 4, 2]).activation(Activation::Sigmoid).code(Activation::Softplus).tied();
    let upper = upper.output(Activation::Tanh);
    let lower = lower.loss(Loss::BceWithLogits).build(&mut params[0].root(), &mut rng);
    let upper = upper.build(&mut params[1].root().child("upper"), &mut rng);
    let stack = Stack::new().then(&lower, &params[0]).then(&upper, &params[1]);
    let (deep_params, deep) = stack.unroll();
    let codes = upper.encode_all(&params[1], &lower.encode_all(&params[0], &x()).unwrap()).unwrap();
    assert_eq!(deep.encode_all(&deep_params, &x()).unwrap(), codes);
    let back = lower.decode_all(&params[0], &upper.decode_all(&params[1], &codes).unwrap()).unwrap();
    assert_eq!(deep.decode_all(&deep_params, &codes).unwrap(), back);
}

#[test]
fn batch_norm_comes_along_into_a_classifier_and_not_into_a_deep_autoencoder() {
    let mut params = Params::new();
    let model =
        Autoencoder::new(&[12, 8, 4]).batch_norm().dropout(0.5).build(&mut params.root(), &mut Rng::seed(1));
    let mut opt = Adam::new(&params, AdamConfig::default());
    model.fit(&mut params, &mut opt, Trainer::new(1).progress(Progress::Silent), &data()).unwrap();
    let stack = Stack::new().then(&model, &params);
    let (copied, encoder) = stack.encoder();
    let mut tape = Tape::new();
    let found = encoder.forward(tape.eval(&copied).input(&x())).value();
    assert_eq!(found, model.encode_all(&params, &x()).unwrap());
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(stack.unroll()))).unwrap_err();
    let text = "stack: autoencoders with batch_norm or dropout cannot be unrolled";
    assert_eq!(panic.downcast_ref::<&str>(), Some(&text));
}

/// The six steps, each written out.
#[test]
fn a_classifier_is_made_in_six_steps() {
    let train = data();
    let mut rng = Rng::seed(42);
    let trainer = |epochs| Trainer::new(epochs).batch_size(16).seed(42).progress(Progress::Silent);
    let adam = |params: &Params| Adam::new(params, AdamConfig { lr: 1e-2, ..Default::default() });
    let sigmoid = |widths: &[usize]| Autoencoder::new(widths).code(Activation::Sigmoid);

    // 1: an autoencoder of the data. 2: its codes.
    let mut params1 = Params::new();
    let first = sigmoid(&[12, 8]).build(&mut params1.root(), &mut rng);
    let mut opt = adam(&params1);
    first.fit(&mut params1, &mut opt, trainer(20), &train).unwrap();
    let features1 = first.features(&params1, &train).unwrap();
    // 3: an autoencoder of the codes. 4: its codes.
    let mut params2 = Params::new();
    let second = sigmoid(&[8, 4]).build(&mut params2.root(), &mut rng);
    let mut opt = adam(&params2);
    second.fit(&mut params2, &mut opt, trainer(20), &features1).unwrap();
    let features2 = second.features(&params2, &features1).unwrap();
    // 5: a softmax layer on those.
    let mut params3 = Params::new();
    let softmax = Linear::new(&mut params3.root(), 4, 3, &mut rng);
    let mut opt = adam(&params3);
    trainer(30)
        .fit(&mut params3, &mut opt, &features2, |pass, batch| {
            softmax.forward(pass.input(&batch.inputs)).cross_entropy(&batch.labels)
        })
        .unwrap();
    let alone = accuracy(&softmax, &params3, &features2);
    // 6: all of it stacked, and fine-tuned.
    let stack = Stack::new().then(&first, &params1).then(&second, &params2);
    let (mut params, model) = stack.classifier(&softmax, &params3);
    assert_eq!(accuracy(&model, &params, &train), alone);

    // The features of the stack are the encoders'.
    let (copied, encoder) = stack.encoder();
    let mut tape = Tape::new();
    let codes = encoder.forward(tape.eval(&copied).input(&x())).value();
    assert_eq!(codes, second.encode_all(&params2, &first.encode_all(&params1, &x()).unwrap()).unwrap());
    let logits = model.forward(tape.eval(&params).input(&x())).value();
    assert_eq!(logits, softmax.forward(tape.eval(&params3).input(&codes)).value());

    let before = params.clone();
    let mut opt =
        adam(&params).freeze("encoder.0.*").group("encoder.2.*", Group { lr_scale: 0.1, ..Group::default() });
    trainer(30)
        .fit(&mut params, &mut opt, &train, |pass, batch| {
            model.forward(pass.input(&batch.inputs)).cross_entropy(&batch.labels)
        })
        .unwrap();
    for (name, moves) in
        [("encoder.0.weight", false), ("encoder.2.weight", true), ("classifier.weight", true)]
    {
        assert_eq!(params.get(name) != before.get(name), moves, "{name}");
    }
    let tuned = accuracy(&model, &params, &train);
    assert!(tuned >= alone && tuned > 0.95, "{alone} {tuned}");
}

#[test]
fn a_stack_knows_its_widths() {
    let mut rng = Rng::seed(1);
    let mut params = [Params::new(), Params::new()];
    let first = Autoencoder::new(&[6, 4]).build(&mut params[0].root(), &mut rng);
    let second = Autoencoder::new(&[5, 2]).build(&mut params[1].root(), &mut rng);
    let text = |body: &dyn Fn()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_err();
        panic
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned())
    };
    assert_eq!(
        text(&|| drop(Stack::new().then(&first, &params[0]).then(&second, &params[1]))),
        "stack: an autoencoder of 5 inputs on one whose code has 4 numbers"
    );
    assert_eq!(text(&|| drop(Stack::new().encoder())), "stack: there is no autoencoder in it");
    assert_eq!(
        text(&|| {
            let mut head = Params::new();
            let softmax = Linear::new(&mut head.root(), 3, 2, &mut Rng::seed(0));
            drop(Stack::new().then(&first, &params[0]).classifier(&softmax, &head));
        }),
        "stack: a layer of 3 inputs on codes of 4 numbers"
    );
    assert_eq!(
        text(&|| drop(Stacked::new(&[6]))),
        "a stack of autoencoders has at least two widths (input and code), none of them 0; found [6]"
    );
    assert_eq!(
        text(&|| drop(config().layer(2, |layer| layer.autoencoder = Autoencoder::new(&[5, 3])).start(0))),
        "stacked: an autoencoder of 5 inputs on one whose code has 6 numbers"
    );
    let mut complete = Stacked::new(&[12, 3]).epochs(1).start(1).progress(Progress::Silent);
    complete.pretrain(&data()).unwrap();
    let again =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| complete.pretrain_layer(&data()).is_ok()));
    assert_eq!(
        again.unwrap_err().downcast_ref::<String>().unwrap(),
        "pretrain_layer: all 1 layers have been trained"
    );
}

#[test]
fn a_configuration_is_data() {
    let text = serde_json::to_string(&config()).unwrap();
    assert_eq!(serde_json::from_str::<Stacked>(&text).unwrap(), config());
}
