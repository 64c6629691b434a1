//! Sums of what is listed.

use super::super::pack::turn;
use super::list::Lists;
use super::{CHUNK, Cut, Plan};
use crate::buffer::LINE;
use crate::kernels::gemm::{Epilogue, finish};
use crate::kernels::isa::Kernel;
use crate::kernels::simd::{Simd, prefetch};

/// A block of rows of `out`, in the columns of some groups.
pub(super) struct Rows<'e, E> {
    pub plan: Plan,
    pub cut: Cut,
    pub block: usize,
    /// The first of them, and the one behind the last.
    pub groups: (usize, usize),
    pub lists: *mut f32,
    /// Memory for the rows of `a`, and for the sums.
    pub own: *mut f32,
    pub epilogue: &'e E,
}

impl<E: Epilogue> Kernel for Rows<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Rows { plan, cut, block, groups, lists, own, epilogue } = self;
        let (height, row) = (cut.height, block * cut.height);
        let rows = (row, height.min(plan.m - row));
        // A chunk that only one group needs is gone when it has been used.
        let chunk_len = if groups.1 - groups.0 > 1 { CHUNK * height } else { 0 };
        // SAFETY: the lists are finished, the block is inside `out`, and `own` has room for what a task needs.
        unsafe {
            let sums = own.add(cut.chunks * CHUNK * height);
            for group in groups.0..groups.1 {
                let block = Block { rows, columns: cut.group(group), height };
                for chunk in 0..cut.chunks {
                    let a = own.add(chunk * chunk_len);
                    if group == groups.0 {
                        block.pack::<S>(&plan, cut.chunk(chunk), a);
                    }
                    let lists = Lists::at(lists, &cut, group, chunk);
                    let mut ahead = if chunk + 1 == cut.chunks {
                        block.results(&plan)
                    } else if group == groups.0 {
                        block.source(&plan, cut.chunk(chunk + 1))
                    } else {
                        Ahead::NOTHING
                    };
                    let mut done = 0;
                    while done < rows.1 {
                        let (a, sums) = (a.add(done), sums.add(done));
                        done += S::LANES
                            * match (rows.1 - done).div_ceil(S::LANES) {
                                8.. => block.add::<S, 8>(a, lists, sums, chunk == 0, ahead),
                                4.. => block.add::<S, 4>(a, lists, sums, chunk == 0, ahead),
                                2.. => block.add::<S, 2>(a, lists, sums, chunk == 0, ahead),
                                _ => block.add::<S, 1>(a, lists, sums, chunk == 0, ahead),
                            };
                        ahead = Ahead::NOTHING;
                    }
                }
                block.write::<S>(&plan, sums);
                block.finish::<S, E>(&plan, epilogue);
            }
        }
    }
}

/// A block of rows of `out`, in the columns of one group.
struct Block {
    /// The first of them, and how many there are.
    rows: (usize, usize),
    columns: (usize, usize),
    /// Numbers from one column of packed rows, or of sums, to the next.
    height: usize,
}

impl Block {
    /// The block's places in `out`. A large product has left the cache since it was last written.
    #[inline(always)]
    fn results(&self, plan: &Plan) -> Ahead {
        let ((row, rows), (first, columns)) = (self.rows, self.columns);
        let [down, right] = plan.out_strides;
        let stretches = if down == 1 { (columns, rows, right) } else { (rows, columns, down) };
        Ahead::new(plan.out.wrapping_add(row * down + first * right), stretches, columns)
    }

    /// The block's rows of `a` in a chunk.
    #[inline(always)]
    fn source(&self, plan: &Plan, (from, len): (usize, usize)) -> Ahead {
        let (row, rows) = self.rows;
        let [down, right] = plan.a_strides;
        let stretches = if down == 1 { (len, rows, right) } else { (rows, len, down) };
        Ahead::new(plan.a.wrapping_add(row * down + from * right), stretches, self.columns.1)
    }

    /// Copies a chunk of the block's rows of `a`, the numbers of a column side by side.
    ///
    /// # Safety
    /// The chunk is inside `a`, and `to` has room for one.
    #[inline(always)]
    unsafe fn pack<S: Simd>(&self, plan: &Plan, (from, len): (usize, usize), to: *mut f32) {
        let (row, rows) = self.rows;
        // SAFETY: as the caller vouches.
        unsafe {
            let a = plan.a.add(row * plan.a_strides[0] + from * plan.a_strides[1]);
            if plan.a_strides[1] == 1 {
                return turn::<S>(a, plan.a_strides[0], (rows, len), to, self.height);
            }
            for p in 0..len {
                copy::<S>(a.add(p * plan.a_strides[1]), rows, to.add(p * self.height));
            }
        }
    }

    /// Adds a chunk to `V` vectors of sums in every column. Says how many vectors these are.
    ///
    /// # Safety
    /// The chunk's rows of `a` are packed, and `sums` has room for all columns.
    #[inline(always)]
    unsafe fn add<S: Simd, const V: usize>(
        &self,
        a: *const f32,
        lists: Lists,
        sums: *mut f32,
        is_first: bool,
        mut ahead: Ahead,
    ) -> usize {
        let Lists { counts, mut values, mut places } = lists;
        for j in 0..self.columns.1 {
            ahead.column();
            // SAFETY: as the caller vouches.
            unsafe {
                let (count, sums) = (*counts.add(j) as usize, sums.add(j * self.height));
                if count == 0 && !is_first {
                    continue;
                }
                let mut sum: [S::Vector; V] =
                    std::array::from_fn(
                        |v| if is_first { S::zero() } else { S::load(sums.add(v * S::LANES)) },
                    );
                for i in 0..count {
                    let (from, factor) = (a.add(*places.add(i) as usize), S::splat(*values.add(i)));
                    for (v, sum) in sum.iter_mut().enumerate() {
                        *sum = S::mul_add(factor, S::load(from.add(v * S::LANES)), *sum);
                    }
                }
                (values, places) = (values.add(count), places.add(count));
                for (v, &sum) in sum.iter().enumerate() {
                    S::store(sums.add(v * S::LANES), sum);
                }
            }
        }
        V
    }

