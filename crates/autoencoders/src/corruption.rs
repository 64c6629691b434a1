use layerwise_tensor::data::Source;
use layerwise_tensor::threads::for_each_part;
use layerwise_tensor::{Shape, Stream, Tensor};
use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::data::Flat;

/// What a denoising autoencoder's inputs are spoilt by (Vincent et al. 2008; 2010, section 3.3). Its targets stay clean.
///
/// Noise is a function of a stream and the place of an element, so it is the same on any number of threads.
///
/// ```
/// use layerwise_autoencoders::Corruption;
/// use layerwise_tensor::Tensor;
///
/// let corrupted = Corruption::masking(0.25).apply(&Tensor::full([2, 8], 1.0), 42);
/// for (row, mask) in corrupted.values.as_slice().chunks(8).zip(corrupted.mask.as_slice().chunks(8)) {
///     assert_eq!(row.iter().sum::<f32>(), 6.0); // exactly a quarter of each example
///     assert_eq!(mask.iter().sum::<f32>(), 2.0);
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Corruption {
    /// Sets `round(nu d)` of the `d` features of every example to 0, chosen at random without replacement.
    Masking {
        /// The fraction, in [0, 1].
        nu: f32,
    },
    /// Sets every element to 0 with probability `nu`, each by itself.
    IndependentMasking {
        /// The probability, in [0, 1].
        nu: f32,
    },
    /// Adds normal noise of mean 0 to every element.
    Gaussian {
        /// Its standard deviation, at least 0.
        std: f32,
    },
    /// Sets `round(nu d)` features of every example, chosen as for masking, to one of two values by the flip of a fair coin.
    SaltAndPepper {
        /// The fraction, in [0, 1].
        nu: f32,
        /// One value: the smallest of the data.
        low: f32,
        /// The other: the largest of the data.
        high: f32,
    },
}

/// What [`Corruption::apply`] gives.
#[derive(Clone, PartialEq, Debug)]
pub struct Corrupted {
    /// The corrupted examples.
    pub values: Tensor,
    /// 1 where an element was chosen to be corrupted (even if its value happens to be the same), else 0; in the shape of the values.
    pub mask: Tensor,
}

/// How much the corrupted elements count in the loss, and how much the others (Vincent et al. 2010, section 3.4, equation 8).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Emphasis {
    /// The weight of corrupted elements (alpha), at least 0.
    pub corrupted: f32,
    /// The weight of the others (beta), at least 0.
    pub others: f32,
}

impl Emphasis {
    /// Full emphasis: only corrupted elements count.
    pub const FULL: Emphasis = Emphasis { corrupted: 1.0, others: 0.0 };

    pub(crate) fn validate(self) -> Result<(), ConfigError> {
        ConfigError::at_least_0("emphasis: corrupted", self.corrupted)?;
        ConfigError::at_least_0("emphasis: others", self.others)
    }
}

/// Elements that one thread corrupts at a time, about.
const PART: usize = 1 << 13;
/// Uniform numbers that are drawn at a time, on the stack.
const CHUNK: usize = 256;
/// The coins of salt-and-pepper are in the upper half of the stream, out of the way of the choice.
const COINS: u64 = 1 << 63;

impl Corruption {
    /// [`Corruption::Masking`].
    ///
    /// # Panics
    /// If `nu` is not in [0, 1].
    #[track_caller]
    pub fn masking(nu: f32) -> Self {
        Corruption::Masking { nu }.checked()
    }

    /// [`Corruption::IndependentMasking`].
    ///
    /// # Panics
    /// If `nu` is not in [0, 1].
    #[track_caller]
    pub fn independent_masking(nu: f32) -> Self {
        Corruption::IndependentMasking { nu }.checked()
    }

    /// [`Corruption::Gaussian`].
    ///
    /// # Panics
    /// If `std` is negative or not finite.
    #[track_caller]
    pub fn gaussian(std: f32) -> Self {
        Corruption::Gaussian { std }.checked()
    }

