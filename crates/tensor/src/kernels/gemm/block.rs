//! The arithmetic: register tiles, and blocks of them.

use super::pack::Panel;
use super::{Epilogue, Plan, finish};
use crate::kernels::isa::Kernel;
use crate::kernels::simd::{Simd, prefetch};

/// A block of the output: some strips of rows times some packed panels.
pub(super) struct Block<'e, E> {
    pub plan: Plan,
    pub strips: (usize, usize),
    pub panels: (usize, usize),
    /// The first of the panels.
    pub packed: *mut f32,
    pub epilogue: &'e E,
}

impl<E: Epilogue> Kernel for Block<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let plan = &self.plan;
        let (first_row, _) = strip_rows::<S>(plan.m, self.strips.0);
        for strip in self.strips.0..self.strips.1 {
            let (row, rows) = strip_rows::<S>(plan.m, strip);
            for panel in self.panels.0..self.panels.1 {
                // SAFETY: strips lie inside the rows of `a` and `out`, panels inside their columns and the packed memory.
                unsafe {
                    let at = (panel - self.panels.0) * Panel::len(plan.k, 2 * S::LANES);
                    tile_of::<S>(plan, row, rows, panel * 2 * S::LANES, Panel::at(self.packed.add(at)));
                }
            }
        }
        let (last_row, last_rows) = strip_rows::<S>(plan.m, self.strips.1 - 1);
        let columns = (self.panels.0 * 2 * S::LANES, (self.panels.1 * 2 * S::LANES).min(plan.n));
        finish::<S>(plan, self.epilogue, (first_row, last_row + last_rows), columns);
    }
}

/// `(first row, number of rows)` of a strip: all rows spread evenly over as few strips as possible.
#[inline(always)]
fn strip_rows<S: Simd>(m: usize, strip: usize) -> (usize, usize) {
    let strips = m.div_ceil(S::MAX_ROWS);
    let (base, longer) = (m / strips, m % strips);
    (strip * base + strip.min(longer), base + usize::from(strip < longer))
}

/// The tile of `rows` rows from `row` on by one panel of columns from `col` on.
///
/// # Safety
/// The rows are inside `a`, `col` is inside `b`, and `b` is packed.
#[inline(always)]
unsafe fn tile_of<S: Simd>(plan: &Plan, row: usize, rows: usize, col: usize, b: Panel) {
    // SAFETY: as the caller vouches; the number of rows is matched, not assumed.
    unsafe {
        match rows {
            1 => tile::<S, 1>(plan, row, col, b),
            2 => tile::<S, 2>(plan, row, col, b),
            3 => tile::<S, 3>(plan, row, col, b),
            4 => tile::<S, 4>(plan, row, col, b),
            5 => tile::<S, 5>(plan, row, col, b),
            6 => tile::<S, 6>(plan, row, col, b),
            7 => tile::<S, 7>(plan, row, col, b),
            8 => tile::<S, 8>(plan, row, col, b),
            9 => tile::<S, 9>(plan, row, col, b),
            10 => tile::<S, 10>(plan, row, col, b),
            11 => tile::<S, 11>(plan, row, col, b),
            _ => tile::<S, 12>(plan, row, col, b),
        }
    }
}

/// # Safety
/// As for [`tile_of`], with `ROWS` rows.
#[inline(always)]
unsafe fn tile<S: Simd, const ROWS: usize>(plan: &Plan, row: usize, col: usize, b: Panel) {
    // SAFETY: `a` is read at `ROWS` rows and at columns below `k`, `b` at the rows it has, `out` at the tile's own places.
    unsafe {
        let [out_row, out_col] = plan.out_strides;
        let out = plan.out.add(row * out_row + col * out_col);
        if out_col == 1 {
            // A large product has left the cache since it was last written; a short sum is done before its place is there.
            for i in 0..ROWS {
                (0..2).for_each(|v| prefetch(out.wrapping_add(i * out_row + v * S::LANES)));
            }
        }
        let [a_row, a_col] = plan.a_strides;
        let mut a = plan.a.add(row * a_row);
        let (count, steps, mut b) = b.rows(plan.k);
        let mut sums = [[S::zero(); 2]; ROWS];
        for p in 0..count {
            a = a.add(*steps.add(p) as usize * a_col);
            let (low, high) = (S::load(b), S::load(b.add(S::LANES)));
            for (i, sum) in sums.iter_mut().enumerate() {
                let factor = S::splat(*a.add(i * a_row));
                sum[0] = S::mul_add(factor, low, sum[0]);
                sum[1] = S::mul_add(factor, high, sum[1]);
            }
            b = b.add(2 * S::LANES);
        }
        if out_col == 1 && col + 2 * S::LANES <= plan.n {
            for (i, sum) in sums.iter().enumerate() {
                for (v, &sum) in sum.iter().enumerate() {
                    plan.put::<S>(out.add(i * out_row + v * S::LANES), sum);
                }
            }
        } else {
            let mut spilled = [[0.0; MAX_WIDTH]; ROWS];
            for (row, sum) in spilled.iter_mut().zip(&sums) {
                S::store(row.as_mut_ptr(), sum[0]);
                S::store(row.as_mut_ptr().add(S::LANES), sum[1]);
            }
            for j in 0..(2 * S::LANES).min(plan.n - col) {
                for (i, row) in spilled.iter().enumerate() {
                    plan.accum.apply(&mut *out.add(i * out_row + j * out_col), row[j]);
                }
            }
        }
    }
}

/// Two of the widest vectors.
const MAX_WIDTH: usize = 32;
