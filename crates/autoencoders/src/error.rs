use layerwise_optim::TrainError;

/// A configuration that makes no model. A builder panics with it; a file that holds such a configuration is refused with it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn check(is_allowed: bool, text: impl FnOnce() -> String) -> Result<(), ConfigError> {
        if is_allowed { Ok(()) } else { Err(ConfigError(text())) }
    }

    pub(crate) fn at_least_0(name: &str, found: f32) -> Result<(), ConfigError> {
        ConfigError::check(found.is_finite() && found >= 0.0, || {
            format!("{name} is {found}, but must be finite and at least 0")
        })
    }

    #[track_caller]
    pub(crate) fn refuse(result: Result<(), ConfigError>) {
        if let Err(error) = result {
            panic!("{error}");
        }
    }
}

/// Data that a model cannot take.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// There is none.
    #[error("the data set has no examples")]
    Empty,
    /// Examples of another size.
    #[error("the examples have {found} features, the model takes {expected}")]
    Width {
        /// What the model takes.
        expected: usize,
        /// What the data has.
        found: usize,
    },
    /// A NaN or an infinity.
    #[error("feature {feature} of example {example} is {found}, which is no finite number")]
    NotFinite {
        /// The example, from 0 on.
        example: usize,
        /// The feature, from 0 on.
        feature: usize,
        /// Its value.
        found: f32,
    },
    /// A target that binary cross-entropy cannot take.
    #[error(
        "feature {feature} of example {example} is {found}; binary cross-entropy takes values between 0 and 1"
    )]
    NoProbability {
        /// The example, from 0 on.
        example: usize,
        /// The feature, from 0 on.
        feature: usize,
        /// Its value.
        found: f32,
    },
}

/// Why a model was not trained to the end.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The data was refused; nothing has been trained.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The training loop stopped.
    #[error(transparent)]
    Train(#[from] TrainError),
}
