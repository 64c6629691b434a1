//! The arithmetic: register tiles, and blocks of them.

use std::mem::MaybeUninit;

use super::pack::{Pack, Panel};
use super::strip::{pack_strip, rows_of};
use super::{Epilogue, Plan, finish};
use crate::Accum;
use crate::kernels::isa::Kernel;
use crate::kernels::simd::{Simd, prefetch};

/// A block of the output: some strips of rows times some panels of columns.
pub(super) struct Block<'e, E> {
    pub plan: Plan,
    pub strips: (usize, usize),
    pub panels: (usize, usize),
    pub left: Left,
    /// Room for the panels, one behind the other. They are packed already, unless the first strip is to do it.
    pub right: *mut f32,
    pub packs_panels: bool,
    pub epilogue: &'e E,
}

/// Where a block finds its strips.
#[derive(Clone, Copy)]
pub(super) enum Left {
    /// In `a`.
    InPlace,
    /// Packed one behind the other; this is the first of all of them.
    Packed(*const f32),
    /// In `a`, and each is to be packed here before it is used.
    PackHere(*mut f32),
}

impl<E: Epilogue> Kernel for Block<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Block { plan, strips, panels, .. } = &self;
        for strip in strips.0..strips.1 {
            let (row, rows) = rows_of(plan.m, S::MAX_ROWS, strip);
            let packs_panels = self.packs_panels && strip == strips.0;
            // SAFETY: the strip is inside `a`, or where it has been packed.
            unsafe {
                match self.left {
                    Left::InPlace => {
                        let from = plan.a.add(row * plan.a_strides[0]);
                        self.strip::<S, false>(from, (row, rows), packs_panels);
                    }
                    Left::Packed(first) => {
                        self.strip::<S, true>(first.add(row * plan.k), (row, rows), packs_panels);
                    }
                    Left::PackHere(place) => {
                        pack_strip::<S>(plan, (row, rows), place);
                        self.strip::<S, true>(place, (row, rows), packs_panels);
                    }
                }
            }
        }
        if plan.out_strides[1] == 1 {
            let (first_row, _) = rows_of(plan.m, S::MAX_ROWS, strips.0);
            let (last_row, last_rows) = rows_of(plan.m, S::MAX_ROWS, strips.1 - 1);
            let columns = (panels.0 * 2 * S::LANES, (panels.1 * 2 * S::LANES).min(plan.n));
            finish::<S>(plan, self.epilogue, (first_row, last_row + last_rows), columns);
        }
    }
}

impl<E: Epilogue> Block<'_, E> {
    /// One strip through all panels.
    ///
    /// # Safety
    /// The strip begins at `left`, as it lies in `a` or packed.
    #[inline(always)]
    unsafe fn strip<S: Simd, const PACKED: bool>(
        &self,
        left: *const f32,
        (row, rows): (usize, usize),
        packs_panels: bool,
    ) {
        let (plan, width) = (&self.plan, 2 * S::LANES);
        for panel in self.panels.0..self.panels.1 {
            let col = panel * width;
            let is_whole = col + width <= plan.n;
            // SAFETY: as the caller vouches; there is room for the panels; the number of rows is matched, not assumed.
            unsafe {
                let right = Panel::at(self.right.add((panel - self.panels.0) * Panel::len(plan.k, width)));
                if packs_panels && !is_whole {
                    Pack { plan: *plan, first: col, panel: right }.run::<S>();
                }
                let tile = Tile { block: self, at: (row, col), left, right, packs: packs_panels && is_whole };
                match rows {
                    1 => tile.run::<S, 1, PACKED>(),
                    2 => tile.run::<S, 2, PACKED>(),
                    3 => tile.run::<S, 3, PACKED>(),
                    4 => tile.run::<S, 4, PACKED>(),
                    5 => tile.run::<S, 5, PACKED>(),
                    6 => tile.run::<S, 6, PACKED>(),
                    7 => tile.run::<S, 7, PACKED>(),
                    8 => tile.run::<S, 8, PACKED>(),
                    9 => tile.run::<S, 9, PACKED>(),
                    10 => tile.run::<S, 10, PACKED>(),
                    11 => tile.run::<S, 11, PACKED>(),
                    _ => tile.run::<S, 12, PACKED>(),
                }
            }
        }
    }
}

