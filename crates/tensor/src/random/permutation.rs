use super::Stream;
use super::distribution::Words;
use super::philox::LANES;

impl Stream {
    /// A random order of `0..n`: all `n!` of them are equally likely, as far as 64 bits of seed can tell.
    ///
    /// The order depends on (seed, stream, n) alone. It reads the stream from position 0 on, so give it a stream of
    /// its own, for example one per epoch.
    ///
    /// # Panics
    /// If `n` exceeds 2^32 - 1.
    ///
    /// ```
    /// use layerwise_tensor::Stream;
    ///
    /// let order = Stream { seed: 42, stream: 0 }.permutation(5);
    /// let mut sorted = order.clone();
    /// sorted.sort();
    /// assert_eq!(sorted, [0, 1, 2, 3, 4]);
    /// assert_ne!(order, Stream { seed: 42, stream: 1 }.permutation(5));
    /// ```
    #[track_caller]
    pub fn permutation(&self, n: usize) -> Vec<u32> {
        let mut order = vec![0; n];
        self.permute_into(&mut order);
        order
    }

    /// Writes [`permutation(out.len())`](Stream::permutation) into `out`, whatever it held: an epoch's order in the
    /// memory of the last one's.
    ///
    /// Fisher-Yates from the last place to the first (Knuth, volume 2, algorithm P), with unbiased bounded numbers.
    ///
    /// # Panics
    /// If `out` has more than 2^32 - 1 elements.
    #[track_caller]
    pub fn permute_into(&self, out: &mut [u32]) {
        let n = out.len();
        let Ok(count) = u32::try_from(n) else {
            panic!("permutation: n is {n}, but must be at most {}", u32::MAX);
        };
        out.iter_mut().zip(0..count).for_each(|(place, i)| *place = i);
        let mut words = Reader { stream: *self, next: 0, group: [[0; LANES]; 4] };
        for last in (1..count).rev() {
            out.swap(last as usize, words.at_most(last) as usize);
        }
    }
}

/// The words of a stream one after the other, a group at a time.
struct Reader {
    stream: Stream,
    next: usize,
    group: Words,
}

impl Reader {
    fn next(&mut self) -> u32 {
        let size = self.group.as_flattened().len();
        if self.next.is_multiple_of(size) {
            self.group = self.stream.words((self.next / size) as u64);
        }
        self.next += 1;
        self.group.as_flattened()[(self.next - 1) % size]
    }

    /// A number in `0..=last` without bias (Lemire, 2019, "Fast random integer generation in an interval", algorithm
    /// 5).
    fn at_most(&mut self, last: u32) -> u32 {
        // 2^32 - 1 is never asked for: n - 1 is the largest.
        let bound = last + 1;
        let mut product = u64::from(self.next()) * u64::from(bound);
        if (product as u32) < bound {
            // 2^32 mod bound: as many words would fall upon one number once too often.
            let excess = bound.wrapping_neg() % bound;
            while (product as u32) < excess {
                product = u64::from(self.next()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Stream = Stream { seed: 42, stream: 5 };

    #[test]
    fn a_permutation_holds_every_number_once() {
        for n in [0, 1, 2, 3, 31, 32, 33, 1000, 60_000] {
            let mut order = STREAM.permutation(n);
            order.sort_unstable();
            assert!(order.iter().copied().eq(0..n as u32), "n = {n}");
        }
    }

    #[test]
    fn what_the_memory_held_does_not_matter() {
        let mut order = vec![9; 100];
        STREAM.permute_into(&mut order);
        assert_eq!(order, STREAM.permutation(100));
    }

    #[test]
    fn the_order_is_stable() {
        // `golden.py`
        assert_eq!(STREAM.permutation(10), [2, 8, 6, 3, 7, 0, 9, 1, 5, 4]);
    }

    /// Every one of the 24 orders of 4, and every first element of 10, is about equally frequent.
    #[test]
    fn orders_are_uniform() {
        let trials = 48_000;
        let (mut orders, mut firsts) = (std::collections::BTreeMap::new(), [0u32; 10]);
        for stream in 0..trials {
            *orders.entry(Stream { seed: 1, stream }.permutation(4)).or_insert(0u32) += 1;
            firsts[Stream { seed: 2, stream }.permutation(10)[0] as usize] += 1;
        }
        let chi_square = |counts: &[u32]| {
            let expected = trials as f64 / counts.len() as f64;
            counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum::<f64>()
        };
        let orders: Vec<u32> = orders.into_values().collect();
        assert_eq!(orders.len(), 24);
        // The quantile 0.9999 for 23 and 9 degrees of freedom.
        assert!(chi_square(&orders) < 56.0, "{}", chi_square(&orders));
        assert!(chi_square(&firsts) < 33.7, "{}", chi_square(&firsts));
    }

    /// With a bound of 3 * 2^30 a quarter of the words is refused; taking them would double every third number.
    #[test]
    fn bounded_numbers_have_no_bias() {
        let bound = 3u32 << 30;
        let mut words = Reader { stream: STREAM, next: 0, group: [[0; LANES]; 4] };
        let mut counts = [0u32; 3];
        for _ in 0..90_000 {
            counts[(words.at_most(bound - 1) % 3) as usize] += 1;
        }
        assert!(words.next > 110_000, "{}", words.next);
        assert!(counts.iter().all(|n| n.abs_diff(30_000) < 600), "{counts:?}");
    }
}
