//! Seeded orders.
//!
//! The shuffle is written out here, over a generator with a published definition, so that an order depends on the seed
//! alone and not on the release of a library; `tests/golden_orders.rs` pins it.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// The stream of a seed (expanded to the generator's state by SplitMix64).
pub(crate) fn stream(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
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
fn below(rng: &mut Xoshiro256PlusPlus, bound: u32) -> u32 {
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
}