/// The rows of a strip by the columns of a panel.
struct Tile<'b, 'e, E> {
    block: &'b Block<'e, E>,
    /// Row and column in `out`.
    at: (usize, usize),
    left: *const f32,
    right: Panel,
    /// Whether the panel is whole, and to be packed on the way.
    packs: bool,
}

/// Sums of a tile, in registers.
type Sums<S, const ROWS: usize> = [[<S as Simd>::Vector; 2]; ROWS];

impl<E: Epilogue> Tile<'_, '_, E> {
    /// # Safety
    /// The strip has `ROWS` rows, which are packed if `PACKED`. The panel is packed, or to be packed here.
    #[inline(always)]
    unsafe fn run<S: Simd, const ROWS: usize, const PACKED: bool>(&self) {
        // No strip is that high, so there is nothing to compile.
        if const { ROWS > S::MAX_ROWS } {
            unreachable!();
        }
        let plan = &self.block.plan;
        // SAFETY: `a` is read at `ROWS` rows and at columns below `k`, `b` at the rows it has, `out` at the tile's own places.
        unsafe {
            let [out_row, out_col] = plan.out_strides;
            let out = plan.out.add(self.at.0 * out_row + self.at.1 * out_col);
            if out_col == 1 {
                // A large product has left the cache since it was last written; a short sum is done before its place is there.
                for i in 0..ROWS {
                    (0..2).for_each(|v| prefetch(out.wrapping_add(i * out_row + v * S::LANES)));
                }
            }
            let a_strides = if PACKED { [1, ROWS] } else { plan.a_strides };
            let sums = if PACKED && self.packs {
                self.sum_and_pack::<S, ROWS>(a_strides)
            } else {
                self.sum::<S, ROWS>(a_strides)
            };
            if out_col == 1 && self.at.1 + 2 * S::LANES <= plan.n {
                for (i, sum) in sums.iter().enumerate() {
                    for (v, &sum) in sum.iter().enumerate() {
                        plan.put::<S>(out.add(i * out_row + v * S::LANES), sum);
                    }
                }
            } else {
                self.spill::<S, ROWS>(out, &sums);
            }
        }
    }

    /// # Safety
    /// As for `run`; the panel is packed.
    #[inline(always)]
    unsafe fn sum<S: Simd, const ROWS: usize>(&self, [a_row, a_col]: [usize; 2]) -> Sums<S, ROWS> {
        // SAFETY: the steps of the panel lead to columns of `a`.
        unsafe {
            let mut a = self.left;
            let mut sums = [[S::zero(); 2]; ROWS];
            let (count, steps, mut b) = self.right.rows(self.block.plan.k);
            for p in 0..count {
                a = a.add(*steps.add(p) as usize * a_col);
                add_product::<S, ROWS>(&mut sums, a, a_row, (S::load(b), S::load(b.add(S::LANES))));
                b = b.add(2 * S::LANES);
            }
            sums
        }
    }

    /// # Safety
    /// As for `run`; a row of `b` has the panel's columns side by side.
    #[inline(always)]
    unsafe fn sum_and_pack<S: Simd, const ROWS: usize>(&self, [a_row, a_col]: [usize; 2]) -> Sums<S, ROWS> {
        let plan = &self.block.plan;
        let b_row = plan.b_strides[0];
        // SAFETY: all rows are read and written, and no more.
        unsafe {
            let (mut a, mut b, mut to) = (self.left, plan.b.add(self.at.1), self.right.with_all_rows(plan.k));
            let mut sums = [[S::zero(); 2]; ROWS];
            for _ in 0..plan.k {
                (0..2).for_each(|v| prefetch(b.wrapping_add(AHEAD * b_row + v * S::LANES)));
                let row = (S::load(b), S::load(b.add(S::LANES)));
                S::store(to, row.0);
                S::store(to.add(S::LANES), row.1);
                add_product::<S, ROWS>(&mut sums, a, a_row, row);
                (a, b, to) = (a.add(a_col), b.add(b_row), to.add(2 * S::LANES));
            }
            sums
        }
    }

