//! Section 6: optimizers.
//!
//! Eight rules that turn gradients into steps. Momentum keeps a velocity, and Nesterov's form of it looks one step ahead; Adagrad divides
//! each element's step by the root of its summed squared gradients; RMSProp and Adadelta let that sum forget; Adam joins both ideas
//! and corrects for their slow start; RAdam waits until the second moment can be trusted.
//!
//! The section's network is trained by Adam; [`race`] lets all eight start from the same weights and see the same batches.
//!
//! The chapter, with formulas, pictures and exercises, is `docs/src/optimizer.md` in the repository; [`recipe`] is its network.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::course::{Findings, Options, run_recipe};
use crate::initialization;
use crate::prelude::*;
use crate::recipe::{Outcome, Recipe};

/// The network of section 5, trained by Adam with learning rate 0.01.
pub fn recipe() -> Recipe {
    let adam = AdamConfig { lr: 0.01, ..AdamConfig::default() };
    Recipe { section: "optimizer".into(), optimizer: adam.into(), ..initialization::recipe() }
}

/// The eight rules of the section and their learning rates: those of the papers or usual ones, none of them tuned.
pub fn rules() -> [(&'static str, OptimizerConfig); 8] {
    [
        ("SGD", SgdConfig { lr: 0.01, ..SgdConfig::default() }.into()),
        ("Momentum", SgdConfig::with_momentum(0.01, 0.9).into()),
        ("NAG", SgdConfig::with_nesterov(0.01, 0.9).into()),
        ("Adagrad", AdagradConfig { lr: 0.01, ..AdagradConfig::default() }.into()),
        ("RMSProp", RmsPropConfig { lr: 0.001, ..RmsPropConfig::default() }.into()),
        ("Adadelta", AdadeltaConfig { lr: 1.0, ..AdadeltaConfig::default() }.into()),
        ("Adam", AdamConfig { lr: 0.001, ..AdamConfig::default() }.into()),
        ("RAdam", RAdamConfig { lr: 0.001, ..RAdamConfig::default() }.into()),
    ]
}

/// The section: its network, and the race of the eight.
///
/// # Errors
/// If training diverges.
pub fn run(data: &Mnist, options: &Options) -> Result<Outcome, FitError> {
    let mut outcome = run_recipe(recipe(), data, options)?.outcome;
    let findings = options.timed(&mut outcome, || race(data, options.seed, options.scaled(2)))?;
    outcome.findings = Some(Findings::Rules(findings));
    Ok(outcome)
}

/// One of the eight in the race.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Its name in the course.
    pub name: String,
    /// The rule.
    pub optimizer: OptimizerConfig,
    /// Steps and the mean training loss over those since the point before.
    pub losses: Vec<(u64, f64)>,
    /// The share of test images that are classified correctly in the end.
    pub test_accuracy: f64,
    /// The mean cross-entropy on them.
    pub test_loss: f64,
    /// The time of training.
    pub seconds: f64,
}

/// Points of a loss curve in an epoch.
const POINTS: usize = 25;

/// Trains the section's network with each of the eight for `epochs` epochs, from the same weights, with the same batches and masks.
///
/// # Errors
/// If training diverges.
pub fn race(data: &Mnist, seed: u64, epochs: usize) -> Result<Vec<Run>, TrainError> {
    let recipe = recipe();
    let run = |(name, optimizer): (&str, OptimizerConfig)| {
        let mut params = Params::new();
        let model = recipe.network.build(&mut params.root(), &mut Rng::seed(seed));
        let mut opt = optimizer.build(&params);
        let start = Instant::now();
        let mut losses = Vec::new();
        Trainer::new(epochs)
            .batch_size(recipe.batch_size)
            .seed(seed)
            .progress(Progress::Silent)
            .every((data.train.len() / recipe.batch_size / POINTS) as u64, |at| {
                losses.push((at.step, at.loss));
            })
            .fit(&mut params, &mut opt, &data.train, |pass, batch| {
                model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels)
            })?;
        let seconds = start.elapsed().as_secs_f64();
        let Evaluation { accuracy, loss } = evaluate(&model, &params, &data.test);
        Ok(Run { name: name.into(), optimizer, losses, test_accuracy: accuracy, test_loss: loss, seconds })
    };
    rules().into_iter().map(run).collect()
}
