//! The worker pools: rayon's, one for each number of threads that was asked for, made once; and how their workers are kept awake.
//!
//! A worker of rayon's that finds nothing to do for some 20 microseconds goes to sleep, and on a virtual machine it takes 60 and more to wake it: two halves
//! of 50 microseconds each then take 117, longer than one after the other. A training step has many pieces of that size, with pauses in between. So as long
//! as a program is inside a pool ([`Pool::stay`]), each worker that has nothing to do looks for work again and again ([`Pool::keep_awake`]).

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder, Yield};

use super::available;
use crate::kernels::flush_denormals;

/// Looks for work, one directly after the other: some hundred microseconds.
const HOT: u32 = 1_000;
/// Looks until which other programs get the core in between if they want it: some milliseconds. After that the worker naps.
const WARM: u32 = 10_000;
const NAP: Duration = Duration::from_micros(100);

thread_local! {
    static WORKER: Cell<bool> = const { Cell::new(false) };
    static OCCUPIED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread belongs to one of our pools (rather than to the program, or to a pool of its own).
pub(super) fn is_worker() -> bool {
    WORKER.get()
}

pub(super) struct Pool {
    workers: ThreadPool,
    /// How many programs are inside, and want the workers awake.
    inside: AtomicUsize,
}

impl Pool {
    /// The pool of so many threads.
    #[track_caller]
    pub fn of(threads: usize) -> Arc<Pool> {
        static POOLS: OnceLock<Mutex<BTreeMap<usize, Arc<Pool>>>> = OnceLock::new();
        let mut pools = POOLS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pools.entry(threads).or_insert_with(|| Arc::new(Pool::new(threads))))
    }

    #[track_caller]
    fn new(threads: usize) -> Pool {
        let workers = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("layerwise-{i}"))
            .start_handler(|_| {
                WORKER.set(true);
                flush_denormals();
            })
            .build()
            .unwrap_or_else(|error| panic!("starting {threads} worker threads: {error}"));
        // A thread allocates when it starts, which on a busy machine may be later than the first training step: wait for all.
        workers.broadcast(|_| ());
        Pool { workers, inside: AtomicUsize::new(0) }
    }

    /// Runs `body` on a worker.
    pub fn enter<R: Send>(&self, body: impl FnOnce() -> R + Send) -> R {
        self.workers.install(|| occupied(body))
    }

    /// Runs `body` on a worker, and keeps the others awake until it is done.
    pub fn stay<R: Send>(self: &Arc<Self>, body: impl FnOnce() -> R + Send) -> R {
        let threads = self.workers.current_num_threads();
        // More workers than cores would take them from each other.
        if threads == 1 || threads > available() {
            return self.enter(body);
        }
        let _inside = Inside::of(self);
        self.enter(|| {
            self.rouse();
            let result = body();
            if self.inside.load(Ordering::Relaxed) > 1 {
                // This worker has had no time to stay awake for the others.
                self.rouse();
            }
            result
        })
    }

    /// Has every worker stay awake that is not in the midst of something.
    fn rouse(self: &Arc<Self>) {
        let pool = Arc::clone(self);
        self.workers.spawn_broadcast(move |_| pool.keep_awake());
    }

    /// Looks for work as long as somebody is inside. One that would run while this worker waits in the midst of something else does not begin: it would
    /// not come back to that in time.
    fn keep_awake(&self) {
        if OCCUPIED.get() {
            return;
        }
        occupied(|| {
            let mut in_vain = 0;
            while self.inside.load(Ordering::Relaxed) > 0 {
                in_vain = look_for_work(in_vain).min(WARM);
                if in_vain == WARM {
                    std::thread::sleep(NAP);
                }
            }
        });
    }
}

/// A program inside a pool, for as long as this lives.
struct Inside<'p>(&'p Pool);

impl<'p> Inside<'p> {
    fn of(pool: &'p Pool) -> Self {
        pool.inside.fetch_add(1, Ordering::Relaxed);
        Inside(pool)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

/// [`rayon::join`], whose second half may run on a worker that has slept.
///
/// Where that half takes longer, this worker looks for work until it is done, as in [`Pool::keep_awake`]: rayon's own way to wait goes to sleep.
pub(super) fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    let is_elsewhere = AtomicBool::new(false);
    let here = rayon::current_thread_index();
    rayon::join(
        || {
            let result = a();
            let mut in_vain = 0;
            while is_elsewhere.load(Ordering::Acquire) && in_vain < WARM {
                in_vain = look_for_work(in_vain);
            }
            result
        },
        || {
            let _elsewhere = (rayon::current_thread_index() != here).then(|| Raised::new(&is_elsewhere));
            occupied(b)
        },
    )
}

/// A flag that is set for as long as this lives.
struct Raised<'f>(&'f AtomicBool);

