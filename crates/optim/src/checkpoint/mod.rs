//! A run in a file.

mod container;
mod error;
mod folder;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use layerwise_autograd::Params;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::trainer::{CallbackState, Mean};
use crate::{History, OptimizerState};

pub use error::{CheckpointError, Problem};
pub use folder::Checkpoints;

/// A run after one of its steps: all that it has to know to go on with the same bits.
///
/// [`Trainer::checkpoints`](crate::Trainer::checkpoints) writes them and goes on from them. This type is for looking into one, and for
/// starting something else from its parameters.
///
/// ```
/// use layerwise_autograd::{Params, Tensor};
/// use layerwise_optim::{Checkpoint, Checkpoints, Progress, Sgd, SgdConfig, Trainer};
///
/// let folder = tempfile::tempdir()?;
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [1], |w| w[0] = 1.0);
/// let mut opt = Sgd::new(&params, SgdConfig { lr: 0.25, ..Default::default() });
/// Trainer::new(2)
///     .progress(Progress::Silent)
///     .checkpoints(Checkpoints::new(folder.path()))
///     .fit(&mut params, &mut opt, &Tensor::zeros([32, 1]), |pass, _| pass.param(w).square().sum())?;
///
/// let checkpoint = Checkpoint::latest(folder.path())?.expect("one was written after each epoch");
/// assert_eq!((checkpoint.step(), checkpoint.history().epochs.len()), (2, 2));
/// params[w][0] = 0.0;
/// checkpoint.load_params(&mut params)?;
/// assert_eq!(params[w][0], 0.25);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Checkpoint {
    pub(crate) run: SavedRun,
    /// In the order of the run.
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) values: Vec<Vec<f32>>,
    pub(crate) optimizer: OptimizerState,
    pub(crate) callbacks: Vec<CallbackState>,
}

/// What a checkpoint says of the run itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct SavedRun {
    /// What of the trainer decides over the course of the run.
    pub settings: BTreeMap<String, Value>,
    /// The program's own.
    pub config: Value,
    pub position: Position,
    pub history: History,
    /// Whether it has ended for good.
    pub is_over: bool,
}

/// Where a run is, after a step or before an epoch.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    /// From 1 on.
    pub epoch: usize,
    pub steps_in_epoch: usize,
    /// Since the beginning of the run.
    pub step: u64,
    /// Draws from the run's generator before the epoch, which decide over its order.
    pub epoch_draws: u64,
    /// Draws after the step.
    pub draws: u64,
    /// Over the examples of the epoch so far.
    pub loss: Mean,
    /// Of the epoch so far.
    pub seconds: f64,
}

impl Position {
    /// Before an epoch.
    pub fn of_epoch(epoch: usize, step: u64) -> Self {
        let loss = Mean::default();
        Position { epoch, steps_in_epoch: 0, step, epoch_draws: 0, draws: 0, loss, seconds: 0.0 }
    }
}

