//! The kernels one by one, with their bytes or floating-point operations: `cargo bench -p layerwise-tensor --bench kernels`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use layerwise_tensor::{
    Accum, Activation, Buffer, Mat, Rng, bce, elementwise, linear, matmul, matmul_has_parts, matmul_in_parts,
    reduce, softmax, threads,
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
        (4, 784, 512),
        (17, 785, 513),
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
        if matmul_has_parts(dy.t(), x) {
            group.bench_function(BenchmarkId::new("weight gradient, used up", &shape), |bencher| {
                let add = |product: &mut [f32], dw: &mut [f32]| {
                    dw.iter_mut().zip(product).for_each(|(dw, product)| *dw += *product);
                };
                bencher.iter(|| matmul_in_parts(dy.t(), x, &mut dw[..], add));
            });
        }
        group.bench_function(BenchmarkId::new("input gradient", &shape), |bencher| {
            bencher.iter(|| matmul(dy, w, &mut dx, Accum::Replace));
        });
    }
    group.finish();
}

/// The first layer of a network of images, in which four of five pixels are zero, most of them in all images of a batch. The operations
/// are counted as if none were left out.
fn products_with_zeros(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("product with zeros");
    for (batch, inputs, outputs) in [(1, 784, 512), (32, 784, 512), (128, 784, 512), (512, 784, 512)] {
        let [mut x, w, b, dy] = [batch * inputs, outputs * inputs, outputs, batch * outputs].map(noise);
        // Half of the columns in all rows, and three in five of the rest.
        let is_zero =
            |i: usize| (i % inputs / 28).is_multiple_of(2) || i.wrapping_mul(2_654_435_761) >> 8 & 1023 < 614;
        x.iter_mut().enumerate().filter(|&(i, _)| is_zero(i)).for_each(|(_, x)| *x = 0.0);
        let (x, w, dy) =
            (Mat::new(&x, batch, inputs), Mat::new(&w, outputs, inputs), Mat::new(&dy, batch, outputs));
        let [mut y, mut dw] = [batch * outputs, outputs * inputs].map(Buffer::zeros);
        let shape = format!("{batch}x{inputs}x{outputs}");
        group.throughput(Throughput::Elements(2 * (batch * inputs * outputs) as u64));
        group.bench_function(BenchmarkId::new("forward", &shape), |bencher| {
            bencher.iter(|| linear(x, w, Some(&b), Activation::Relu, &mut y));
        });
        group.bench_function(BenchmarkId::new("weight gradient", &shape), |bencher| {
            bencher.iter(|| matmul(dy.t(), x, &mut dw, Accum::Replace));
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
    for activation in [
        Activation::Relu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Elu { alpha: 1.0 },
        Activation::Gelu,
        Activation::Silu,
        Activation::Mish,
        Activation::Softplus,
    ] {
        let mut y = x.clone();
        group.bench_function(format!("{activation:?}"), |bencher| {
            bencher.iter(|| {
                y.copy_from_slice(&x);
                activation.forward(&mut y);
            });
        });
        group.bench_function(format!("{activation:?} backward"), |bencher| {
            bencher.iter(|| {
                y.copy_from_slice(&x);
                activation.backward(&x, &mut y);
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
    group.bench_function("log softmax of 512", |bencher| {
        bencher.iter(|| {
            y.copy_from_slice(&x);
            softmax::log_softmax(&mut y, COLS);
        });
    });
    group.bench_function("cross-entropy of 16", |bencher| {
        bencher.iter(|| {
            y.copy_from_slice(&x);
            softmax::cross_entropy(&mut y, 16, |row| row % 16)
        });
    });
    group.bench_function("binary cross-entropy", |bencher| {
        bencher.iter(|| bce::bce_with_logits(&x, &x, 1.0, &mut y));
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
    group.bench_function("sum along rows", |bencher| {
        let mut sums = Buffer::zeros(ROWS);
        bencher.iter(|| reduce::sum_axis(&x, shape.into(), 1, &mut sums, Accum::Replace));
    });
    group.bench_function("largest of 16", |bencher| {
        bencher.iter(|| reduce::argmax_rows(&x, 16).sum::<usize>());
    });
    group.bench_function("squared distance", |bencher| bencher.iter(|| reduce::squared_distance(&x, &y)));
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
        products_with_zeros(&mut criterion);
        elements(&mut criterion);
        random(&mut criterion);
        criterion.final_summary();
    });
}
