//! How a product is cut into tasks.

use super::block::{Block, Left};
use super::pack::{Pack, Panel};
use super::scratch::{Scratch, is_packed_by_each};
use super::strip::PackStrip;
use super::{Epilogue, NoEpilogue, Plan};
use crate::kernels::isa::{Isa, dispatch};
use crate::threads::{self, Slices};

/// Multiply-adds that are worth a task of their own: around ten microseconds.
const TASK: usize = 1 << 20;
/// As many multiply-adds take as long as to fetch or to write a number of a matrix. It is what takes the time where one side is short.
const MOVED: usize = 32;
/// Tasks of a thread, at most, unless more are needed: each goes through all of the operand that is not cut.
const TASKS_OF_A_THREAD: usize = 8;
/// Packed panels up to this size (in numbers) stay in the second-level cache while all rows pass by.
const L2: usize = 1 << 17;

/// Strips from which on it pays to pack all panels.
const MANY_STRIPS: usize = 8;

/// The least number of strips in a thread's group: its panels are packed for these alone.
const GROUP: usize = 8;

/// The strips of a part that is handed on: few enough for it to stay near, and a panel is loaded for more than one.
const STRIPS_OF_A_PART: usize = 2;

/// Panels from which on it pays to pack strips: if that means to turn them, and if it does not.
const TURNED_PAYS: usize = 8;
const COPIED_PAYS: usize = 2;

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
    /// Whether there are panels enough for strips to be packed.
    packs_strips: bool,
}

impl Cut {
    fn new(isa: Isa, plan: &Plan) -> Cut {
        let width = 2 * isa.lanes();
        let panels = plan.n.div_ceil(width);
        let lies_along_k = plan.a_strides[1] == 1;
        Cut {
            isa,
            strips: plan.m.div_ceil(isa.max_rows()),
            panels,
            width,
            panel_len: Panel::len(plan.k, width),
            tasks: tasks(plan),
            packs_strips: panels >= if lies_along_k { TURNED_PAYS } else { COPIED_PAYS },
        }
    }

    /// Whether a part of some rows after the other can be computed from packed panels that stay in the cache.
    fn has_parts(&self) -> bool {
        self.strips >= MANY_STRIPS && self.panels * self.panel_len <= L2
    }

    /// Packs a panel to the place with that number behind `first`, where there is room for it.
    fn pack(&self, plan: &Plan, panel: usize, first: *mut f32, place: usize) {
        let place = Panel::at(first.wrapping_add(place * self.panel_len));
        dispatch(self.isa, Pack { plan: *plan, first: panel * self.width, panel: place });
    }

    /// Computes some rows of the product from packed panels, with memory for a strip. Not generic, or crates that use parts would compile it again.
    fn compute_part(&self, part: &Plan, right: *mut f32, strip: *mut f32) {
        let strips = (0, part.m.div_ceil(self.isa.max_rows()));
        let left = if self.packs_strips { Left::PackHere(strip) } else { Left::InPlace };
        let (plan, panels, epilogue) = (*part, (0, self.panels), &NoEpilogue);
        compute(self.isa, Block { plan, strips, panels, left, right, packs_panels: false, epilogue });
    }

    /// The number of tasks among which the panels are shared, in each of some groups of rows.
    fn column_tasks(&self, groups: usize) -> usize {
        // Never more panels than the cache holds.
        let fit = (L2 / self.panel_len.max(1)).max(1);
        let enough = self.tasks.min(TASKS_OF_A_THREAD * threads::current()).div_ceil(groups);
        enough.max(self.panels.div_ceil(fit)).min(self.panels)
    }
}

/// The number of tasks the work is worth, a whole number for each thread where it is enough for all: with one more, somebody would wait.
fn tasks(plan: &Plan) -> usize {
    let &Plan { m, n, k, .. } = plan;
    let (work, moved) = (m * n * k, m * n + n * k + m * k);
    let (threads, all) = (threads::current(), (work + MOVED * moved).div_ceil(TASK));
    if all <= threads { all } else { work.div_ceil(TASK).next_multiple_of(threads) }
}

/// Computes the product on all threads.
pub(super) fn run<E: Epilogue>(isa: Isa, plan: Plan, epilogue: &E) {
    let cut = Cut::new(isa, &plan);
    let threads = threads::current();
    // Where `b` lies as a panel does, it is packed on the way: what takes time is to read it.
    let packs_panels = cut.packs_strips && plan.b_strides[1] == 1;
    // A few rows do not pay for packing everything; and what is packed has to stay in the cache while the rows pass by.
    if cut.has_parts() {
        by_rows(plan, &cut, epilogue);
    } else if packs_panels && !is_packed_by_each(plan.m * plan.k) && cut.strips >= GROUP * threads {
        by_groups(plan, &cut, threads, epilogue);
    } else {
        by_columns(plan, &cut, packs_panels, epilogue);
    }
}

