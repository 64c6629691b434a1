//! Copying columns into the order in which a tile reads them.

use super::Plan;
use crate::buffer::LINE;
use crate::kernels::isa::Kernel;
use crate::kernels::simd::Simd;

/// Copies the columns of `b` from `first` on into a panel `[k, 2 * LANES]`, with zeros where there are none.
pub(super) struct Pack {
    pub plan: Plan,
    pub first: usize,
    pub panel: *mut f32,
}

impl Kernel for Pack {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Pack { plan, first, panel } = self;
        let width = 2 * S::LANES;
        let [row, col] = plan.b_strides;
        let here = width.min(plan.n - first);
        // SAFETY: reads stay inside `b` (k rows, `first + here` <= n columns), writes inside the panel of `k * width`.
        unsafe {
            let from = plan.b.add(first * col);
            if here < width {
                panel.write_bytes(0, plan.k * width);
            }
            if col != 1 {
                transpose(from, col, row, here, plan.k, panel, width);
            } else if here == width {
                for p in 0..plan.k {
                    let (low, high) = (S::load(from.add(p * row)), S::load(from.add(p * row + S::LANES)));
                    S::store(panel.add(p * width), low);
                    S::store(panel.add(p * width + S::LANES), high);
                }
            } else {
                for p in 0..plan.k {
                    from.add(p * row).copy_to_nonoverlapping(panel.add(p * width), here);
                }
            }
        }
    }
}

/// `to[p * width + j] = from[j * col + p * row]`, in blocks that read whole cache lines.
///
/// # Safety
/// All of those places can be read and written.
#[inline(always)]
unsafe fn transpose(
    from: *const f32,
    col: usize,
    row: usize,
    cols: usize,
    rows: usize,
    to: *mut f32,
    width: usize,
) {
    for start in (0..rows).step_by(LINE) {
        let end = (start + LINE).min(rows);
        for j in 0..cols {
            for p in start..end {
                // SAFETY: the caller vouches for every place.
                unsafe { *to.add(p * width + j) = *from.add(j * col + p * row) };
            }
        }
    }
}
