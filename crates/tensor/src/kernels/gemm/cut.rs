//! How a product is cut into tasks.

use std::cell::Cell;

use super::block::Block;
use super::pack::{Pack, Panel};
use super::{Epilogue, Plan};
use crate::kernels::isa::{Isa, dispatch};
use crate::{Buffer, threads};

/// Multiply-adds that are worth a task of their own: around ten microseconds.
const TASK: usize = 1 << 20;
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
        let packing = if panels * panel_len >= TASK / 8 { panels } else { 1 };
        threads::for_each(packing, |task| {
            for panel in (task..panels).step_by(packing) {
                // SAFETY: each panel has a stretch of the scratch of its own.
                let panel_at = Panel::at(unsafe { packed.add(panel * panel_len) });
                dispatch(isa, Pack { plan, first: panel * width, panel: panel_at });
            }
        });
        let per_task = strips.div_ceil(tasks);
        threads::for_each(strips.div_ceil(per_task), |task| {
            let strips = (task * per_task, ((task + 1) * per_task).min(strips));
            dispatch(isa, Block { plan, strips, panels: (0, panels), packed: packed.get(), epilogue });
        });
    });
}

/// Each task takes a group of panels, packs them for itself, and takes all rows through them.
fn by_columns<E: Epilogue>(plan: Plan, cut: &Cut, epilogue: &E) {
    let &Cut { isa, strips, panels, width, panel_len, tasks } = cut;
    // At least sixteen tasks where there are panels enough, and never more panels than the cache holds.
    let group = panels.div_ceil(tasks.min(16)).min((L2 / panel_len.max(1)).max(1));
    with_scratch(threads::current() * group * panel_len, |scratch| {
        let scratch = SendPtr(scratch.as_mut_ptr());
        threads::for_each(panels.div_ceil(group), |task| {
            // SAFETY: every thread of the pool has a stretch of the scratch of its own, and runs one task at a time.
            let packed = SendPtr(unsafe { scratch.add(threads::index() * group * panel_len) });
            let (first, last) = (task * group, ((task + 1) * group).min(panels));
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

/// Runs `body` with memory that this thread keeps for the next call.
fn with_scratch(len: usize, body: impl FnOnce(&mut Buffer)) {
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
struct SendPtr(*mut f32);
// SAFETY: whoever dereferences it says why nobody else does so at that place.
unsafe impl Send for SendPtr {}
// SAFETY: as above.
unsafe impl Sync for SendPtr {}

impl SendPtr {
    /// Closures capture the whole of it this way, not the bare pointer inside.
    fn get(self) -> *mut f32 {
        self.0
    }

    /// # Safety
    /// As for `pointer::add`.
    unsafe fn add(self, count: usize) -> *mut f32 {
        // SAFETY: the caller vouches for it.
        unsafe { self.0.add(count) }
    }
}
