use rand::rand_core::impls::fill_bytes_via_next;
use rand::{RngCore, SeedableRng};

use super::Stream;
use super::distribution::{Normal, Uniform};
use super::philox::philox_blocks;

/// Where an [`Rng`] takes its own numbers from: above every block that a [`Stream`] reaches, which are less than 2^62.
const FIRST_BLOCK: u64 = 1 << 63;

/// A sequence of random numbers from a seed; also the root of [`Stream`]s and of further generators.
///
/// The same seed gives the same numbers on every machine, in this version and the next ones. It implements
/// [`rand::RngCore`] and [`rand::SeedableRng`], so that every distribution of `rand_distr` and `ndarray_rand` draws
/// from it:
///
/// ```
/// use layerwise_tensor::Rng;
/// use ndarray::Array2;
/// use ndarray_rand::{RandomExt, rand_distr::StandardNormal};
///
/// let mut rng = Rng::seed(42);
/// let weights: Array2<f32> = Array2::random_using((3, 4), StandardNormal, &mut rng);
/// let again: Array2<f32> = Array2::random_using((3, 4), StandardNormal, &mut Rng::seed(42));
/// assert_eq!(weights, again);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rng {
    state: RngState,
}

/// All there is to an [`Rng`]: what a checkpoint stores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RngState {
    /// The seed.
    pub seed: u64,
    /// How many 64-bit numbers have been drawn.
    pub position: u64,
}

impl Rng {
    /// A generator at the beginning of its sequence. Every seed is as good as any other.
    pub fn seed(seed: u64) -> Self {
        Self::from_state(RngState { seed, position: 0 })
    }

    /// The generator that continues where [`state`](Rng::state) was read.
    pub fn from_state(state: RngState) -> Self {
        Self { state }
    }

    /// The seed and the position.
    pub fn state(&self) -> RngState {
        self.state
    }

    /// The next 64 bits. All other draws (also those of `rand`) are made of these, one or more each.
    pub fn next_u64(&mut self) -> u64 {
        let [low, high] = self.words();
        u64::from(low) | u64::from(high) << 32
    }

    /// A number in [low, high); `low` if they are equal. One draw.
    ///
    /// # Panics
    /// If `low > high`, or one of them or their difference is not finite.
    #[track_caller]
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        Uniform::new(low, high).value(self.words()[0])
    }

    /// A normal variate (Box and Muller, 1958), at most 6.67 `std` away from `mean`. One draw.
    ///
    /// # Panics
    /// If `mean` is not finite, or `std` is negative or not finite. A `std` of 0 gives `mean`.
    #[track_caller]
    pub fn normal(&mut self, mean: f32, std: f32) -> f32 {
        let distribution = Normal::new(mean, std);
        let [radius, angle] = self.words();
        distribution.pair(radius, angle).0
    }

    /// A stream of this generator's seed. It depends on the seed and `id` alone, not on what has been drawn: the same
    /// `id` is the same stream.
    pub fn stream(&self, id: u64) -> Stream {
        Stream { seed: self.state.seed, stream: id }
    }

    /// A new generator, seeded with the next draw of this one. Every call gives another.
    pub fn split(&mut self) -> Rng {
        Rng::seed(self.next_u64())
    }

    fn words(&mut self) -> [u32; 2] {
        let block = FIRST_BLOCK.wrapping_add(self.state.position);
        self.state.position = self.state.position.wrapping_add(1);
        let [[low], [high], _, _] = philox_blocks(self.state.seed, 0, block);
        [low, high]
    }
}

impl RngCore for Rng {
    fn next_u32(&mut self) -> u32 {
        self.words()[0]
    }

    fn next_u64(&mut self) -> u64 {
        Rng::next_u64(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        fill_bytes_via_next(self, bytes);
    }
}

impl SeedableRng for Rng {
    type Seed = [u8; 8];

    fn from_seed(seed: [u8; 8]) -> Self {
        Rng::seed(u64::from_le_bytes(seed))
    }

    /// [`Rng::seed`]
    fn seed_from_u64(seed: u64) -> Self {
        Rng::seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array;
    use ndarray_rand::RandomExt;
    use ndarray_rand::rand_distr;

    #[test]
    fn the_sequence_is_stable() {
        // `golden.py`
        let mut rng = Rng::seed(42);
        let draws = [4_715_622_552_460_234_781, 14_159_118_464_684_228_720, 11_791_357_832_438_035_623];
        assert_eq!([rng.next_u64(), rng.next_u64(), rng.next_u64()], draws);
        assert_eq!((rng.uniform(-1.0, 1.0), rng.normal(0.0, 1.0)), (0.080_839_87, -0.415_524_4));
    }

    #[test]
    fn a_restored_state_continues() {
        let mut rng = Rng::seed(7);
        rng.next_u64();
        rng.normal(0.0, 1.0);
        let mut restored = Rng::from_state(rng.state());
        assert_eq!(rng.state(), RngState { seed: 7, position: 2 });
        assert_eq!(rng.next_u64(), restored.next_u64());
    }

    #[test]
    fn streams_ignore_the_position_and_splits_do_not() {
        let mut rng = Rng::seed(1);
        let before = rng.stream(3);
        let (first, second) = (rng.split(), rng.split());
        assert_eq!(before, rng.stream(3));
        assert_eq!(before, Stream { seed: 1, stream: 3 });
        assert_ne!(first, second);
        assert_ne!(first.state().seed, 1);
    }

    #[test]
    fn the_ways_to_seed_agree() {
        assert_eq!(Rng::seed(42), Rng::seed_from_u64(42));
        assert_eq!(Rng::seed(42), Rng::from_seed(42u64.to_le_bytes()));
    }

    #[test]
    fn rand_and_ndarray_rand_draw_from_it() {
        let draw = || {
            let mut rng = Rng::seed(42);
            let normal = rand_distr::Normal::new(2.0f32, 0.5).unwrap();
            (Array::random_using((200, 300), normal, &mut rng), rand::Rng::random_range(&mut rng, 0..10))
        };
        let (array, integer) = draw();
        assert_eq!((array.clone(), integer), draw());
        assert_eq!(array.shape(), [200, 300]);
        assert!((array.mean().unwrap() - 2.0).abs() < 0.01);
        assert!((array.std(0.0) - 0.5).abs() < 0.01);
        assert!((0..10).contains(&integer));
    }

    #[test]
    fn bytes_are_those_of_the_draws() {
        let mut bytes = [0; 11];
        Rng::seed(3).fill_bytes(&mut bytes);
        let mut rng = Rng::seed(3);
        assert_eq!(bytes[..8], rng.next_u64().to_le_bytes());
        assert_eq!(bytes[8..], rng.next_u32().to_le_bytes()[..3]);
    }

    #[test]
    fn draws_and_streams_share_no_word() {
        let mut rng = Rng::seed(42);
        let stream = rng.stream(0);
        let words: Vec<u32> = (0..1000).map(|i| stream.uint(i)).collect();
        let draws = (0..500).map(|_| rng.next_u64() as u32);
        assert_eq!(draws.filter(|draw| words.contains(draw)).count(), 0);
    }

    #[test]
    #[should_panic(expected = "normal: std is -1, but must be finite and at least 0")]
    fn a_negative_std_is_refused() {
        Rng::seed(0).normal(0.0, -1.0);
    }
}
