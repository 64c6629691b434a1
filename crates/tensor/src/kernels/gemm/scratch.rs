//! Memory for packed operands.

use std::cell::Cell;
use std::ops::Range;

use super::Plan;
use super::cut::share;
use crate::Buffer;
use crate::buffer::LINE;
use crate::threads::{self, Slices, for_each_part};

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
        self.spread(|task| threads::for_each(tasks, task), pack, run);
    }

    /// As [`Scratch::run`], with a task for each part of so many rows of the product: calls `compute(part, packed, own)`, where `part` is their plan with room
    /// for them, and then `body` with them and with the part of `slices`, which have as many elements as the product, that belongs to them.
    pub fn run_parts<S: Slices + Send>(
        self,
        (plan, rows): (&Plan, usize),
        slices: S,
        pack: impl Fn(usize, *mut f32) + Sync,
        compute: impl Fn(&Plan, *mut f32, *mut f32) + Sync,
        body: impl Fn(&mut [f32], S) + Sync,
    ) {
        let row = plan.n;
        let before = self.own.next_multiple_of(LINE);
        Scratch { own: before + rows * row, ..self }.spread(
            |each| for_each_part((0..plan.m * row, slices), rows * row, each),
            pack,
            |(range, slices): (Range<usize>, S), packed, own| {
                let rows = (range.start / row, range.len() / row);
                // SAFETY: the product has these rows, and behind what `compute` needs there is room for a part.
                unsafe {
                    let compute = |out| compute(&plan.some_rows(rows, out), packed, own);
                    lend(own.add(before), range.len(), compute, |product| body(product, slices));
                }
            },
        );
    }

    /// As [`Scratch::run`], with tasks of any kind that `spread` hands out to all threads.
    fn spread<T>(
        self,
        spread: impl FnOnce(&(dyn Fn(T) + Sync)),
        pack: impl Fn(usize, *mut f32) + Sync,
        run: impl Fn(T, *mut f32, *mut f32) + Sync,
    ) {
        // Vectors of panels are to begin at a cache line.
        let [packed, own] = [self.packed, self.own].map(|len| len.next_multiple_of(LINE));
        let scratch = Scratch { packed, own, ..self };
        if is_packed_by_each(packed) {
            scratch.with_copies(spread, pack, run);
        } else {
            scratch.shared(spread, pack, run);
        }
    }

    fn shared<T>(
        self,
        spread: impl FnOnce(&(dyn Fn(T) + Sync)),
        pack: impl Fn(usize, *mut f32) + Sync,
        run: impl Fn(T, *mut f32, *mut f32) + Sync,
    ) {
        with_memory(self.packed, self.own, |packed, own| {
            threads::for_each(self.pieces, |piece| pack(piece, packed.get()));
            spread(&|task| run(task, packed.get(), own.of_this_thread()));
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
        with_memory(self.packed, self.own, |packed, own| {
            threads::for_each(groups, |group| {
                let (first, last) = share(self.pieces, group, groups);
                (first..last).for_each(|piece| pack(piece, packed.get()));
                // A thread that waits for a group's tasks may run others, but no task waits.
                threads::for_each(tasks, |task| run(group, task, packed.get(), own.of_this_thread()));
            });
        });
    }

    /// A thread packs with its first task.
    fn with_copies<T>(
        self,
        spread: impl FnOnce(&(dyn Fn(T) + Sync)),
        pack: impl Fn(usize, *mut f32) + Sync,
        run: impl Fn(T, *mut f32, *mut f32) + Sync,
    ) {
        with_memory(0, LINE + self.packed + self.own, |_, own| {
            // In front of each copy, alone in its line: whether it has been packed.
            // SAFETY: each thread's memory begins with that line.
            (0..threads::current()).for_each(|thread| unsafe { *own.of(thread) = 0.0 });
            spread(&|task| {
                let is_packed = own.of_this_thread();
                // SAFETY: behind the line there is room for the copy, and behind that for what the thread needs besides.
                unsafe {
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

/// Calls `compute` with memory for a part of a product, and then `body` with what is there: `place`, unless a `body` that this thread has called before is not
/// done, but waits for something that it has started on several threads.
///
/// # Safety
/// Nobody else uses the `len` numbers at `place`, apart from such bodies, and `compute` writes to no others.
unsafe fn lend(place: *mut f32, len: usize, compute: impl FnOnce(*mut f32), body: impl FnOnce(&mut [f32])) {
    thread_local! {
        static LENT: Cell<bool> = const { Cell::new(false) };
    }
    struct Return;
    impl Drop for Return {
        fn drop(&mut self) {
            LENT.set(false);
        }
    }
    if LENT.replace(true) {
        let mut spare = Buffer::zeros(len);
        compute(spare.as_mut_ptr());
        return body(&mut spare);
    }
    let _return = Return;
    compute(place);
    // SAFETY: as the caller vouches; all numbers are some.
    body(unsafe { std::slice::from_raw_parts_mut(place, len) });
}

/// Memory that each thread has for itself, at the same place in one product as in the next: a line that another core has written last takes some 100 nanoseconds
/// to be written again.
#[derive(Clone, Copy)]
struct Own {
    first: SendPtr,
    len: usize,
}

impl Own {
    fn of(self, thread: usize) -> *mut f32 {
        self.first.get().wrapping_add(thread * self.len)
    }

    /// Nobody else's: a thread runs one task at a time.
    fn of_this_thread(self) -> *mut f32 {
        self.of(threads::index())
    }
}

/// Runs `body` with memory for what is packed, and with some for each thread.
fn with_memory(packed: usize, own: usize, body: impl FnOnce(SendPtr, Own)) {
    thread_local! {
        /// For all threads, and how much of it is for each: as much as any product so far has needed.
        static OWN: Cell<(Buffer, usize)> = Cell::default();
    }
    with_scratch(packed, |packed| {
        let (mut all, len) = OWN.take();
        let len = len.max(own.next_multiple_of(LINE));
        all.resize(threads::current() * len);
        body(SendPtr(packed.as_mut_ptr()), Own { first: SendPtr(all.as_mut_ptr()), len });
        OWN.set((all, len));
    });
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
}
