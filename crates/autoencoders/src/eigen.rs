//! Eigenvalues and eigenvectors of a symmetric matrix, in f64.

/// Iterations per eigenvalue that are never needed for finite matrices (two are usual).
const MOST_ITERATIONS: usize = 100;

/// What [`symmetric`] gives: eigenvalues in descending order, and a row for the eigenvector of each.
pub(crate) struct Eigen {
    pub values: Vec<f64>,
    /// `[n, n]`, row by row.
    pub vectors: Vec<f64>,
}

/// The eigenvalues and eigenvectors of a symmetric matrix `[n, n]` with finite elements.
///
/// Householder's reflections make it tridiagonal, implicit QL steps with Wilkinson's shift make it diagonal (Wilkinson and
/// Reinsch 1971, contributions II/2 and II/4; Golub and Van Loan, chapter 8). About `6 n^3` operations, all along rows.
pub(crate) fn symmetric(matrix: Vec<f64>, n: usize) -> Eigen {
    assert_eq!(matrix.len(), n * n, "a square matrix");
    let Tridiagonal { mut diagonal, mut beside, mut vectors } = tridiagonalise(matrix, n);
    diagonalise(&mut diagonal, &mut beside, &mut vectors);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| diagonal[b].total_cmp(&diagonal[a]));
    Eigen {
        values: order.iter().map(|&i| diagonal[i]).collect(),
        vectors: order.iter().flat_map(|&i| &vectors[i * n..(i + 1) * n]).copied().collect(),
    }
}

/// `A = Q T Q^T`
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// Element `i` is `T[i, i + 1]`; the last is 0.
    beside: Vec<f64>,
    /// `Q^T`: a row for each column of `Q`.
    vectors: Vec<f64>,
}

/// Reflects the rows and columns below `k`, for each `k`, so that column `k` has nothing below the diagonal's neighbour.
fn tridiagonalise(mut a: Vec<f64>, n: usize) -> Tridiagonal {
    let mut beside = vec![0.0; n];
    // The reflections `1 - 2 v v^T`, as unit vectors.
    let mut reflections: Vec<Vec<f64>> = Vec::new();
    let mut w = vec![0.0; n];
    for k in 0..n.saturating_sub(2) {
        let mut v = a[k * n + k + 1..(k + 1) * n].to_vec();
        let head = v[0];
        let length = norm(&v);
        // The sign that adds up, so that no digits cancel.
        beside[k] = if head > 0.0 { -length } else { length };
        v[0] = head - beside[k];
        let scale = norm(&v);
        if scale == 0.0 {
            v.fill(0.0);
        } else {
            v.iter_mut().for_each(|x| *x /= scale);
        }
        // A' = A - v w^T - w v^T with w = 2 (A v - (v^T A v) v).
        let w = &mut w[..v.len()];
        for (i, w) in w.iter_mut().enumerate() {
            *w = 2.0 * dot(&a[(k + 1 + i) * n + k + 1..(k + 2 + i) * n], &v);
        }
        let along = dot(w, &v);
        w.iter_mut().zip(&v).for_each(|(w, v)| *w -= along * v);
        for i in 0..v.len() {
            let row = &mut a[(k + 1 + i) * n + k + 1..(k + 2 + i) * n];
            for ((a, v_j), w_j) in row.iter_mut().zip(&v).zip(w.iter()) {
                *a -= v[i] * w_j + w[i] * v_j;
            }
        }
        reflections.push(v);
    }
    if n >= 2 {
        beside[n - 2] = a[(n - 2) * n + n - 1];
    }
    let diagonal = (0..n).map(|i| a[i * n + i]).collect();
    Tridiagonal { diagonal, beside, vectors: transposed(&product(&reflections, n), n) }
}

/// The product of the reflections, `[n, n]`. Number `k` leaves the first `k + 1` coordinates as they are.
fn product(reflections: &[Vec<f64>], n: usize) -> Vec<f64> {
    let mut q = vec![0.0; n * n];
    (0..n).for_each(|i| q[i * n + i] = 1.0);
    let mut sums = vec![0.0; n];
    for (k, v) in reflections.iter().enumerate().rev() {
        // Only the part below and to the right of k differs from the identity.
        let sums = &mut sums[..v.len()];
        sums.fill(0.0);
        for (i, &v) in v.iter().enumerate() {
            let row = &q[(k + 1 + i) * n + k + 1..(k + 2 + i) * n];
            sums.iter_mut().zip(row).for_each(|(sum, q)| *sum += v * q);
        }
        for (i, &v) in v.iter().enumerate() {
            let row = &mut q[(k + 1 + i) * n + k + 1..(k + 2 + i) * n];
            row.iter_mut().zip(sums.iter()).for_each(|(q, sum)| *q -= 2.0 * v * sum);
        }
    }
    q
}

fn transposed(a: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|i| a[i % n * n + i / n]).collect()
}

