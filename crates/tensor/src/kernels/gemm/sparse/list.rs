//! Listing what is not zero.

use super::super::pack::turn;
use super::{CHUNK, Cut, Plan};
use crate::kernels::isa::Kernel;
use crate::kernels::simd::{MAX_LANES, Simd};

/// What is not zero in the columns of a group, in the rows of a chunk: column by column, in the order of the rows.
#[derive(Clone, Copy)]
pub(super) struct Lists {
    /// For each column, how many there are.
    pub counts: *mut u32,
    /// The numbers themselves.
    pub values: *mut f32,
    /// Where the columns of `a` that belong to them begin, in the chunk of a block.
    pub places: *mut u32,
}

impl Lists {
    /// # Safety
    /// `memory` has room for the lists of all groups and chunks.
    #[inline(always)]
    pub unsafe fn at(memory: *mut f32, cut: &Cut, group: usize, chunk: usize) -> Lists {
        // SAFETY: the three stretches fill what there is for a group and a chunk; an `u32` has the size and the alignment of an `f32`.
        unsafe {
            let counts = memory.add((group * cut.chunks + chunk) * cut.lists_len());
            let values = counts.add(cut.width);
            Lists { counts: counts.cast(), values, places: values.add(cut.entries()).cast() }
        }
    }
}

/// Makes the lists of a group in a chunk.
pub(super) struct List {
    pub plan: Plan,
    pub cut: Cut,
    pub group: usize,
    pub chunk: usize,
    /// Memory for all groups and chunks.
    pub lists: *mut f32,
}

impl Kernel for List {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let List { plan, cut, group, chunk, lists } = self;
        let ((first, columns), (from, rows)) = (cut.group(group), cut.chunk(chunk));
        let [row, column] = plan.b_strides;
        // SAFETY: the rows and columns are inside `b`, and the memory has room for an entry of each of them.
        unsafe {
            let b = plan.b.add(from * row + first * column);
            let mut writer = Writer::new::<S>(&cut, Lists::at(lists, &cut, group, chunk));
            let mut turned = [0.0; CHUNK * MAX_LANES];
            for j in (0..columns).step_by(S::LANES) {
                let here = S::LANES.min(columns - j);
                let b = b.add(j * column);
                let whole_vectors = rows.is_multiple_of(S::LANES);
                let (numbers, stride) = if row == 1 && whole_vectors {
                    (b, column)
                } else {
                    // Behind the last row there are zeros, as at the beginning.
                    let to = turned.as_mut_ptr();
                    if row == 1 {
                        for c in 0..here {
                            b.add(c * column).copy_to_nonoverlapping(to.add(c * CHUNK), rows);
                        }
                    } else {
                        turn::<S>(b, row, (rows, here), to, CHUNK);
                    }
                    (turned.as_ptr(), CHUNK)
                };
                for c in 0..here {
                    writer.list::<S>(numbers.add(c * stride), rows);
                }
            }
        }
    }
}

/// Appends one list after the other.
struct Writer {
    lists: Lists,
    /// For each row of a chunk, the place in `a` that belongs to it.
    places: [u32; CHUNK],
}

impl Writer {
    #[inline(always)]
    fn new<S: Simd>(cut: &Cut, lists: Lists) -> Writer {
        Writer { lists, places: std::array::from_fn(|i| (i * cut.height) as u32) }
    }

    /// Lists what is not zero in a column.
    ///
    /// # Safety
    /// Its numbers can be read, up to a whole vector, and there is room for them.
    #[inline(always)]
    unsafe fn list<S: Simd>(&mut self, column: *const f32, rows: usize) {
        let Lists { counts, values, places } = &mut self.lists;
        let mut count = 0;
        // SAFETY: as the caller vouches.
        unsafe {
            for i in (0..rows).step_by(S::LANES) {
                let numbers = S::load(column.add(i));
                let lanes = S::not_zero(numbers);
                S::compress(numbers, lanes, values.add(count));
                S::compress(S::load(self.places.as_ptr().add(i).cast()), lanes, places.add(count).cast());
                count += lanes.count_ones() as usize;
            }
            counts.write(count as u32);
            (*counts, *values, *places) = (counts.add(1), values.add(count), places.add(count));
        }
    }
}
