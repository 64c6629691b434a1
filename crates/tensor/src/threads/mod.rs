//! The thread policy: worker threads of our own, and as many or as few of them as the caller says.
//!
//! Results never depend on the number of threads: work is cut by its shape, and every sum has a fixed order. What depends
//! on it is time. Entering the pool from outside costs tens of microseconds, from inside next to nothing; so a program
//! enters once, around its training loop ([`run`]; the training loop of `layerwise-optim` does so by itself), and
//! everything inside is free to use all workers. They stay awake meanwhile, even where there is nothing to do for them: to wake one takes longer than
//! many an operation. When nothing has come for some milliseconds they nap, ten thousand times a second for a moment.
//!
//! The workers flush denormal numbers to zero. No other thread's floating-point mode is touched.

mod pool;

use std::ops::Range;
use std::sync::OnceLock;

use crate::kernels::{Isa, Kernel, Simd, dispatch};
use pool::{Pool, is_worker, join};

/// Elements that one thread takes at a time where little is done to each: what takes some microseconds.
pub const PART: usize = 1 << 14;

/// The number of threads a program gets if it does not say: the machine's, as it was at the first call.
pub fn available() -> usize {
    // Asking takes tens of microseconds: the standard library reads the files of the control group each time.
    static AVAILABLE: OnceLock<usize> = OnceLock::new();
    *AVAILABLE.get_or_init(|| std::thread::available_parallelism().map_or(1, |n| n.get()))
}

/// Runs `body` on one of our worker threads, with all of the machine's threads to help. If the caller is a worker already,
/// its own pool goes on.
///
/// Until `body` returns, the others stay awake: right for a loop, a waste of their cores for something that mostly waits.
///
/// ```
/// let sum: f32 = layerwise_tensor::threads::run(|| [1.0, 2.0].iter().sum());
/// assert_eq!(sum, 3.0);
/// ```
pub fn run<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    if is_worker() { body() } else { run_on(available(), body) }
}

/// Runs `body` on a pool of exactly `threads` workers. Pools are made once and kept.
///
/// # Panics
/// If `threads` is 0, or the operating system refuses to start them.
#[track_caller]
pub fn run_on<R: Send>(threads: usize, body: impl FnOnce() -> R + Send) -> R {
    assert!(threads > 0, "the number of threads must be at least 1, found 0");
    let is_here = is_worker() && rayon::current_num_threads() == threads;
    if is_here { body() } else { Pool::of(threads).stay(body) }
}

/// [`run`] for one operation: the workers sleep if they do.
fn enter<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    if is_worker() { body() } else { Pool::of(available()).enter(body) }
}

/// The number of threads that work on what the caller starts here and now.
pub fn current() -> usize {
    if is_worker() { rayon::current_num_threads() } else { available() }
}

/// Whether the caller is one of our worker threads: others are at hand at once.
#[inline]
pub(crate) fn is_inside() -> bool {
    is_worker()
}

/// A number below [`current`] that no other thread of the pool has.
pub(crate) fn index() -> usize {
    if is_worker() { rayon::current_thread_index().unwrap_or(0) } else { 0 }
}

/// Calls `body` with 0, 1, .. `tasks - 1` on all threads. A single task runs where the caller is.
pub(crate) fn for_each(tasks: usize, body: impl Fn(usize) + Sync) {
    if tasks > 1 && current() > 1 {
        enter(|| halve(0, tasks, &body));
    } else {
        (0..tasks).for_each(body);
    }
}

fn halve(first: usize, last: usize, body: &(impl Fn(usize) + Sync)) {
    if last - first == 1 {
        return body(first);
    }
    let middle = first + (last - first) / 2;
    join(|| halve(first, middle, body), || halve(middle, last, body));
}

/// Cuts slices of one length into parts of `part` elements (the last may be shorter), the same way for all of them, and
/// calls `body` with each part on any thread, compiled for the widest instructions of the machine as far as it is inlined: mark
/// the closure, and what it calls, `#[inline(always)]` where speed counts.
///
/// ```
/// use layerwise_tensor::threads::for_each_part;
/// let (mut x, y) = (vec![1.0; 100], vec![2.0; 100]);
/// for_each_part((&mut x[..], &y[..]), 30, #[inline(always)] |(x, y)| x.iter_mut().zip(y).for_each(|(x, y)| *x += y));
/// assert_eq!(x, [3.0; 100]);
/// ```
///
/// # Panics
/// If `part` is 0, or the slices differ in length.
#[track_caller]
pub fn for_each_part<S: Slices + Send>(slices: S, part: usize, body: impl Fn(S) + Sync) {
    fold_parts(slices, part, &body, &|(), ()| ());
}

/// The sum of what `body` returns for each part; see [`for_each_part`]. Parts are added in pairs, the same ones on any number of
/// threads.
///
/// # Panics
/// If `part` is 0, or the slices differ in length.
#[track_caller]
pub fn sum_over_parts<S: Slices + Send>(slices: S, part: usize, body: impl Fn(S) -> f64 + Sync) -> f64 {
    fold_parts(slices, part, &body, &|low, high| low + high)
}

