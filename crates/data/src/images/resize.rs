//! Other sizes.

use ndarray::{Array2, ArrayView2};

/// The image in another size `[rows, cols]`: each pixel is the mean of the area that it covers in the original, parts of pixels counted by
/// their share. Proportions are not kept.
///
/// # Panics
/// If one of the sizes is 0.
#[track_caller]
pub fn resize(image: ArrayView2<'_, u8>, size: [usize; 2]) -> Array2<u8> {
    let (rows, cols) = image.dim();
    assert!(
        rows * cols > 0 && size[0] * size[1] > 0,
        "resize: from [{rows}, {cols}] to {size:?}, expected at least one row and column"
    );
    // First the rows, then the columns: the mean over an area is a mean of means.
    let (down, across) = (shares(rows, size[0]), shares(cols, size[1]));
    let wide = Array2::from_shape_fn((size[0], cols), |(i, j)| {
        down[i].iter().map(|&(row, share)| share * f32::from(image[[row, j]])).sum::<f32>()
    });
    Array2::from_shape_fn((size[0], size[1]), |(i, j)| {
        across[j].iter().map(|&(col, share)| share * wide[[i, col]]).sum::<f32>().round() as u8
    })
}

/// For each of `to` equal parts of a line of `from` pixels, the pixels in it and the share of the part that each covers.
fn shares(from: usize, to: usize) -> Vec<Vec<(usize, f32)>> {
    let part = |i: usize| {
        // In units of 1 / to of a pixel: exact.
        let (start, end) = (i * from, (i + 1) * from);
        (start / to..end.div_ceil(to))
            .map(|pixel| {
                let covered = end.min((pixel + 1) * to) - start.max(pixel * to);
                (pixel, covered as f32 / from as f32)
            })
            .collect()
    };
    (0..to).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_pixel_is_the_mean_of_its_area() {
        let image = array![[0_u8, 100, 200], [40, 60, 80]];
        assert_eq!(resize(image.view(), [2, 3]), image);
        assert_eq!(resize(image.view(), [1, 1]), array![[80]]);
        // Columns of one and a half pixels each.
        assert_eq!(resize(image.view(), [2, 2]), array![[33, 167], [47, 73]]);
        assert_eq!(resize(array![[7_u8, 9]].view(), [2, 4]), array![[7, 7, 9, 9], [7, 7, 9, 9]]);
    }
}
