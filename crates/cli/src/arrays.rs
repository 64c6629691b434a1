//! Data from NumPy's files: inputs, and what a network learns from them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use layerwise::data::{Examples, Scaler, Targets, Task, npy, select};
use layerwise::prelude::*;
use layerwise::tensor::data::split_rows;
use serde::{Deserialize, Serialize};

use crate::Usage;

/// Which arrays of an archive are what.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Names {
    pub inputs: String,
    pub targets: String,
}

impl Default for Names {
    fn default() -> Self {
        Names { inputs: "x".into(), targets: "y".into() }
    }
}

/// What a network learns from arrays.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Learned {
    /// By the whole numbers that stand for them, in ascending order.
    Classes {
        names: Vec<String>,
    },
    Numbers {
        scaler: Scaler,
    },
}

/// Inputs `[n, width]` and what belongs to them, `[n, targets]`.
pub struct Labelled {
    pub inputs: Tensor,
    pub targets: Tensor,
    pub names: Names,
    /// What errors call the targets.
    source: String,
}

/// The arrays of a file that have not been asked for yet.
struct Archive {
    file: String,
    arrays: Vec<(String, Tensor)>,
}

impl Archive {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let (file, arrays) = (path.display().to_string(), npy::open_npz(path)?);
        ensure!(!arrays.is_empty(), "{file}: the archive has no arrays");
        Ok(Archive { file, arrays })
    }

    /// The array of this name; `what` is what it is wanted for.
    fn take(&mut self, name: &str, what: &str) -> anyhow::Result<(String, Tensor)> {
        let Some(at) = self.arrays.iter().position(|(found, _)| found == name) else {
            let shown = self.arrays.iter().map(|(name, array)| format!("{name} {}", array.shape()));
            let shown =
                if self.arrays.is_empty() { "no other".into() } else { shown.collect::<Vec<_>>().join(", ") };
            bail!("{}: no array '{name}' for the {what}; there is {shown}", self.file);
        };
        Ok(self.arrays.remove(at))
    }

    /// The array of this name, or the only one, whatever its name.
    fn take_inputs(&mut self, name: &str) -> anyhow::Result<(String, Tensor)> {
        match self.arrays.len() {
            1 => Ok(self.arrays.remove(0)),
            _ => self.take(name, "inputs"),
        }
    }
}

pub fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"))
}

/// The examples of a file as a matrix, and the name of their array. In an archive they are the only array, or the one of this name.
pub fn open_inputs(path: &Path, name: &str) -> anyhow::Result<(Tensor, String)> {
    if !is_archive(path) {
        let inputs = matrix(npy::open(path)?, 2).with_context(|| path.display().to_string())?;
        return Ok((inputs, name.to_owned()));
    }
    let (found, array) = Archive::open(path)?.take_inputs(name)?;
    Ok((matrix(array, 2).with_context(|| format!("{}, {found}", path.display()))?, found))
}

/// `[n, ..]` as a matrix of finite numbers.
fn matrix(array: Tensor, least_rank: usize) -> anyhow::Result<Tensor> {
    let shape = array.shape();
    ensure!(
        shape.rank() >= least_rank,
        "an array of shape {shape}, expected {} or more: examples first",
        if least_rank == 1 { "one dimension" } else { "two dimensions" }
    );
    ensure!(shape.len() > 0, "an array of shape {shape} has no elements");
    let rows = shape.dims()[0];
    if let Some(at) = array.as_slice().iter().position(|x| !x.is_finite()) {
        let (example, found) = (at / (shape.len() / rows), array.as_slice()[at]);
        bail!("element {at} (example {example}) is {found}, expected a finite number");
    }
    Ok(array.reshape([rows, shape.len() / rows]))
}

