use layerwise_autograd::{Layout, ParamGradients, Params};
use layerwise_tensor::Buffer;
use layerwise_tensor::threads::for_each_part;
use serde::{Deserialize, Serialize};

use crate::optimizer::{ConfigError, Optimizer, check_layout};
use crate::state::{OptimizerState, StateError, TOO_MANY_STEPS};
use crate::updater::PART;

/// The hyper-parameters of [`Lookahead`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LookaheadConfig {
    /// Steps of the inner rule between two steps of the slow weights, at least 1. Defaults to 5.
    pub k: u32,
    /// How far the slow weights go towards the fast ones, in [0, 1]. Defaults to 0.5.
    pub alpha: f32,
}

impl Default for LookaheadConfig {
    fn default() -> Self {
        LookaheadConfig { k: 5, alpha: 0.5 }
    }
}

impl LookaheadConfig {
    /// Whether every value is in its range.
    ///
    /// # Errors
    /// The first that is not, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::check("k", self.k as f32, "at least 1", self.k > 0)?;
        ConfigError::check("alpha", self.alpha, "in [0, 1]", (0.0..=1.0).contains(&self.alpha))
    }
}

/// Slow weights that follow those of another optimizer (Zhang et al. 2019, algorithm 1). After every `k` steps of the inner one:
///
/// ```text
/// slow = slow + alpha (p - slow)
/// p = slow
/// ```
///
/// The slow weights start where the parameters are in the first step. The inner optimizer's state goes on as it is. A parameter that
/// the inner optimizer does not move stays as it is, and running statistics are left alone. What others write into a parameter
/// in the meantime is taken for steps of the inner optimizer. PyTorch does not have it; defaults are those of the authors' code.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{Lookahead, LookaheadConfig, Optimizer, Sgd, SgdConfig};
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [1], |w| w[0] = 8.0);
/// let inner = Sgd::new(&params, SgdConfig { lr: 0.25, ..Default::default() });
/// let mut opt = Lookahead::new(&params, inner, LookaheadConfig { k: 2, alpha: 0.5 });
/// let mut tape = Tape::new();
/// for expected in [4.0, 5.0, 2.5] {
///     tape.train(&params, 0).param(w).square().sum().backward(); // a step of the inner one halves w
///     opt.step(&mut params, &mut tape);
///     assert_eq!(params[w], [expected]); // after the second step: from 2 half of the way back to 8
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Lookahead<O> {
    inner: O,
    config: LookaheadConfig,
    /// `Lookahead(Adam)`
    rule: String,
    layout: Layout,
    steps: u64,
    slow: Buffer,
}

/// What the slow weights are called in a state.
const SLOW: &str = "slow";

impl<O: Optimizer> Lookahead<O> {
    /// Around an optimizer of the same parameters.
    ///
    /// # Panics
    /// If a hyper-parameter is outside its range ([`LookaheadConfig::validate`]), or `inner` is a `Lookahead` itself.
    #[track_caller]
    pub fn new(params: &Params, inner: O, config: LookaheadConfig) -> Self {
        let OptimizerState { rule, counter, .. } = inner.state();
        let checked = config.validate().and_then(|()| levels(1 + usize::from(counter.is_some())));
        checked.unwrap_or_else(|error| panic!("Lookahead: {error}"));
        Lookahead {
            inner,
            config,
            rule: format!("Lookahead({rule})"),
            layout: params.layout().clone(),
            steps: 0,
            slow: Buffer::zeros(params.flat().len()),
        }
    }

    /// The optimizer inside.
    pub fn inner(&self) -> &O {
        &self.inner
    }

    /// A step of the slow weights.
    fn follow(&mut self, values: &mut [f32]) {
        let alpha = self.config.alpha;
        for id in self.layout.ids().filter(|&id| self.layout.is_trainable(id)) {
            let range = self.layout.range(id);
            for_each_part((&mut values[range.clone()], &mut self.slow[range]), PART, |(fast, slow)| {
                for (p, slow) in fast.iter_mut().zip(slow) {
                    *slow += alpha * (*p - *slow);
                    *p = *slow;
                }
            });
        }
    }
}

/// Refuses a `Lookahead` around another: both would count the steps in the same place of a state.
pub(crate) fn levels(levels: usize) -> Result<(), ConfigError> {
    ConfigError::check("levels of lookahead", levels as f32, "at most 1", levels <= 1)
}

impl<O: Optimizer> Optimizer for Lookahead<O> {
    fn update(&mut self, params: &mut Params, gradients: &mut ParamGradients<'_>) {
        check_layout(&self.rule, &self.layout, params);
        if self.steps == 0 {
            self.slow.copy_from_slice(params.flat());
        }
        self.inner.update(params, gradients);
        self.steps += 1;
        if self.steps.is_multiple_of(u64::from(self.config.k)) {
            self.follow(params.flat_mut().1);
        }
    }

    fn lr(&self) -> f32 {
        self.inner.lr()
    }

    fn set_lr(&mut self, lr: f32) {
        self.inner.set_lr(lr);
    }

    fn momentum(&self) -> Option<f32> {
        self.inner.momentum()
    }

    fn set_momentum(&mut self, momentum: f32) {
        self.inner.set_momentum(momentum);
    }

    fn state(&self) -> OptimizerState {
        let mut state = self.inner.state();
        let trainable = self.layout.ids().filter(|&id| self.layout.is_trainable(id));
        for (id, parameter) in trainable.zip(&mut state.parameters) {
            parameter.slots.insert(SLOW.to_owned(), self.slow[self.layout.range(id)].to_vec());
        }
        OptimizerState { rule: self.rule.clone(), counter: Some(self.steps), ..state }
    }

    fn load_state(&mut self, state: &OptimizerState) -> Result<(), StateError> {
        state.check_rule(&self.rule)?;
        let Some(steps) = state.counter.filter(|&steps| steps < TOO_MANY_STEPS) else {
            return Err(StateError::Counter { rule: self.rule.clone(), found: state.counter });
        };
        let trainable = || self.layout.ids().filter(|&id| self.layout.is_trainable(id));
        let sizes = trainable().map(|id| (self.layout.name(id), self.layout.range(id).len()));
        state.check_parameters(sizes, &[SLOW])?;
        let mut inner = OptimizerState { counter: None, ..state.clone() };
        inner.rule = self.rule["Lookahead(".len()..self.rule.len() - 1].to_owned();
        self.inner.load_state(&inner)?;
        self.steps = steps;
        for (id, parameter) in trainable().zip(&state.parameters) {
            self.slow[self.layout.range(id)].copy_from_slice(&parameter.slots[SLOW]);
        }
        Ok(())
    }
}
