//! The rows that a tile takes together, and copying them into the order in which it reads them.

use super::Plan;
use crate::kernels::isa::Kernel;
use crate::kernels::simd::Simd;

/// `(first, number)` of the rows of a strip: all rows spread evenly over as few strips as possible.
#[inline(always)]
pub(super) fn rows_of(m: usize, max_rows: usize, strip: usize) -> (usize, usize) {
    let strips = m.div_ceil(max_rows);
    let (base, longer) = (m / strips, m % strips);
    (strip * base + strip.min(longer), base + usize::from(strip < longer))
}

/// Copies a strip of rows of `a`, the numbers of a column side by side. As they lie in `a`, they may share a few places of a cache with many
/// others, and take twelve addresses instead of one.
pub(super) struct PackStrip {
    pub plan: Plan,
    pub strip: usize,
    /// Where the first of all strips is.
    pub packed: *mut f32,
}

impl Kernel for PackStrip {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let PackStrip { plan, strip, packed } = self;
        let (row, rows) = rows_of(plan.m, S::MAX_ROWS, strip);
        // SAFETY: the rows are inside `a`, and there is room for all strips.
        unsafe { pack_strip::<S>(&plan, (row, rows), packed.add(row * plan.k)) };
    }
}

/// `to[p * rows + i] = a[row + i, p]`
///
/// # Safety
/// The rows are inside `a`, not more than a vector has lanes, and there is room for them.
#[inline(always)]
pub(super) unsafe fn pack_strip<S: Simd>(plan: &Plan, (row, rows): (usize, usize), to: *mut f32) {
    let [a_row, a_col] = plan.a_strides;
    // A vector reaches into the columns behind its own, which are written later; the last ones have to do without.
    let by_vectors = (rows * plan.k + 1).saturating_sub(S::LANES).div_ceil(rows);
    // SAFETY: as the caller vouches.
    unsafe {
        let from = plan.a.add(row * a_row);
        let mut done = 0;
        if a_col == 1 {
            while done + 4 <= by_vectors {
                let columns = S::load_turned(
                    #[inline(always)]
                    |i| from.add(i.min(rows - 1) * a_row + done),
                );
                for (j, &column) in columns.iter().enumerate() {
                    S::store(to.add((done + j) * rows), column);
                }
                done += 4;
            }
        } else if a_row == 1 && row + S::LANES <= plan.m {
            while done < by_vectors {
                S::store(to.add(done * rows), S::load(from.add(done * a_col)));
                done += 1;
            }
        }
        for p in done..plan.k {
            for i in 0..rows {
                *to.add(p * rows + i) = *from.add(i * a_row + p * a_col);
            }
        }
    }
}
