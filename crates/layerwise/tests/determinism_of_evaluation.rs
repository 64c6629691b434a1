//! What is measured over a whole data set has the same bits on any number of threads, whatever its size: one example, less than a batch,
//! whole batches, and a rest that takes another way through a product.

use layerwise::optim::OptimizerConfig;
use layerwise::prelude::*;

const SIZES: [usize; 6] = [1, 7, 31, 33, 1000, 2049];
const FEATURES: usize = 150;
const CLASSES: usize = 10;

/// Names of figures with their bits.
type Figures = Vec<(&'static str, Vec<u64>)>;

/// A third of the numbers are 0; the class is in the others.
fn data(examples: usize, seed: u64) -> TensorDataset {
    let mut x = Tensor::zeros([examples, FEATURES]);
    Rng::seed(seed).stream(0).fill_uniform(0, x.as_mut_slice(), -0.5, 1.0);
    for (i, x) in x.as_mut_slice().iter_mut().enumerate() {
        let bonus = if i % FEATURES % CLASSES == i / FEATURES % CLASSES { 0.2 } else { 0.0 };
        *x = x.max(0.0) * 0.8 + bonus;
    }
    TensorDataset::new(x, (0..examples as u32).map(|i| i % CLASSES as u32).collect())
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn bits_of(values: &Tensor) -> Vec<u64> {
    values.as_slice().iter().map(|x| u64::from(x.to_bits())).collect()
}

#[track_caller]
fn same_on_any_threads(figures: impl Fn(&TensorDataset) -> Figures + Sync) {
    for examples in SIZES {
        let data = data(examples, 3);
        let one = threads::run_on(1, || figures(&data));
        for threads in 2..=4 {
            let found = threads::run_on(threads, || figures(&data));
            for ((name, found), (_, one)) in found.iter().zip(&one) {
                assert!(found == one, "{name} of {examples} examples on {threads} threads");
            }
        }
    }
}

#[test]
fn metrics_of_classifiers() {
    for network in [
        Mlp::new(&[FEATURES, 170, 60, CLASSES]).activation(Activation::Tanh).batch_norm().dropout(0.5),
        Mlp::new(&[FEATURES, 33, CLASSES]).activation(Activation::Gelu).layer_norm(),
    ] {
        let mut params = Params::new();
        let model = network.build(&mut params.root(), &mut Rng::seed(1));
        same_on_any_threads(|data| {
            let found = evaluate(&model, &params, data);
            let matrix = ConfusionMatrix::of(&model, &params, data, CLASSES);
            let counts = (0..CLASSES * CLASSES).map(|i| matrix.count(i / CLASSES, i % CLASSES)).collect();
            let scores = matrix.weighted_average();
            vec![
                ("the loss", bits(&[found.loss])),
                ("the accuracy", bits(&[found.accuracy, accuracy(&model, &params, data)])),
                ("the accuracy among three", bits(&[top_k_accuracy(&model, &params, data, 3)])),
                ("the confusion matrix", counts),
                ("the averaged scores", bits(&[scores.precision, scores.recall, scores.f1])),
            ]
        });
    }
}

#[test]
fn validation_while_training() {
    let train = data(65, 4);
    let rules: [OptimizerConfig; 2] =
        [SgdConfig::with_momentum(0.05, 0.9).into(), AdamConfig { lr: 0.01, ..Default::default() }.into()];
    for rule in rules {
        same_on_any_threads(|data| {
            let mut params = Params::new();
            let network = Mlp::new(&[FEATURES, 170, FEATURES]).activation(Activation::Relu);
            let model = network.build(&mut params.root(), &mut Rng::seed(1));
            let mut opt = rule.build(&params);
            let trainer = Trainer::new(2)
                .batch_size(32)
                .progress(Progress::Silent)
                .validate(data, |pass, batch| {
                    let x = pass.input(&batch.inputs);
                    model.forward(x).mse(x)
                })
                .metric("accuracy", |params| accuracy(&model, params, data));
            let history = trainer.fit(&mut params, &mut *opt, &train, |pass, batch| {
                let x = pass.input(&batch.inputs);
                model.forward(x).mse(x)
            });
            let epochs = history.expect("it trains").epochs;
            let of = |metric: &str| epochs.iter().map(|epoch| epoch.metrics[metric].to_bits()).collect();
            vec![
                ("the loss while training", epochs.iter().map(|epoch| epoch.loss.to_bits()).collect()),
                ("the validation loss", of("val_loss")),
                ("the accuracy", of("accuracy")),
            ]
        });
    }
}

#[test]
fn a_validation_split() {
    same_on_any_threads(|data| {
        if data.len() < 2 {
            return vec![];
        }
        let mut params = Params::new();
        let network = Mlp::new(&[FEATURES, 60, CLASSES]).activation(Activation::Sigmoid);
        let model = network.build(&mut params.root(), &mut Rng::seed(1));
        let mut opt = Sgd::new(&params, SgdConfig { lr: 0.1, ..Default::default() });
        let trainer = Trainer::new(1).batch_size(32).progress(Progress::Silent).validation_split(0.4);
        let history = trainer.fit(&mut params, &mut opt, data, |pass, batch| {
            model.forward(pass.input(&batch.inputs)).cross_entropy(&batch.labels)
        });
        let epoch = history.expect("it trains").epochs.remove(0);
        vec![("the losses", bits(&[epoch.loss, epoch.metrics["val_loss"]]))]
    });
}

#[test]
fn reconstructions_and_anomaly_scores() {
    let mut params = Params::new();
    let autoencoder = Autoencoder::new(&[FEATURES, 70, 13]).activation(Activation::Tanh).batch_norm();
    let model = autoencoder.build(&mut params.root(), &mut Rng::seed(1));
    let mut of_vae = Params::new();
    let vae = Vae::new(&[FEATURES, 70, 5]).build(&mut of_vae.root(), &mut Rng::seed(1));
    same_on_any_threads(|data| {
        let error = model.reconstruction_error(&params, data).unwrap();
        let detector = AnomalyDetector::from_scores(&error.per_example, 0.95);
        let is_unusual: Vec<bool> = (0..data.len()).map(|i| i % 3 == 0).collect();
        let area = auroc(&error.per_example, &is_unusual).unwrap_or(-1.0);
        let vae_error = vae.reconstruction_error(&of_vae, data).unwrap();
        vec![
            ("the codes", bits_of(&model.encode_all(&params, data).unwrap())),
            ("the reconstructions", bits_of(&model.reconstruct_all(&params, data).unwrap())),
            ("the scores", bits(&error.per_example)),
            ("the errors", bits(&[error.per_pixel_mse, error.per_image_squared_error])),
            ("the threshold and the area under the curve", bits(&[detector.threshold(), area])),
            ("the codes of the variational one", bits_of(&vae.encode_all(&of_vae, data).unwrap())),
            ("the scores of the variational one", bits(&vae_error.per_example)),
        ]
    });
}

#[test]
fn stacks_and_principal_components() {
    let mut stack =
        Stacked::new(&[FEATURES, 40, 20]).epochs(1).batch_size(32).start(1).progress(Progress::Silent);
    stack.pretrain(&data(65, 4)).unwrap();
    let (params, classifier) = stack.stack().new_classifier(CLASSES, &mut Rng::seed(2));
    same_on_any_threads(|data| {
        let features = stack.features(data).unwrap();
        let mut figures = vec![
            ("the features", bits_of(&stack.encode_all(data).unwrap())),
            ("the loss of the stack", bits(&[evaluate(&classifier, &params, data).loss])),
        ];
        if data.len() > 1 {
            // Of the features, for a decomposition of 20 by 20 is quick.
            let pca = Pca::fit(&features, 3).unwrap();
            figures.push(("the components", bits_of(&pca.transform(&features).unwrap())));
            figures.push(("their errors", bits(&pca.reconstruction_error(&features).unwrap().per_example)));
        }
        figures
    });
}
