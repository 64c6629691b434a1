//! Any rule as data.

use layerwise_autograd::Params;
use serde::{Deserialize, Serialize};

use crate::optimizer::{ConfigError, Optimizer};
use crate::rule::Rule;
use crate::rules::{
    AdadeltaConfig, AdagradConfig, AdamConfig, AdamWConfig, AdamaxConfig, LambConfig, LionConfig, Lookahead,
    LookaheadConfig, NAdamConfig, RAdamConfig, RmsPropConfig, SgdConfig, levels,
};
use crate::updater::Updater;

/// Which rule, with its hyper-parameters: what a recipe for a training run holds.
///
/// ```
/// use layerwise_autograd::Params;
/// use layerwise_optim::{AdamConfig, Optimizer, OptimizerConfig};
///
/// let config = OptimizerConfig::from(AdamConfig { lr: 0.01, ..Default::default() });
/// assert_eq!(serde_json::from_str::<OptimizerConfig>(r#"{"adam": {"lr": 0.01}}"#).unwrap(), config);
/// assert_eq!((config.name(), config.lr()), ("Adam", 0.01));
/// let mut params = Params::new();
/// params.root().parameter("w", [2], |_| ());
/// let opt = config.build(&params); // Box<dyn Optimizer + Send>
/// assert_eq!(opt.lr(), 0.01);
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OptimizerConfig {
    /// [`Sgd`](crate::Sgd): plain, with momentum, or Nesterov's.
    Sgd(SgdConfig),
    /// [`Adagrad`](crate::Adagrad).
    Adagrad(AdagradConfig),
    /// [`RmsProp`](crate::RmsProp).
    RmsProp(RmsPropConfig),
    /// [`Adadelta`](crate::Adadelta).
    Adadelta(AdadeltaConfig),
    /// [`Adam`](crate::Adam).
    Adam(AdamConfig),
    /// [`AdamW`](crate::AdamW).
    AdamW(AdamWConfig),
    /// [`RAdam`](crate::RAdam).
    RAdam(RAdamConfig),
    /// [`NAdam`](crate::NAdam).
    NAdam(NAdamConfig),
    /// [`Adamax`](crate::Adamax).
    Adamax(AdamaxConfig),
    /// [`Lion`](crate::Lion).
    Lion(LionConfig),
    /// [`Lamb`](crate::Lamb).
    Lamb(LambConfig),
    /// [`Lookahead`](crate::Lookahead) around any other.
    Lookahead {
        /// The hyper-parameters of the slow weights. Defaults to those of [`LookaheadConfig`].
        #[serde(default)]
        config: LookaheadConfig,
        /// The rule of the fast weights.
        inner: Box<OptimizerConfig>,
    },
}

/// `$body` with the rule of any variant; the functions below differ in nothing else. `$ahead` is for `Lookahead`.
macro_rules! with_rule {
    ($config:expr, $rule:ident => $body:expr, $ahead:pat => $around:expr $(,)?) => {
        match $config {
            OptimizerConfig::Sgd($rule) => $body,
            OptimizerConfig::Adagrad($rule) => $body,
            OptimizerConfig::RmsProp($rule) => $body,
            OptimizerConfig::Adadelta($rule) => $body,
            OptimizerConfig::Adam($rule) => $body,
            OptimizerConfig::AdamW($rule) => $body,
            OptimizerConfig::RAdam($rule) => $body,
            OptimizerConfig::NAdam($rule) => $body,
            OptimizerConfig::Adamax($rule) => $body,
            OptimizerConfig::Lion($rule) => $body,
            OptimizerConfig::Lamb($rule) => $body,
            $ahead => $around,
        }
    };
}

impl OptimizerConfig {
    /// The rule for these parameters.
    ///
    /// # Panics
    /// If a hyper-parameter is outside its range ([`OptimizerConfig::validate`]).
    #[track_caller]
    pub fn build(&self, params: &Params) -> Box<dyn Optimizer + Send> {
        with_rule!(
            self,
            rule => Box::new(Updater::new(params, *rule)),
            OptimizerConfig::Lookahead { config, inner } => {
                Box::new(Lookahead::new(params, inner.build(params), *config))
            },
        )
    }

    /// Whether every value is in its range.
    ///
    /// # Errors
    /// The first that is not, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        with_rule!(self, rule => rule.validate(), OptimizerConfig::Lookahead { config, inner } => {
            config.validate()?;
            levels(1 + inner.levels())?;
            inner.validate()
        })
    }

    /// How many times `Lookahead` is around it.
    fn levels(&self) -> usize {
        with_rule!(self, _rule => 0, OptimizerConfig::Lookahead { inner, .. } => 1 + inner.levels())
    }

    /// What error messages call the rule.
    pub fn name(&self) -> &'static str {
        fn of<R: Rule>(_: &R) -> &'static str {
            R::NAME
        }
        with_rule!(self, rule => of(rule), OptimizerConfig::Lookahead { .. } => "Lookahead")
    }

    /// The learning rate.
    pub fn lr(&self) -> f32 {
        with_rule!(self, rule => rule.lr, OptimizerConfig::Lookahead { inner, .. } => inner.lr())
    }
}

macro_rules! from_configs {
    ($($variant:ident($config:ty)),* $(,)?) => {
        $(impl From<$config> for OptimizerConfig {
            fn from(config: $config) -> Self {
                OptimizerConfig::$variant(config)
            }
        })*
    };
}

from_configs! {
    Sgd(SgdConfig), Adagrad(AdagradConfig), RmsProp(RmsPropConfig), Adadelta(AdadeltaConfig), Adam(AdamConfig),
    AdamW(AdamWConfig), RAdam(RAdamConfig), NAdam(NAdamConfig), Adamax(AdamaxConfig), Lion(LionConfig),
    Lamb(LambConfig),
}