    /// [`Corruption::SaltAndPepper`] with the values 0 and 1.
    ///
    /// # Panics
    /// If `nu` is not in [0, 1].
    #[track_caller]
    pub fn salt_and_pepper(nu: f32) -> Self {
        Corruption::SaltAndPepper { nu, low: 0.0, high: 1.0 }.checked()
    }

    #[track_caller]
    fn checked(self) -> Self {
        ConfigError::refuse(self.validate());
        self
    }

    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// If one is not.
    pub fn validate(self) -> Result<(), ConfigError> {
        match self {
            Corruption::Masking { nu } | Corruption::IndependentMasking { nu } => fraction("masking", nu),
            Corruption::Gaussian { std } => ConfigError::at_least_0("gaussian corruption: std", std),
            Corruption::SaltAndPepper { nu, low, high } => {
                fraction("salt_and_pepper", nu)?;
                ConfigError::check(low.is_finite() && high.is_finite(), || {
                    format!("salt_and_pepper: low is {low} and high is {high}, but both must be finite")
                })
            }
        }
    }

    /// The corrupted rows of `x [n, ..]`, and what was chosen. The same seed gives the same noise.
    ///
    /// # Panics
    /// If a number of this corruption is out of its range.
    #[track_caller]
    pub fn apply(&self, x: &Tensor, seed: u64) -> Corrupted {
        self.checked();
        let stream = Stream { seed, stream: 0 };
        let mut values = Tensor::zeros(x.shape());
        Noisy { clean: x, corruption: *self, stream }.write_to(values.as_mut_slice());
        let mut mask = Tensor::zeros(x.shape());
        let marks = Weights { shape: Flat(x).shape(), corruption: *self, stream, emphasis: Emphasis::FULL };
        marks.write_to(mask.as_mut_slice());
        Corrupted { values, mask }
    }

    /// Corrupts the rows of `x`, of which `position` is the place of the first element in the batch.
    #[inline(always)]
    fn corrupt(self, x: &mut [f32], features: usize, stream: Stream, position: u64) {
        if let Corruption::Gaussian { std } = self {
            let mut noise = [0.0; CHUNK];
            for (i, x) in x.chunks_mut(CHUNK).enumerate() {
                let noise = &mut noise[..x.len()];
                stream.fill_normal(position + (i * CHUNK) as u64, noise, 0.0, std);
                x.iter_mut().zip(noise).for_each(|(x, noise)| *x += *noise);
            }
            return;
        }
        for (row, x) in x.chunks_exact_mut(features).enumerate() {
            let position = position + (row * features) as u64;
            self.for_each_chosen(features, stream, position, |i| {
                x[i] = match self {
                    Corruption::SaltAndPepper { low, high, .. } => {
                        if stream.uint(COINS + position + i as u64) >> 31 == 0 { low } else { high }
                    }
                    _ => 0.0,
                };
            });
        }
    }

    /// Calls `choose` with the places of one example that are corrupted.
    #[inline(always)]
    fn for_each_chosen(self, features: usize, stream: Stream, position: u64, mut choose: impl FnMut(usize)) {
        let nu = match self {
            Corruption::Gaussian { .. } => return (0..features).for_each(choose),
            Corruption::Masking { nu }
            | Corruption::IndependentMasking { nu }
            | Corruption::SaltAndPepper { nu, .. } => nu,
        };
        let mut uniform = [0.0; CHUNK];
        let mut missing = (f64::from(nu) * features as f64).round();
        for start in (0..features).step_by(CHUNK) {
            let uniform = &mut uniform[..CHUNK.min(features - start)];
            stream.fill_uniform(position + start as u64, uniform, 0.0, 1.0);
            for (i, &u) in (start..).zip(uniform.iter()) {
                // Selection sampling (Knuth, volume 2, algorithm S): each place is taken with probability missing / left. The
                // products are exact, so exactly as many are taken as there should be.
                let taken = match self {
                    Corruption::IndependentMasking { .. } => u < nu,
                    _ => f64::from(u) * ((features - i) as f64) < missing,
                };
                if taken {
                    missing -= 1.0;
                    choose(i);
                }
            }
        }
    }
}

