//! What turns uniform bits into normal variates, and the normal distribution function with its inverse.

use std::f32::consts::{LN_2, SQRT_2, TAU};
use std::f64::consts;

/// Two independent standard normal variates from two words (Box and Muller, 1958): `r cos t` and `r sin t` with
/// `r = sqrt(-2 ln u)`.
///
/// `u` is the middle of one of 2^31 equal cells, so that no variate exceeds 6.67 in absolute value. Only IEEE
/// additions, multiplications and square roots, never fused: the same bits on every machine.
#[inline(always)]
pub(super) fn box_muller(radius: u32, angle: u32) -> (f32, f32) {
    // Signed integers have a conversion instruction everywhere, unsigned ones do not.
    let u = ((radius >> 1) as i32 as f32 + 0.5) * (1.0 / (1u32 << 31) as f32);
    let r = (-2.0 * ln(u)).sqrt();
    let (cos, sin) = cos_sin(angle);
    (r * cos, r * sin)
}

/// `ln x` for normal `x`, within 2 units in the last place; coefficients from the Cephes library (S. Moshier, `logf`).
#[inline(always)]
fn ln(x: f32) -> f32 {
    // x = 2^n (1 + f) with 1 + f between sqrt(1/2) and sqrt(2).
    const FRACTION: u32 = (1 << 23) - 1;
    let mantissa = f32::from_bits(x.to_bits() & FRACTION | 1f32.to_bits());
    let above = mantissa > SQRT_2;
    let f = if above { 0.5 * mantissa } else { mantissa } - 1.0;
    let n = ((x.to_bits() >> 23) as i32 - 127 + i32::from(above)) as f32;
    let mut p = 7.037_683_6e-2;
    for coefficient in [
        -0.115_146_1,
        0.116_769_99,
        -0.124_201_41,
        0.142_493_23,
        -0.166_680_58,
        0.200_007_15,
        -0.249_999_94,
        0.333_333_3,
    ] {
        p = p * f + coefficient;
    }
    let square = f * f;
    n * LN_2 + (f + (p * f * square - 0.5 * square))
}

/// Cosine and sine of `turn / 2^32` full turns, within 1.2e-7; coefficients from the Cephes library (`cosf`, `sinf`).
#[inline(always)]
fn cos_sin(turn: u32) -> (f32, f32) {
    // The nearest quarter turn and what is left of it, at most an eighth of a turn to either side.
    let quarter = turn.wrapping_add(1 << 29) >> 30;
    let rest = turn.wrapping_sub(quarter << 30) as i32;
    let x = rest as f32 * (TAU / 4_294_967_296.0);
    let z = x * x;
    let sin = x + x * z * (-0.166_666_55 + z * (8.332_161e-3 + z * -1.951_529_6e-4));
    let cos = 1.0 - 0.5 * z + z * z * (4.166_664_6e-2 + z * (-1.388_731_6e-3 + z * 2.443_315_7e-5));
    let (cos, sin) = if quarter & 1 == 0 { (cos, sin) } else { (-sin, cos) };
    if quarter & 2 == 0 { (cos, sin) } else { (-cos, -sin) }
}

/// The standard normal distribution function, with a relative error below 1e-9 down to -37; 0 below -40.
///
/// The series of Marsaglia (2004, "Evaluating the normal distribution") near zero, Laplace's continued fraction
/// (Abramowitz and Stegun, 26.2.14) in the tail.
pub(super) fn cdf(x: f64) -> f64 {
    if x > 0.0 {
        return 1.0 - cdf(-x);
    }
    if x < -40.0 {
        return 0.0;
    }
    let density = (-0.5 * x * x).exp() / consts::TAU.sqrt();
    if x < -4.0 {
        let fraction = (1..=60).rev().fold(-x, |rest, k| f64::from(k) / rest - x);
        return density / fraction;
    }
    let (mut term, mut sum, mut k) = (x, x, 1.0);
    while f64::abs(term) > 1e-17 * f64::abs(sum) {
        k += 2.0;
        term *= x * x / k;
        sum += term;
    }
    0.5 + density * sum
}

/// The inverse of [`cdf`] for `0 < p < 1`: Wichura (1988), algorithm AS 241 (`PPND16`), relative error about 1e-16.
pub(super) fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&CENTRE, 0.425 * 0.425 - q * q);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let tail = if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&TAIL, r - 5.0) };
    tail.copysign(q)
}

/// A quotient of two polynomials of degree 7, coefficients of the highest power first.
fn ratio([numerator, denominator]: &[[f64; 8]; 2], x: f64) -> f64 {
    let polynomial = |coefficients: &[f64; 8]| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    polynomial(numerator) / polynomial(denominator)
}

