//! A digit drawn by hand, as MNIST's digits were made.

use ndarray::{Array2, ArrayView2, s};

use super::resize;

/// The side of an image, and of the box that a digit fills.
const SIDE: usize = 28;
const BOX: usize = 20;
/// What counts as ink, of 255.
const INK: u8 = 32;

/// A digit drawn by hand `[rows, cols]`, in any size and either polarity, brought to the form of MNIST's images: `[28, 28]`, white on black.
/// `None` if there is nothing on it.
///
/// The background is the median of the outermost pixels; if it is light, the image is turned into its negative, and the background's grey is
/// subtracted. The darkest ink becomes 255. What is drawn is cut out, brought to fit a box of 20 x 20 pixels with its proportions kept, and laid
/// so that its centre of mass is in the middle, to the nearest pixel, but not beyond the edges (LeCun et al. 1998, section III-A).
pub fn digit(image: ArrayView2<'_, u8>) -> Option<Array2<u8>> {
    let ink = ink(image)?;
    let (rows, cols) = bounds(&ink)?;
    let cut = ink.slice(s![rows.0..=rows.1, cols.0..=cols.1]);
    let (height, width) = cut.dim();
    let longest = height.max(width) as f32;
    let side = |extent: usize| ((BOX as f32 * extent as f32 / longest).round() as usize).max(1);
    let small = resize(cut, [side(height), side(width)]);
    let mut field = Array2::zeros((SIDE, SIDE));
    let (down, across) = centre_of_mass(&small);
    let place = |centre: f32, extent: usize| {
        // The middle of 28 pixels is the edge between the 14th and the 15th.
        let start = (SIDE as f32 / 2.0 - centre).round();
        start.clamp(0.0, (SIDE - extent) as f32) as usize
    };
    let (height, width) = small.dim();
    let (top, left) = (place(down, height), place(across, width));
    field.slice_mut(s![top..top + height, left..left + width]).assign(&small);
    Some(field)
}

/// What is drawn, from 0 (nothing) to 255. `None` if there is nothing.
fn ink(image: ArrayView2<'_, u8>) -> Option<Array2<u8>> {
    let (rows, cols) = image.dim();
    let is_border = |(i, j): (usize, usize)| i == 0 || j == 0 || i + 1 == rows || j + 1 == cols;
    let mut border: Vec<u8> =
        image.indexed_iter().filter(|&(at, _)| is_border(at)).map(|(_, &pixel)| pixel).collect();
    border.sort_unstable();
    let background = *border.get(border.len() / 2)?;
    let is_light = background > 127;
    let ink =
        image.map(
            |&pixel| {
                if is_light { background.saturating_sub(pixel) } else { pixel.saturating_sub(background) }
            },
        );
    let most = *ink.iter().max()?;
    (most > INK).then(|| ink.map(|&x| (f32::from(x) * 255.0 / f32::from(most)).round() as u8))
}

/// The first and the last row and column with ink.
fn bounds(ink: &Array2<u8>) -> Option<((usize, usize), (usize, usize))> {
    let drawn = || ink.indexed_iter().filter(|&(_, &x)| x > INK).map(|(at, _)| at);
    let rows = (drawn().map(|at| at.0).min()?, drawn().map(|at| at.0).max()?);
    let cols = (drawn().map(|at| at.1).min()?, drawn().map(|at| at.1).max()?);
    Some((rows, cols))
}

/// Rows and columns from the upper left corner, a pixel's own place being its middle.
fn centre_of_mass(image: &Array2<u8>) -> (f32, f32) {
    let mass: f32 = image.iter().map(|&x| f32::from(x)).sum();
    let sum = |along: &dyn Fn((usize, usize)) -> usize| -> f32 {
        image.indexed_iter().map(|(at, &x)| (along(at) as f32 + 0.5) * f32::from(x)).sum()
    };
    (sum(&|at| at.0) / mass, sum(&|at| at.1) / mass)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A black bar on white paper, 40 wide and 200 high, in a corner.
    fn bar() -> Array2<u8> {
        let mut image = Array2::from_elem((300, 400), 255);
        image.slice_mut(s![20..220, 32..72]).fill(0);
        image
    }

    #[test]
    fn a_bar_is_fitted_and_centred() {
        let found = digit(bar().view()).unwrap();
        let mut expected = Array2::zeros((28, 28));
        expected.slice_mut(s![4..24, 12..16]).fill(255);
        assert_eq!(found, expected);
    }

    #[test]
    fn polarity_contrast_and_size_make_no_difference() {
        let expected = digit(bar().view()).unwrap();
        let negative = bar().map(|&x| 255 - x);
        let pale = bar().map(|&x| 100 + x / 2);
        for image in [negative, pale, resize(bar().view(), [75, 100])] {
            assert_eq!(digit(image.view()).unwrap(), expected);
        }
    }

    #[test]
    fn the_centre_of_mass_is_in_the_middle() {
        // An L: its box's middle is not its centre of mass.
        let mut image = bar();
        image.slice_mut(s![200..220, 32..180]).fill(0);
        let (down, across) = centre_of_mass(&digit(image.view()).unwrap());
        assert!((down - 14.0).abs() <= 0.5 && (across - 14.0).abs() <= 0.5, "{down} {across}");
    }

    #[test]
    fn an_empty_sheet_has_no_digit() {
        assert_eq!(digit(Array2::from_elem((50, 50), 230).view()), None);
        assert_eq!(digit(Array2::from_elem((0, 50), 230).view()), None);
        assert_eq!(digit(Array2::from_elem((1, 1), 0).view()), None);
    }

    #[test]
    fn mnists_own_form_is_kept() {
        // What has that form already comes out as it went in, if it reaches 255.
        let field = digit(bar().view()).unwrap();
        assert_eq!(digit(field.view()).unwrap(), field);
    }
}