fn fraction(name: &str, nu: f32) -> Result<(), ConfigError> {
    ConfigError::check((0.0..=1.0).contains(&nu), || format!("{name}: nu is {nu}, but must lie in [0, 1]"))
}

/// Calls `body` with parts of whole rows and the place of their first element.
fn for_each_rows(out: &mut [f32], features: usize, body: impl Fn(&mut [f32], u64) + Sync) {
    if features == 0 {
        return;
    }
    for_each_part((0..out.len(), out), PART.div_ceil(features) * features, |(at, rows)| {
        body(rows, at.start as u64);
    });
}

/// A batch with noise, as the input of a pass.
pub(crate) struct Noisy<'a, S: ?Sized> {
    pub clean: &'a S,
    pub corruption: Corruption,
    pub stream: Stream,
}

impl<S: Source + ?Sized> Source for Noisy<'_, S> {
    fn shape(&self) -> Shape {
        Flat(self.clean).shape()
    }

    fn write_to(&self, out: &mut [f32]) {
        self.clean.write_to(out);
        let (features, corruption, stream) = (self.shape().last(), self.corruption, self.stream);
        for_each_rows(out, features, |rows, position| corruption.corrupt(rows, features, stream, position));
    }
}

/// The weights of a batch's elements in the loss. The choice is drawn again from the stream that corrupted the batch: that costs
/// less than keeping it would complicate.
pub(crate) struct Weights {
    pub shape: Shape,
    pub corruption: Corruption,
    pub stream: Stream,
    pub emphasis: Emphasis,
}

