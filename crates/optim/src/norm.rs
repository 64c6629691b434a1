//! Sums of squares in an order that depends on the length alone.

use layerwise_tensor::threads::{Slices, for_each_part};

/// Numbers that one thread sums at a time, at least.
const PART: usize = 1 << 15;

/// Parts at most: their sums have a place on the stack.
const PARTS: usize = 64;

/// The sum of the squares, in f64. In as many lanes as the widest instructions have, so that it is fast; the lanes are there on every
/// machine, so that it has the same bits.
#[inline(always)]
pub(crate) fn sum_of_squares(x: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(x) * f64::from(x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += f64::from(x) * f64::from(x);
    }
    lanes.iter().sum()
}

/// [`sum_of_squares`] on all threads.
pub(crate) fn sum_of_squares_in_parts(x: &[f32]) -> f64 {
    let mut sums = [0.0; PARTS];
    let part = x.len().div_ceil(PARTS).max(PART);
    for_each_part(
        Parts { x, sums: &mut sums, part },
        part,
        #[inline(always)]
        |Parts { x, sums, .. }| {
            sums[0] = sum_of_squares(x);
        },
    );
    sums.iter().sum()
}

/// Numbers with a place for the sum of every part of them.
struct Parts<'a> {
    x: &'a [f32],
    sums: &'a mut [f64],
    part: usize,
}

impl Slices for Parts<'_> {
    fn common_len(&self) -> usize {
        self.x.len()
    }

    fn cut(self, at: usize) -> (Self, Self) {
        let part = self.part;
        let (x, sums) = (self.x.split_at(at), self.sums.split_at_mut(at / part));
        (Parts { x: x.0, sums: sums.0, part }, Parts { x: x.1, sums: sums.1, part })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_in_the_sum_once() {
        for len in [0, 1, 15, 16, 17, PART - 1, PART, PART + 1, 3 * PART + 5, PART * PARTS + 1] {
            let x: Vec<f32> = (0..len).map(|i| (i % 7) as f32 - 3.0).collect();
            // Whole numbers: exact in any order.
            let expected = x.iter().map(|x| f64::from(x * x)).sum::<f64>();
            assert_eq!((sum_of_squares(&x), sum_of_squares_in_parts(&x)), (expected, expected), "{len}");
        }
    }
}
