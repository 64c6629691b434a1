use crate::CheckpointError;

/// Why a training run ended early.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// There is nothing to train on.
    #[error("the data set has no examples")]
    NoExamples,
    /// A batch has fewer examples than asked for, and smaller ones are dropped.
    #[error(
        "the data set has {examples} examples, fewer than a batch of {batch_size}, and smaller batches are dropped"
    )]
    NoBatches {
        /// Examples in the data set.
        examples: usize,
        /// Examples in a batch.
        batch_size: usize,
    },
    /// The loss is NaN or infinite. The parameters are those of the step before.
    #[error("the loss is {loss} in epoch {epoch}, step {step} of the run; {cause}")]
    Diverged {
        /// The epoch, from 1 on.
        epoch: usize,
        /// The step since the beginning of the run, from 1 on.
        step: u64,
        /// The loss.
        loss: f32,
        /// The first operation whose result is not finite.
        cause: String,
    },
    /// The loss is finite, but the norm of its gradients is not; found where they are clipped by it ([`Clip::GlobalNorm`](crate::Clip)). The
    /// parameters are those of the step before.
    #[error(
        "the norm of the gradients is {norm} in epoch {epoch}, step {step} of the run; the loss is {loss}"
    )]
    Gradients {
        /// The epoch, from 1 on.
        epoch: usize,
        /// The step since the beginning of the run, from 1 on.
        step: u64,
        /// The norm.
        norm: f32,
        /// The loss.
        loss: f32,
    },
    /// The result of an operation or one of its gradients is not finite; found by [`Trainer::check_operations`](crate::Trainer). The parameters are
    /// those of the step before.
    #[error("{cause} in epoch {epoch}, step {step} of the run; the loss is {loss}")]
    Operation {
        /// The epoch, from 1 on.
        epoch: usize,
        /// The step since the beginning of the run, from 1 on.
        step: u64,
        /// The loss.
        loss: f32,
        /// The first operation.
        cause: String,
    },
    /// A parameter was not finite when a checkpoint was due, which has not been written.
    #[error(
        "the parameter {parameter} has {found} after step {step} of the run; no checkpoint of it is written"
    )]
    Parameter {
        /// The step since the beginning of the run, from 1 on.
        step: u64,
        /// The parameter.
        parameter: String,
        /// The number.
        found: f32,
    },
    /// A checkpoint cannot be written, or the run cannot go on from it.
    #[error(transparent)]
    // No `#[from]`: with a conversion to choose from, a closure that ends with `Ok` after a `?` would have to name its error.
    Checkpoint(CheckpointError),
    /// A callback has failed ([`Halt::Fail`](crate::Halt::Fail)). The parameters are those after the step.
    #[error("after step {step} of the run: {message}")]
    Callback {
        /// The step since the beginning of the run, from 1 on.
        step: u64,
        /// What it says.
        message: String,
    },
}

/// Why a step could not be made.
pub(super) enum Stop {
    /// The loss, and what made it so.
    Loss(f32, String),
    /// The norm of the gradients, and the loss.
    Norm(f32, f32),
    /// The loss, and the operation that is not finite.
    Operation(f32, String),
}

impl Stop {
    pub fn at(self, epoch: usize, step: u64) -> TrainError {
        match self {
            Stop::Loss(loss, cause) => TrainError::Diverged { epoch, step, loss, cause },
            Stop::Norm(norm, loss) => TrainError::Gradients { epoch, step, norm, loss },
            Stop::Operation(loss, cause) => TrainError::Operation { epoch, step, loss, cause },
        }
    }
}
