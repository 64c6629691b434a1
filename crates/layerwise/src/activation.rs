//! Section 3: activation functions.
//!
//! On the way back, every layer multiplies the gradient by the derivative of its activation. The sigmoid's is at most 1/4, at 0, and
//! next to nothing where the unit is saturated: after a few layers hardly any gradient is left, and the first layers of a deep
//! network do not learn. [`vanishing_gradient`] measures it. The rectified linear unit, `max(0, x)` (Nair and Hinton 2010; Glorot et
//! al. 2011), passes the gradient of every active unit on as it is. In the course's network it is worth ten points of accuracy.
//!
//! The chapter, with formulas, pictures and exercises, is `docs/src/activation.md` in the repository; [`recipe`] is its network.

use serde::{Deserialize, Serialize};

use crate::course::{Findings, Options, run_recipe};
use crate::dropout;
use crate::prelude::*;
use crate::recipe::{Outcome, Recipe};

/// The network of section 2 with ReLU in place of the sigmoid.
pub fn recipe() -> Recipe {
    let dropout = dropout::recipe();
    Recipe { section: "activation".into(), network: dropout.network.activation(Activation::Relu), ..dropout }
}

/// The section: its network, and how the gradient vanishes as networks grow deeper.
///
/// # Errors
/// If training diverges.
pub fn run(data: &Mnist, options: &Options) -> Result<Outcome, FitError> {
    let mut outcome = run_recipe(recipe(), data, options)?.outcome;
    let findings = options.timed(&mut outcome, || vanishing_gradient(data, options.seed));
    outcome.findings = Some(Findings::VanishingGradient(findings));
    Ok(outcome)
}

/// The gradient of networks of growing depth, before any training.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct VanishingGradient {
    /// Units of every hidden layer.
    pub width: usize,
    /// Sigmoid with Xavier's initial values, and ReLU with He's.
    pub networks: Vec<GradientByDepth>,
}

/// The gradient of networks with one activation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GradientByDepth {
    /// What follows every hidden layer.
    pub activation: Activation,
    /// Its initial weights.
    pub init: Init,
    /// For each number of hidden layers: the norm of the first layer's weight gradient over that of the last one's, the geometric
    /// mean of several networks.
    pub ratios: Vec<(usize, f64)>,
    /// The norm of every layer's weight gradient in the deepest network.
    pub norms: Vec<f64>,
}

/// Hidden layers.
const DEPTHS: std::ops::RangeInclusive<usize> = 2..=20;
const WIDTH: usize = 100;
/// Images whose mean loss is differentiated.
const BATCH: usize = 512;
/// Networks per depth.
const NETWORKS: u64 = 3;

/// Measures the gradient of 2 to 20 hidden layers of 100 units over 512 training images, at initial values that suit the activation.
pub fn vanishing_gradient(data: &Mnist, seed: u64) -> VanishingGradient {
    let kinds = [(Activation::Sigmoid, Init::XavierUniform), (Activation::Relu, Init::HeUniform)];
    let networks = kinds.map(|(activation, init)| {
        let norms_of = |depth, seed| {
            let mlp = Mlp::new(&widths(depth)).activation(activation).init(init);
            weight_gradient_norms(&mlp, data, seed)
        };
        let ratio = |depth| {
            let logs = (0..NETWORKS).map(|i| {
                let norms = norms_of(depth, seed + i);
                (norms[0] / norms[norms.len() - 1]).ln()
            });
            (logs.sum::<f64>() / NETWORKS as f64).exp()
        };
        let ratios = DEPTHS.map(|depth| (depth, ratio(depth))).collect();
        GradientByDepth { activation, init, ratios, norms: norms_of(*DEPTHS.end(), seed) }
    });
    VanishingGradient { width: WIDTH, networks: networks.into() }
}

/// 784 pixels, `depth` hidden layers, ten logits.
fn widths(depth: usize) -> Vec<usize> {
    [vec![784], vec![WIDTH; depth], vec![10]].concat()
}

/// The norm of the gradient of every layer's weight, first to last.
fn weight_gradient_norms(mlp: &Mlp, data: &Mnist, seed: u64) -> Vec<f64> {
    let mut params = Params::new();
    let model = mlp.build(&mut params.root(), &mut Rng::seed(seed));
    let mut tape = Tape::new();
    for batch in data.train.batches(BATCH).take(1) {
        let pass = tape.train(&params, seed);
        model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels).backward();
    }
    let norms = gradient_norms(&tape, &params);
    norms.into_iter().filter(|(name, _)| name.ends_with("weight")).map(|(_, norm)| norm).collect()
}
