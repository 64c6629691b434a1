//! The product where many numbers of `b` are zeros: what the others stand for is listed by column, and only they are multiplied.
//!
//! A batch of MNIST images is such a `b`, in the first layer's forward product (`w x^T`) and in the gradient of its weight (`dz^T x`): 19 % of its
//! pixels are not 0. A column of `out` is then a sum of a few columns of `a`. It is made in registers, the rows of `a` along the vectors. Each
//! element is the chain of multiply-adds that the dense product makes, without those that add nothing: the same bits.
//!
//! The lists are made first ([`list`]), then each task takes a block of rows of `out` through some columns ([`rows`]). Both go through the inner
//! dimension by chunks, so that what a block needs of `a` for one stays in the first-level cache.

mod list;
mod rows;

use super::cut::share;
use super::scratch::Scratch;
use super::{Epilogue, NoEpilogue, Plan};
use crate::buffer::LINE;
use crate::kernels::isa::{Isa, dispatch};
use crate::threads::{self, Slices};
use list::List;
use rows::Rows;

/// Vectors of rows of `out` in a block: as many sums are made at once.
const VECTORS: usize = 8;
/// Columns of `a` in a chunk.
const CHUNK: usize = 64;
/// Columns of `out` in a group, at most: in blocks of 128 rows, 115 KB of sums.
const MAX_COLUMNS: usize = 224;
/// Numbers of `b` that are listed at a time, or a few columns of it where one is longer. If none is 0 after all, the lists take 32 MB. Tests go several times
/// with little.
const LISTED: usize = if cfg!(test) { 1 << 12 } else { 1 << 22 };

/// The least number of multiply-adds, of rows and columns of `out`, and of the inner dimension for which lists are worth their while.
const MIN_WORK: usize = 1 << 18;
const MIN_EXTENT: usize = 64;
const MIN_INNER: usize = 16;
/// Parts of an extent of `b` that are looked at, at least, to see whether it is sparse.
const SAMPLE: usize = 16;
/// It is if no more than this part of the sample is not zero. Where zeros fall at random, the two ways take equally long with 0.6; in whole steps of
/// networks whose activations are half zeros, lists gained nothing.
const DENSITY: f32 = 0.4;

/// The plan, or the plan turned round, if it is one for this module: of the operands on the right, one has mostly zeros. The answer changes how
/// long the product takes, and nothing else.
pub(super) fn fitting(plan: &Plan) -> Option<Plan> {
    let large =
        plan.m.min(plan.n) >= MIN_EXTENT && plan.k >= MIN_INNER && plan.m * plan.n * plan.k >= MIN_WORK;
    let in_order = plan.a_strides.contains(&1) && plan.b_strides.contains(&1);
    if !large || !in_order {
        return None;
    }
    [*plan, plan.turned()].into_iter().find(is_sparse)
}

/// Whether `b` has few numbers that are not 0, by a look at some of them: one line's first stretch, another's second, and so on.
fn is_sparse(plan: &Plan) -> bool {
    // `lines` of `len` numbers, which lie side by side.
    let (lines, len, stride) = if plan.b_strides[1] == 1 {
        (plan.k, plan.n, plan.b_strides[0])
    } else {
        (plan.n, plan.k, plan.b_strides[1])
    };
    let stretches = len / LINE;
    let looks = stretches.max(SAMPLE);
    let found = (0..looks).map(|look| {
        let (line, stretch) = (look % SAMPLE * lines / SAMPLE, look % stretches);
        // SAFETY: a stretch of `b`, which `gemm` has checked.
        let numbers = unsafe { std::slice::from_raw_parts(plan.b.add(line * stride + stretch * LINE), LINE) };
        numbers.iter().map(|&x| u32::from(x != 0.0)).sum::<u32>()
    });
    found.sum::<u32>() as f32 <= DENSITY * (looks * LINE) as f32
}

/// Computes the product on all threads.
pub(super) fn run<E: Epilogue>(isa: Isa, plan: Plan, epilogue: &E) {
    let columns = (LISTED / plan.k).max(1).next_multiple_of(MIN_EXTENT);
    for first in (0..plan.n).step_by(columns) {
        run_columns(isa, plan, (first, columns.min(plan.n - first)), epilogue);
    }
}

/// Whether [`in_parts`] can compute the product: all of the lists are made at once, and a thread has as many whole blocks as another.
pub(super) fn has_parts(isa: Isa, plan: &Plan) -> bool {
    plan.n * plan.k <= LISTED && Cut::new(isa.lanes(), plan, (0, plan.n)).parts == 1
}

