//! Products with a few columns only: one example, or a few of them, through a linear layer.
//!
//! A packed panel would be mostly padding. Here the rows of `a` fill the vectors, and the columns of `b` are what is broadcast: four
//! columns of as many rows as a vector has lanes are loaded at a time and turned in registers, so that `a` is read once and where it lies.
//! Each lane is the chain of multiply-adds that it is in a tile, with the same bits.

use super::scratch::{SendPtr, with_scratch};
use super::{Epilogue, Plan};
use crate::kernels::isa::{Isa, Kernel, dispatch};
use crate::kernels::simd::Simd;
use crate::{Accum, threads};

/// The most columns.
const COLUMNS: usize = 4;
/// Columns of `a` that are turned at a time.
const QUAD: usize = 4;
/// Quads from which on it pays to list those in which `b` is not zero.
const LISTED: usize = 64;
/// Multiply-adds that are worth a task of their own; memory is what they wait for.
const TASK: usize = 1 << 20;
/// Numbers of `a` that are worth one where the threads are awake: to read them takes a few microseconds.
const AWAKE_TASK: usize = 1 << 15;

/// Whether a product is narrow, and its rows lie in memory along `k`.
pub(super) fn fits(plan: &Plan) -> bool {
    plan.n <= COLUMNS && plan.a_strides[1] == 1 && plan.out_strides[0] == 1
}

/// Computes the product on all threads.
pub(super) fn run<E: Epilogue>(isa: Isa, plan: &Plan, epilogue: &E) {
    let quads = plan.k / QUAD;
    if quads < LISTED {
        return by_rows(isa, plan, Quads::All(quads), epilogue);
    }
    with_scratch(quads, |scratch| {
        let list = scratch.as_mut_ptr().cast::<u32>();
        let mut count = 0;
        for quad in 0..quads {
            // SAFETY: the list has room for all quads, and their rows are inside `b`; an `f32` has the size and the alignment of an `u32`.
            unsafe {
                *list.add(count) = quad as u32;
                count += usize::from(!is_zero(plan, quad));
            }
        }
        by_rows(isa, plan, Quads::Listed(SendPtr(list.cast()), count), epilogue);
    });
}

/// Whether four rows of `b` are all zeros of either sign: their products would add nothing.
///
/// # Safety
/// The rows are inside `b`.
unsafe fn is_zero(plan: &Plan, quad: usize) -> bool {
    let [row, col] = plan.b_strides;
    let mut bits = 0;
    for p in QUAD * quad..QUAD * (quad + 1) {
        for j in 0..plan.n {
            // SAFETY: the caller vouches for the rows, and the columns are those of `b`.
            bits |= unsafe { *plan.b.add(p * row + j * col) }.to_bits() << 1;
        }
    }
    bits == 0
}

/// The quads that are multiplied: the first ones, or those of a list of `u32`.
#[derive(Clone, Copy)]
enum Quads {
    All(usize),
    Listed(SendPtr, usize),
}

#[inline(always)]
fn by_rows<E: Epilogue>(isa: Isa, plan: &Plan, quads: Quads, epilogue: &E) {
    let isa = isa.narrowed(plan.m);
    let tasks = tasks(plan);
    if tasks <= 1 {
        // The divisions below would be a tenth of a small product.
        return dispatch(isa, Rows { plan, rows: (0, plan.m), quads, epilogue });
    }
    let rows = plan.m.div_ceil(tasks).next_multiple_of(2 * isa.lanes());
    threads::for_each(plan.m.div_ceil(rows), move |task| {
        let rows = (task * rows, ((task + 1) * rows).min(plan.m));
        dispatch(isa, Rows { plan, rows, quads, epilogue });
    });
}

/// The number of tasks the work is worth.
#[inline(always)]
fn tasks(plan: &Plan) -> usize {
    let (read, work) = (plan.m * plan.k, plan.m * plan.n * plan.k);
    // To enter the pool from outside takes longer than to read a layer.
    let is_shared = read >= 2 * AWAKE_TASK && threads::is_inside();
    let shares = if is_shared { threads::current().min(read / AWAKE_TASK) } else { 1 };
    work.div_ceil(TASK).max(shares)
}

/// Computes some rows of the product.
struct Rows<'e, E> {
    plan: &'e Plan,
    rows: (usize, usize),
    quads: Quads,
    epilogue: &'e E,
}

impl<E: Epilogue> Kernel for Rows<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        match self.plan.n {
            1 => self.columns::<S, 1>(),
            2 => self.columns::<S, 2>(),
            3 => self.columns::<S, 3>(),
            _ => self.columns::<S, COLUMNS>(),
        }
        let (plan, (first, last)) = (self.plan, self.rows);
        for j in 0..plan.n {
            // SAFETY: the rows of a column lie side by side in the part of `out` that this task alone writes.
            let segment = unsafe {
                std::slice::from_raw_parts_mut(plan.out.add(j * plan.out_strides[1] + first), last - first)
            };
            self.epilogue.apply::<S>(segment, first);
        }
    }
}

