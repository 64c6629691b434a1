//! White regions, convex or not.

use rand_xoshiro::Xoshiro256PlusPlus;

use super::SIDE;
use crate::rng;

/// How a convex set is drawn: see [`Recipe::intersection`].
struct Recipe {
    /// At least this many half-planes.
    least: u32,
    /// From there on, the probability that there is no further one.
    stop: f64,
    /// At least this many pixels.
    pixels: u32,
}

/// A convex region.
///
/// The authors' description of their files gives the geometric distributions (0.195 here, 0.07 for the parts), the
/// numbers of pixels, and 2 to 4 parts, but not how a half-plane is placed, and says that the two classes have the
/// same mean number of white pixels. With half-planes as placed here, that takes the numbers below: both means are 296
/// of 784 pixels, to about one pixel. Counting white pixels must not be a way to tell the classes apart.
const CONVEX: Recipe = Recipe { least: 1, stop: 0.31, pixels: 19 };
/// A convex part of a region that is not.
const PART: Recipe = Recipe { least: 3, stop: 0.07, pixels: 10 };

/// Draws a region into a black image: label 1 if it is convex, 0 if not, with equal probability.
pub(super) fn draw(image: &mut [u8], rng: &mut Xoshiro256PlusPlus) -> u8 {
    let label = rng::below(rng, 2) as u8;
    let region = if label == 1 { convex(rng) } else { non_convex(rng) };
    region.paint(image);
    label
}

fn convex(rng: &mut Xoshiro256PlusPlus) -> Region {
    loop {
        let region = CONVEX.draw(rng);
        // A sliver narrower than a pixel falls into pieces.
        if region.is_convex() {
            return region;
        }
    }
}

fn non_convex(rng: &mut Xoshiro256PlusPlus) -> Region {
    loop {
        let mut region = Region::EMPTY;
        for _ in 0..2 + rng::below(rng, 3) {
            region.add(&PART.draw(rng));
        }
        if !region.is_convex() {
            return region;
        }
    }
}

impl Recipe {
    /// An intersection that is large enough.
    fn draw(&self, rng: &mut Xoshiro256PlusPlus) -> Region {
        loop {
            if let Some(region) = self.intersection(rng) {
                return region;
            }
        }
    }

    /// The image cut by random half-planes: the least number, and a geometric number of further ones.
    fn intersection(&self, rng: &mut Xoshiro256PlusPlus) -> Option<Region> {
        let mut region = Region::FULL;
        for planes in 1.. {
            region.cut(rng);
            // More half-planes would not give pixels back.
            if region.pixels() < self.pixels {
                return None;
            }
            if planes >= self.least && rng::unit(rng) < self.stop {
                break;
            }
        }
        Some(region)
    }
}

/// A set of pixels: one word per row, one bit per column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Region([u32; SIDE]);

impl Region {
    const EMPTY: Self = Self([0; SIDE]);
    const FULL: Self = Self([(1 << SIDE) - 1; SIDE]);

    fn pixels(&self) -> u32 {
        self.0.iter().map(|row| row.count_ones()).sum()
    }

    fn add(&mut self, other: &Self) {
        for (row, other) in self.0.iter_mut().zip(&other.0) {
            *row |= other;
        }
    }

    fn paint(&self, image: &mut [u8]) {
        for (line, row) in image.chunks_mut(SIDE).zip(self.0) {
            for (c, pixel) in line.iter_mut().enumerate() {
                *pixel = if row >> c & 1 == 1 { u8::MAX } else { 0 };
            }
        }
    }

    /// Keeps the pixels whose centres are in a half-plane whose edge passes through a uniform point of the image at a
    /// uniform angle.
    fn cut(&mut self, rng: &mut Xoshiro256PlusPlus) {
        // Pixel centres are at whole numbers, so the image reaches from -0.5 to 27.5.
        let edge = |rng: &mut Xoshiro256PlusPlus| SIDE as f64 * rng::unit(rng) - 0.5;
        let [x, y] = [edge(rng), edge(rng)];
        let [a, b] = rng::direction(rng);
        for (r, row) in self.0.iter_mut().enumerate() {
            if *row == 0 {
                continue;
            }
            let offset = b * (r as f64 - y);
            let inside = (0..SIDE).filter(|&c| a * (c as f64 - x) + offset >= 0.0);
            *row &= inside.fold(0, |row, c| row | 1 << c);
        }
    }

