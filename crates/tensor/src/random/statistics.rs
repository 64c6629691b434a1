//! What the streams promise, tested from outside: stability, independence of the cut, moments, bounds, refusals.

use super::Stream;

const STREAM: Stream = Stream { seed: 42, stream: 7 };
const SAMPLES: usize = 1_000_000;

type Fill = fn(&Stream, u64, &mut [f32]);

/// Every distribution with its mean and variance. Those of the truncated ones: Johnson, Kotz and Balakrishnan (1994),
/// section 13.10.1, computed from `erf` in double precision.
const DISTRIBUTIONS: [(&str, Fill, f64, f64); 6] = [
    ("uniform", |s, at, out| s.fill_uniform(at, out, -1.0, 3.0), 1.0, 16.0 / 12.0),
    ("bernoulli", |s, at, out| s.fill_bernoulli(at, 0.7, out), 0.7, 0.21),
    ("normal", |s, at, out| s.fill_normal(at, out, 2.0, 0.5), 2.0, 0.25),
    (
        "truncated at 2 std",
        |s, at, out| s.fill_truncated_normal(at, out, 0.0, 1.0, -2.0, 2.0),
        0.0,
        0.773_741_303_549_923_5,
    ),
    (
        "truncated on one side",
        |s, at, out| s.fill_truncated_normal(at, out, 1.0, 2.0, 2.0, f32::INFINITY),
        3.282_155_540_736_129_6,
        1.073_921_628_623_512_5,
    ),
    (
        "truncated in the tail",
        |s, at, out| s.fill_truncated_normal(at, out, 0.0, 1.0, 8.0, 9.0),
        8.121_188_992_979_75,
        0.014_148_542_783_146_922,
    ),
];

/// Positions 0, 1, 8, 31, 32; `golden.py` computes this and the next.
const GOLDEN_WORDS: [u32; 5] = [1_743_679_276, 3_856_525_632, 3_847_491_788, 858_173_214, 2_051_126_460];
/// Positions 0, 1, 8 of each distribution. Bit for bit: a changed value changes every run that was ever recorded.
const GOLDEN_VALUES: [[f32; 3]; 6] = [
    [0.623_927_83, 2.591_669_3, 2.583_255_8],
    [1.0, 0.0, 0.0],
    [2.532_575_6, 1.835_687_2, 1.591_237_5],
    [-0.226_876_69, 1.174_047_5, 1.164_080_7],
    [3.298_168, 2.183_307_6, 2.187_185_5],
    [8.110_227, 8.013_246, 8.013_534],
];

fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let central = |power| values.clone().map(|x| (x - mean).powi(power)).sum::<f64>() / n;
    (mean, central(2), central(4))
}

#[test]
fn first_values_are_stable() {
    assert_eq!([0, 1, 8, 31, 32].map(|i| STREAM.uint(i)), GOLDEN_WORDS);
    for ((name, fill, ..), golden) in DISTRIBUTIONS.iter().zip(GOLDEN_VALUES) {
        let mut out = [0.0; 9];
        fill(&STREAM, 0, &mut out);
        assert_eq!([out[0], out[1], out[8]], golden, "{name}");
    }
}

#[test]
fn any_cut_gives_the_same_values() {
    for (name, fill, ..) in DISTRIBUTIONS {
        for first in [0, 5, 32, (1 << 40) + 3, u64::MAX - 1000] {
            let mut whole = [0.0; 200];
            fill(&STREAM, first, &mut whole);
            for (start, len) in
                (0..70).flat_map(|start| [0, 1, 7, 8, 31, 32, 33, 64, 97].map(|len| (start, len)))
            {
                let mut part = vec![9.0; len];
                fill(&STREAM, first + start as u64, &mut part);
                assert_eq!(part, whole[start..start + len], "{name} from {first} + {start}, {len} values");
            }
        }
    }
}

#[test]
fn fills_agree_with_single_positions() {
    let mut uniform = [0.0; 100];
    STREAM.fill_uniform(3, &mut uniform, 0.0, 1.0);
    let mut kept = [0.0; 100];
    STREAM.fill_bernoulli(3, 0.4, &mut kept);
    for i in 0..100 {
        let u = STREAM.uniform(3 + i as u64);
        assert_eq!(uniform[i], u);
        assert_eq!(kept[i], if u < 0.4 { 1.0 } else { 0.0 });
    }
}

