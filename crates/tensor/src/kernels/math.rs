//! The functions inside activations and softmax, written so that a loop over them becomes vector instructions: no branch,
//! no table, no library call. Coefficients from the Cephes library (S. Moshier, `expf`, `tanhf`).

use super::Simd;

/// `a * b + c`, fused where the instructions are there.
#[inline(always)]
pub(crate) fn mul_add<S: Simd>(a: f32, b: f32, c: f32) -> f32 {
    if S::FMA { a.mul_add(b, c) } else { a * b + c }
}

/// The largest and smallest arguments whose exponential is a finite, normal number.
const EXP_HIGH: f32 = 88.722_84;
const EXP_LOW: f32 = -87.336_54;

/// `e^x`, within 2 units in the last place. Results below the smallest normal number (`x < -87.33`) are 0, those above the
/// largest (`x > 88.72`) infinite; NaN stays NaN.
#[inline(always)]
pub(crate) fn exp<S: Simd>(x: f32) -> f32 {
    // Comparisons rather than min and max: they let NaN through.
    let y = if x > EXP_HIGH { EXP_HIGH } else { x };
    let y = if y < EXP_LOW { EXP_LOW } else { y };
    // x = n ln 2 + r with |r| <= ln(2) / 2. Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = mul_add::<S>(y, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = mul_add::<S>(n, -0.693_359_4, y);
    let r = mul_add::<S>(n, 2.121_944_5e-4, r);
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        p = mul_add::<S>(p, r, coefficient);
    }
    let fraction = mul_add::<S>(p * r, r, r) + 1.0;
    // 2^n in two halves: n may be 128, whose exponent does not fit into one.
    let n = shifted.to_bits() as i32 - ROUND.to_bits() as i32;
    let half = n >> 1;
    let power = |k: i32| f32::from_bits(((k + 127) as u32) << 23);
    let value = fraction * power(half) * power(n - half);
    let value = if x > EXP_HIGH { f32::INFINITY } else { value };
    if x < EXP_LOW { 0.0 } else { value }
}

/// `1 / (1 + e^-x)`, within 4 units in the last place for `x > -87`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<S>(-x))
}

/// `tanh x`, within 4 units in the last place.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(x: f32) -> f32 {
    let magnitude = x.abs();
    // Near zero 1 - 2 / (e^2x + 1) would cancel: an odd polynomial there.
    let z = x * x;
    let mut p = -0.005_704_989;
    for coefficient in [2.063_909e-2, -5.373_971_6e-2, 0.133_314_42, -0.333_332_8] {
        p = mul_add::<S>(p, z, coefficient);
    }
    let near = mul_add::<S>(p * z, x, x);
    let far = (1.0 - 2.0 / (exp::<S>(magnitude + magnitude) + 1.0)).copysign(x);
    if magnitude < 0.625 { near } else { far }
}

/// `ln(1 + e)` for `e` from 0 to 1, within 3 units in the last place.
#[inline(always)]
pub(crate) fn ln_1p<S: Simd>(e: f32) -> f32 {
    // ln(1 + e) = 2 artanh(s) with s = e / (2 + e), which is at most 1/3: its power series.
    let s = e / (2.0 + e);
    let z = s * s;
    let mut p = 1.0 / 17.0;
    for odd in [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        p = mul_add::<S>(p, z, 1.0 / odd);
    }
    2.0 * mul_add::<S>(p * z, s, s)
}

#[cfg(test)]
mod tests {
    use super::super::simd::Portable;
    use super::*;

    /// The largest error in units in the last place over a dense grid, and where it is.
    fn worst(range: (f32, f32), ours: fn(f32) -> f32, exact: fn(f64) -> f64) -> (f64, f32) {
        let steps = 2_000_000;
        let at = |i: usize| range.0 + (range.1 - range.0) * (i as f32 / steps as f32);
        (0..=steps).map(at).fold((0.0, 0.0), |worst, x| {
            let truth = exact(f64::from(x));
            let rounded = truth as f32;
            let unit = f64::from(f32::from_bits(rounded.abs().to_bits() + 1) - rounded.abs());
            let error = (f64::from(ours(x)) - truth).abs() / unit;
            if error > worst.0 { (error, x) } else { worst }
        })
    }

    #[test]
    fn errors_stay_within_the_stated_bounds() {
        let (error, at) = worst((-87.3, 88.7), exp::<Portable>, f64::exp);
        assert!(error <= 2.0, "exp is off by {error} units at {at}");
        let (error, at) = worst((-87.0, 20.0), sigmoid::<Portable>, |x| 1.0 / (1.0 + (-x).exp()));
        assert!(error <= 4.0, "sigmoid is off by {error} units at {at}");
        let (error, at) = worst((0.0, 1.0), ln_1p::<Portable>, f64::ln_1p);
        assert!(error <= 3.0, "ln_1p is off by {error} units at {at}");
        let (error, at) = worst((-10.0, 10.0), tanh::<Portable>, f64::tanh);
        assert!(error <= 4.0, "tanh is off by {error} units at {at}");
    }

    #[test]
    fn the_ends_and_what_is_no_number() {
        let e = exp::<Portable>;
        assert_eq!((e(0.0), e(-0.0), e(-100.0), e(100.0)), (1.0, 1.0, 0.0, f32::INFINITY));
        assert_eq!((e(f32::NEG_INFINITY), e(f32::INFINITY)), (0.0, f32::INFINITY));
        assert!(e(f32::NAN).is_nan());
        assert!(e(88.72).is_finite() && e(-87.3) > 0.0);
        let s = sigmoid::<Portable>;
        assert_eq!((s(f32::NEG_INFINITY), s(0.0), s(f32::INFINITY)), (0.0, 0.5, 1.0));
        assert!(s(f32::NAN).is_nan());
        let t = tanh::<Portable>;
        assert_eq!((t(f32::NEG_INFINITY), t(0.0), t(f32::INFINITY)), (-1.0, 0.0, 1.0));
        assert!(t(f32::NAN).is_nan());
    }
}
