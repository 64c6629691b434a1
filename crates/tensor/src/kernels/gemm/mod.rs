//! The matrix product: `out [m, n] (+)= a [m, k] b [k, n]`, any of the two stored transposed.
//!
//! A register tile holds up to `MAX_ROWS` rows by two vectors of columns. For each `k` it loads two vectors of `b` and
//! multiplies them with a broadcast element of `a` per row. So `a` is read element by element and may lie any way round, while
//! the columns of `b` have to be contiguous: they are copied ("packed") into panels of two vectors' width, each panel shortly
//! before it is used, or by the first tile that uses it ([`pack`], [`block`]). Where that would mean transposing `b`, the product is turned round
//! (`out^T = b^T a^T`): `a` is packed and `b` is read where it lies. In a linear layer's `x w^T` that packs the batch and not the weight.
//! Where many panels use the rows of `a`, they are packed too, in strips of a tile's height ([`strip`]).
//!
//! A row of a panel that is all zeros is not packed and costs nothing: its products would add nothing. Where the batch is on the packed side
//! (forward, and for the gradient of a weight), images have many such rows. If one operand has mostly zeros, [`sparse`] goes further and leaves
//! single ones out.
//!
//! Where the product is used up at once, it can be had some rows at a time ([`gemm_in_parts`]).
//!
//! Where there are only a few columns, as with a single example, nothing is packed: see [`narrow`].
//!
//! Every element of `out` is one chain of fused multiply-adds in the order of `k`, whatever the tiling. That is why the
//! result depends neither on the number of threads nor on which task computed it.

mod block;
mod cut;
mod narrow;
mod pack;
mod scratch;
mod sparse;
mod strip;

use super::isa::Isa;
use super::simd::Simd;
use crate::Accum;
use crate::threads::Slices;

/// A matrix of `f32`s with any row and column stride (in elements).
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
    pub col_stride: usize,
}

/// The row-major matrix that receives the product.
pub(crate) struct Output<'a> {
    pub data: &'a mut [f32],
    pub accum: Accum,
}

/// What is done to finished parts of the output while they are near. Both functions must be `#[inline(always)]`.
pub(crate) trait Epilogue: Sync {
    /// Whether neither function does anything.
    const IS_NOTHING: bool = false;

    /// `segment` starts at column `first` of its row.
    fn apply<S: Simd>(&self, segment: &mut [f32], first: usize);

    /// `block` has `width` numbers of column `first`, then as many of the next one, and so on.
    fn apply_to_columns<S: Simd>(&self, block: &mut [f32], width: usize, first: usize);
}

/// Leaves the product as it is.
pub(crate) struct NoEpilogue;

impl Epilogue for NoEpilogue {
    const IS_NOTHING: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(&self, _segment: &mut [f32], _first: usize) {}
    #[inline(always)]
    fn apply_to_columns<S: Simd>(&self, _block: &mut [f32], _width: usize, _first: usize) {}
}

/// Computes `out (+)= a b`, and applies the epilogue to every row.
///
/// # Panics
/// If there is an epilogue and something to add to, which could be done in two orders.
/// If a matrix has fewer elements than its shape and strides ask for, or the shapes do not fit.
pub(crate) fn gemm<E: Epilogue>(isa: Isa, a: Operand<'_>, b: Operand<'_>, out: Output<'_>, epilogue: &E) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert_eq!(b.rows, k, "inner extents of a matrix product");
    assert_eq!(out.data.len(), m * n, "elements of the output of a matrix product");
    assert!(
        E::IS_NOTHING || out.accum == Accum::Replace,
        "a matrix product that is added to something has no epilogue"
    );
    assert!(a.is_inside() && b.is_inside(), "an operand of a matrix product is shorter than its shape");
    if m == 0 || n == 0 {
        return;
    }
    let plan = Plan::new(a, b, out);
    if narrow::fits(&plan) {
        narrow::run(isa, &plan, epilogue);
    } else if let Some(plan) = sparse::fitting(&plan) {
        sparse::run(isa, plan, epilogue);
    } else {
        cut::run(isa, plan, epilogue);
    }
}

/// Whether [`gemm_in_parts`] can compute the product.
pub(crate) fn has_parts(isa: Isa, a: Operand<'_>, b: Operand<'_>) -> bool {
    b.col_stride == 1 && a.rows > 0 && b.cols > 0 && cut::has_parts(isa, &Plan::without_output(a, b))
}