/// Computes the product in parts of a block each.
pub(super) fn in_parts<S: Slices + Send>(
    isa: Isa,
    plan: Plan,
    slices: S,
    body: impl Fn(&mut [f32], S) + Sync,
) {
    let cut = Cut::new(isa.lanes(), &plan, (0, plan.n));
    Scratch { packed: cut.all_lists_len(), pieces: cut.pieces(), own: cut.own_len() }.run_parts(
        (&plan, cut.height),
        slices,
        |piece, lists| cut.list(isa, &plan, piece, lists),
        |part, lists, own| cut.compute_part(isa, part, lists, own),
        body,
    );
}

/// Computes some columns of the product.
fn run_columns<E: Epilogue>(isa: Isa, plan: Plan, columns: (usize, usize), epilogue: &E) {
    let cut = Cut::new(isa.lanes(), &plan, columns);
    Scratch { packed: cut.all_lists_len(), pieces: cut.pieces(), own: cut.own_len() }.run(
        cut.blocks * cut.parts,
        |piece, lists| cut.list(isa, &plan, piece, lists),
        |task, lists, own| {
            let (block, groups) = (task / cut.parts, share(cut.groups, task % cut.parts, cut.parts));
            dispatch(isa, Rows { plan, cut, block, groups, lists, own, epilogue });
        },
    );
}

/// How some columns of a product are cut up.
#[derive(Clone, Copy)]
struct Cut {
    /// The first column, and how many there are.
    columns: (usize, usize),
    /// Rows of a block.
    height: usize,
    blocks: usize,
    /// Columns of a group.
    width: usize,
    groups: usize,
    /// The tasks that share the groups of a block.
    parts: usize,
    /// Stretches of the inner dimension.
    chunks: usize,
    /// Numbers in a vector.
    lanes: usize,
    /// The inner dimension.
    k: usize,
}

impl Cut {
    fn new(lanes: usize, plan: &Plan, columns: (usize, usize)) -> Cut {
        let height = VECTORS * lanes;
        let blocks = plan.m.div_ceil(height);
        // Blocks that leave threads idle are shared.
        let threads = threads::current();
        let parts = if blocks.is_multiple_of(threads) { 1 } else { (2 * threads).div_ceil(blocks).max(2) };
        let groups = columns.1.div_ceil(MAX_COLUMNS).max(parts);
        let width = columns.1.div_ceil(groups).next_multiple_of(lanes);
        let groups = columns.1.div_ceil(width);
        let parts = parts.min(groups);
        Cut {
            columns,
            height,
            blocks,
            width,
            groups,
            parts,
            chunks: plan.k.div_ceil(CHUNK),
            lanes,
            k: plan.k,
        }
    }

    /// The lists are made in pieces, one for each group in each chunk.
    fn pieces(&self) -> usize {
        self.groups * self.chunks
    }

    /// Makes a piece of the lists.
    fn list(&self, isa: Isa, plan: &Plan, piece: usize, lists: *mut f32) {
        let (group, chunk) = (piece / self.chunks, piece % self.chunks);
        dispatch(isa, List { plan: *plan, cut: *self, group, chunk, lists });
    }

    /// Computes a block, which is all of a plan. Not generic, or crates that use parts would compile it again.
    fn compute_part(&self, isa: Isa, part: &Plan, lists: *mut f32, own: *mut f32) {
        let (groups, epilogue) = ((0, self.groups), &NoEpilogue);
        dispatch(isa, Rows { plan: *part, cut: *self, block: 0, groups, lists, own, epilogue });
    }

    fn all_lists_len(&self) -> usize {
        self.pieces() * self.lists_len()
    }

    /// Numbers of memory for the rows of `a` that a task packs, and for its sums.
    fn own_len(&self) -> usize {
        self.height * (self.chunks * CHUNK + self.width)
    }

    /// The first column of a group, and how many it has.
    #[inline(always)]
    fn group(&self, group: usize) -> (usize, usize) {
        let before = group * self.width;
        (self.columns.0 + before, self.width.min(self.columns.1 - before))
    }

    /// Where a chunk begins, and how long it is.
    #[inline(always)]
    fn chunk(&self, chunk: usize) -> (usize, usize) {
        (chunk * CHUNK, CHUNK.min(self.k - chunk * CHUNK))
    }

    /// Room for the entries of a group in a chunk. The last is written with a whole vector.
    #[inline(always)]
    fn entries(&self) -> usize {
        CHUNK.min(self.k) * self.width + self.lanes
    }

    /// Numbers of memory for the lists of a group in a chunk.
    #[inline(always)]
    fn lists_len(&self) -> usize {
        (self.width + 2 * self.entries()).next_multiple_of(LINE)
    }
}