    /// Whether the pixels hang together (sides or corners) and every pixel whose centre is in the convex hull of their
    /// centres is one of them. In integers: exact.
    fn is_convex(&self) -> bool {
        let Some(runs) = self.runs() else { return false };
        let touching = runs.windows(2).all(|pair| {
            let [(left, right), (next_left, next_right)] = [pair[0], pair[1]];
            next_left <= right + 1 && left <= next_right + 1
        });
        touching && !has_dent(runs.iter().map(|run| run.0)) && !has_dent(runs.iter().map(|run| -run.1))
    }

    /// The first and last column of each row from the first row with a pixel to the last; `None` if there is no pixel,
    /// or a row in between is empty or has a gap.
    fn runs(&self) -> Option<Vec<(i32, i32)>> {
        let first = self.0.iter().position(|&row| row != 0)?;
        let last = self.0.iter().rposition(|&row| row != 0)?;
        self.0[first..=last]
            .iter()
            .map(|&row| {
                let (left, right) = (row.trailing_zeros() as i32, 31 - row.leading_zeros() as i32);
                (row != 0 && row.count_ones() as i32 == right - left + 1).then_some((left, right))
            })
            .collect()
    }
}

/// Whether the pixel before the first one of some row is on or inside the line from the first pixel of a row above to
/// that of a row below.
fn has_dent(first: impl Iterator<Item = i32>) -> bool {
    let first: Vec<i32> = first.collect();
    let line = |i: usize, j: usize, k: usize| {
        let [i_row, j_row, k_row] = [i as i32, j as i32, k as i32];
        (first[j] - 1 - first[i]) * (k_row - i_row) >= (first[k] - first[i]) * (j_row - i_row)
    };
    (0..first.len()).any(|k| (0..k).any(|i| (i + 1..k).any(|j| line(i, j, k))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a drawing in the image's upper left corner.
    fn region(rows: &[&str]) -> Region {
        let mut region = Region::EMPTY;
        for (word, row) in region.0.iter_mut().zip(rows) {
            *word = row.bytes().enumerate().filter(|&(_, b)| b == b'#').fold(0, |w, (c, _)| w | 1 << c);
        }
        region
    }

    #[test]
    fn regions_with_every_pixel_of_their_hull_are_convex() {
        assert!(Region::FULL.is_convex());
        assert!(region(&["", "  #"]).is_convex());
        assert!(region(&["###", "###"]).is_convex());
        assert!(region(&["  #  ", " ### ", "#####", " ### ", "  #  "]).is_convex());
        assert!(region(&["#", " #", "  #"]).is_convex(), "corners touch");
        assert!(region(&["##   ", "  ## ", "    #"]).is_convex(), "a digital line");
        assert!(region(&["#######", " ######", "   ####", "     ##"]).is_convex());
    }

    #[test]
    fn dents_holes_gaps_and_pieces_are_not() {
        assert!(!Region::EMPTY.is_convex());
        assert!(!region(&["# #"]).is_convex(), "gap in a row");
        assert!(!region(&["#", "", "#"]).is_convex(), "gap between rows");
        assert!(!region(&["###", "# #", "###"]).is_convex(), "hole");
        assert!(!region(&["##", "#", "##"]).is_convex(), "dent on the right");
        assert!(!region(&["##", " #", "##"]).is_convex(), "dent on the left");
        assert!(!region(&["#  ", "#  ", "###"]).is_convex(), "corner: (1, 1) is on the hull's edge");
        assert!(!region(&["#", "  #"]).is_convex(), "two pieces, although no centre lies between them");
        assert!(!region(&["#####", " ####", "   ##", "   ##", "  ###"]).is_convex(), "dent across four rows");
    }

    #[test]
    fn both_classes_are_equally_white() {
        let mut rng = rng::stream(5);
        let n = 20_000;
        let mut mean = |draw: fn(&mut Xoshiro256PlusPlus) -> Region| {
            (0..n).map(|_| f64::from(draw(&mut rng).pixels())).sum::<f64>() / f64::from(n)
        };
        let means = [mean(convex), mean(non_convex)];
        // Standard error of the difference 1.9.
        assert!((means[0] - means[1]).abs() < 8.0, "{means:?}");
    }
}