#[test]
fn normal_pairs_are_eight_positions_apart() {
    let mut out = [0.0; 64];
    STREAM.fill_normal(0, &mut out, 0.0, 1.0);
    for first in (0..64).filter(|i| i / 8 % 2 == 0) {
        let u = (f64::from(STREAM.uint(first) >> 1) + 0.5) / f64::from(1u32 << 31);
        let angle = std::f64::consts::TAU * f64::from(STREAM.uint(first + 8)) / 4_294_967_296.0;
        let r = (-2.0 * u.ln()).sqrt();
        for (i, truth) in [(first, r * angle.cos()), (first + 8, r * angle.sin())] {
            let error = (f64::from(out[i as usize]) - truth).abs();
            assert!(error < 2e-6, "position {i} is off by {error}");
        }
    }
}

#[test]
fn moments_are_within_four_standard_errors() {
    let mut out = vec![0.0; SAMPLES];
    for (name, fill, mean, variance) in DISTRIBUTIONS {
        fill(&STREAM, 12_345, &mut out);
        let (m, v, fourth) = moments(out.iter().map(|&x| f64::from(x)));
        let n = SAMPLES as f64;
        assert!((m - mean).abs() < 4.0 * (variance / n).sqrt(), "{name}: mean {m}, not {mean}");
        let error = ((fourth - v * v) / n).sqrt();
        assert!((v - variance).abs() < 4.0 * error + 1e-6, "{name}: variance {v}, not {variance}");
    }
}

#[test]
fn normal_variates_follow_the_distribution_function() {
    let mut out = vec![0.0; SAMPLES];
    STREAM.fill_normal(0, &mut out, 0.0, 1.0);
    // Kolmogorov-Smirnov; 1.95 / sqrt(n) is exceeded once in 1000.
    out.sort_by(f32::total_cmp);
    let steps = out.iter().enumerate().step_by(50);
    let distance = steps.map(|(i, &x)| (super::normal::cdf(f64::from(x)) - i as f64 / SAMPLES as f64).abs());
    let worst = distance.fold(0.0, f64::max);
    assert!(worst < 1.95e-3, "{worst}");
    assert!(out[SAMPLES - 1] > 4.2 && out[0] < -4.2);
}

#[test]
fn every_bit_is_a_fair_coin_and_cells_are_even() {
    let n = 400_000u32;
    let (mut bits, mut cells) = ([0u32; 32], vec![0u32; 1024]);
    for i in 0..n {
        let word = STREAM.uint(u64::from(i));
        (0..32).for_each(|bit| bits[bit] += word >> bit & 1);
        cells[(word >> 22) as usize] += 1;
    }
    let deviation = 4.5 * (f64::from(n) / 4.0).sqrt();
    assert!(bits.iter().all(|&ones| (f64::from(ones) - f64::from(n / 2)).abs() < deviation), "{bits:?}");
    let expected = f64::from(n) / 1024.0;
    let chi_square: f64 = cells.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
    // Mean 1023, standard deviation sqrt(2 * 1023) = 45.
    assert!((chi_square - 1023.0).abs() < 4.0 * 45.3, "{chi_square}");
}

/// The correlation of two rows of values, in standard errors.
fn correlation(x: &[f32], y: &[f32]) -> f64 {
    let (mx, vx, _) = moments(x.iter().map(|&x| f64::from(x)));
    let (my, vy, _) = moments(y.iter().map(|&y| f64::from(y)));
    let covariance = x.iter().zip(y).map(|(&x, &y)| (f64::from(x) - mx) * (f64::from(y) - my)).sum::<f64>();
    covariance / (vx * vy).sqrt() / (x.len() as f64).sqrt()
}

#[test]
fn streams_seeds_and_neighbours_are_uncorrelated() {
    let normal = |seed, stream, from| {
        let mut out = vec![0.0; 200_000];
        Stream { seed, stream }.fill_normal(from, &mut out, 0.0, 1.0);
        out
    };
    let base = normal(0, 0, 0);
    for (seed, stream, from) in
        [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1 << 32, 0, 0), (0, 1 << 32, 0), (0, 0, 1), (0, 0, 8), (0, 0, 32)]
    {
        let other = normal(seed, stream, from);
        let (plain, squares) = (correlation(&base, &other), {
            let square = |values: &[f32]| values.iter().map(|x| x * x).collect::<Vec<_>>();
            correlation(&square(&base), &square(&other))
        });
        assert!(plain.abs() < 4.0 && squares.abs() < 4.0, "{seed} {stream} {from}: {plain} {squares}");
    }
}

