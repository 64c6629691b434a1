//! How words become values: one small struct per distribution, with what can be computed once.

use super::normal::{box_muller, cdf, quantile};
use super::philox::LANES;

/// The words of [`LANES`] blocks: word 0 of every block, then word 1 of every block, and so on.
pub(super) type Words = [[u32; LANES]; 4];
/// One value for each of [`Words`], in the same places.
pub(super) type Values = [[f32; LANES]; 4];

/// A distribution that makes words into values. Word `k` of a block may serve for value `k` or be one of a pair, but a
/// value has no part in another block.
pub(super) trait Distribution: Copy {
    /// Must be `#[inline(always)]`: it is compiled for the instruction set of the loop around it.
    fn values(self, words: Words) -> Values;
}

/// A loop over the rows rather than one over all words: LLVM turns each row into one vector. Not `map`, which is not always inlined, and then not
/// compiled for the instruction set either; where speed counts, `value` is `#[inline(always)]` for the same reason.
#[inline(always)]
fn each(words: Words, value: impl Fn(u32) -> f32) -> Values {
    let mut values = [[0.0; LANES]; 4];
    for (values, words) in values.iter_mut().zip(&words) {
        for (slot, &word) in values.iter_mut().zip(words) {
            *slot = value(word);
        }
    }
    values
}

/// A word's 24 high bits as a number in [0, 1): as many bits as an f32 of that range holds without rounding.
#[inline(always)]
pub(super) fn unit(word: u32) -> f32 {
    (word >> 8) as i32 as f32 * (1.0 / (1u32 << 24) as f32)
}

#[derive(Clone, Copy)]
pub(super) struct Uniform {
    low: f32,
    width: f32,
    /// The largest value: `low + width * u` may round up to `high`, which is outside.
    last: f32,
}

impl Uniform {
    #[track_caller]
    pub(super) fn new(low: f32, high: f32) -> Self {
        assert!(
            low <= high && (high - low).is_finite(),
            "uniform: low is {low} and high is {high}, but low must not exceed high and both must be finite, as \
             must high - low"
        );
        Self { low, width: high - low, last: high.next_down().max(low) }
    }

    #[inline(always)]
    pub(super) fn value(self, word: u32) -> f32 {
        let value = self.low + self.width * unit(word);
        if value > self.last { self.last } else { value }
    }
}

impl Distribution for Uniform {
    #[inline(always)]
    fn values(self, words: Words) -> Values {
        each(
            words,
            #[inline(always)]
            |word| self.value(word),
        )
    }
}

#[derive(Clone, Copy)]
pub(super) struct Bernoulli {
    /// `unit(word) < p` in integers: how many of the 2^24 cells lie below `p`.
    cells: u32,
}

impl Bernoulli {
    #[track_caller]
    pub(super) fn new(keep_probability: f32) -> Self {
        assert!(
            (0.0..=1.0).contains(&keep_probability),
            "bernoulli: keep_probability is {keep_probability}, but must lie in [0, 1]"
        );
        Self { cells: (keep_probability * (1u32 << 24) as f32).ceil() as u32 }
    }
}

impl Distribution for Bernoulli {
    #[inline(always)]
    fn values(self, words: Words) -> Values {
        each(
            words,
            #[inline(always)]
            |word| if word >> 8 < self.cells { 1.0 } else { 0.0 },
        )
    }
}

#[derive(Clone, Copy)]
pub(super) struct Normal {
    mean: f32,
    std: f32,
}

impl Normal {
    #[track_caller]
    pub(super) fn new(mean: f32, std: f32) -> Self {
        check_normal("normal", mean, std);
        Self { mean, std }
    }

    #[inline(always)]
    pub(super) fn pair(self, radius: u32, angle: u32) -> (f32, f32) {
        let (x, y) = box_muller(radius, angle);
        (self.mean + self.std * x, self.mean + self.std * y)
    }
}

impl Distribution for Normal {
    #[inline(always)]
    fn values(self, words: Words) -> Values {
        let mut values = [[0.0; LANES]; 4];
        for first in [0, 2] {
            for i in 0..LANES {
                let (x, y) = self.pair(words[first][i], words[first + 1][i]);
                values[first][i] = x;
                values[first + 1][i] = y;
            }
        }
        values
    }
}

#[derive(Clone, Copy)]
pub(super) struct TruncatedNormal {
    mean: f64,
    /// Negative where the distribution is mirrored.
    std: f64,
    low: f32,
    high: f32,
    /// The probability below the interval, and within.
    below: f64,
    within: f64,
}

impl TruncatedNormal {
    /// Beyond it the probabilities are no normal numbers.
    const REACH: f32 = 37.0;

    #[track_caller]
    pub(super) fn new(mean: f32, std: f32, low: f32, high: f32) -> Self {
        check_normal("truncated_normal", mean, std);
        assert!(
            low <= high,
            "truncated_normal: low is {low} and high is {high}, but low must not exceed high"
        );
        let reach = Self::REACH * std;
        assert!(
            low <= mean + reach && high >= mean - reach,
            "truncated_normal: the bounds [{low}, {high}] must come within {} std of mean {mean}, and std is {std}",
            Self::REACH
        );
        let (mean, std) = (f64::from(mean), f64::from(std));
        // In the upper tail the function is 1 up to rounding: its digits are in the lower one.
        let mirrored = f64::from(low) > mean;
        let std = if mirrored { -std } else { std };
        let (first, last) = if mirrored { (high, low) } else { (low, high) };
        let probability = |x: f32| if std == 0.0 { 0.5 } else { cdf((f64::from(x) - mean) / std) };
        let below = probability(first);
        Self { mean, std, low, high, below, within: probability(last) - below }
    }

    /// Never inlined: with a library call inside there is nothing to vectorise, and half-used wide registers around it
    /// cost twice the time.
    #[inline(never)]
    fn value(self, word: u32) -> f32 {
        // The middle of one of 2^32 equal cells, so that neither 0 nor 1 occurs.
        let u = (f64::from(word) + 0.5) / 4_294_967_296.0;
        let z = quantile(self.below + self.within * u);
        ((self.mean + self.std * z) as f32).clamp(self.low, self.high)
    }
}

impl Distribution for TruncatedNormal {
    fn values(self, words: Words) -> Values {
        each(words, |word| self.value(word))
    }
}

#[track_caller]
fn check_normal(name: &str, mean: f32, std: f32) {
    assert!(mean.is_finite(), "{name}: mean is {mean}, but must be finite");
    assert!(std >= 0.0 && std.is_finite(), "{name}: std is {std}, but must be finite and at least 0");
}
