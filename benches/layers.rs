//! Operations of the tape, updates of every rule, pixels and whole passes, one by one: `cargo bench --bench layers`.

use criterion::{BenchmarkId, Criterion, Throughput};
use layerwise::prelude::*;
use layerwise::tensor::Buffer;
use std::time::{Duration, Instant};

const ROWS: usize = 128;
const COLS: usize = 512;
/// The parameters of the network 784-512-256-10.
const PARAMETERS: usize = 535_818;

/// `f(x, weight, bias)` of a matrix and two rows.
type Operation = for<'p> fn(Var<'p>, Var<'p>, Var<'p>) -> Var<'p>;

const OPERATIONS: [(&str, Operation); 9] = [
    ("copy of the input", |x, _, _| x),
    ("sigmoid", |x, _, _| x.sigmoid()),
    ("batch norm", |x, w, b| x.batch_norm(Some(w), Some(b), 1e-5, |_, _| ())),
    ("layer norm", |x, w, b| x.layer_norm(Some(w), Some(b), 1e-5)),
    ("dropout", |x, _, _| x.dropout(0.5)),
    ("gaussian noise", |x, _, _| x.gaussian_noise(0.1)),
    ("log softmax", |x, _, _| x.log_softmax()),
    ("square", |x, _, _| x.square()),
    ("times a row", |x, w, _| x * w),
];

fn noise(rows: usize, cols: usize) -> Tensor {
    let mut x = vec![0.0; rows * cols];
    Rng::seed(0).stream(0).fill_normal(0, &mut x, 0.0, 1.0);
    Tensor::new([rows, cols], x)
}

/// Forward alone and with backward, each with the copy of the input into the tape. The bytes are those of the matrix.
fn operations(criterion: &mut Criterion) {
    let mut params = Params::new();
    let w = params.root().parameter("w", [COLS], |w| w.fill(1.0));
    let b = params.root().parameter("b", [COLS], |_| ());
    let (x, mut tape) = (noise(ROWS, COLS), Tape::new());
    let mut group = criterion.benchmark_group("operation");
    group.throughput(Throughput::Bytes((ROWS * COLS * size_of::<f32>()) as u64));
    for (name, operation) in OPERATIONS {
        group.bench_function(BenchmarkId::new(name, "forward"), |bencher| {
            bencher.iter(|| {
                let pass = tape.train(&params, 0);
                operation(pass.variable(&x), pass.param(w), pass.param(b));
            });
        });
        group.bench_function(BenchmarkId::new(name, "and backward"), |bencher| {
            bencher.iter(|| {
                let pass = tape.train(&params, 0);
                operation(pass.variable(&x), pass.param(w), pass.param(b)).backward_with(&x);
                tape.clear();
            });
        });
    }
    group.finish();
}

/// Losses of 512 rows of ten logits, forward and backward.
fn losses(criterion: &mut Criterion) {
    let (logits, labels) = (noise(512, 10), (0..512).map(|i| i % 10).collect::<Vec<usize>>());
    let (params, mut tape) = (Params::new(), Tape::new());
    let mut group = criterion.benchmark_group("loss");
    group.throughput(Throughput::Elements(logits.shape().len() as u64));
    group.bench_function("cross-entropy", |bencher| {
        bencher.iter(|| tape.train(&params, 0).variable(&logits).cross_entropy(&labels).backward());
    });
    group.bench_function("mse", |bencher| {
        bencher.iter(|| {
            let pass = tape.train(&params, 0);
            pass.variable(&logits).mse(pass.input(&logits)).backward();
        });
    });
    group.finish();
}

/// One step of every rule with its default hyper-parameters. The bytes are those of the parameters alone.
fn updates(criterion: &mut Criterion) {
    let rules: [OptimizerConfig; 13] = [
        SgdConfig::default().into(),
        SgdConfig::with_momentum(0.01, 0.9).into(),
        SgdConfig::with_nesterov(0.01, 0.9).into(),
        AdagradConfig::default().into(),
        RmsPropConfig::default().into(),
        AdadeltaConfig::default().into(),
        AdamConfig::default().into(),
        AdamWConfig::default().into(),
        RAdamConfig::default().into(),
        NAdamConfig::default().into(),
        AdamaxConfig::default().into(),
        LionConfig::default().into(),
        LambConfig::default().into(),
    ];
    let mut group = criterion.benchmark_group("update");
    group.throughput(Throughput::Bytes((PARAMETERS * size_of::<f32>()) as u64));
    for (i, rule) in rules.iter().enumerate() {
        let mut params = Params::new();
        let w = params.root().parameter("w", [PARAMETERS], |w| w.fill(0.5));
        let (mut opt, mut tape) = (rule.build(&params), Tape::new());
        group.bench_function(BenchmarkId::new(rule.name(), i), |bencher| {
            // A step uses the gradients up; making new ones is not timed.
            bencher.iter_custom(|steps| {
                let mut total = Duration::ZERO;
                for _ in 0..steps {
                    tape.train(&params, 0).param(w).sum().backward();
                    let start = Instant::now();
                    opt.step(&mut params, &mut tape);
                    total += start.elapsed();
                }
                total
            });
        });
    }
    group.finish();
}

/// Bytes of images into numbers, in a shuffled order. The bytes are those that are written.
fn pixels(criterion: &mut Criterion) {
    let train = &Mnist::embedded().train;
    let order = Rng::seed(1).stream(0).permutation(train.len());
    let mut group = criterion.benchmark_group("pixels");
    for batch in [1, 32, 512] {
        let mut out = Buffer::zeros(batch * train.features());
        group.throughput(Throughput::Bytes((out.len() * size_of::<f32>()) as u64));
        let mut batches = order.chunks_exact(batch).cycle();
        group.bench_function(BenchmarkId::from_parameter(batch), |bencher| {
            bencher.iter(|| {
                let rows = batches.next().expect("there are images");
                Source::write_to(&train.batch(rows).images, &mut out);
            });
        });
    }
    group.finish();
}

/// A network in use: one example, and a batch. The elements are multiply-adds.
fn inference(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("inference");
    for widths in [[6, 64, 8, 4], [784, 512, 256, 10]] {
        let mut params = Params::new();
        let model = Mlp::new(&widths).build(&mut params.root(), &mut Rng::seed(0));
        let products: usize = widths.windows(2).map(|w| w[0] * w[1]).sum();
        for batch in [1, 4, 64] {
            let (x, mut tape) = (noise(batch, widths[0]), Tape::new());
            group.throughput(Throughput::Elements((batch * products) as u64));
            group.bench_function(BenchmarkId::new(format!("{widths:?}"), batch), |bencher| {
                bencher.iter(|| {
                    let pass = tape.eval(&params);
                    model.forward(pass.input(&x)).with_value(|y| y[0])
                });
            });
        }
    }
    group.finish();
}

/// On the worker threads, as in training.
fn main() {
    threads::run(|| {
        let mut criterion = Criterion::default().configure_from_args();
        operations(&mut criterion);
        losses(&mut criterion);
        updates(&mut criterion);
        pixels(&mut criterion);
        inference(&mut criterion);
        criterion.final_summary();
    });
}
