//! Copying columns into the order in which a tile reads them.

use super::Plan;
use crate::buffer::LINE;
use crate::kernels::isa::Kernel;
use crate::kernels::simd::Simd;

/// Some columns of `b`, as a tile reads them: rows of two vectors, one after the other, without the rows that are all zero, and in front of
/// them how many there are and how far each is from the one before it. A zero adds nothing to a sum of finite numbers, and images have many.
#[derive(Clone, Copy)]
pub(super) struct Panel(*mut f32);

impl Panel {
    /// How many numbers a panel of `k` rows takes.
    pub fn len(k: usize, width: usize) -> usize {
        Panel::header(k) + k * width
    }

    /// The panel at an address with room for it.
    pub fn at(memory: *mut f32) -> Panel {
        Panel(memory)
    }

    /// The number of rows and their distances, in whole cache lines.
    fn header(k: usize) -> usize {
        (1 + k).next_multiple_of(LINE)
    }

    /// Writes that all `k` rows are there; where the first goes.
    ///
    /// # Safety
    /// There is room for the panel.
    #[inline(always)]
    pub unsafe fn with_all_rows(self, k: usize) -> *mut f32 {
        // SAFETY: as for `rows`.
        unsafe {
            let header = self.0.cast::<u32>();
            std::slice::from_raw_parts_mut(header.add(1), k).fill(1);
            *header = k as u32;
            if k > 0 {
                *header.add(1) = 0;
            }
            self.0.add(Panel::header(k))
        }
    }

    /// The number of rows that are there; how far each is from the one before it, the first from 0; and the first of them.
    ///
    /// # Safety
    /// The panel has been packed for this `k`.
    #[inline(always)]
    pub unsafe fn rows(self, k: usize) -> (usize, *const u32, *const f32) {
        // SAFETY: the header is where packing has put it; an `f32` has the size and the alignment of an `u32`.
        unsafe {
            let header = self.0.cast::<u32>();
            (*header as usize, header.add(1), self.0.add(Panel::header(k)))
        }
    }
}

/// Copies the columns of `b` from `first` on into a panel, with zeros where there are none.
pub(super) struct Pack {
    pub plan: Plan,
    pub first: usize,
    pub panel: Panel,
}

impl Kernel for Pack {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Pack { plan, first, panel } = self;
        let width = 2 * S::LANES;
        let [row, col] = plan.b_strides;
        let here = width.min(plan.n - first);
        // SAFETY: reads stay inside `b` (k rows, `first + here` <= n columns), writes inside the panel: no row is put behind the
        // place it would have if all were there.
        unsafe {
            let from = plan.b.add(first * col);
            let to = panel.0.add(Panel::header(plan.k));
            let steps = panel.0.cast::<u32>().add(1);
            let (mut count, mut last) = (0, 0);
            for start in (0..plan.k).step_by(LINE) {
                let rows = LINE.min(plan.k - start);
                let block = to.add(count * width);
                if here < width {
                    block.write_bytes(0, rows * width);
                }
                copy_rows::<S>(from.add(start * row), (row, col), (rows, here), block);
                for p in 0..rows {
                    let (from, to) = (block.add(p * width), to.add(count * width));
                    if !is_zero::<S>(from) {
                        if from != to {
                            from.copy_to_nonoverlapping(to, width);
                        }
                        *steps.add(count) = (start + p - last) as u32;
                        last = start + p;
                        count += 1;
                    }
                }
            }
            *panel.0.cast::<u32>() = count as u32;
        }
    }
}

/// `to[p * width + j] = from[p * row + j * col]`
///
/// # Safety
/// All of those places can be read and written, and `cols` is at most `width`.
#[inline(always)]
unsafe fn copy_rows<S: Simd>(
    from: *const f32,
    (row, col): (usize, usize),
    (rows, cols): (usize, usize),
    to: *mut f32,
) {
    let width = 2 * S::LANES;
    // SAFETY: the caller vouches for every place.
    unsafe {
        if row == 1 {
            turn::<S>(from, col, (cols, rows), to, width);
        } else if col != 1 {
            for (p, j) in (0..rows).flat_map(|p| (0..cols).map(move |j| (p, j))) {
                *to.add(p * width + j) = *from.add(p * row + j * col);
            }
        } else if cols == width {
            for p in 0..rows {
                let (low, high) = (S::load(from.add(p * row)), S::load(from.add(p * row + S::LANES)));
                S::store(to.add(p * width), low);
                S::store(to.add(p * width + S::LANES), high);
            }
        } else {
            for p in 0..rows {
                from.add(p * row).copy_to_nonoverlapping(to.add(p * width), cols);
            }
        }
    }
}

/// `to[j * to_stride + i] = from[i * from_stride + j]` for `rows` by `columns`: in squares of a vector's width, and number by number where none
/// fits.
///
/// # Safety
/// All of those places can be read and written.
#[inline(always)]
pub(super) unsafe fn turn<S: Simd>(
    from: *const f32,
    from_stride: usize,
    (rows, columns): (usize, usize),
    to: *mut f32,
    to_stride: usize,
) {
    let in_squares = [rows, columns].map(|extent| extent / S::LANES * S::LANES);
    // SAFETY: the caller vouches for every place.
    unsafe {
        for j in (0..in_squares[1]).step_by(S::LANES) {
            for i in (0..in_squares[0]).step_by(S::LANES) {
                S::transpose(
                    from.add(i * from_stride + j),
                    from_stride,
                    to.add(j * to_stride + i),
                    to_stride,
                );
            }
        }
        for i in 0..rows {
            let rest = if i < in_squares[0] { in_squares[1] } else { 0 };
            for j in rest..columns {
                *to.add(j * to_stride + i) = *from.add(i * from_stride + j);
            }
        }
    }
}

/// Whether a row of a panel has nothing but zeros of either sign.
///
/// # Safety
/// `row` can be read.
#[inline(always)]
unsafe fn is_zero<S: Simd>(row: *const f32) -> bool {
    // SAFETY: the caller vouches for the row.
    let row = unsafe { std::slice::from_raw_parts(row, 2 * S::LANES) };
    // Without the sign bit. Not `any`, which would look at one after the other.
    row.iter().fold(0, |bits, x| bits | (x.to_bits() << 1)) == 0
}