/// All panels are packed first; each task takes some strips of rows through all of them.
fn by_rows<E: Epilogue>(plan: Plan, cut: &Cut, epilogue: &E) {
    let &Cut { isa, strips, panels, panel_len, tasks, packs_strips, .. } = cut;
    let strip_len = if packs_strips { isa.max_rows() * plan.k } else { 0 };
    let tasks = tasks.min(strips);
    Scratch { packed: panels * panel_len, pieces: panels, own: strip_len }.run(
        tasks,
        |panel, right| cut.pack(&plan, panel, right, panel),
        |task, right, own| {
            let strips = share(strips, task, tasks);
            let left = if packs_strips { Left::PackHere(own) } else { Left::InPlace };
            let panels = (0, panels);
            compute(isa, Block { plan, strips, panels, left, right, packs_panels: false, epilogue });
        },
    );
}

/// Whether [`in_parts`] can compute the product.
pub(super) fn has_parts(isa: Isa, plan: &Plan) -> bool {
    Cut::new(isa, plan).has_parts()
}

/// As [`by_rows`], with a task for each part.
pub(super) fn in_parts<S: Slices + Send>(
    isa: Isa,
    plan: Plan,
    slices: S,
    body: impl Fn(&mut [f32], S) + Sync,
) {
    let cut = Cut::new(isa, &plan);
    let strip_len = isa.max_rows() * plan.k;
    Scratch { packed: cut.panels * cut.panel_len, pieces: cut.panels, own: strip_len }.run_parts(
        (&plan, STRIPS_OF_A_PART * isa.max_rows()),
        slices,
        |panel, right| cut.pack(&plan, panel, right, panel),
        |part, right, own| cut.compute_part(part, right, own),
        body,
    );
}

/// The strips are packed first; each task takes a group of panels, packs them for itself, and takes all rows through them.
fn by_columns<E: Epilogue>(plan: Plan, cut: &Cut, packs_panels: bool, epilogue: &E) {
    let &Cut { isa, strips, panels, panel_len, packs_strips, .. } = cut;
    let tasks = cut.column_tasks(1);
    let (packed, pieces) = if packs_strips { (plan.m * plan.k, strips) } else { (0, 0) };
    Scratch { packed, pieces, own: panels.div_ceil(tasks) * panel_len }.run(
        tasks,
        |strip, left| dispatch(isa, PackStrip { plan, strip, packed: left }),
        |task, left, right| {
            let (first, last) = share(panels, task, tasks);
            if !packs_panels {
                (first..last).for_each(|panel| cut.pack(&plan, panel, right, panel - first));
            }
            let left = if packs_strips { Left::Packed(left) } else { Left::InPlace };
            let (strips, panels) = ((0, strips), (first, last));
            compute(isa, Block { plan, strips, panels, left, right, packs_panels, epilogue });
        },
    );
}

/// Each thread packs a group of strips for itself, and takes them through all panels, which are packed on the way. Packed together, strips would come
/// into each core's cache only in the course of the product.
fn by_groups<E: Epilogue>(plan: Plan, cut: &Cut, groups: usize, epilogue: &E) {
    let &Cut { isa, strips, panels, panel_len, .. } = cut;
    let tasks = cut.column_tasks(groups);
    Scratch { packed: plan.m * plan.k, pieces: strips, own: panels.div_ceil(tasks) * panel_len }.run_groups(
        groups,
        tasks,
        |strip, packed| dispatch(isa, PackStrip { plan, strip, packed }),
        |group, task, left, right| {
            let (strips, panels) = (share(strips, group, groups), share(panels, task, tasks));
            let left = Left::Packed(left);
            compute(isa, Block { plan, strips, panels, left, right, packs_panels: true, epilogue });
        },
    );
}

/// Computes a block: compiled once for all ways of cutting.
#[inline(never)]
fn compute<E: Epilogue>(isa: Isa, block: Block<'_, E>) {
    dispatch(isa, block);
}

/// `(first, last)` of the share of a task in `all` things, as even as can be.
pub(super) fn share(all: usize, task: usize, tasks: usize) -> (usize, usize) {
    (task * all / tasks, (task + 1) * all / tasks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Accum;
    use crate::kernels::gemm::{Operand, Output};

    fn tasks_of([m, n, k]: [usize; 3], threads: usize) -> usize {
        let (a, b, mut out) = (vec![0.0; m * k], vec![0.0; k * n], vec![0.0; m * n]);
        let matrix = |data, rows, cols| Operand { data, rows, cols, row_stride: cols, col_stride: 1 };
        let output = Output { data: &mut out, accum: Accum::Replace };
        let plan = Plan::new(matrix(&a, m, k), matrix(&b, k, n), output);
        threads::run_on(threads, || tasks(&plan))
    }

    #[test]
    fn threads_have_equally_many_tasks() {
        // 12.25 million multiply-adds.
        assert_eq!([1, 2, 3, 4, 5].map(|threads| tasks_of([784, 512, 32], threads)), [13, 14, 15, 16, 15]);
        // A third of a million, and as much to move as for three times as many.
        assert_eq!([1, 2, 3].map(|threads| tasks_of([128, 10, 256], threads)), [1, 2, 2]);
        assert_eq!([1, 2, 3].map(|threads| tasks_of([32, 10, 256], threads)), [1; 3]);
        assert_eq!(tasks_of([3, 5, 0], 2), 1);
    }
}