impl Default for Position {
    fn default() -> Self {
        Position::of_epoch(1, 0)
    }
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Parameter {
    pub name: String,
    pub shape: Vec<usize>,
    pub trainable: bool,
}

/// The JSON of a file. Every array of numbers is left empty in it: the numbers follow, in the order of `arrays`.
#[derive(Serialize, Deserialize)]
struct Header {
    run: SavedRun,
    parameters: Vec<Parameter>,
    optimizer: OptimizerState,
    /// Kind and text.
    callbacks: Vec<(String, String)>,
    /// Lengths: of each parameter, of each buffer of the optimizer, of the numbers of each callback.
    arrays: Vec<usize>,
}

/// The parameters of a model, as a checkpoint lists them.
pub(crate) fn parameters(params: &Params) -> Vec<Parameter> {
    let layout = params.layout();
    let of = |id| Parameter {
        name: layout.name(id).to_owned(),
        shape: layout.shape(id).dims().to_vec(),
        trainable: layout.is_trainable(id),
    };
    layout.ids().map(of).collect()
}

/// The bytes of a checkpoint.
pub(crate) fn encode(
    run: SavedRun,
    params: &Params,
    mut optimizer: OptimizerState,
    callbacks: &[CallbackState],
) -> Vec<u8> {
    let slots = optimizer.parameters.iter_mut().flat_map(|parameter| parameter.slots.values_mut());
    let slots: Vec<Vec<f32>> = slots.map(std::mem::take).collect();
    let values = params.ids().map(|id| &params[id]);
    let arrays =
        values.chain(slots.iter().map(Vec::as_slice)).chain(callbacks.iter().map(|state| &state.numbers[..]));
    let arrays: Vec<&[f32]> = arrays.collect();
    let header = Header {
        run,
        parameters: parameters(params),
        optimizer,
        callbacks: callbacks.iter().map(|state| (state.kind.clone(), state.text.clone())).collect(),
        arrays: arrays.iter().map(|array| array.len()).collect(),
    };
    let header = serde_json::to_vec(&header).expect("plain data with texts as keys");
    container::encode(&header, &arrays)
}

impl Checkpoint {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, or of a later version.
    pub fn read(path: impl AsRef<Path>) -> Result<Checkpoint, CheckpointError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Problem::io("read", path))?;
        Checkpoint::from_bytes(&bytes).map_err(|problem| problem.at(path))
    }

    /// The newest one of a folder. `None` if there is none.
    ///
    /// # Errors
    /// As [`Checkpoint::read`]; an earlier one may still be whole.
    pub fn latest(folder: impl AsRef<Path>) -> Result<Option<Checkpoint>, CheckpointError> {
        folder::list(folder.as_ref())?.first().map(|(_, path)| Checkpoint::read(path)).transpose()
    }

    /// The content of a file. What it allocates is bounded by the number of bytes.
    ///
    /// # Errors
    /// As [`Checkpoint::read`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Checkpoint, Problem> {
        let (header, numbers) = container::decode(bytes)?;
        let header: Header =
            serde_json::from_slice(header).map_err(|error| Problem::Header(error.to_string()))?;
        header.check(numbers.len())?;
        let Header { run, parameters, mut optimizer, callbacks, arrays } = header;
        let mut rest = numbers;
        let mut arrays = arrays.into_iter().map(|len| {
            let (array, after) = rest.split_at(4 * len);
            rest = after;
            array.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
        });
        // As many as there are places for them: that has been checked.
        let mut next = || arrays.next().unwrap_or_default();
        let values = parameters.iter().map(|_| next()).collect();
        optimizer.parameters.iter_mut().flat_map(|p| p.slots.values_mut()).for_each(|slot| *slot = next());
        let callbacks = callbacks.into_iter();
        let callbacks = callbacks.map(|(kind, text)| CallbackState { kind, text, numbers: next() }).collect();
        Ok(Checkpoint { run, parameters, values, optimizer, callbacks })
    }

    /// How many steps had been made.
    pub fn step(&self) -> u64 {
        self.run.position.step
    }

    /// The epochs that were complete, and why the run has ended, if it had.
    pub fn history(&self) -> &History {
        &self.run.history
    }

    /// What the program has given to [`Checkpoints::config`].
    ///
    /// # Errors
    /// If it is something else.
    pub fn config<C: DeserializeOwned>(&self) -> Result<C, Problem> {
        C::deserialize(&self.run.config).map_err(|error| Problem::Header(format!("config: {error}")))
    }

    /// The state of the optimizer.
    pub fn optimizer(&self) -> &OptimizerState {
        &self.optimizer
    }

    /// Overwrites all parameters and running statistics. If it cannot, nothing changes.
    ///
    /// # Errors
    /// If names or shapes differ.
    pub fn load_params(&self, params: &mut Params) -> Result<(), Problem> {
        self.check_params(params)?;
        for (id, values) in params.ids().zip(&self.values) {
            params[id].copy_from_slice(values);
        }
        Ok(())
    }

    /// Whether they are those of the checkpoint.
    pub(crate) fn check_params(&self, params: &Params) -> Result<(), Problem> {
        let here = parameters(params);
        let describe = |parameter: &Parameter| {
            let kind = if parameter.trainable { "" } else { " (a running statistic)" };
            format!("{} {:?}{kind}", parameter.name, parameter.shape)
        };
        for at in 0..here.len().max(self.parameters.len()) {
            let (expected, found) = (here.get(at), self.parameters.get(at));
            if expected != found {
                let (expected, found) = (expected.map(describe), found.map(describe));
                return Err(Problem::Parameter { at, expected, found });
            }
        }
        Ok(())
    }
}

impl Header {
    /// Whether what it says fits together, and to so many bytes of numbers.
    fn check(&self, bytes: usize) -> Result<(), Problem> {
        let bad = |text: String| Err(Problem::Header(text));
        let slots: usize = self.optimizer.parameters.iter().map(|parameter| parameter.slots.len()).sum();
        let places = self.parameters.len() + slots + self.callbacks.len();
        if self.arrays.len() != places {
            return bad(format!("{} arrays for {places} places", self.arrays.len()));
        }
        let total = self.arrays.iter().try_fold(0, |total: usize, len| total.checked_add(*len));
        if total.and_then(|total| total.checked_mul(4)) != Some(bytes) {
            return bad(format!(
                "arrays of {} numbers in {bytes} bytes",
                total.map_or("too many".into(), |n| n.to_string())
            ));
        }
        for (Parameter { name, shape, .. }, len) in self.parameters.iter().zip(&self.arrays) {
            if shape.iter().try_fold(1, |product: usize, dim| product.checked_mul(*dim)) != Some(*len) {
                return bad(format!("{len} numbers for {name} of shape {shape:?}"));
            }
        }
        let Position { epoch, step, steps_in_epoch, .. } = self.run.position;
        let epochs = self.run.history.epochs.len();
        if epoch != epochs + 1 || (steps_in_epoch as u64) > step {
            return bad(format!(
                "epoch {epoch} after {epochs}, {steps_in_epoch} steps in the epoch of {step} in all"
            ));
        }
        Ok(())
    }
}