/// Rotates pairs of neighbours until nothing is left beside the diagonal. `vectors` has a row per eigenvector.
fn diagonalise(diagonal: &mut [f64], beside: &mut [f64], vectors: &mut [f64]) {
    let n = diagonal.len();
    for first in 0..n {
        for _ in 0..MOST_ITERATIONS {
            // The block from `first` to the next place where nothing is left beside the diagonal.
            let is_split =
                |i: &usize| beside[*i].abs() <= f64::EPSILON * (diagonal[*i].abs() + diagonal[*i + 1].abs());
            let last = (first..n - 1).find(is_split).unwrap_or(n - 1);
            if last == first {
                break;
            }
            ql_step(diagonal, beside, vectors, first, last);
        }
    }
}

/// One implicit QL step on the block `first..=last`, from its end to its beginning.
fn ql_step(diagonal: &mut [f64], beside: &mut [f64], vectors: &mut [f64], first: usize, last: usize) {
    let n = diagonal.len();
    let slope = (diagonal[first + 1] - diagonal[first]) / (2.0 * beside[first]);
    let shift = diagonal[first] - beside[first] / (slope + slope.hypot(1.0).copysign(slope));
    let (mut sine, mut cosine, mut carried) = (1.0, 1.0, 0.0);
    let mut g = diagonal[last] - shift;
    for i in (first..last).rev() {
        let (bulge, b) = (sine * beside[i], cosine * beside[i]);
        let length = bulge.hypot(g);
        beside[i + 1] = length;
        if length == 0.0 {
            // The block has fallen apart in the middle.
            diagonal[i + 1] -= carried;
            beside[last] = 0.0;
            return;
        }
        (sine, cosine) = (bulge / length, g / length);
        g = diagonal[i + 1] - carried;
        let r = (diagonal[i] - g) * sine + 2.0 * cosine * b;
        carried = sine * r;
        diagonal[i + 1] = g + carried;
        g = cosine * r - b;
        let (low, high) = vectors[i * n..(i + 2) * n].split_at_mut(n);
        for (x, y) in low.iter_mut().zip(high) {
            (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
        }
    }
    diagonal[first] -= carried;
    beside[first] = g;
    beside[last] = 0.0;
}

/// Eight sums side by side, so that the processor need not wait for each addition; in a fixed order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_whole.iter().zip(b_whole) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

fn norm(v: &[f64]) -> f64 {
    // Scaled, so that no square overflows or vanishes.
    let largest = v.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if largest == 0.0 { 0.0 } else { largest * v.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(matrix: &[f64], n: usize) -> Eigen {
        let eigen = symmetric(matrix.to_vec(), n);
        let scale = norm(matrix).max(f64::MIN_POSITIVE);
        for (i, &value) in eigen.values.iter().enumerate() {
            let vector = &eigen.vectors[i * n..(i + 1) * n];
            for (row, &v) in matrix.chunks_exact(n).zip(vector) {
                assert!((dot(row, vector) - value * v).abs() < 1e-13 * scale, "vector {i} of {n}");
            }
            for j in 0..=i {
                let product = dot(vector, &eigen.vectors[j * n..(j + 1) * n]);
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12, "vectors {i} and {j} of {n}");
            }
        }
        assert!(eigen.values.is_sorted_by(|a, b| a >= b));
        eigen
    }

    fn random(n: usize) -> Vec<f64> {
        let x = |i: usize, j: usize| ((i * 131 + j * 37) as f64 * 0.711).sin() + ((i + j) as f64).cos();
        (0..n * n).map(|at| x(at / n, at % n) + x(at % n, at / n)).collect()
    }

    #[test]
    fn eigenvectors_are_orthonormal_and_only_scaled_by_the_matrix() {
        for n in [1, 2, 3, 4, 7, 16, 33, 60] {
            check(&random(n), n);
        }
    }

    #[test]
    fn known_values() {
        let eigen = check(&[2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0], 3);
        for (found, expected) in eigen.values.iter().zip([2.0 + 2.0_f64.sqrt(), 2.0, 2.0 - 2.0_f64.sqrt()]) {
            assert!((found - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn degenerate_matrices() {
        check(&[0.0; 25], 5);
        let identity: Vec<f64> = (0..36).map(|i| f64::from(u8::from(i % 7 == 0))).collect();
        assert_eq!(check(&identity, 6).values, [1.0; 6]);
        // Rank 1, diagonal, and of very different sizes.
        let ones = check(&[1.0; 64], 8);
        assert!((ones.values[0] - 8.0).abs() < 1e-13 && ones.values[1].abs() < 1e-13);
        let diagonal: Vec<f64> = (0..25).map(|i| if i % 6 == 0 { f64::from(i) } else { 0.0 }).collect();
        assert_eq!(check(&diagonal, 5).values, [24.0, 18.0, 12.0, 6.0, 0.0]);
        let graded: Vec<f64> =
            random(9).iter().enumerate().map(|(i, x)| x * 10_f64.powi(-((i / 9 + i % 9) as i32))).collect();
        check(&graded, 9);
        check(&random(6).iter().map(|x| x * 1e-200).collect::<Vec<_>>(), 6);
    }
}
