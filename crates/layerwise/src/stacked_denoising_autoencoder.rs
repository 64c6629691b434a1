//! Section 10: stacked denoising autoencoders.
//!
//! The stack of section 8, whose autoencoders have to restore what they are not shown: a quarter of the elements of every input is set to
//! zero, and the loss is measured against all of it (Vincent et al. 2010). Each layer corrupts the clean codes of the one below by itself;
//! nothing is corrupted when codes are computed, nor in fine-tuning.
//!
//! The chapter, with formulas, pictures and exercises, is `docs/src/stacked_denoising_autoencoder.md` in the repository; [`recipe`] is its network.

use serde::{Deserialize, Serialize};

use crate::course::{Findings, Options};
use crate::prelude::*;
use crate::recipe::Outcome;
use crate::stacked_autoencoder::{self, StackRecipe, Stacking, few, stacking};

/// The stack of section 8 with masking noise of 25 % in front of every autoencoder.
pub fn recipe() -> StackRecipe {
    let plain = stacked_autoencoder::recipe();
    let corruption = Corruption::masking(NU);
    StackRecipe {
        section: "stacked_denoising_autoencoder".into(),
        stacked: plain.stacked.each(|autoencoder| autoencoder.corruption(corruption)),
        ..plain
    }
}

/// The share of the elements that is set to zero.
const NU: f32 = 0.25;

/// The section: its stack, and section 8's on the same budget.
///
/// # Errors
/// If training diverges.
pub fn run(data: &Mnist, options: &Options) -> Result<Outcome, FitError> {
    let (mut outcome, denoising) = stacking(&recipe().scaled(options), data, options)?;
    let plain = stacked_autoencoder::recipe().scaled(options);
    let silent = Options { progress: Progress::Silent, ..*options };
    let (_, plain) = options.timed(&mut outcome, || stacking(&plain, data, &silent))?;
    let labels = few(data, options.seed).len();
    outcome.findings = Some(Findings::StackedDenoising(StackedDenoising { labels, denoising, plain }));
    Ok(outcome)
}

/// Stacks of denoising and of plain autoencoders: the same layers, epochs and seed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StackedDenoising {
    /// Images of the measurement with few labels.
    pub labels: usize,
    /// The section's.
    pub denoising: Stacking,
    /// Section 8's.
    pub plain: Stacking,
}
