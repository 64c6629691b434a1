//! Borders of rectangles, tall or wide.

use rand_xoshiro::Xoshiro256PlusPlus;

use super::SIDE;
use crate::rng;

/// Shorter sides would leave no black between two borders.
const SHORTEST: u32 = 3;
/// Height and width differ by at least this much.
const DIFFERENCE: u32 = 3;

/// Draws the border of a rectangle into a black image: label 1 if it is taller than wide, 0 if wider than tall.
pub(super) fn draw(image: &mut [u8], rng: &mut Xoshiro256PlusPlus) -> u8 {
    let side = |rng: &mut Xoshiro256PlusPlus| SHORTEST + rng::below(rng, SIDE as u32 - SHORTEST + 1);
    let [height, width] = loop {
        let sides = [side(rng), side(rng)];
        if sides[0].abs_diff(sides[1]) >= DIFFERENCE {
            break sides;
        }
    };
    let mut start = |length: u32| rng::below(rng, SIDE as u32 - length + 1) as usize;
    let [top, left] = [start(height), start(width)];
    let [bottom, right] = [top + height as usize - 1, left + width as usize - 1];
    for c in left..=right {
        image[top * SIDE + c] = u8::MAX;
        image[bottom * SIDE + c] = u8::MAX;
    }
    for r in top..=bottom {
        image[r * SIDE + left] = u8::MAX;
        image[r * SIDE + right] = u8::MAX;
    }
    u8::from(height > width)
}
