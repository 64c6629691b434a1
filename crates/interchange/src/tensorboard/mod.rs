//! Event files: the scalars, histograms, images and texts of a run, which TensorBoard shows while it is going on.
//!
//! ```
//! use layerwise_interchange::tensorboard::EventWriter;
//!
//! let folder = std::env::temp_dir().join("layerwise-runs").join("first");
//! let mut events = EventWriter::create(&folder)?;
//! for step in 0..10 {
//!     events.scalar("loss", step, (-(step as f64)).exp())?;
//! }
//! events.histogram("weights", 9, &[0.1, -0.2, 0.3])?;
//! events.image("digit", 9, [2, 2], &[0.0, 0.5, 0.5, 1.0])?;
//! events.flush()?;
//! # Ok::<(), layerwise_interchange::tensorboard::EventError>(())
//! ```
//!
//! Then `tensorboard --logdir layerwise-runs`. [`TensorBoard`] writes what a `Trainer` goes through.

mod callback;
mod picture;
mod proto;
mod summary;
mod writer;

pub use callback::TensorBoard;
pub use writer::{EventError, EventWriter};
