//! The product where most numbers of `b` are zeros: what the others stand for is listed by column, and only they are multiplied.
//!
//! A batch of MNIST images is such a `b` in the gradient of the first layer's weight (`dz^T x`): 19 % of its pixels are not 0, while 73 % of the
//! rows that a panel packs have one that is not. A column of `out` is then a sum of a few rows of `a^T`, which lie in order. It is made in
//! registers, the rows of `a` along the vectors, and turned when it is written. Each element is the chain of multiply-adds that the dense
//! product makes, without those that add nothing: the same bits.

use super::{Epilogue, Plan, finish};
use crate::buffer::LINE;
use crate::kernels::isa::Kernel;
use crate::kernels::simd::{Simd, prefetch};

/// Vectors of sums that are made at once.
const VECTORS: usize = 8;
/// Rows of `a^T` that are used together: a block of them stays in the first-level cache.
const CHUNK: usize = 64;
/// Vectors of columns in a task.
pub(super) const GROUP: usize = 4;
/// Rows of `b` that are looked at to see whether it is sparse.
const SAMPLE: usize = 16;
/// It is if no more than this part of the sample is not zero: where the two ways take equally long.
const DENSITY: f32 = 0.4;
/// Rows of `b` above which lists and packed rows would take more memory than a product may need on the side: 16 MB for 512 outputs.
const MAX_ROWS: usize = 1 << 13;

/// Whether the plan is one for this module: the operands lie as in the gradient of a weight, and `b` has mostly zeros. The answer changes how long
/// the product takes, and nothing else.
pub(super) fn suits(plan: &Plan) -> bool {
    let in_order = plan.a_strides[0] == 1 && plan.b_strides[1] == 1 && plan.out_strides[1] == 1;
    in_order && plan.m >= 64 && plan.n >= 64 && (SAMPLE..=MAX_ROWS).contains(&plan.k) && {
        let count = |row: usize| {
            // SAFETY: a row of `b`, which `gemm` has checked.
            let row = unsafe { std::slice::from_raw_parts(plan.b.add(row * plan.b_strides[0]), plan.n) };
            row.iter().map(|&x| u32::from(x != 0.0)).sum::<u32>()
        };
        let found: u32 = (0..SAMPLE).map(|i| count(i * plan.k / SAMPLE)).sum();
        found as f32 <= DENSITY * (SAMPLE * plan.n) as f32
    }
}

/// The blocks of `rows` rows of `a` that are made together: `(first, vectors)` each.
fn blocks(rows: usize, lanes: usize) -> impl Iterator<Item = (usize, usize)> {
    let whole = rows / (VECTORS * lanes) * VECTORS * lanes;
    let blocks = (0..whole).step_by(VECTORS * lanes).map(|first| (first, VECTORS));
    blocks.chain((whole..rows).step_by(lanes).map(|first| (first, 1)))
}

/// How many numbers the packed `a` takes.
pub(super) fn packed_len(plan: &Plan, lanes: usize) -> usize {
    plan.k * plan.m.next_multiple_of(lanes)
}

/// Copies the rows of `a^T` into one stretch for each block, where they are neighbours: rows that are a power of two apart share few places
/// of a cache. Does it for part `part` of `parts`.
pub(super) struct PackRows {
    pub plan: Plan,
    pub part: usize,
    pub parts: usize,
    pub packed: *mut f32,
}

impl Kernel for PackRows {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let PackRows { plan, part, parts, packed } = self;
        let (from, to) = (part * plan.k / parts, (part + 1) * plan.k / parts);
        for (first, vectors) in blocks(plan.m, S::LANES) {
            let (width, here) = (vectors * S::LANES, (vectors * S::LANES).min(plan.m - first));
            for p in from..to {
                // SAFETY: a row of `a^T` and its place, which is this part's alone.
                unsafe {
                    let place = packed.add(plan.k * first + p * width);
                    place.add(here).write_bytes(0, width - here);
                    plan.a.add(p * plan.a_strides[1] + first).copy_to_nonoverlapping(place, here);
                }
            }
        }
    }
}

/// A number of `b` that is not zero, and its row.
#[derive(Clone, Copy)]
#[repr(C)]
struct Entry {
    row: u32,
    value: f32,
}

/// [`GROUP`] vectors of columns of `out` (fewer at the end), from `first` on. All of them go through a block of rows before the next one begins.
pub(super) struct Columns<'e, E> {
    pub plan: Plan,
    pub first: usize,
    pub packed: *const f32,
    /// [`Columns::scratch`] numbers.
    pub scratch: *mut f32,
    pub epilogue: &'e E,
}

impl<E> Columns<'_, E> {
    /// How many numbers of scratch memory this takes: lists of entries, and sums before they are turned.
    pub fn scratch(k: usize, lanes: usize) -> usize {
        GROUP * lanes * (k * ENTRY + VECTORS * lanes) + VECTORS * lanes * lanes
    }
}

/// Numbers that take the place of an entry.
const ENTRY: usize = size_of::<Entry>() / size_of::<f32>();

