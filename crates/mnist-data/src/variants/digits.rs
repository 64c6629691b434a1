//! The pool of digits, and what is done to them.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::RngCore;

use super::{PIXELS, SIDE, Split, Variant, VariantSizes};
use crate::{DataError, Mnist, rng};

/// Training and test images of MNIST together, in the order of a seed, cut in three.
pub(super) struct Pool {
    mnist: &'static Mnist,
    order: Vec<u32>,
    sizes: VariantSizes,
}

impl Pool {
    pub(super) fn shuffled(variant: Variant, sizes: VariantSizes, seed: u64) -> Result<Self, DataError> {
        let mnist = Mnist::embedded();
        let available = mnist.train.len() + mnist.test.len();
        let VariantSizes { train, validation, test } = sizes;
        if train.saturating_add(validation).saturating_add(test) > available {
            return Err(DataError::PoolTooSmall { variant, sizes, available });
        }
        let mut order: Vec<u32> = (0..available as u32).collect();
        rng::shuffle(&mut rng::stream(seed), &mut order);
        Ok(Self { mnist, order, sizes })
    }

    /// Pixels and label of a digit: training images from the front of the order, validation images from its end, test
    /// images before those. Only the test set moves when another set changes its size, and then only with validation:
    /// who tries things on a smaller test or training set has seen no image of the final test.
    pub(super) fn digit(&self, split: Split, index: usize) -> (&[u8], u8) {
        let last = self.order.len() - 1;
        let position = match split {
            Split::Train => index,
            Split::Validation => last - index,
            Split::Test => last - self.sizes.validation - index,
        };
        let number = self.order[position] as usize;
        let Mnist { train, test } = self.mnist;
        let (set, row) = if number < train.len() { (train, number) } else { (test, number - train.len()) };
        (&set.pixels()[row * PIXELS..][..PIXELS], set.labels()[row])
    }
}

/// Black pixels on each side of a digit that is turned: the corners of the image reach 5.6 pixels beyond its sides.
const MARGIN: usize = 7;
const PADDED: usize = SIDE + 2 * MARGIN;

/// The digit turned counter-clockwise about the image's centre by the angle with `[cos, sin]`.
///
/// Each pixel is the value at the place it is turned from, interpolated linearly between the four centres around it;
/// outside the image everything is 0.
pub(super) fn rotate(digit: &[u8], [cos, sin]: [f64; 2], out: &mut [u8]) {
    let mut padded = [0; PADDED * PADDED];
    for (row, line) in padded.chunks_mut(PADDED).skip(MARGIN).zip(digit.chunks(SIDE)) {
        row[MARGIN..][..SIDE].copy_from_slice(line);
    }
    let centre = (SIDE - 1) as f64 / 2.0;
    let padded_centre = centre + MARGIN as f64;
    for (i, pixel) in out.iter_mut().enumerate() {
        let [x, y] = [(i % SIDE) as f64 - centre, centre - (i / SIDE) as f64];
        let column = padded_centre + cos * x + sin * y;
        let row = padded_centre + sin * x - cos * y;
        // A value from 0 to 255, and the cast cuts off: half up.
        *pixel = (interpolate(&padded, row, column) + 0.5) as u8;
    }
}

/// The value between pixel centres; both coordinates are those of the centres and at least 0.
fn interpolate(padded: &[u8; PADDED * PADDED], row: f64, column: f64) -> f64 {
    // Casts cut off, as `floor` would, which is a call on processors of the oldest kind.
    let [top, left] = [row as usize, column as usize];
    let [down, right] = [row - top as f64, column - left as f64];
    let at = |r: usize, c: usize| f64::from(padded[r * PADDED + c]);
    let upper = at(top, left) * (1.0 - right) + at(top, left + 1) * right;
    let lower = at(top + 1, left) * (1.0 - right) + at(top + 1, left + 1) * right;
    upper * (1.0 - down) + lower * down
}

/// The digit before uniform noise from 0 to 255: each pixel is the larger of the two.
///
/// Noise only where the digit is 0 would leave its faint outermost pixels as a dark outline, which no background has.
pub(super) fn add_noise(digit: &[u8], rng: &mut Xoshiro256PlusPlus, out: &mut [u8]) {
    for (digit, out) in digit.chunks(8).zip(out.chunks_mut(8)) {
        for ((&value, pixel), noise) in digit.iter().zip(out).zip(rng.next_u64().to_le_bytes()) {
            *pixel = value.max(noise);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: [f64; 2] = [0.0, 1.0];

    fn turned(digit: &[u8], direction: [f64; 2]) -> Vec<u8> {
        let mut out = vec![0; PIXELS];
        rotate(digit, direction, &mut out);
        out
    }

    fn direction(angle: f64) -> [f64; 2] {
        [angle.cos(), angle.sin()]
    }

    fn mass(image: &[u8]) -> f64 {
        image.iter().map(|&pixel| f64::from(pixel)).sum()
    }

    #[test]
    fn no_turn_changes_nothing() {
        let noise: Vec<u8> = (0..PIXELS).map(|i| (i * i % 251) as u8).collect();
        assert_eq!(turned(&noise, [1.0, 0.0]), noise);
    }

    #[test]
    fn a_quarter_turn_moves_pixels_exactly() {
        let noise: Vec<u8> = (0..PIXELS).map(|i| (i * i % 251) as u8).collect();
        // Counter-clockwise: the last column becomes the first row.
        let expected: Vec<u8> = (0..PIXELS).map(|i| noise[(i % SIDE) * SIDE + SIDE - 1 - i / SIDE]).collect();
        assert_eq!(turned(&noise, QUARTER), expected);
        let four = (0..4).fold(noise.clone(), |image, _| turned(&image, QUARTER));
        assert_eq!(four, noise);
    }

    #[test]
    fn an_eighth_turn_interpolates_between_the_four_pixels_around() {
        let mut one = vec![0; PIXELS];
        one[13 * SIDE + 13] = 200; // centre at (-0.5, 0.5), which turns to (-0.7071, 0)
        let turned = turned(&one, direction(std::f64::consts::FRAC_PI_4));
        // (-0.5, 0.5) comes from (0, 0.7071): half of 1 - 0.2071 of the pixel.
        assert_eq!(turned[13 * SIDE + 13], (200.0_f64 * 0.5 * (1.0 - 0.207_106_78)).round() as u8);
        assert_eq!(turned[13 * SIDE + 13], turned[14 * SIDE + 13]);
        assert_eq!(turned[13 * SIDE + 14], 0);
    }

    #[test]
    fn a_turn_keeps_the_mass() {
        let train = &Mnist::embedded().train;
        for (i, digit) in train.pixels().chunks(PIXELS).take(500).enumerate() {
            let turned = turned(digit, direction(i as f64));
            let ratio = mass(&turned) / mass(digit);
            assert!((ratio - 1.0).abs() < 0.06, "image {i}: {ratio}");
        }
    }
}
