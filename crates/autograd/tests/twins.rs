//! Normalisations, dropout and the squared error against loops in f64 without any cleverness, on random shapes, at sizes around those of
//! vectors and blocks, and with what is not finite.

use layerwise_autograd::{Params, Reduction, Tape, Tensor, Var};
use layerwise_tensor::Rng;

const EPS: f32 = 1e-5;

/// Sizes around what vectors and blocks hold, then random ones, the last of them worth a second thread.
fn shapes() -> Vec<[usize; 2]> {
    let mut rng = Rng::seed(1);
    let mut below = |n: u64| (rng.next_u64() % n) as usize;
    let edges = [1, 7, 15, 16, 17, 31, 32, 33, 65].map(|cols| [[4, cols], [9, cols]]);
    let random = (0..20).map(|_| [4 + below(40), 5 + below(200)]);
    edges.into_iter().flatten().chain(random.collect::<Vec<_>>()).chain([[301, 97]]).collect()
}

fn noise(shape: [usize; 2], seed: u64) -> Tensor {
    let mut x = Tensor::zeros(shape);
    Rng::seed(seed).stream(0).fill_normal(0, x.as_mut_slice(), 0.3, 1.5);
    x
}

fn row(cols: usize, seed: u64) -> Tensor {
    noise([1, cols], seed).reshape([cols])
}

/// The value of an operation, and the gradients of its inputs for these weights of its elements.
fn both_ways(inputs: &[&Tensor], weights: &Tensor, f: impl for<'p> Fn(&[Var<'p>]) -> Var<'p>) -> Vec<Tensor> {
    let (params, mut tape) = (Params::new(), Tape::new());
    let pass = tape.train(&params, 3);
    let variables: Vec<Var<'_>> = inputs.iter().map(|x| pass.variable(*x)).collect();
    let y = f(&variables);
    y.backward_with(weights);
    let gradients = variables.iter().map(|x| x.gradient().expect("it is reached"));
    [y.value()].into_iter().chain(gradients).collect()
}

/// Within 1e-5 of the largest element: sums of as many terms cancel.
#[track_caller]
fn close(found: &Tensor, expected: &[f64], what: &str) {
    let size = expected.iter().fold(1.0_f64, |size, x| size.max(x.abs()));
    assert_eq!(found.as_slice().len(), expected.len(), "{what}");
    for (i, (&found, expected)) in found.as_slice().iter().zip(expected).enumerate() {
        assert!((f64::from(found) - expected).abs() <= 1e-5 * size, "{what} [{i}]: {found}, {expected}");
    }
}

/// What a normalisation takes together: a column or a row, by the places of its elements.
type Group = Vec<usize>;

/// Value and gradients (of `x`, `weight`, `bias`) of a normalisation over groups, from the derivatives of each step in turn.
fn normalised(
    [rows, cols]: [usize; 2],
    groups: &[Group],
    [x, weight, bias, dy]: [&Tensor; 4],
) -> [Vec<f64>; 4] {
    let wide = |x: &Tensor| x.as_slice().iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
    let [x, weight, bias, dy] = [x, weight, bias, dy].map(wide);
    let (mut y, mut dx) = (vec![0.0; rows * cols], vec![0.0; rows * cols]);
    let (mut dweight, mut dbias) = (vec![0.0; cols], vec![0.0; cols]);
    for group in groups {
        let count = group.len() as f64;
        let mean = group.iter().map(|&at| x[at]).sum::<f64>() / count;
        let variance = group.iter().map(|&at| (x[at] - mean).powi(2)).sum::<f64>() / count;
        let deviation = (variance + f64::from(EPS)).sqrt();
        let mut to_deviation = 0.0;
        let mut to_mean = 0.0;
        for &at in group {
            let (col, n) = (at % cols, (x[at] - mean) / deviation);
            y[at] = weight[col] * n + bias[col];
            dweight[col] += dy[at] * n;
            dbias[col] += dy[at];
            let dn = dy[at] * weight[col];
            dx[at] += dn / deviation;
            to_mean -= dn / deviation;
            to_deviation -= dn * n / deviation;
        }
        for &at in group {
            // The deviation's derivative by x is (x - mean) / (count deviation), the mean's 1 / count.
            dx[at] += to_deviation * (x[at] - mean) / (count * deviation) + to_mean / count;
        }
    }
    [y, dx, dweight, dbias]
}

