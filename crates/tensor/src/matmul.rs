//! The matrix product and the linear map built on it.

use std::fmt;

use crate::kernels::{
    self, Epilogue, Isa, Kernel, NoEpilogue, Operand, Output, Simd, dispatch, gemm, gemm_in_parts,
};
use crate::threads::Slices;
use crate::{Accum, Activation};

/// A borrowed row-major matrix, or the transpose of one.
///
/// ```
/// use layerwise_tensor::{Accum, Mat, matmul};
/// let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.0, -1.0]);
/// let mut out = [0.0; 2];
/// matmul(Mat::new(&a, 2, 3), Mat::new(&b, 1, 3).t(), &mut out, Accum::Replace); // [2, 3] x [3, 1]
/// assert_eq!(out, [-2.0, -2.0]);
/// ```
#[derive(Clone, Copy)]
pub struct Mat<'a>(Operand<'a>);

impl<'a> Mat<'a> {
    /// The matrix `[rows, cols]` stored row by row in `data`.
    ///
    /// # Panics
    /// If `data` does not have `rows * cols` elements.
    #[track_caller]
    #[inline]
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        assert!(
            data.len() == rows * cols,
            "a matrix [{rows}, {cols}] has {} elements, found {}",
            rows * cols,
            data.len()
        );
        Mat(Operand { data, rows, cols, row_stride: cols, col_stride: 1 })
    }

    /// The transpose, which reads the same numbers in another order.
    #[inline]
    pub fn t(self) -> Self {
        let Operand { data, rows, cols, row_stride, col_stride } = self.0;
        Mat(Operand { data, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride })
    }

    /// The number of rows.
    #[inline]
    pub fn rows(self) -> usize {
        self.0.rows
    }

    /// The number of columns.
    #[inline]
    pub fn cols(self) -> usize {
        self.0.cols
    }
}

impl fmt::Debug for Mat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.rows(), self.cols())
    }
}

/// `out [m, n] (+)= a [m, k] b [k, n]`, row-major, on all threads where the work is worth it.
///
/// Each element is one chain of multiply-adds in the order of `k`, fused where the machine can. Zeros are left out where that is faster, as in the
/// batches of images of a first layer: that changes no bit of a result whose other factors are finite (infinity or NaN times such a zero is
/// 0 here).
///
/// # Panics
/// If the shapes do not fit, or `out` does not have `m * n` elements.
#[track_caller]
pub fn matmul(a: Mat<'_>, b: Mat<'_>, out: &mut [f32], accum: Accum) {
    check("matmul", a, b, out.len());
    gemm(Isa::best(), a.0, b.0, Output { data: out, accum }, &NoEpilogue);
}

/// Whether [`matmul_in_parts`] can compute `a b`: there are many rows, `b` is not transposed, and all of it stays in a core's second-level cache.
///
/// # Panics
/// If the shapes do not fit.
#[track_caller]
pub fn matmul_has_parts(a: Mat<'_>, b: Mat<'_>) -> bool {
    check("matmul_has_parts", a, b, a.rows() * b.cols());
    kernels::has_parts(Isa::best(), a.0, b.0)
}

/// Computes `a [m, k] b [k, n]` to use it up: calls `body` with a few rows of the product after the other, on any thread, and with the part of `slices` that
/// belongs to them. The product never leaves the cache; written as a whole and read again, a large one goes through memory. `body` may overwrite what it is given.
///
/// The numbers are those of [`matmul`]. As in [`threads::for_each_part`](crate::threads::for_each_part), `body` is compiled for the widest instructions of the
/// machine as far as it is inlined.
///
/// ```
/// use layerwise_tensor::{Mat, matmul_in_parts};
/// let (x, y) = ([1.0; 100], [1.0, 10.0]);
/// let mut sum = [0.5; 200];
/// matmul_in_parts(Mat::new(&x, 100, 1), Mat::new(&y, 1, 2), &mut sum[..], |product, sum| {
///     sum.iter_mut().zip(product).for_each(|(sum, product)| *sum += *product);
/// });
/// assert_eq!(sum[..4], [1.5, 10.5, 1.5, 10.5]);
/// ```
///
/// # Panics
/// If the shapes do not fit, the slices do not have `m * n` elements, or the product does not come in parts ([`matmul_has_parts`]).
#[track_caller]
pub fn matmul_in_parts<S: Slices + Send>(
    a: Mat<'_>,
    b: Mat<'_>,
    slices: S,
    body: impl Fn(&mut [f32], S) + Sync,
) {
    let isa = Isa::best();
    check("matmul_in_parts", a, b, slices.common_len());
    assert!(matmul_has_parts(a, b), "matmul_in_parts: {a:?} x {b:?} does not come in parts");
    gemm_in_parts(isa, a.0, b.0, slices, |product, slices| {
        dispatch(isa, Part { product, slices, body: &body });
    });
}

/// Rows of a product with what is done to them, compiled for each instruction set.
struct Part<'p, S, B> {
    product: &'p mut [f32],
    slices: S,
    body: &'p B,
}

impl<T, B: Fn(&mut [f32], T)> Kernel for Part<'_, T, B> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        (self.body)(self.product, self.slices);
    }
}

/// `out [batch, out] = activation(x [batch, in] weight^T + bias)`, with `weight [out, in]` as PyTorch stores it, in one pass.
///
/// # Panics
/// If the shapes do not fit, `bias` does not have as many elements as `weight` has rows, or `out` does not have `batch * out`.
#[track_caller]
pub fn linear(x: Mat<'_>, weight: Mat<'_>, bias: Option<&[f32]>, activation: Activation, out: &mut [f32]) {
    check("linear", x, weight.t(), out.len());
    if let Some(bias) = bias {
        assert!(
            bias.len() == weight.rows(),
            "linear: weight {weight:?} with a bias of {} elements",
            bias.len()
        );
    }
    let output = Output { data: out, accum: Accum::Replace };
    gemm(Isa::best(), x.0, weight.t().0, output, &BiasActivation { bias, activation });
}

#[track_caller]
#[inline]
fn check(operation: &str, a: Mat<'_>, b: Mat<'_>, len: usize) {
    if a.cols() != b.rows() || len != a.rows() * b.cols() {
        refuse(operation, a, b, len);
    }
}

/// Apart: in `check`, what is formatted would be copied to memory in each call.
#[track_caller]
#[cold]
fn refuse(operation: &str, a: Mat<'_>, b: Mat<'_>, len: usize) -> ! {
    assert!(a.cols() == b.rows(), "{operation}: {a:?} x {b:?}: the inner extents differ");
    panic!("{operation}: {a:?} x {b:?} has {} elements, found room for {len}", a.rows() * b.cols())
}

struct BiasActivation<'a> {
    bias: Option<&'a [f32]>,
    activation: Activation,
}

impl Epilogue for BiasActivation<'_> {
    #[inline(always)]
    fn apply<S: Simd>(&self, segment: &mut [f32], first: usize) {
        if let Some(bias) = self.bias {
            for (value, &bias) in segment.iter_mut().zip(&bias[first..]) {
                *value += bias;
            }
        }
        self.activation.forward_kernel::<S>(segment);
    }

    #[inline(always)]
    fn apply_to_columns<S: Simd>(&self, block: &mut [f32], width: usize, first: usize) {
        if let Some(bias) = self.bias {
            for (column, &bias) in block.chunks_exact_mut(width).zip(&bias[first..]) {
                column.iter_mut().for_each(|value| *value += bias);
            }
        }
        self.activation.forward_kernel::<S>(block);
    }
}

#[cfg(test)]
mod tests;