impl<E: Epilogue> Rows<'_, E> {
    #[inline(always)]
    fn columns<S: Simd, const COLS: usize>(&self) {
        let Rows { plan, rows: (first, last), quads, .. } = self;
        let mut row = *first;
        // SAFETY: the rows are inside `a` and `out`, the columns are those of `b`, which there are at least `COLS` of.
        unsafe {
            let start = |row: usize| plan.a.add(row * plan.a_strides[0]);
            // Two vectors at a time, whose chains do not wait for each other.
            while row + 2 * S::LANES <= *last {
                let count = 2 * S::LANES;
                Block::<2, true> { plan, start: start(row), count }.run::<S, COLS>(*quads, row);
                row += count;
            }
            if row + S::LANES <= *last {
                let count = S::LANES;
                Block::<1, true> { plan, start: start(row), count }.run::<S, COLS>(*quads, row);
                row += count;
            }
            if row < *last {
                let count = last - row;
                Block::<1, false> { plan, start: start(row), count }.run::<S, COLS>(*quads, row);
            }
        }
    }
}

/// `count` rows that begin at `start`, in `BLOCKS` vectors. Not `FULL`: the last of the rows stands in for those that are not there.
struct Block<'p, const BLOCKS: usize, const FULL: bool> {
    plan: &'p Plan,
    start: *const f32,
    count: usize,
}

