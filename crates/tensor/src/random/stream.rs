use super::distribution::{Bernoulli, Distribution, Normal, TruncatedNormal, Uniform, Words, unit};
use super::philox::{LANES, philox_blocks};
use crate::kernels::{Isa, Kernel, Simd, dispatch};

/// The words of [`LANES`] blocks: 32 positions. Word 0 of every block comes first, then word 1 of every block and so
/// on, so that a vector of results is stored as it is.
const GROUP: usize = 4 * LANES;

/// An endless row of random words whose every position can be computed on its own.
///
/// A value depends on (seed, stream, position) alone: not on the thread, not on the machine's instruction set, and
/// not on where a `fill` began or ended. Position `i` of every distribution uses word `i` of the stream, with one
/// exception: [`fill_normal`](Stream::fill_normal) makes pairs. Two uses of one stream are therefore not independent;
/// give each mask, each tensor and each step its own stream, or positions of its own.
///
/// There are 2^64 seeds with 2^64 streams of 2^64 positions each.
///
/// ```
/// use layerwise_tensor::Stream;
///
/// let stream = Stream { seed: 42, stream: 3 };
/// let mut mask = [0.0; 1000];
/// stream.fill_bernoulli(0, 0.8, &mut mask);
/// assert!((760.0..840.0).contains(&mask.iter().sum::<f32>()));
/// assert_eq!(mask[17] == 1.0, stream.uniform(17) < 0.8);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stream {
    /// The seed of the program, the run, or the step.
    pub seed: u64,
    /// Which of the seed's streams.
    pub stream: u64,
}

impl Stream {
    /// The word at `position`: 32 independent bits.
    #[inline]
    pub fn uint(&self, position: u64) -> u32 {
        let (group, offset) = split(position);
        let block = group * LANES as u64 + (offset % LANES) as u64;
        philox_blocks::<1>(self.seed, self.stream, block)[offset / LANES][0]
    }

    /// A number in [0, 1), a multiple of 2^-24: the word's 24 high bits.
    #[inline]
    pub fn uniform(&self, position: u64) -> f32 {
        unit(self.uint(position))
    }

    /// Fills `out` with the uniform numbers of [low, high) at `position`, `position + 1`, ..: `low + (high - low) u`,
    /// where `u` is [`uniform`](Stream::uniform). If `low == high`, all are `low`.
    ///
    /// # Panics
    /// If `low > high`, or one of them or their difference is not finite.
    #[track_caller]
    pub fn fill_uniform(&self, position: u64, out: &mut [f32], low: f32, high: f32) {
        self.fill(position, out, Uniform::new(low, high));
    }

    /// Fills `out` with 1.0, with probability `keep_probability`, or else 0.0: 1.0 where [`uniform`](Stream::uniform)
    /// is less than `keep_probability`, which therefore counts in steps of 2^-24. With 0 all are 0.0, with 1 all are
    /// 1.0.
    ///
    /// # Panics
    /// If `keep_probability` is not in [0, 1].
    #[track_caller]
    pub fn fill_bernoulli(&self, position: u64, keep_probability: f32, out: &mut [f32]) {
        self.fill(position, out, Bernoulli::new(keep_probability));
    }

    /// Fills `out` with normal variates: `mean + std z`, with z from the method of Box and Muller (1958), at most
    /// 6.67 in absolute value.
    ///
    /// It makes two variates from two words. Of every 32 positions, 0 to 7 take the cosine and 8 to 15 the sine of
    /// the same pairs; 16 to 23 and 24 to 31 likewise. So a position has one value wherever a fill begins, and all
    /// are independent.
    ///
    /// # Panics
    /// If `mean` is not finite, or `std` is negative or not finite. A `std` of 0 gives `mean`.
    #[track_caller]
    pub fn fill_normal(&self, position: u64, out: &mut [f32], mean: f32, std: f32) {
        self.fill(position, out, Normal::new(mean, std));
    }

