//! How a product is cut into tasks.

use std::cell::Cell;

use super::block::Block;
use super::pack::{Pack, Panel};
use super::sparse::{self, Columns, PackRows};
use super::{Epilogue, Plan};
use crate::kernels::isa::{Isa, dispatch};
use crate::{Buffer, threads};

/// Multiply-adds that are worth a task of their own: around ten microseconds.
const TASK: usize = 1 << 20;
/// Numbers whose copying is worth tasks of its own.
const PACKING: usize = 1 << 15;
/// Packed panels up to this size (in numbers) stay in the second-level cache while all rows pass by.
const L2: usize = 1 << 17;

/// How a plan is cut up for an instruction set.
struct Cut {
    isa: Isa,
    /// Groups of at most `MAX_ROWS` rows.
    strips: usize,
    panels: usize,
    /// Columns of a panel.
    width: usize,
    /// Numbers in a packed panel.
    panel_len: usize,
    /// The number of tasks the work is worth.
    tasks: usize,
}

impl Cut {
    fn new(isa: Isa, plan: &Plan) -> Cut {
        let width = 2 * isa.lanes();
        Cut {
            isa,
            strips: plan.m.div_ceil(isa.max_rows()),
            panels: plan.n.div_ceil(width),
            width,
            panel_len: Panel::len(plan.k, width),
            tasks: (plan.m * plan.n * plan.k).div_ceil(TASK).max(1),
        }
    }
}

/// Computes the product on all threads.
pub(super) fn run<E: Epilogue>(isa: Isa, plan: Plan, epilogue: &E) {
    if sparse::suits(&plan) {
        return by_lists(isa, plan, epilogue);
    }
    let cut = Cut::new(isa, &plan);
    // A few rows do not pay for packing everything; and what is packed has to stay in the cache while the rows pass by.
    if cut.strips >= 8 && cut.panels * cut.panel_len <= L2 {
        by_rows(plan, &cut, epilogue);
    } else {
        by_columns(plan, &cut, epilogue);
    }
}

/// All panels are packed first; each task takes some strips of rows through all of them.
fn by_rows<E: Epilogue>(plan: Plan, cut: &Cut, epilogue: &E) {
    let &Cut { isa, strips, panels, width, panel_len, tasks } = cut;
    with_scratch(panels * panel_len, |scratch| {
        let packed = SendPtr(scratch.as_mut_ptr());
        let packing = if panels * panel_len >= PACKING { panels } else { 1 };
        threads::for_each(packing, |task| {
            for panel in (task..panels).step_by(packing) {
                // SAFETY: each panel has a stretch of the scratch of its own.
                let panel_at = Panel::at(unsafe { packed.add(panel * panel_len) });
                dispatch(isa, Pack { plan, first: panel * width, panel: panel_at });
            }
        });
        let tasks = tasks.min(strips);
        threads::for_each(tasks, |task| {
            let strips = share(strips, task, tasks);
            dispatch(isa, Block { plan, strips, panels: (0, panels), packed: packed.get(), epilogue });
        });
    });
}

/// Each task takes a group of panels, packs them for itself, and takes all rows through them.
fn by_columns<E: Epilogue>(plan: Plan, cut: &Cut, epilogue: &E) {
    let &Cut { isa, strips, panels, width, panel_len, tasks } = cut;
    // At least sixteen tasks where there are panels enough, and never more panels than the cache holds.
    let fit = (L2 / panel_len.max(1)).max(1);
    let tasks = tasks.min(16).max(panels.div_ceil(fit)).min(panels);
    let group = panels.div_ceil(tasks);
    with_scratch(threads::current() * group * panel_len, |scratch| {
        let scratch = SendPtr(scratch.as_mut_ptr());
        threads::for_each(tasks, |task| {
            // SAFETY: every thread of the pool has a stretch of the scratch of its own, and runs one task at a time.
            let packed = SendPtr(unsafe { scratch.add(threads::index() * group * panel_len) });
            let (first, last) = share(panels, task, tasks);
            for panel in first..last {
                // SAFETY: as above, one place per panel of the group.
                let panel_at = Panel::at(unsafe { packed.add((panel - first) * panel_len) });
                dispatch(isa, Pack { plan, first: panel * width, panel: panel_at });
            }
            dispatch(
                isa,
                Block { plan, strips: (0, strips), panels: (first, last), packed: packed.get(), epilogue },
            );
        });
    });
}

/// `a` is packed first; each task takes a group of columns and lists what is in them.
fn by_lists<E: Epilogue>(isa: Isa, plan: Plan, epilogue: &E) {
    let (group, packed_len) = (sparse::GROUP * isa.lanes(), sparse::packed_len(&plan, isa.lanes()));
    let len = Columns::<E>::scratch(plan.k, isa.lanes());
    with_scratch(packed_len + threads::current() * len, |scratch| {
        let packed = SendPtr(scratch.as_mut_ptr());
        let parts = if packed_len >= PACKING { 8 } else { 1 };
        threads::for_each(parts, |part| {
            dispatch(isa, PackRows { plan, part, parts, packed: packed.get() });
        });
        threads::for_each(plan.n.div_ceil(group), |task| {
            // SAFETY: every thread of the pool has a stretch of the scratch of its own, and runs one task at a time.
            let scratch = unsafe { packed.add(packed_len + threads::index() * len) };
            dispatch(isa, Columns { plan, first: task * group, packed: packed.get(), scratch, epilogue });
        });
    });
}

/// `(first, last)` of the share of a task in `all` things, as even as can be.
fn share(all: usize, task: usize, tasks: usize) -> (usize, usize) {
    (task * all / tasks, (task + 1) * all / tasks)
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