impl<'f> Raised<'f> {
    fn new(flag: &'f AtomicBool) -> Self {
        flag.store(true, Ordering::Release);
        Raised(flag)
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Does some work if there is any, after so many looks in vain, and says how many there have been now.
fn look_for_work(in_vain: u32) -> u32 {
    if rayon::yield_now() == Some(Yield::Executed) {
        return 0;
    }
    match in_vain + 1 {
        1..HOT => (0..4).for_each(|_| std::hint::spin_loop()),
        _ => std::thread::yield_now(),
    }
    in_vain + 1
}

/// Runs `body`, during which this worker is in the midst of something.
fn occupied<R>(body: impl FnOnce() -> R) -> R {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            OCCUPIED.set(self.0);
        }
    }
    let _reset = Reset(OCCUPIED.replace(true));
    body()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicBool;

    /// Waits until `condition` holds; a machine that is busy may take its time.
    fn comes_true(condition: impl Fn() -> bool) -> bool {
        (0..2_000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            condition()
        })
    }

    /// A pool of its own, so that no other test is inside.
    fn pool(threads: usize) -> Arc<Pool> {
        Arc::new(Pool::new(threads))
    }

    #[test]
    fn workers_go_back_to_sleep_when_nobody_is_inside() {
        let pool = pool(available());
        for _ in 0..3 {
            assert_eq!(pool.stay(|| pool.inside.load(Ordering::Relaxed)), usize::from(available() > 1));
        }
        assert_eq!(pool.inside.load(Ordering::Relaxed), 0);
        // Each job of a broadcast holds the pool until it has ended.
        assert!(comes_true(|| Arc::strong_count(&pool) == 1));
    }

    #[test]
    fn nobody_is_inside_after_a_panic() {
        let pool = pool(available());
        let panic = || pool.stay(|| panic!("on purpose"));
        assert!(catch_unwind(AssertUnwindSafe(panic)).is_err());
        assert!(comes_true(|| Arc::strong_count(&pool) == 1));
        assert_eq!(pool.stay(|| 7), 7);
    }

    #[test]
    fn who_waits_for_the_other_half_stays_awake_and_helps() {
        let pool = pool(2);
        // As soon as this worker waits, there is work that only it can do.
        let (stolen, helped) = (AtomicBool::new(false), AtomicBool::new(false));
        let here = || rayon::current_thread_index();
        pool.enter(|| {
            let caller = here();
            let first = || {
                let begun = comes_true(|| stolen.load(Ordering::Acquire));
                assert!(begun);
            };
            let second = || {
                stolen.store(here() != caller, Ordering::Release);
                let busy = || assert!(comes_true(|| helped.load(Ordering::Acquire)));
                join(busy, || helped.store(here() == caller, Ordering::Release));
            };
            join(first, second);
        });
        assert!(helped.into_inner());
        // A panic over there ends the wait as well.
        let panic = || pool.enter(|| join(|| (), || panic!("on purpose")));
        assert!((0..20).all(|_| catch_unwind(AssertUnwindSafe(panic)).is_err()));
    }

    #[test]
    fn a_long_visit_goes_on_in_spite_of_short_ones() {
        if available() == 1 {
            return;
        }
        let pool = pool(available());
        let (over, waits) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                pool.stay(|| {
                    while !over.load(Ordering::Relaxed) {
                        let here = rayon::current_thread_index();
                        let takes = |us| std::thread::sleep(Duration::from_micros(us));
                        let half = || {
                            takes(300);
                            rayon::current_thread_index() != here
                        };
                        // Where the longer half is elsewhere, this worker waits for it, and might be given anything meanwhile.
                        let (_, elsewhere) = join(|| takes(100), half);
                        waits.fetch_add(usize::from(elsewhere), Ordering::Relaxed);
                    }
                });
            });
            let enough = (0..20_000).any(|i| {
                assert_eq!(pool.stay(|| join(|| i, || i + 1)), (i, i + 1));
                std::thread::sleep(Duration::from_micros(200));
                waits.load(Ordering::Relaxed) > 50
            });
            over.store(true, Ordering::Relaxed);
            assert!(enough, "{waits:?} waits");
        });
        assert!(comes_true(|| Arc::strong_count(&pool) == 1));
    }
}