/// Computes `a b`, a product that [`has_parts`], some rows at a time, in memory that a thread uses again for the next ones, and calls `body` with them
/// and with the part of `slices` that belongs to them.
///
/// # Panics
/// As [`gemm`]; if there are not as many elements in the slices as in the product, or it has no parts.
pub(crate) fn gemm_in_parts<S: Slices + Send>(
    isa: Isa,
    a: Operand<'_>,
    b: Operand<'_>,
    slices: S,
    body: impl Fn(&mut [f32], S) + Sync,
) {
    assert_eq!(b.rows, a.cols, "inner extents of a matrix product");
    assert_eq!(slices.common_len(), a.rows * b.cols, "elements of the slices beside a matrix product");
    assert!(a.is_inside() && b.is_inside(), "an operand of a matrix product is shorter than its shape");
    assert!(has_parts(isa, a, b), "a matrix product without parts");
    let plan = Plan::without_output(a, b);
    // What is not turned round comes by rows.
    let sparse = sparse::fitting(&plan).filter(|plan| plan.out_strides[1] == 1);
    match sparse.filter(|plan| sparse::has_parts(isa, plan)) {
        Some(plan) => sparse::in_parts(isa, plan, slices, body),
        None => cut::in_parts(isa, plan, slices, body),
    }
}

impl Operand<'_> {
    fn is_inside(&self) -> bool {
        let last = |extent: usize, stride: usize| extent.saturating_sub(1) * stride;
        self.rows * self.cols == 0
            || last(self.rows, self.row_stride) + last(self.cols, self.col_stride) < self.data.len()
    }
}

/// The product after the choice of which operand is broadcast (`a`, `m` rows) and which is read by vectors (`b`, `n`
/// columns). Pointers, because tasks write interleaved parts of one output.
#[derive(Clone, Copy)]
struct Plan {
    m: usize,
    n: usize,
    k: usize,
    a: *const f32,
    a_strides: [usize; 2],
    b: *const f32,
    b_strides: [usize; 2],
    out: *mut f32,
    out_strides: [usize; 2],
    accum: Accum,
}

// SAFETY: tasks read `a` and `b` and write disjoint tiles of `out`; the borrows behind the pointers outlive `gemm`, which does
// not return before all tasks are done.
unsafe impl Send for Plan {}
// SAFETY: as above.
unsafe impl Sync for Plan {}

impl Plan {
    fn new(a: Operand<'_>, b: Operand<'_>, out: Output<'_>) -> Plan {
        let (m, k, n) = (a.rows, a.cols, b.cols);
        let plan = Plan {
            m,
            n,
            k,
            a: a.data.as_ptr(),
            a_strides: [a.row_stride, a.col_stride],
            b: b.data.as_ptr(),
            b_strides: [b.row_stride, b.col_stride],
            out: out.data.as_mut_ptr(),
            out_strides: [n, 1],
            accum: out.accum,
        };
        if b.col_stride != 1 { plan.turned() } else { plan }
    }

    /// Some rows of it, with the results at `out`.
    ///
    /// # Safety
    /// There are such rows, and room for the results.
    unsafe fn some_rows(&self, (first, rows): (usize, usize), out: *mut f32) -> Plan {
        // SAFETY: as the caller vouches.
        let a = unsafe { self.a.add(first * self.a_strides[0]) };
        Plan { m: rows, a, out, ..*self }
    }

    /// A plan of which [`Plan::some_rows`] are to be computed.
    fn without_output(a: Operand<'_>, b: Operand<'_>) -> Plan {
        Plan::new(a, b, Output { data: &mut [], accum: Accum::Replace })
    }

    /// Writes a vector of results to `to`.
    ///
    /// # Safety
    /// `to` is the place of a vector in `out`.
    #[inline(always)]
    unsafe fn put<S: Simd>(&self, to: *mut f32, result: S::Vector) {
        // SAFETY: the caller vouches for the place.
        unsafe { S::store(to, if self.accum == Accum::Add { S::add(S::load(to), result) } else { result }) }
    }

    /// `out^T = b^T a^T`
    fn turned(self) -> Plan {
        let swap = |[row, col]: [usize; 2]| [col, row];
        Plan {
            m: self.n,
            n: self.m,
            k: self.k,
            a: self.b,
            a_strides: swap(self.b_strides),
            b: self.a,
            b_strides: swap(self.a_strides),
            out: self.out,
            out_strides: swap(self.out_strides),
            accum: self.accum,
        }
    }
}

/// Applies the epilogue to a finished block of the output, of a product that is not turned round.
#[inline(always)]
fn finish<S: Simd>(plan: &Plan, epilogue: &impl Epilogue, rows: (usize, usize), columns: (usize, usize)) {
    for row in rows.0..rows.1 {
        // SAFETY: the stretch lies inside the block of `out` that this task alone writes.
        let segment = unsafe {
            let from = plan.out.add(row * plan.out_strides[0] + columns.0);
            std::slice::from_raw_parts_mut(from, columns.1 - columns.0)
        };
        epilogue.apply::<S>(segment, columns.0);
    }
}
