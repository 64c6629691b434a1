//! The functions inside activations and softmax, written so that a loop over them becomes vector instructions: no branch,
//! no table, no library call. Coefficients from the Cephes library (S. Moshier, `expf`, `tanhf`).

use super::Simd;

/// `a * b + c`, fused where the instructions are there.
#[inline(always)]
pub(crate) fn mul_add<S: Simd>(a: f32, b: f32, c: f32) -> f32 {
    if S::FMA { a.mul_add(b, c) } else { a * b + c }
}

/// The least argument whose exponential is a normal number.
const EXP_LOW: f32 = -87.336_54;

/// `e^x` for `x` up to 0, within 2 units in the last place; NaN stays NaN. Results below the smallest normal number (`x < -87.33`) are 0. All that is made of
/// it here can do without positive arguments, which would take half as many instructions again for the numbers near the largest.
#[inline(always)]
pub(crate) fn exp<S: Simd>(x: f32) -> f32 {
    // A comparison rather than a maximum: it lets NaN through.
    let y = if x < EXP_LOW { EXP_LOW } else { x };
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
    // 2^n, whose exponent lies in the low bits; it is not below the smallest one.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    if x < EXP_LOW { 0.0 } else { fraction * power }
}

/// `1 / (1 + e^-x)`, within 3 units in the last place for `x > -87`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(x: f32) -> f32 {
    let e = exp::<S>(-x.abs());
    // On the left, e^x / (1 + e^x).
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// `tanh x`, within 2 units in the last place.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(x: f32) -> f32 {
    let magnitude = x.abs();
    // Near zero 1 - 2 e / (1 + e) would cancel: an odd polynomial there.
    let z = x * x;
    let mut p = -0.005_704_989;
    for coefficient in [2.063_909e-2, -5.373_971_6e-2, 0.133_314_42, -0.333_332_8] {
        p = mul_add::<S>(p, z, coefficient);
    }
    let near = mul_add::<S>(p * z, x, x);
    let e = exp::<S>(-2.0 * magnitude);
    let far = (1.0 - 2.0 * e / (1.0 + e)).copysign(x);
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

    fn check_errors<S: Simd>() {
        let (error, at) = worst((-87.33, 0.0), exp::<S>, f64::exp);
        assert!(error <= 2.0, "exp is off by {error} units at {at}");
        let (error, at) = worst((-87.0, 20.0), sigmoid::<S>, |x| 1.0 / (1.0 + (-x).exp()));
        assert!(error <= 3.0, "sigmoid is off by {error} units at {at}");
        let (error, at) = worst((0.0, 1.0), ln_1p::<S>, f64::ln_1p);
        assert!(error <= 3.0, "ln_1p is off by {error} units at {at}");
        let (error, at) = worst((-10.0, 10.0), tanh::<S>, f64::tanh);
        assert!(error <= 2.0, "tanh is off by {error} units at {at}");
    }

    #[test]
    fn errors_stay_within_the_stated_bounds() {
        check_errors::<Portable>();
        // Fused, whether the machine does that in one instruction or in a function.
        #[cfg(target_arch = "x86_64")]
        check_errors::<super::super::simd::Avx2>();
    }

    #[test]
    fn the_ends_and_what_is_no_number() {
        let e = exp::<Portable>;
        assert_eq!((e(0.0), e(-0.0), e(-100.0), e(f32::NEG_INFINITY)), (1.0, 1.0, 0.0, 0.0));
        assert!(e(-87.336) >= f32::MIN_POSITIVE);
        // Whatever else its bits say.
        for bits in 0..1 << 9 {
            assert!(e(f32::from_bits(f32::NAN.to_bits() | bits)).is_nan());
        }
        let s = sigmoid::<Portable>;
        assert_eq!((s(f32::NEG_INFINITY), s(0.0), s(f32::INFINITY)), (0.0, 0.5, 1.0));
        assert!(s(f32::NAN).is_nan());
        let t = tanh::<Portable>;
        assert_eq!((t(f32::NEG_INFINITY), t(0.0), t(f32::INFINITY)), (-1.0, 0.0, 1.0));
        assert!(t(f32::NAN).is_nan());
    }
}
