//! The kernels one by one, with their bytes or floating-point operations: `cargo bench --bench kernels`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use layerwise_tensor::{
    Accum, Activation, Buffer, Mat, Rng, elementwise, linear, matmul, reduce, softmax, threads,
};

/// Numbers between -1 and 1.
fn noise(len: usize) -> Buffer {
    let mut buffer = Buffer::zeros(len);
    Rng::seed(len as u64).stream(0).fill_uniform(0, &mut buffer, -1.0, 1.0);
    buffer
}

/// The three products of a linear layer, in the shapes of the reference networks.
fn products(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("product");
    for (batch, inputs, outputs) in [
        (32, 784, 512),
        (32, 512, 256),
        (32, 256, 10),
        (128, 784, 512),
        (512, 784, 512),
        (512, 512, 256),
        (1, 784, 512),
    ] {
        let shape = format!("{batch}x{inputs}x{outputs}");
        let [x, w, b, dy] = [batch * inputs, outputs * inputs, outputs, batch * outputs].map(noise);
        let (x, w, dy) =
            (Mat::new(&x, batch, inputs), Mat::new(&w, outputs, inputs), Mat::new(&dy, batch, outputs));
        let [mut y, mut dw, mut dx] = [batch * outputs, outputs * inputs, batch * inputs].map(Buffer::zeros);
        group.throughput(Throughput::Elements(2 * (batch * inputs * outputs) as u64));
        group.bench_function(BenchmarkId::new("forward", &shape), |bencher| {
            bencher.iter(|| linear(x, w, Some(&b), Activation::Sigmoid, &mut y));
        });
        group.bench_function(BenchmarkId::new("weight gradient", &shape), |bencher| {
            bencher.iter(|| matmul(dy.t(), x, &mut dw, Accum::Replace));
        });
        group.bench_function(BenchmarkId::new("input gradient", &shape), |bencher| {
            bencher.iter(|| matmul(dy, w, &mut dx, Accum::Replace));
        });
    }
    group.finish();
}

/// What touches every element once.
fn elements(criterion: &mut Criterion) {
    const ROWS: usize = 128;
    const COLS: usize = 512;
    let mut group = criterion.benchmark_group("elements");
    group.throughput(Throughput::Bytes((ROWS * COLS * size_of::<f32>()) as u64));
    let x = noise(ROWS * COLS);
    for activation in [Activation::Relu, Activation::Sigmoid, Activation::Tanh, Activation::Gelu] {
        let mut y = x.clone();
        group.bench_function(format!("{activation:?}"), |bencher| {
            bencher.iter(|| {
                y.copy_from_slice(&x);
                activation.forward(&mut y);
            });
        });
    }
    let mut y = x.clone();
    group.bench_function("softmax of 512", |bencher| {
        bencher.iter(|| {
            y.copy_from_slice(&x);
            softmax::softmax(&mut y, COLS);
        });
    });
    let (row, shape) = (noise(COLS), [ROWS, COLS]);
    group.bench_function("add a row", |bencher| {
        bencher.iter(|| {
            elementwise::zip((&x, shape.into()), (&row, [COLS].into()), &mut y, Accum::Replace, |a, b| a + b);
        });
    });
    let mut sums = Buffer::zeros(COLS);
    group.bench_function("sum of rows", |bencher| {
        bencher.iter(|| reduce::sum_rows(&x, &mut sums, Accum::Replace));
    });
    group.bench_function("sum", |bencher| bencher.iter(|| reduce::sum(black_box(&x))));
    group.finish();
}

/// Filling 65 536 numbers.
fn random(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("random");
    let mut out = Buffer::zeros(1 << 16);
    group.throughput(Throughput::Elements(out.len() as u64));
    let stream = Rng::seed(0).stream(0);
    group.bench_function("uniform", |bencher| bencher.iter(|| stream.fill_uniform(0, &mut out, 0.0, 1.0)));
    group.bench_function("bernoulli", |bencher| bencher.iter(|| stream.fill_bernoulli(0, 0.5, &mut out)));
    group.bench_function("normal", |bencher| bencher.iter(|| stream.fill_normal(0, &mut out, 0.0, 1.0)));
    group.bench_function("permutation", |bencher| bencher.iter(|| stream.permutation(1 << 16)));
    group.finish();
}

/// On the worker threads, as in training.
fn main() {
    threads::run(|| {
        let mut criterion = Criterion::default().configure_from_args();
        products(&mut criterion);
        elements(&mut criterion);
        random(&mut criterion);
        criterion.final_summary();
    });
}