#[track_caller]
fn fold_parts<S: Slices + Send, R: Send>(
    slices: S,
    part: usize,
    body: &(impl Fn(S) -> R + Sync),
    add: &(impl Fn(R, R) -> R + Sync),
) -> R {
    assert!(part > 0, "parts of 0 elements");
    if slices.common_len() > part && current() > 1 {
        enter(|| fold_halves(slices, part, body, add))
    } else {
        fold_halves(slices, part, body, add)
    }
}

fn fold_halves<S: Slices + Send, R: Send>(
    slices: S,
    part: usize,
    body: &(impl Fn(S) -> R + Sync),
    add: &(impl Fn(R, R) -> R + Sync),
) -> R {
    let len = slices.common_len();
    if len <= part {
        return dispatch(Isa::best(), Part { slices, body });
    }
    let (low, high) = slices.cut(len.div_ceil(part) / 2 * part);
    let (low, high) = if is_worker() {
        join(|| fold_halves(low, part, body, add), || fold_halves(high, part, body, add))
    } else {
        (fold_halves(low, part, body, add), fold_halves(high, part, body, add))
    };
    add(low, high)
}

/// A part with what is done to it, compiled for each instruction set.
struct Part<'b, S, B> {
    slices: S,
    body: &'b B,
}

impl<S, R, B: Fn(S) -> R> Kernel for Part<'_, S, B> {
    type Output = R;

    #[inline(always)]
    fn run<I: Simd>(self) -> R {
        (self.body)(self.slices)
    }
}

/// One or more slices of the same length, and ranges of as many indices: what [`for_each_part`] cuts. `0..len` beside slices tells a part
/// where it stands in them.
pub trait Slices: Sized {
    /// The length of all of them.
    ///
    /// # Panics
    /// If they differ.
    #[track_caller]
    fn common_len(&self) -> usize;

    /// The first `at` elements of each, and the others.
    fn cut(self, at: usize) -> (Self, Self);
}

impl Slices for &[f32] {
    fn common_len(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

impl Slices for &mut [f32] {
    fn common_len(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at_mut(at)
    }
}

impl Slices for Range<usize> {
    fn common_len(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        let middle = self.start + at;
        (self.start..middle, middle..self.end)
    }
}

impl<A: Slices, B: Slices> Slices for (A, B) {
    #[track_caller]
    fn common_len(&self) -> usize {
        let (a, b) = (self.0.common_len(), self.1.common_len());
        assert!(a == b, "slices of {a} and {b} elements");
        a
    }
    fn cut(self, at: usize) -> (Self, Self) {
        let (a, b) = (self.0.cut(at), self.1.cut(at));
        ((a.0, b.0), (a.1, b.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_pool_has_as_many_threads_as_asked_for() {
        assert_eq!(current(), available());
        for threads in [1, 2, 3] {
            assert_eq!(run_on(threads, current), threads);
            assert_eq!(run_on(threads, || run(current)), threads);
        }
        assert_eq!(run(current), available());
    }

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 3] {
            let counts: Vec<AtomicUsize> = (0..17).map(|_| AtomicUsize::new(0)).collect();
            run_on(threads, || {
                for_each(counts.len(), |task| {
                    assert!(index() < threads);
                    counts[task].fetch_add(1, Ordering::Relaxed);
                });
            });
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn parts_cover_the_slices_once() {
        for len in [0, 1, 9, 10, 11, 95] {
            let (mut x, y) = (vec![1.0; len], (0..len).map(|i| i as f32).collect::<Vec<_>>());
            let add = |(at, (x, y)): (Range<usize>, (&mut [f32], &[f32]))| {
                assert!(x.len() <= 10 && x.len() == at.len());
                assert!(y.iter().zip(at).all(|(&y, i)| y == i as f32));
                x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
            };
            run_on(3, || for_each_part((0..len, (&mut x[..], &y[..])), 10, add));
            assert!(x.iter().zip(&y).all(|(&x, &y)| x == y + 1.0), "{len}");
        }
    }

    #[test]
    fn sums_have_the_same_bits_on_any_number_of_threads() {
        let x: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.37).sin()).collect();
        let sum = |x: &[f32]| x.iter().map(|&x| f64::from(x)).sum::<f64>();
        let on = |threads| run_on(threads, || sum_over_parts(&x[..], 33, sum));
        assert!((on(1) - sum(&x)).abs() < 1e-12);
        assert!((2..=4).all(|threads| on(threads) == on(1)));
        assert_eq!((sum_over_parts(&x[..0], 33, sum), sum_over_parts(&x[..9], 33, sum)), (0.0, sum(&x[..9])));
    }

    #[test]
    #[should_panic(expected = "slices of 3 and 4 elements")]
    fn slices_have_one_length() {
        for_each_part((&[0.0; 3][..], &[0.0; 4][..]), 2, |_| ());
    }

    #[test]
    #[should_panic(expected = "the number of threads must be at least 1, found 0")]
    fn no_threads_at_all_are_refused() {
        run_on(0, || ());
    }
}