    /// Fills `out` with variates of the normal distribution with `mean` and `std`, restricted to `[low, high]`: what
    /// PyTorch's `trunc_normal_` draws from. The bounds are values, not multiples of `std`; either may be infinite.
    ///
    /// One position is one value: the word is taken as a probability and the distribution function inverted, in f64,
    /// by algorithm AS 241 (Wichura, 1988; relative error about 1e-16). In the tails too: `low` and `high` may be
    /// several `std` away on the same side of `mean`. The logarithm and the exponential function are the platform's,
    /// so on another one a last bit may differ.
    ///
    /// # Panics
    /// If `mean` is not finite, `std` is negative or not finite, `low > high` or one of them is NaN, or the bounds
    /// lie more than 37 `std` away from `mean`. A `std` of 0 gives `mean`.
    #[track_caller]
    pub fn fill_truncated_normal(
        &self,
        position: u64,
        out: &mut [f32],
        mean: f32,
        std: f32,
        low: f32,
        high: f32,
    ) {
        self.fill(position, out, TruncatedNormal::new(mean, std, low, high));
    }

    fn fill(&self, position: u64, out: &mut [f32], distribution: impl Distribution) {
        dispatch(Isa::best(), Fill { stream: *self, position, out, distribution });
    }

    /// The words of one group of 32 positions: word `w` of lane `i` belongs to position `32 group + 8 w + i`. For
    /// kernels that make their random numbers as they go; they agree with a `fill` of the same positions.
    #[inline(always)]
    pub(crate) fn words(&self, group: u64) -> Words {
        philox_blocks(self.seed, self.stream, group * LANES as u64)
    }
}

/// The group of a position, and its place there.
fn split(position: u64) -> (u64, usize) {
    (position / GROUP as u64, (position % GROUP as u64) as usize)
}

struct Fill<'a, D> {
    stream: Stream,
    position: u64,
    out: &'a mut [f32],
    distribution: D,
}

impl<D: Distribution> Kernel for Fill<'_, D> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Fill { stream, position, mut out, distribution } = self;
        let (mut group, offset) = split(position);
        // The rest of a group that the range enters in the middle; whole groups; the beginning of the last one.
        if offset > 0 {
            let (head, rest) = out.split_at_mut(out.len().min(GROUP - offset));
            let values = distribution.values(stream.words(group));
            head.copy_from_slice(&values.as_flattened()[offset..offset + head.len()]);
            (out, group) = (rest, group + 1);
        }
        let (whole, tail) = out.as_chunks_mut::<GROUP>();
        for chunk in whole {
            let values = distribution.values(stream.words(group));
            chunk.copy_from_slice(values.as_flattened());
            group += 1;
        }
        if !tail.is_empty() {
            let values = distribution.values(stream.words(group));
            tail.copy_from_slice(&values.as_flattened()[..tail.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(distribution: impl Distribution) {
        let stream = Stream { seed: 42, stream: 7 };
        let fill = |isa| {
            let mut out = vec![0.0; 1000];
            dispatch(isa, Fill { stream, position: 5, out: &mut out, distribution });
            out
        };
        let mut sets = Isa::available().into_iter();
        let portable = sets.next().map(fill).unwrap();
        sets.for_each(|isa| assert_eq!(fill(isa), portable, "{}", isa.name()));
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        check(Uniform::new(-1.0, 3.0));
        check(Bernoulli::new(0.3));
        check(Normal::new(2.0, 0.7));
        check(TruncatedNormal::new(0.0, 1.0, -2.0, 2.0));
    }

    #[test]
    fn words_are_in_the_order_of_positions() {
        let stream = Stream { seed: 1, stream: 2 };
        let words = stream.words(3);
        for (i, &word) in words.as_flattened().iter().enumerate() {
            assert_eq!(word, stream.uint(96 + i as u64));
        }
    }
}
