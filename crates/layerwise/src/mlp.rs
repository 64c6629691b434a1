//! Section 1: a multi-layer perceptron.
//!
//! The network that the following sections improve: 784 pixels, two hidden layers of 512 and 256 sigmoid units, ten logits;
//! cross-entropy; stochastic gradient descent with momentum, 32 images at a time. After ten epochs it knows nine digits
//! out of ten. Why so few is what the next sections are about: the sigmoid's derivative is at most a quarter, so each
//! layer passes on a fraction of its gradient, and the first layers hardly learn.
//!
//! The chapter, with formulas, pictures and exercises, is `docs/src/mlp.md` in the repository; [`recipe`] is its network.
//!
//! ```no_run
//! use layerwise::prelude::*;
//! let trained = layerwise::mlp::recipe().train(Mnist::embedded(), 0, Progress::Auto).unwrap();
//! println!("{:?}", trained.outcome.test_accuracy); // Some(0.90..)
//! ```

use crate::course::{Options, run_recipe};
use crate::prelude::*;
use crate::recipe::{Outcome, Recipe};

/// The network of the section, and how it is trained.
pub fn recipe() -> Recipe {
    Recipe {
        section: "mlp".into(),
        network: Mlp::new(&[784, 512, 256, 10]).activation(Activation::Sigmoid),
        optimizer: SgdConfig::with_momentum(0.01, 0.5).into(),
        batch_size: 32,
        epochs: 10,
    }
}

/// The section: its network.
///
/// # Errors
/// If training diverges.
pub fn run(data: &Mnist, options: &Options) -> Result<Outcome, FitError> {
    Ok(run_recipe(recipe(), data, options)?.outcome)
}
