//! The lowest crate by itself: a straight line through points, by the normal equations and by descent, without any gradient engine.
//!
//! `cargo run --release --example tensor_alone`, less than a second.

use layerwise_tensor::{Accum, Mat, Rng, Tensor, matmul, threads};

const POINTS: usize = 200;

fn main() {
    // y = 2 x - 1 and some noise. The columns of a: x and 1. What a stream gives at a place depends on seed, stream and place alone.
    let stream = Rng::seed(42).stream(0);
    let (mut x, mut noise) = ([0.0; POINTS], [0.0; POINTS]);
    stream.fill_uniform(0, &mut x, -1.0, 1.0);
    stream.fill_normal(POINTS as u64, &mut noise, 0.0, 0.1);
    let a = Tensor::from_fn([POINTS, 2], |i| if i % 2 == 0 { x[i / 2] } else { 1.0 });
    let y = Tensor::from_fn([POINTS, 1], |i| 2.0 * x[i] - 1.0 + noise[i]);

    // a^T a and a^T y. `Mat::t` is a transpose that nothing is copied for; `Accum` says whether a product replaces or adds.
    let (rows, targets) = (Mat::new(a.as_slice(), POINTS, 2), Mat::new(y.as_slice(), POINTS, 1));
    let (mut gram, mut right) = ([0.0; 4], [0.0; 2]);
    matmul(rows.t(), rows, &mut gram, Accum::Replace);
    matmul(rows.t(), targets, &mut right, Accum::Replace);
    let determinant = gram[0] * gram[3] - gram[1] * gram[2];
    let exact = [
        (gram[3] * right[0] - gram[1] * right[1]) / determinant,
        (gram[0] * right[1] - gram[2] * right[0]) / determinant,
    ];
    println!("normal equations: y = {:.3} x + {:.3}", exact[0], exact[1]);
    assert!((exact[0] - 2.0).abs() < 0.05 && (exact[1] + 1.0).abs() < 0.05);

    // Gradient descent on the mean squared error: the gradient is 2/n a^T (a w - y), written by hand.
    let descend = || {
        let mut w = Tensor::zeros([2, 1]);
        for _ in 0..200 {
            let error = &a.matmul(&w) - &y;
            let mut gradient = Tensor::zeros([2, 1]);
            let error = Mat::new(error.as_slice(), POINTS, 1);
            matmul(rows.t(), error, gradient.as_mut_slice(), Accum::Replace);
            w = &w - &gradient.map(|g| 0.5 * 2.0 * g / POINTS as f32);
        }
        w
    };
    let w = descend();
    println!("descent:          y = {:.3} x + {:.3}", w.as_slice()[0], w.as_slice()[1]);
    assert!(w.as_slice().iter().zip(exact).all(|(w, exact)| (w - exact).abs() < 1e-4));

    // The same bits on any number of threads.
    assert!([1, 2, 3].map(|n| threads::run_on(n, descend)).iter().all(|other| *other == w));
}