impl Source for Weights {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn write_to(&self, out: &mut [f32]) {
        let features = self.shape.last();
        for_each_rows(out, features, |rows, position| {
            rows.fill(self.emphasis.others);
            for (row, weights) in rows.chunks_exact_mut(features).enumerate() {
                let position = position + (row * features) as u64;
                self.corruption.for_each_chosen(features, self.stream, position, |i| {
                    weights[i] = self.emphasis.corrupted;
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerwise_tensor::threads;

    fn rows(x: &Tensor) -> impl Iterator<Item = &[f32]> {
        x.as_slice().chunks_exact(x.shape().last())
    }

    #[test]
    fn masking_takes_exactly_its_share_of_every_example_and_every_feature_as_often() {
        let x = Tensor::full([4000, 37], 2.0);
        let Corrupted { values, mask } = Corruption::masking(0.3).apply(&x, 3);
        let count = 11; // round(0.3 * 37)
        for (row, mask) in rows(&values).zip(rows(&mask)) {
            assert_eq!(row.iter().filter(|&&x| x == 0.0).count(), count);
            assert!(row.iter().zip(mask).all(|(&x, &m)| x == 2.0 * (1.0 - m)));
        }
        let share = count as f64 / 37.0;
        let error = (share * (1.0 - share) / 4000.0).sqrt();
        for (feature, &taken) in mask.mean_axis(0).as_slice().iter().enumerate() {
            assert!((f64::from(taken) - share).abs() < 4.5 * error, "feature {feature}: {taken}");
        }
        // Pairs: without replacement, two features are taken together less often than if they were independent.
        let both = rows(&mask).filter(|row| row[0] == 1.0 && row[36] == 1.0).count() as f64 / 4000.0;
        let expected = share * 10.0 / 36.0;
        assert!((both - expected).abs() < 4.5 * (expected / 4000.0).sqrt(), "{both} {expected}");
    }

    #[test]
    fn the_ends_are_nothing_and_everything() {
        let x = Tensor::full([50, 300], 1.0);
        for (nu, sum) in [(0.0, 15_000.0), (1.0, 0.0)] {
            assert_eq!(Corruption::masking(nu).apply(&x, 1).values.sum(), sum);
            assert_eq!(Corruption::independent_masking(nu).apply(&x, 1).values.sum(), sum);
        }
        assert_eq!(Corruption::gaussian(0.0).apply(&x, 1).values, x);
    }

    #[test]
    fn independent_masking_has_a_binomial_count() {
        let x = Tensor::full([2000, 100], 1.0);
        let kept: Vec<f64> = rows(&Corruption::independent_masking(0.3).apply(&x, 9).values)
            .map(|row| row.iter().map(|&x| f64::from(x)).sum())
            .collect();
        let mean = kept.iter().sum::<f64>() / 2000.0;
        let variance = kept.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / 2000.0;
        assert!((mean - 70.0).abs() < 4.0 * (21.0_f64 / 2000.0).sqrt(), "{mean}");
        assert!((variance / 21.0 - 1.0).abs() < 0.15, "{variance}");
    }

    #[test]
    fn gaussian_noise_has_its_moments() {
        let x = Tensor::full([1000, 200], 3.0);
        let Corrupted { values, mask } = Corruption::gaussian(0.5).apply(&x, 4);
        let noise: Vec<f64> = values.as_slice().iter().map(|&x| f64::from(x) - 3.0).collect();
        let n = noise.len() as f64;
        let mean = noise.iter().sum::<f64>() / n;
        let variance = noise.iter().map(|x| x * x).sum::<f64>() / n;
        assert!(
            mean.abs() < 4.0 * 0.5 / n.sqrt() && (variance / 0.25 - 1.0).abs() < 0.015,
            "{mean} {variance}"
        );
        assert_eq!(mask, Tensor::full([1000, 200], 1.0));
    }

    #[test]
    fn salt_and_pepper_flips_a_fair_coin() {
        let x = Tensor::full([1000, 90], 7.0);
        let corruption = Corruption::SaltAndPepper { nu: 0.5, low: -1.0, high: 2.0 };
        let Corrupted { values, mask } = corruption.apply(&x, 4);
        let mut high = 0;
        for (row, mask) in rows(&values).zip(rows(&mask)) {
            assert_eq!(mask.iter().sum::<f32>(), 45.0);
            assert!(row.iter().zip(mask).all(|(&x, &m)| if m == 1.0 {
                x == -1.0 || x == 2.0
            } else {
                x == 7.0
            }));
            high += row.iter().filter(|&&x| x == 2.0).count();
        }
        assert!((high as f64 - 22_500.0).abs() < 4.0 * 11_250_f64.sqrt(), "{high}");
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads_and_others_for_another_seed() {
        let x = Tensor::from_fn([130, 301], |i| (i as f32 * 0.1).sin());
        for corruption in [
            Corruption::masking(0.25),
            Corruption::independent_masking(0.25),
            Corruption::gaussian(0.3),
            Corruption::salt_and_pepper(0.1),
        ] {
            let once = corruption.apply(&x, 7);
            for threads in 1..=4 {
                assert_eq!(threads::run_on(threads, || corruption.apply(&x, 7)), once, "{corruption:?}");
            }
            assert_ne!(corruption.apply(&x, 8), once, "{corruption:?}");
            // An example's noise does not depend on those after it.
            let few = corruption.apply(&Tensor::new([2, 301], x.as_slice()[..602].to_vec()), 7);
            assert_eq!(few.values.as_slice(), &once.values.as_slice()[..602], "{corruption:?}");
        }
    }

    #[test]
    #[should_panic(expected = "masking: nu is 1.5, but must lie in [0, 1]")]
    fn a_fraction_above_1_is_refused() {
        let _ = Corruption::masking(1.5);
    }

    #[test]
    fn other_numbers_out_of_range_are_refused() {
        let texts = [
            (
                Corruption::SaltAndPepper { nu: -0.1, low: 0.0, high: 1.0 },
                "salt_and_pepper: nu is -0.1, but must lie in [0, 1]",
            ),
            (Corruption::Masking { nu: f32::NAN }, "masking: nu is NaN, but must lie in [0, 1]"),
            (
                Corruption::SaltAndPepper { nu: 0.1, low: 0.0, high: f32::INFINITY },
                "salt_and_pepper: low is 0 and high is inf, but both must be finite",
            ),
            (
                Corruption::Gaussian { std: -1.0 },
                "gaussian corruption: std is -1, but must be finite and at least 0",
            ),
        ];
        for (corruption, text) in texts {
            assert_eq!(corruption.validate().unwrap_err().to_string(), text);
        }
    }
}
