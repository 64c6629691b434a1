//! Random numbers: every one of them is a function of a seed the caller sees.
//!
//! - [`Rng`] is what a program holds: a seed, and how many numbers it has handed out. It implements the traits of
//!   `rand`, so that `rand_distr` and `ndarray_rand::RandomExt` can draw from it, and it hands out streams.
//! - [`Stream`] is what masks, noise and initial weights are filled from: a value depends on the seed, the stream and
//!   the position alone. Any part of a buffer can be filled by any thread, in any order, and holds the same bits.
//!
//! Both are the counter-based generator Philox4x32-10 (Salmon et al., 2011, "Parallel random numbers: as easy as 1,
//! 2, 3"). It is fast and passes the usual statistical tests; it is not meant for secrets.
//!
//! ```
//! use layerwise_tensor::Rng;
//!
//! let noise = Rng::seed(42).stream(0);
//! let mut whole = [0.0; 100];
//! noise.fill_normal(0, &mut whole, 0.0, 1.0);
//!
//! let mut part = [0.0; 30];
//! noise.fill_normal(70, &mut part, 0.0, 1.0);
//! assert_eq!(part, whole[70..]);
//! ```

mod distribution;
mod normal;
mod permutation;
pub(crate) mod philox;
mod rng;
mod stream;

#[cfg(test)]
mod statistics;

pub use rng::{Rng, RngState};
pub use stream::Stream;
