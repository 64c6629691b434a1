//! Seeded orders and generated images.
//!
//! The algorithms are written out here, over a generator with a published definition, so that what comes out depends
//! on the seed alone and not on the release of a library; `tests/golden_orders.rs` and `tests/golden_variants.rs` pin
//! it.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// The stream of a seed (expanded to the generator's state by SplitMix64).
pub(crate) fn stream(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// The stream of image `index` of part `part` of a generated set: the three numbers decide it, so that an image does
/// not depend on how many others are made.
pub(crate) fn image_stream(seed: u64, part: u64, index: u64) -> Xoshiro256PlusPlus {
    // `mix` is a bijection: two images of a part never share a stream.
    stream(mix(mix(mix(seed) ^ part) ^ index))
}

/// The output function of SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Uniform in `[0, 1)`: a multiple of 2^-53.
pub(crate) fn unit(rng: &mut Xoshiro256PlusPlus) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// `[cos, sin]` of an angle uniform in `0..2 pi`: the direction of a point uniform in the unit disc.
///
/// There is no call of `sin` or `cos`, whose last bits differ from system to system: the same seed gives the same
/// images everywhere.
pub(crate) fn direction(rng: &mut Xoshiro256PlusPlus) -> [f64; 2] {
    loop {
        let [x, y] = [2.0 * unit(rng) - 1.0, 2.0 * unit(rng) - 1.0];
        let square = x * x + y * y;
        // Points very near the centre have few directions on their grid.
        if square <= 1.0 && square > 1e-12 {
            let length = square.sqrt();
            return [x / length, y / length];
        }
    }
}

/// Durstenfeld's form of the Fisher-Yates shuffle: every permutation is equally likely.
pub(crate) fn shuffle(rng: &mut Xoshiro256PlusPlus, order: &mut [u32]) {
    for i in (1..order.len()).rev() {
        // A set holds fewer than 2^32 images, so the bound fits.
        let j = below(rng, i as u32 + 1);
        order.swap(i, j as usize);
    }
}

/// Uniform in `0..bound` without bias (Lemire, "Fast Random Integer Generation in an Interval", 2019, algorithm 5).
pub(crate) fn below(rng: &mut Xoshiro256PlusPlus, bound: u32) -> u32 {
    let rejected = bound.wrapping_neg() % bound;
    loop {
        let wide = (rng.next_u64() >> 32) * u64::from(bound);
        if wide as u32 >= rejected {
            return (wide >> 32) as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_below_the_bound_is_equally_likely() {
        let mut rng = stream(1);
        for bound in [1, 2, 3, 7, 10] {
            let mut counts = vec![0_u32; bound as usize];
            for _ in 0..10_000 * bound {
                counts[below(&mut rng, bound) as usize] += 1;
            }
            // Standard deviation below 100, so 500 is five of them.
            assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 500), "{bound}: {counts:?}");
        }
    }

    #[test]
    fn directions_are_uniform_on_the_circle() {
        let mut rng = stream(2);
        let n = 100_000;
        let mut octants = [0_u32; 8];
        for _ in 0..n {
            let [x, y] = direction(&mut rng);
            assert!((x.hypot(y) - 1.0).abs() < 1e-15);
            let angle = y.atan2(x).rem_euclid(std::f64::consts::TAU);
            octants[(angle / std::f64::consts::FRAC_PI_4) as usize % 8] += 1;
        }
        // Standard deviation 105.
        assert!(octants.iter().all(|&count| count.abs_diff(n / 8) < 525), "{octants:?}");
    }

    #[test]
    fn streams_of_images_differ_by_seed_part_and_index() {
        let first = |seed, part, index| image_stream(seed, part, index).next_u64();
        let mut numbers: Vec<u64> = (0..3)
            .flat_map(|seed| {
                (0..3).flat_map(move |part| (0..1_000).map(move |index| first(seed, part, index)))
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 9_000);
    }
}