impl<E: Epilogue> Kernel for Columns<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Columns { plan, first, packed, scratch, epilogue } = self;
        let columns = (GROUP * S::LANES).min(plan.n - first);
        // SAFETY: the scratch memory has room for as many lists of `k` entries, which are aligned as its numbers are, and the sums behind
        // them; columns from `first` on are in `b` and `out`.
        unsafe {
            let sums = scratch.add(GROUP * S::LANES * plan.k * ENTRY);
            let mut lists = [&[][..]; MAX_COLUMNS];
            list::<S>(&plan, (first, columns), scratch.cast(), &mut lists);
            for (row, vectors) in blocks(plan.m, S::LANES) {
                let a = packed.add(plan.k * row);
                if vectors == 1 {
                    block::<S, 1>(&plan, a, (row, first), &lists[..columns], sums);
                } else {
                    block::<S, VECTORS>(&plan, a, (row, first), &lists[..columns], sums);
                }
            }
        }
        finish::<S>(&plan, epilogue, (0, plan.m), (first, first + columns));
    }
}

/// Lists what is not zero in the columns from `first` on, in the order of the rows.
///
/// # Safety
/// The columns are in `b`, and `entries` has room for `k` in each.
#[inline(always)]
unsafe fn list<S: Simd>(
    plan: &Plan,
    (first, columns): (usize, usize),
    entries: *mut Entry,
    lists: &mut [&[Entry]; MAX_COLUMNS],
) {
    let mut counts = [0; MAX_COLUMNS];
    // SAFETY: a list gets at most one entry per row.
    unsafe {
        for p in 0..plan.k {
            let row = plan.b.add(p * plan.b_strides[0] + first);
            let mut put = |j: usize| {
                entries.add(j * plan.k + counts[j]).write(Entry { row: p as u32, value: *row.add(j) });
                counts[j] += 1;
            };
            let whole = columns / S::LANES * S::LANES;
            for j in (0..whole).step_by(S::LANES) {
                let mut left = S::not_zero(S::load(row.add(j)));
                while left != 0 {
                    put(j + left.trailing_zeros() as usize);
                    left &= left - 1;
                }
            }
            (whole..columns).filter(|&j| *row.add(j) != 0.0).for_each(&mut put);
        }
        for (j, (list, count)) in lists.iter_mut().zip(counts).enumerate().take(columns) {
            *list = std::slice::from_raw_parts(entries.add(j * plan.k), count);
        }
    }
}

/// `V` vectors of rows of `out` from `row` on, packed in `a`, in the listed columns from `first` on.
///
/// # Safety
/// The block is inside `out`, the columns too, and `sums` has room for a block of all columns, and of one vector of them.
#[inline(always)]
unsafe fn block<S: Simd, const V: usize>(
    plan: &Plan,
    a: *const f32,
    (row, first): (usize, usize),
    lists: &[&[Entry]],
    sums: *mut f32,
) {
    let width = V * S::LANES;
    // SAFETY: as the caller vouches.
    unsafe {
        let mut next = [0; MAX_COLUMNS];
        let rows = width.min(plan.m - row);
        for end in (CHUNK..plan.k + CHUNK).step_by(CHUNK) {
            for (j, (list, next)) in lists.iter().zip(&mut next).enumerate() {
                if end == CHUNK {
                    // A few rows of the results with each column: all at once, they would wait for each other.
                    let share = |j: usize| j * rows / lists.len();
                    (share(j)..share(j + 1)).for_each(|i| prefetch_row(plan, row + i, (first, lists.len())));
                }
                let place = sums.add(j * width);
                let mut sum = [S::zero(); V];
                if end > CHUNK {
                    sum = std::array::from_fn(|v| S::load(place.add(v * S::LANES)));
                }
                while let Some(entry) = list.get(*next).filter(|entry| (entry.row as usize) < end) {
                    let (from, factor) = (a.add(entry.row as usize * width), S::splat(entry.value));
                    for (v, sum) in sum.iter_mut().enumerate() {
                        *sum = S::mul_add(factor, S::load(from.add(v * S::LANES)), *sum);
                    }
                    *next += 1;
                }
                for (v, &sum) in sum.iter().enumerate() {
                    S::store(place.add(v * S::LANES), sum);
                }
            }
        }
        let turned = sums.add(width * GROUP * S::LANES);
        for j in (0..lists.len()).step_by(S::LANES) {
            for v in 0..V {
                let from = sums.add(j * width + v * S::LANES);
                S::transpose(from, width, turned.add(v * S::LANES * S::LANES), S::LANES);
            }
            for i in 0..rows {
                let (from, to) =
                    (turned.add(i * S::LANES), plan.out.add((row + i) * plan.out_strides[0] + first + j));
                if j + S::LANES <= lists.len() {
                    plan.put::<S>(to, S::load(from));
                } else {
                    for j in 0..lists.len() - j {
                        plan.accum.apply(&mut *to.add(j), *from.add(j));
                    }
                }
            }
        }
    }
}

/// Calls for the place of some columns of a row of `out`, before there is something to write. A large product has left the cache since it was last
/// written, and rows far apart are nothing that the machine foresees.
#[inline(always)]
fn prefetch_row(plan: &Plan, row: usize, (first, columns): (usize, usize)) {
    let out = plan.out.wrapping_add(row * plan.out_strides[0] + first);
    (0..columns).step_by(LINE).for_each(|j| prefetch(out.wrapping_add(j)));
}

/// Columns in a task where vectors are widest.
const MAX_COLUMNS: usize = GROUP * 16;