impl<const BLOCKS: usize, const FULL: bool> Block<'_, BLOCKS, FULL> {
    /// # Safety
    /// The rows are inside `a` and are rows `row..` of `out`, `b` and `out` have at least `COLS` columns, and a `FULL` block has as many
    /// rows as its vectors have lanes.
    #[inline(always)]
    unsafe fn run<S: Simd, const COLS: usize>(&self, quads: Quads, row: usize) {
        let k = self.plan.k;
        // SAFETY: quads and the rest lie below `k`.
        unsafe {
            let mut sums = [[S::zero(); COLS]; BLOCKS];
            match quads {
                Quads::All(count) => {
                    for quad in 0..count {
                        self.add::<S, COLS>(QUAD * quad, &mut sums);
                    }
                }
                Quads::Listed(list, count) => {
                    let list = list.get().cast::<u32>();
                    for at in 0..count {
                        self.add::<S, COLS>(QUAD * *list.add(at) as usize, &mut sums);
                    }
                }
            }
            match k % QUAD {
                0 => {}
                rest if k > QUAD => self.add_last::<S, COLS>(rest, &mut sums),
                _ => self.add_few::<S, COLS>(&mut sums),
            }
            for (block, sums) in sums.iter().enumerate() {
                for (j, &sum) in sums.iter().enumerate() {
                    let to = self.plan.out.add(j * self.plan.out_strides[1] + row + block * S::LANES);
                    self.write::<S>(sum, to);
                }
            }
        }
    }

    /// The row that fills a lane.
    #[inline(always)]
    fn row(&self, lane: usize) -> *const f32 {
        let row = if FULL { lane } else { lane.min(self.count - 1) };
        // Every row is inside `a`.
        self.start.wrapping_add(row * self.plan.a_strides[0])
    }

    /// Four columns of `a` from `p` on, at the rows of one of the vectors.
    ///
    /// # Safety
    /// As for [`Block::run`], and `p + 4` is at most `k`.
    #[inline(always)]
    unsafe fn turned<S: Simd>(&self, block: usize, p: usize) -> [S::Vector; QUAD] {
        // SAFETY: the rows are inside `a`, and so are four columns from `p` on.
        unsafe {
            S::load_turned(
                #[inline(always)]
                |lane| self.row(block * S::LANES + lane).add(p),
            )
        }
    }

    /// Adds the products of columns `p..p + 4` of `a`.
    ///
    /// # Safety
    /// As for [`Block::turned`].
    #[inline(always)]
    unsafe fn add<S: Simd, const COLS: usize>(&self, p: usize, sums: &mut [[S::Vector; COLS]; BLOCKS]) {
        for (block, sums) in sums.iter_mut().enumerate() {
            // SAFETY: as the caller vouches.
            unsafe {
                let [a, b, c, d] = self.turned::<S>(block, p);
                self.multiply::<S, COLS>(a, p, sums);
                self.multiply::<S, COLS>(b, p + 1, sums);
                self.multiply::<S, COLS>(c, p + 2, sums);
                self.multiply::<S, COLS>(d, p + 3, sums);
            }
        }
    }

    /// Adds the products of the last `rest` columns of `a`, of which it has at least four.
    ///
    /// # Safety
    /// As for [`Block::run`].
    #[inline(always)]
    unsafe fn add_last<S: Simd, const COLS: usize>(
        &self,
        rest: usize,
        sums: &mut [[S::Vector; COLS]; BLOCKS],
    ) {
        let p = self.plan.k - QUAD;
        for (block, sums) in sums.iter_mut().enumerate() {
            // SAFETY: as the caller vouches.
            unsafe {
                let [_, b, c, d] = self.turned::<S>(block, p);
                if rest > 2 {
                    self.multiply::<S, COLS>(b, p + 1, sums);
                }
                if rest > 1 {
                    self.multiply::<S, COLS>(c, p + 2, sums);
                }
                self.multiply::<S, COLS>(d, p + 3, sums);
            }
        }
    }

    /// Adds the products of all columns, which are fewer than four.
    ///
    /// # Safety
    /// As for [`Block::run`].
    #[inline(always)]
    unsafe fn add_few<S: Simd, const COLS: usize>(&self, sums: &mut [[S::Vector; COLS]; BLOCKS]) {
        let k = self.plan.k;
        for (block, sums) in sums.iter_mut().enumerate() {
            let mut padded = [[0.0; QUAD]; MAX_LANES];
            for (lane, padded) in padded.iter_mut().enumerate().take(S::LANES) {
                // SAFETY: a row of `a` has `k` numbers.
                unsafe { self.row(block * S::LANES + lane).copy_to_nonoverlapping(padded.as_mut_ptr(), k) };
            }
            // SAFETY: every lane has four numbers in `padded`.
            let turned = unsafe {
                S::load_turned(
                    #[inline(always)]
                    |lane| padded[lane].as_ptr(),
                )
            };
            for (p, &turned) in turned.iter().enumerate().take(k) {
                // SAFETY: the row is below `k`.
                unsafe { self.multiply::<S, COLS>(turned, p, sums) };
            }
        }
    }

    /// Adds the products of a column of `a` and row `p` of `b`.
    ///
    /// # Safety
    /// As for [`Block::run`], and `p` is below `k`.
    #[inline(always)]
    unsafe fn multiply<S: Simd, const COLS: usize>(
        &self,
        column: S::Vector,
        p: usize,
        sums: &mut [S::Vector; COLS],
    ) {
        let [row, col] = self.plan.b_strides;
        for (j, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the place is inside `b`.
            *sum = unsafe { S::mul_add(column, S::splat(*self.plan.b.add(p * row + j * col)), *sum) };
        }
    }

    /// Writes a vector of results.
    ///
    /// # Safety
    /// `to` has room for the lanes, or for `count` of them if the block is not full.
    #[inline(always)]
    unsafe fn write<S: Simd>(&self, sum: S::Vector, to: *mut f32) {
        let accum = self.plan.accum;
        // SAFETY: as the caller vouches.
        unsafe {
            if FULL {
                return S::store(to, if accum == Accum::Add { S::add(S::load(to), sum) } else { sum });
            }
            let mut spilled = [0.0; MAX_LANES];
            S::store(spilled.as_mut_ptr(), sum);
            for (i, &value) in spilled.iter().enumerate().take(self.count) {
                accum.apply(&mut *to.add(i), value);
            }
        }
    }
}

/// Numbers in the widest vector.
const MAX_LANES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::gemm::{NoEpilogue, Operand, Output, gemm};

    /// `a [m, k] x [k]`, and the tasks that it is cut into.
    fn product(m: usize, k: usize) -> (Vec<u32>, usize) {
        let wave = |len: usize| (0..len).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>();
        let (x, a, mut out) = (wave(k), wave(m * k), vec![0.0; m]);
        let row = Operand { data: &x, rows: 1, cols: k, row_stride: k, col_stride: 1 };
        let turned = Operand { data: &a, rows: k, cols: m, row_stride: 1, col_stride: k };
        let tasks = tasks(&Plan::new(row, turned, Output { data: &mut out, accum: Accum::Replace }));
        let output = Output { data: &mut out, accum: Accum::Replace };
        gemm(Isa::best(), row, turned, output, &NoEpilogue);
        (out.iter().map(|x| x.to_bits()).collect(), tasks)
    }

    #[test]
    fn threads_that_are_awake_share_the_rows() {
        let (expected, outside) = product(517, 784);
        assert_eq!(outside, 1);
        for (threads, tasks) in [(1, 1), (2, 2), (3, 3), (16, 12)] {
            assert_eq!(threads::run_on(threads, || product(517, 784)), (expected.clone(), tasks));
        }
        assert_eq!(threads::run_on(2, || product(10, 256)).1, 1);
    }
}
