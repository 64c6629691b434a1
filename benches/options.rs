//! The command line that the comparison's measurers share: pairs `--name value`.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use layerwise::tensor::threads;

/// What was given.
pub struct Options(BTreeMap<String, String>);

impl Options {
    /// Reads the command line. Every measurer is given the same flags, and passes over those it has no use for.
    pub fn read() -> anyhow::Result<Self> {
        let mut arguments = std::env::args().skip(1);
        let mut options = BTreeMap::new();
        while let Some(flag) = arguments.next() {
            let Some(name) = flag.strip_prefix("--") else { bail!("expected a flag, found {flag:?}") };
            let known = ["networks", "batches", "seconds", "threads", "repetitions", "data"];
            ensure!(known.contains(&name), "no flag --{name}; the flags are {known:?}");
            options.insert(
                name.to_owned(),
                arguments.next().with_context(|| format!("--{name} takes a value"))?,
            );
        }
        Ok(Options(options))
    }

    /// The values of a list, or those of `default`, separated by commas.
    pub fn list(&self, name: &str, default: &str) -> Vec<String> {
        let list = self.0.get(name).map_or(default, String::as_str);
        list.split(',').map(str::to_owned).collect()
    }

    /// The length of a repetition.
    pub fn seconds(&self) -> anyhow::Result<f64> {
        self.0.get("seconds").map_or(Ok(1.0), |s| s.parse()).context("--seconds")
    }

    /// The number of threads: the machine's unless it was given.
    pub fn threads(&self) -> anyhow::Result<usize> {
        self.0.get("threads").map_or(Ok(threads::available()), |s| s.parse()).context("--threads")
    }
}