impl Labelled {
    /// Inputs and targets of an archive by their names, or of two files, the second of which is `target`.
    pub fn open(path: &Path, target: Option<&str>, names: &Names) -> anyhow::Result<Self> {
        let (inputs, targets, names, source) = if is_archive(path) {
            let mut archive = Archive::open(path)?;
            let (targets_name, targets) =
                archive.take(target.unwrap_or(&names.targets), "targets (--target is another name)")?;
            let (inputs_name, inputs) = archive.take_inputs(&names.inputs)?;
            let inputs = matrix(inputs, 2).with_context(|| format!("{}, {inputs_name}", archive.file))?;
            let source = format!("{}, {targets_name}", archive.file);
            (inputs, targets, Names { inputs: inputs_name, targets: targets_name }, source)
        } else {
            let Some(target) = target else { return Err(no_target(path).into()) };
            let (inputs, _) = open_inputs(path, &names.inputs)?;
            (inputs, npy::open(target)?, names.clone(), target.to_owned())
        };
        let targets = matrix(targets, 1).with_context(|| source.clone())?;
        let (examples, found) = (Dataset::len(&inputs), Dataset::len(&targets));
        ensure!(
            examples == found,
            "{source}: targets of {found} examples, {} has {examples}",
            path.display()
        );
        Ok(Labelled { inputs, targets, names, source })
    }

    /// The classes that the targets are, if they are classes.
    pub fn class_names(&self, task: Task) -> anyhow::Result<Option<Vec<String>>> {
        let width = self.targets.shape().last();
        let numbers: Vec<f64> = self.targets.as_slice().iter().map(|&x| x.into()).collect();
        if task == Task::Regression || task == Task::Auto && (width > 1 || !task.is_classification(&numbers))
        {
            return Ok(None);
        }
        ensure!(
            width == 1,
            "{}: {width} targets for each example, expected a class: one whole number",
            self.source
        );
        if let Some(at) = numbers.iter().position(|x| x.fract() != 0.0) {
            bail!("{}: element {at} is {}, expected a class: a whole number", self.source, numbers[at]);
        }
        let mut classes = self.targets.as_slice().to_vec();
        classes.sort_unstable_by(f32::total_cmp);
        let mut names: Vec<String> = classes.into_iter().map(class_name).collect();
        names.dedup();
        ensure!(
            names.len() > 1,
            "{}: every target is {}; a classifier needs two classes",
            self.source,
            names[0]
        );
        Ok(Some(names))
    }

    /// Without a part of the examples that is kept apart, and that part if it has any.
    pub fn split(&self, part: f64, seed: u64) -> (Self, Option<Self>) {
        let (first, second) = split_rows(Dataset::len(&self.inputs), part, seed);
        let rows = |rows: &[u32]| Labelled {
            inputs: select(&self.inputs, rows),
            targets: select(&self.targets, rows),
            names: self.names.clone(),
            source: self.source.clone(),
        };
        (rows(&first), (!second.is_empty()).then(|| rows(&second)))
    }

    /// As a network takes them.
    pub fn encode(mut self, scaler: &Scaler, learned: &Learned) -> anyhow::Result<Examples> {
        scaler.apply(&mut self.inputs);
        let targets = learned.encode(self.targets, &self.source)?;
        Ok(Examples { inputs: self.inputs, targets, unseen: BTreeMap::new() })
    }
}

/// The number, of which zero has one name only.
fn class_name(x: f32) -> String {
    (x + 0.0).to_string()
}

fn no_target(path: &Path) -> Usage {
    Usage(format!(
        "--target is missing: {} has the inputs alone; name the file of the targets (--target y.npy), or take an archive (.npz) with both",
        path.display()
    ))
}

impl Learned {
    /// Outputs of the network.
    pub fn outputs(&self) -> usize {
        match self {
            Learned::Classes { names } => names.len(),
            Learned::Numbers { scaler } => scaler.width(),
        }
    }

    fn encode(&self, mut targets: Tensor, source: &str) -> anyhow::Result<Targets> {
        let width = targets.shape().last();
        let expected = if let Learned::Numbers { scaler } = self { scaler.width() } else { 1 };
        ensure!(width == expected, "{source}: {width} targets for each example, the model has {expected}");
        match self {
            Learned::Numbers { scaler } => {
                scaler.apply(&mut targets);
                Ok(Targets::Numbers(targets))
            }
            Learned::Classes { names } => {
                let classes: HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
                let class = |(at, &x): (usize, &f32)| {
                    let class = classes.get(class_name(x).as_str()).copied();
                    class.with_context(|| {
                        format!("{source}: element {at} is {x}, expected one of {}", names.join(", "))
                    })
                };
                let classes = targets.as_slice().iter().enumerate().map(class);
                Ok(Targets::Classes(classes.collect::<Result<_, _>>()?))
            }
        }
    }
}
