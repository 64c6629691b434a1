//! Memory for packed operands.

use std::cell::Cell;

use super::cut::share;
use crate::buffer::LINE;
use crate::{Buffer, threads};

/// Packed numbers up to this, all threads' copies together, are packed by each thread for itself. That is more work and takes less time: a line that
/// another core has just written is slow to come by, and slow to write again after it has been read there.
const COPIES: usize = 1 << 18;

/// The memory of a product whose tasks share something that is packed first.
pub(super) struct Scratch {
    /// Numbers of what is packed.
    pub packed: usize,
    /// The pieces in which it is packed.
    pub pieces: usize,
    /// Numbers that each thread needs for itself besides.
    pub own: usize,
}

/// Whether each thread packs so many numbers for itself.
pub(super) fn is_packed_by_each(packed: usize) -> bool {
    packed * threads::current() <= COPIES
}

impl Scratch {
    /// Calls `pack(piece, packed)` for all pieces, and then `run(task, packed, own)` for all tasks, on all threads. Whichever thread calls them,
    /// they write to nobody else's memory if `pack` keeps to the place of its piece, and `run` to `own`.
    pub fn run(
        self,
        tasks: usize,
        pack: impl Fn(usize, *mut f32) + Sync,
        run: impl Fn(usize, *mut f32, *mut f32) + Sync,
    ) {
        // Vectors of panels are to begin at a cache line.
        let [packed, own] = [self.packed, self.own].map(|len| len.next_multiple_of(LINE));
        let scratch = Scratch { packed, own, ..self };
        if is_packed_by_each(packed) {
            scratch.with_copies(tasks, pack, run);
        } else {
            scratch.shared(tasks, pack, run);
        }
    }

    fn shared(
        self,
        tasks: usize,
        pack: impl Fn(usize, *mut f32) + Sync,
        run: impl Fn(usize, *mut f32, *mut f32) + Sync,
    ) {
        with_scratch(self.packed + threads::current() * self.own, |scratch| {
            let packed = SendPtr(scratch.as_mut_ptr());
            threads::for_each(self.pieces, |piece| pack(piece, packed.get()));
            threads::for_each(tasks, |task| {
                // SAFETY: every thread of the pool has a stretch of its own, and runs one task at a time.
                let own = unsafe { packed.add(self.packed + threads::index() * self.own) };
                run(task, packed.get(), own);
            });
        });
    }

    /// As [`Scratch::run`], with `run(group, task, packed, own)` for all tasks of some groups. A group needs its [`share`] of the pieces, which one thread
    /// packs; another that helps it finds them packed.
    pub fn run_groups(
        self,
        groups: usize,
        tasks: usize,
        pack: impl Fn(usize, *mut f32) + Sync,
        run: impl Fn(usize, usize, *mut f32, *mut f32) + Sync,
    ) {
        let [packed, own] = [self.packed, self.own].map(|len| len.next_multiple_of(LINE));
        with_scratch(packed + threads::current() * own, |scratch| {
            let scratch = SendPtr(scratch.as_mut_ptr());
            threads::for_each(groups, |group| {
                let (first, last) = share(self.pieces, group, groups);
                (first..last).for_each(|piece| pack(piece, scratch.get()));
                threads::for_each(tasks, |task| {
                    // SAFETY: as in `shared`. A thread that waits for a group's tasks may run others, but no task waits.
                    let own = unsafe { scratch.add(packed + threads::index() * own) };
                    run(group, task, scratch.get(), own);
                });
            });
        });
    }

    /// A thread packs with its first task.
    fn with_copies(
        self,
        tasks: usize,
        pack: impl Fn(usize, *mut f32) + Sync,
        run: impl Fn(usize, *mut f32, *mut f32) + Sync,
    ) {
        // In front of each copy, alone in its line: whether it has been packed.
        let stretch = LINE + self.packed + self.own;
        with_scratch(threads::current() * stretch, |scratch| {
            (0..threads::current()).for_each(|thread| scratch[thread * stretch] = 0.0);
            let scratch = SendPtr(scratch.as_mut_ptr());
            threads::for_each(tasks, |task| {
                // SAFETY: as in `shared`.
                unsafe {
                    let is_packed = scratch.add(threads::index() * stretch);
                    let packed = is_packed.add(LINE);
                    if *is_packed == 0.0 {
                        (0..self.pieces).for_each(|piece| pack(piece, packed));
                        *is_packed = 1.0;
                    }
                    run(task, packed, packed.add(self.packed));
                }
            });
        });
    }
}

/// Runs `body` with memory that this thread keeps for the next call.
pub(super) fn with_scratch(len: usize, body: impl FnOnce(&mut Buffer)) {
    thread_local! {
        static SCRATCH: Cell<Buffer> = Cell::default();
    }
    // Taken out, not borrowed: while it waits for its tasks, this thread may run somebody else's product.
    let mut scratch = SCRATCH.take();
    scratch.resize(len);
    body(&mut scratch);
    SCRATCH.set(scratch);
}

#[derive(Clone, Copy)]
pub(super) struct SendPtr(pub *mut f32);
// SAFETY: whoever dereferences it says why nobody else does so at that place.
unsafe impl Send for SendPtr {}
// SAFETY: as above.
unsafe impl Sync for SendPtr {}

impl SendPtr {
    /// Closures capture the whole of it this way, not the bare pointer inside.
    pub fn get(self) -> *mut f32 {
        self.0
    }

    /// # Safety
    /// As for `pointer::add`.
    unsafe fn add(self, count: usize) -> *mut f32 {
        // SAFETY: the caller vouches for it.
        unsafe { self.0.add(count) }
    }
}