    /// Writes sums that do not lie in `out` as vectors: the product is turned round, or columns are missing.
    ///
    /// # Safety
    /// As for `run`; `out` is the tile's place.
    #[inline(always)]
    unsafe fn spill<S: Simd, const ROWS: usize>(&self, out: *mut f32, sums: &Sums<S, ROWS>) {
        let plan = &self.block.plan;
        let (width, [out_row, out_col]) = (2 * S::LANES, plan.out_strides);
        let columns = width.min(plan.n - self.at.1);
        let mut spilled = [MaybeUninit::<f32>::uninit(); MAX_ROWS * MAX_WIDTH];
        let spilled = spilled.as_mut_ptr().cast::<f32>();
        // SAFETY: there is room for the rows; the rest as the caller vouches.
        unsafe {
            for (i, sum) in sums.iter().enumerate() {
                for (v, &sum) in sum.iter().enumerate() {
                    S::store(spilled.add(i * width + v * S::LANES), sum);
                }
            }
            let spilled = std::slice::from_raw_parts_mut(spilled, ROWS * width);
            if out_col == 1 {
                for i in 0..ROWS {
                    for j in 0..columns {
                        plan.accum.apply(&mut *out.add(i * out_row + j), spilled[i * width + j]);
                    }
                }
            } else {
                // Here, a row of the tile has one bias and fills whole vectors; where it is going, it is a few numbers in each of many rows.
                if !E::IS_NOTHING {
                    S::apart(Columns { epilogue: self.block.epilogue, block: spilled, first: self.at.0 });
                }
                put_turned::<S, ROWS>(plan, out, spilled, columns);
            }
        }
    }
}

/// What is done to a finished tile of a product that is turned round. Apart, or there would be a copy of all activations for each height of a tile.
struct Columns<'a, E> {
    epilogue: &'a E,
    block: &'a mut [f32],
    first: usize,
}

impl<E: Epilogue> Kernel for Columns<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        self.epilogue.apply_to_columns::<S>(self.block, 2 * S::LANES, self.first);
    }
}

/// Adds a column of `a` times a row of `b`.
///
/// # Safety
/// `ROWS` numbers of the column can be read.
#[inline(always)]
unsafe fn add_product<S: Simd, const ROWS: usize>(
    sums: &mut Sums<S, ROWS>,
    a: *const f32,
    a_row: usize,
    (low, high): (S::Vector, S::Vector),
) {
    for (i, sum) in sums.iter_mut().enumerate() {
        // SAFETY: as the caller vouches.
        unsafe {
            let factor = S::splat(*a.add(i * a_row));
            sum[0] = S::mul_add(factor, low, sum[0]);
            sum[1] = S::mul_add(factor, high, sum[1]);
        }
    }
}

/// Writes the columns of a tile, each a stretch of a row of `out`.
///
/// # Safety
/// The stretches are inside `out`, and `spilled` has `ROWS` rows of the tile.
#[inline(always)]
unsafe fn put_turned<S: Simd, const ROWS: usize>(
    plan: &Plan,
    out: *mut f32,
    spilled: &[f32],
    columns: usize,
) {
    let mut column = [0.0; MAX_WIDTH / 2];
    for first in (0..columns).step_by(4) {
        // SAFETY: four columns are there even where `out` does not have them all; the rest as the caller vouches.
        unsafe {
            let turned = S::load_turned(
                #[inline(always)]
                |i| spilled.as_ptr().add(i.min(ROWS - 1) * 2 * S::LANES + first),
            );
            for (j, &vector) in turned.iter().enumerate().take(columns - first) {
                S::store(column.as_mut_ptr(), vector);
                let to = std::slice::from_raw_parts_mut(out.add((first + j) * plan.out_strides[1]), ROWS);
                match plan.accum {
                    Accum::Replace => to.copy_from_slice(&column[..ROWS]),
                    Accum::Add => to.iter_mut().zip(&column).for_each(|(to, value)| *to += value),
                }
            }
        }
    }
}

/// Rows of `b` that are called for before they are used, where they lie far apart.
const AHEAD: usize = 16;
/// The most rows of a tile.
const MAX_ROWS: usize = 12;
/// Two of the widest vectors.
const MAX_WIDTH: usize = 32;