fn columns([rows, cols]: [usize; 2]) -> Vec<Group> {
    (0..cols).map(|col| (0..rows).map(|row| row * cols + col).collect()).collect()
}

fn rows([rows, cols]: [usize; 2]) -> Vec<Group> {
    (0..rows).map(|row| (row * cols..(row + 1) * cols).collect()).collect()
}

fn normalisation_is_its_twin(
    name: &str,
    groups: fn([usize; 2]) -> Vec<Group>,
    f: impl for<'p> Fn(&[Var<'p>]) -> Var<'p>,
) {
    for shape in shapes() {
        let [x, dy] = [1, 2].map(|seed| noise(shape, seed));
        let [weight, bias] = [3, 4].map(|seed| row(shape[1], seed));
        let groups = groups(shape);
        let found = both_ways(&[&x, &weight, &bias], &dy, &f);
        // One number alone is its mean: what is left of it is rounding.
        if groups[0].len() > 1 {
            let expected = normalised(shape, &groups, [&x, &weight, &bias, &dy]);
            for ((part, found), expected) in
                ["value", "of x", "of weight", "of bias"].iter().zip(&found).zip(&expected)
            {
                close(found, expected, &format!("{name}, {part}, {shape:?}"));
            }
        }
        // What is not finite spoils its own group, and changes no bit of the others.
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut spoilt = x.clone();
            let group = &groups[groups.len() / 2];
            spoilt.as_mut_slice()[group[group.len() / 2]] = bad;
            let with_it = both_ways(&[&spoilt, &weight, &bias], &dy, &f);
            for part in [0, 1] {
                for (at, (now, before)) in
                    with_it[part].as_slice().iter().zip(found[part].as_slice()).enumerate()
                {
                    let as_expected =
                        if group.contains(&at) { now.is_nan() } else { now.to_bits() == before.to_bits() };
                    assert!(as_expected, "{name}, {shape:?}, {bad}, part {part} [{at}]: {now}, {before}");
                }
            }
        }
    }
}

#[test]
fn batch_normalisation_is_its_twin() {
    normalisation_is_its_twin("batch_norm", columns, |x| {
        x[0].batch_norm(Some(x[1]), Some(x[2]), EPS, |_, _| ())
    });
}

#[test]
fn layer_normalisation_is_its_twin() {
    normalisation_is_its_twin("layer_norm", rows, |x| x[0].layer_norm(Some(x[1]), Some(x[2]), EPS));
}

#[test]
fn dropout_keeps_or_drops_an_element_on_both_ways() {
    let p = 0.3;
    let scale = (1.0 / (1.0 - f64::from(p))) as f32;
    for shape in shapes() {
        let (x, dy) = (noise(shape, 1), noise(shape, 2));
        let found = both_ways(&[&x], &dy, |x| x[0].dropout(p));
        for at in 0..x.as_slice().len() {
            let [y, dx] = [0, 1].map(|part| found[part].as_slice()[at]);
            let kept = (x.as_slice()[at] * scale, dy.as_slice()[at] * scale);
            assert!((y, dx) == kept || (y, dx) == (0.0, 0.0), "{shape:?} [{at}]: {y} {dx}, {kept:?}");
        }
    }
}

#[test]
fn the_squared_error_is_its_twin() {
    for shape in shapes() {
        let [x, target] = [1, 2].map(|seed| noise(shape, seed));
        let pairs = || x.as_slice().iter().zip(target.as_slice()).map(|(&x, &t)| f64::from(x) - f64::from(t));
        let count = pairs().count() as f64;
        for (reduction, share) in [(Reduction::Mean, 1.0 / count), (Reduction::Sum, 1.0)] {
            let weights = Tensor::full(&[][..], 0.5);
            let found = both_ways(&[&x, &target], &weights, |x| x[0].mse_with(x[1], reduction));
            let loss = share * pairs().map(|d| d * d).sum::<f64>();
            close(&found[0], &[loss], &format!("{shape:?}, {reduction:?}"));
            for (part, sign) in [(1, 1.0), (2, -1.0)] {
                let expected: Vec<f64> = pairs().map(|d| sign * share * d).collect();
                close(&found[part], &expected, &format!("{shape:?}, {reduction:?}, part {part}"));
            }
        }
    }
}