#[test]
fn bounds_hold() {
    let mut out = vec![0.0; 100_000];
    // Between 1 and its neighbour there is room for two values, and `low + width * u` often rounds to `high`.
    for (low, high) in [(0.0, 1.0), (-3.0, -1.0), (1.0, 1.0 + 2.0 * f32::EPSILON), (1e8, 1e8 + 8.0)] {
        STREAM.fill_uniform(1, &mut out, low, high);
        assert!(out.iter().all(|x| (low..high).contains(x)), "[{low}, {high})");
    }
    for (mean, std, low, high) in
        [(0.0, 1.0, -0.5, 0.1), (3.0, 0.1, 3.3, 3.4), (0.0, 1.0, -30.0, -29.5), (0.0, 1.0, 36.0, 40.0)]
    {
        STREAM.fill_truncated_normal(1, &mut out, mean, std, low, high);
        assert!(out.iter().all(|x| (low..=high).contains(x)), "[{low}, {high}]");
        assert!(out.iter().any(|x| *x != out[0]));
    }
}

#[test]
fn degenerate_parameters_give_constants() {
    let constant = |fill: &dyn Fn(&mut [f32]), value| {
        let mut out = [f32::NAN; 1000];
        fill(&mut out);
        assert_eq!(out, [value; 1000]);
    };
    constant(&|out| STREAM.fill_bernoulli(0, 0.0, out), 0.0);
    constant(&|out| STREAM.fill_bernoulli(0, 1.0, out), 1.0);
    constant(&|out| STREAM.fill_uniform(0, out, 2.5, 2.5), 2.5);
    constant(&|out| STREAM.fill_normal(0, out, 2.5, 0.0), 2.5);
    constant(&|out| STREAM.fill_truncated_normal(0, out, 2.5, 0.0, 0.0, 3.0), 2.5);
    constant(&|out| STREAM.fill_truncated_normal(0, out, 0.0, 1.0, 0.5, 0.5), 0.5);
}

#[test]
fn bad_parameters_are_refused_at_the_caller() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let refused = |fill: &dyn Fn(&mut [f32]), expected: &str| {
        let result = catch_unwind(AssertUnwindSafe(|| fill(&mut [0.0; 4])));
        let message = *result.expect_err(expected).downcast::<String>().expect("a formatted text");
        assert!(message.starts_with(expected), "{message}");
    };
    for p in ["-0.1", "1.5", "NaN"] {
        let text = format!("bernoulli: keep_probability is {p}, but must lie in [0, 1]");
        refused(&|out| STREAM.fill_bernoulli(0, p.parse().unwrap(), out), &text);
    }
    for std in ["-1", "NaN", "inf"] {
        let (text, std) = (format!("std is {std}, but must be finite and at least 0"), std.parse().unwrap());
        refused(&|out| STREAM.fill_normal(0, out, 0.0, std), &format!("normal: {text}"));
        let truncated = |out: &mut [f32]| STREAM.fill_truncated_normal(0, out, 0.0, std, -1.0, 1.0);
        refused(&truncated, &format!("truncated_normal: {text}"));
    }
    refused(&|out| STREAM.fill_normal(0, out, f32::NAN, 1.0), "normal: mean is NaN, but must be finite");
    refused(
        &|out| STREAM.fill_uniform(0, out, 2.0, 1.0),
        "uniform: low is 2 and high is 1, but low must not exceed",
    );
    refused(&|out| STREAM.fill_uniform(0, out, f32::NAN, 1.0), "uniform: low is NaN");
    refused(&|out| STREAM.fill_uniform(0, out, f32::MIN, f32::MAX), "uniform: low is -340");
    refused(
        &|out| STREAM.fill_truncated_normal(0, out, 0.0, 1.0, 2.0, 1.0),
        "truncated_normal: low is 2 and high is 1, but low must not exceed high",
    );
    refused(
        &|out| STREAM.fill_truncated_normal(0, out, 1.0, 0.5, 30.0, 31.0),
        "truncated_normal: the bounds [30, 31] must come within 37 std of mean 1, and std is 0.5",
    );
}

/// The line number of a panic is the caller's.
#[test]
fn panics_point_at_the_caller() {
    use std::sync::{Arc, Mutex};
    let seen = Arc::new(Mutex::new(None));
    let (sink, thread) = (Arc::clone(&seen), std::thread::current().id());
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == thread {
            *sink.lock().unwrap() = info.location().map(|at| at.file().to_string());
        }
    }));
    let result = std::panic::catch_unwind(|| STREAM.fill_bernoulli(0, 2.0, &mut []));
    std::panic::set_hook(previous);
    assert!(result.is_err());
    assert!(seen.lock().unwrap().as_ref().unwrap().ends_with("statistics.rs"));
}