    /// Writes the sums where they belong.
    ///
    /// # Safety
    /// The block is inside `out`.
    #[inline(always)]
    unsafe fn write<S: Simd>(&self, plan: &Plan, sums: *const f32) {
        let ((row, rows), (first, columns)) = (self.rows, self.columns);
        let [down, right] = plan.out_strides;
        // SAFETY: as the caller vouches.
        unsafe {
            let out = plan.out.add(row * down + first * right);
            if down == 1 {
                for j in 0..columns {
                    put_all::<S>(plan, sums.add(j * self.height), rows, out.add(j * right));
                }
                return;
            }
            for i in (0..rows).step_by(S::LANES) {
                for j in (0..columns).step_by(S::LANES) {
                    let from = sums.add(j * self.height + i);
                    let here = (S::LANES.min(rows - i), S::LANES.min(columns - j));
                    put_turned::<S>(plan, from, self.height, here, out.add(i * down + j));
                }
            }
        }
    }

    /// Applies the epilogue to the finished block.
    #[inline(always)]
    fn finish<S: Simd, E: Epilogue>(&self, plan: &Plan, epilogue: &E) {
        let ((row, rows), (first, columns)) = (self.rows, self.columns);
        if plan.out_strides[0] != 1 {
            return finish::<S>(plan, epilogue, (row, row + rows), (first, first + columns));
        }
        for j in first..first + columns {
            // SAFETY: the stretch lies inside the block of `out` that this task alone writes.
            let segment =
                unsafe { std::slice::from_raw_parts_mut(plan.out.add(row + j * plan.out_strides[1]), rows) };
            epilogue.apply::<S>(segment, row);
        }
    }
}

/// Calls for what is needed next: some of it with each column, for all at once would wait for each other. Rows far apart are nothing that the machine
/// foresees.
#[derive(Clone, Copy)]
struct Ahead {
    /// The next stretch of numbers that lie side by side, how long it is, and how far it is to the one behind it.
    next: *const f32,
    len: usize,
    stride: usize,
    /// Stretches that are left, and how many to call for with a column.
    left: usize,
    at_once: usize,
}

impl Ahead {
    const NOTHING: Ahead = Ahead { next: std::ptr::null(), len: 0, stride: 0, left: 0, at_once: 0 };

    /// `stretches` of `len` numbers from `first` on, `stride` from one to the next.
    #[inline(always)]
    fn new(first: *const f32, (stretches, len, stride): (usize, usize, usize), columns: usize) -> Ahead {
        Ahead { next: first, len, stride, left: stretches, at_once: stretches.div_ceil(columns) }
    }

    #[inline(always)]
    fn column(&mut self) {
        for _ in 0..self.at_once.min(self.left) {
            for i in (0..self.len).step_by(LINE) {
                prefetch(self.next.wrapping_add(i));
            }
            self.next = self.next.wrapping_add(self.stride);
            self.left -= 1;
        }
    }
}

/// Copies `len` numbers.
///
/// # Safety
/// They can be read and written.
#[inline(always)]
unsafe fn copy<S: Simd>(from: *const f32, len: usize, to: *mut f32) {
    let whole = len / S::LANES * S::LANES;
    // SAFETY: as the caller vouches.
    unsafe {
        for i in (0..whole).step_by(S::LANES) {
            S::store(to.add(i), S::load(from.add(i)));
        }
        for i in whole..len {
            *to.add(i) = *from.add(i);
        }
    }
}

/// Writes `len` results side by side.
///
/// # Safety
/// They can be read, and `to` is the place for them in `out`.
#[inline(always)]
unsafe fn put_all<S: Simd>(plan: &Plan, from: *const f32, len: usize, to: *mut f32) {
    let whole = len / S::LANES * S::LANES;
    // SAFETY: as the caller vouches.
    unsafe {
        for i in (0..whole).step_by(S::LANES) {
            plan.put::<S>(to.add(i), S::load(from.add(i)));
        }
        for i in whole..len {
            plan.accum.apply(&mut *to.add(i), *from.add(i));
        }
    }
}

/// Writes up to a vector of rows of up to a vector of columns, which are `height` apart in `from`.
///
/// # Safety
/// As for [`put_all`].
#[inline(always)]
unsafe fn put_turned<S: Simd>(
    plan: &Plan,
    from: *const f32,
    height: usize,
    (rows, columns): (usize, usize),
    to: *mut f32,
) {
    let down = plan.out_strides[0];
    // SAFETY: as the caller vouches.
    unsafe {
        if rows < S::LANES || columns < S::LANES {
            for i in 0..rows {
                for j in 0..columns {
                    plan.accum.apply(&mut *to.add(i * down + j), *from.add(j * height + i));
                }
            }
            return;
        }
        for i in (0..S::LANES).step_by(4) {
            let turned = S::load_turned(
                #[inline(always)]
                |j| from.add(j * height + i),
            );
            for (r, &results) in turned.iter().enumerate() {
                plan.put::<S>(to.add((i + r) * down), results);
            }
        }
    }
}