const CENTRE: [[f64; 8]; 2] = [
    [
        2_509.080_928_730_122_6,
        33_430.575_583_588_13,
        67_265.770_927_008_7,
        45_921.953_931_549_87,
        13_731.693_765_509_46,
        1_971.590_950_306_551_3,
        133.141_667_891_784_38,
        3.387_132_872_796_366_5,
    ],
    [
        5_226.495_278_852_545,
        28_729.085_735_721_943,
        39_307.895_800_092_71,
        21_213.794_301_586_597,
        5_394.196_021_424_751,
        687.187_007_492_057_9,
        42.313_330_701_600_91,
        1.0,
    ],
];
const MIDDLE: [[f64; 8]; 2] = [
    [
        7.745_450_142_783_414e-4,
        0.022_723_844_989_269_184,
        0.241_780_725_177_450_6,
        1.270_458_252_452_368_4,
        3.647_848_324_763_204_5,
        5.769_497_221_460_691,
        4.630_337_846_156_546,
        1.423_437_110_749_683_5,
    ],
    [
        1.050_750_071_644_416_9e-9,
        5.475_938_084_995_345e-4,
        0.015_198_666_563_616_457,
        0.148_103_976_427_480_08,
        0.689_767_334_985_1,
        1.676_384_830_183_803_8,
        2.053_191_626_637_759,
        1.0,
    ],
];
const TAIL: [[f64; 8]; 2] = [
    [
        2.010_334_399_292_288_1e-7,
        2.711_555_568_743_487_6e-5,
        1.242_660_947_388_078_4e-3,
        0.026_532_189_526_576_124,
        0.296_560_571_828_504_87,
        1.784_826_539_917_291_3,
        5.463_784_911_164_114,
        6.657_904_643_501_103,
    ],
    [
        2.044_263_103_389_939_8e-15,
        1.421_511_758_316_446e-7,
        1.846_318_317_510_054_8e-5,
        7.868_691_311_456_133e-4,
        0.014_875_361_290_850_615,
        0.136_929_880_922_735_8,
        0.599_832_206_555_887_9,
        1.0,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_stays_within_two_units() {
        for i in 0..2_000_000u32 {
            let x = f32::from_bits(0x2F00_0000 + i * 140);
            let truth = f64::from(x).ln();
            let unit = f64::from((truth.abs() as f32).next_up() - truth.abs() as f32);
            assert!((f64::from(ln(x)) - truth).abs() <= 2.0 * unit, "ln({x}) is {}, not {truth}", ln(x));
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn cosine_and_sine_stay_within_their_bound() {
        for i in 0..2_000_000u32 {
            let turn = i.wrapping_mul(2_147);
            let angle = consts::TAU * f64::from(turn) / 4_294_967_296.0;
            let (cos, sin) = cos_sin(turn);
            assert!((f64::from(cos) - angle.cos()).abs() < 1.2e-7, "cosine of {turn}: {cos}");
            assert!((f64::from(sin) - angle.sin()).abs() < 1.2e-7, "sine of {turn}: {sin}");
        }
        assert_eq!(
            [0, 1 << 30, 2 << 30, 3 << 30].map(cos_sin),
            [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)]
        );
    }

    #[test]
    fn variates_are_finite_and_bounded_at_the_ends() {
        for (radius, largest) in [(0, 6.67), (u32::MAX, 0.0)] {
            for angle in [0, 1, 1 << 29, 1 << 31, u32::MAX] {
                let (x, y) = box_muller(radius, angle);
                assert!(x.hypot(y) <= largest, "{radius} {angle}: {x} {y}");
            }
        }
    }

    /// From the tables of Abramowitz and Stegun (26.1, 26.2), and `log10 Q` there for the last two.
    #[test]
    fn the_distribution_function_in_the_books() {
        for (x, p) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.0, 0.158_655_253_931_457_05),
            (1.96, 0.975_002_104_851_779_5),
            (-3.0, 0.001_349_898_031_630_095),
            (-5.0, 2.866_515_718_791_939e-7),
            (-10.0, 7.619_853_024_160_527e-24),
            (-30.0, 4.906_713_927_148_187e-198),
        ] {
            assert!((cdf(x) / p - 1.0).abs() < 1e-11, "cdf({x}) = {}, not {p}", cdf(x));
        }
        assert_eq!((cdf(f64::NEG_INFINITY), cdf(f64::INFINITY)), (0.0, 1.0));
    }

    #[test]
    fn the_quantile_inverts_the_distribution_function() {
        for i in -3_700..=800 {
            let x = f64::from(i) / 100.0;
            // Above zero 1 - p has lost digits before the quantile sees it.
            let lost = 1e-15 / (1.0 - cdf(x)).max(1e-17);
            if lost < 1e-3 {
                assert!((quantile(cdf(x)) - x).abs() < 1e-9 + lost, "{x}: {}", quantile(cdf(x)));
            }
        }
        // AS 241's own check values.
        for (p, x) in [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_813_5),
            (1e-20, -9.262_340_089_798_408),
        ] {
            assert!((quantile(p) / x - 1.0).abs() < 2e-16 * 4.0, "{p}: {}", quantile(p));
        }
    }
}
