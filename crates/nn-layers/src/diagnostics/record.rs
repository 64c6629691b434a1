use std::fmt;

use layerwise_autograd::{Params, Tape};
use layerwise_tensor::data::Source;
use serde::{Deserialize, Serialize};

use super::{Observer, Summary};
use crate::Module;

/// What an [`Observer`] has seen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Diagnostics {
    /// In the order of computation.
    pub layers: Vec<LayerRecord>,
}

/// What an [`Observer`] has seen of a layer, over all examples.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LayerRecord {
    /// The path of its parameters: `0` of `0.weight`. A layer that is used twice in a pass has two records of one name.
    pub name: String,
    /// The number of units.
    pub units: usize,
    /// The number of examples (rows).
    pub examples: usize,
    /// What entered the activation, after a normalisation if there is one.
    pub pre_activation: Summary,
    /// What left it.
    pub activation: Summary,
    /// The share of the units whose output was at the activation's lower limit for every example ([`lower_limit`](layerwise_autograd::Activation::lower_limit)), or 0
    /// where it has none: for ReLU, those that were never positive.
    pub dead_share: f64,
    /// The share of all values at which the activation is nearly flat ([`SATURATED`](super::SATURATED)). `None` where the derivative is not known
    /// ([`LayerValues`](layerwise_autograd::LayerValues)).
    pub saturated_share: Option<f64>,
}

impl Diagnostics {
    /// What an [`Observer`] with its default percentiles sees of a model in one evaluation pass.
    ///
    /// # Panics
    /// If the input does not fit the model.
    #[track_caller]
    pub fn of(model: &dyn Module, params: &Params, input: &(impl Source + ?Sized)) -> Self {
        let mut observer = Observer::default();
        let mut tape = Tape::new();
        let pass = tape.eval(params);
        model.forward(pass.input(input));
        observer.observe(&pass);
        observer.diagnostics()
    }

    /// The record of the layer with this path; the first of several.
    pub fn layer(&self, name: &str) -> Option<&LayerRecord> {
        self.layers.iter().find(|layer| layer.name == name)
    }
}

impl fmt::Display for Diagnostics {
    /// Two lines per layer: what entered its activation and what left it, and the shares of dead units and saturated values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.layers.iter().map(|layer| layer.name.len()).max().unwrap_or(0).max("layer".len());
        write!(f, "{:widest$}  {:4}{:>11}{:>11}", "layer", "", "mean", "variance")?;
        for percentile in self.layers.first().iter().flat_map(|layer| &layer.activation.percentiles) {
            write!(f, "{:>11}", format!("{} %", percentile.percent))?;
        }
        write!(f, "{:>8}{:>11}", "dead", "saturated")?;
        for layer in &self.layers {
            write!(f, "\n{:widest$}  in  {}", layer.name, layer.pre_activation)?;
            write!(f, "\n{:widest$}  out {}{:>8.3}", "", layer.activation, layer.dead_share)?;
            if let Some(share) = layer.saturated_share {
                write!(f, "{share:>11.3}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Summary {
    /// Mean, variance and percentiles in columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>11.4}{:>11.4}", self.mean, self.variance)?;
        self.percentiles.iter().try_for_each(|percentile| write!(f, "{:>11.4}", percentile.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Mlp};
    use layerwise_autograd::Tensor;
    use layerwise_tensor::Rng;

    #[test]
    fn a_model_is_looked_at_in_evaluation() {
        let mut params = Params::new();
        let mlp = Mlp::new(&[3, 4, 2]).activation(Activation::Tanh).dropout(0.9).batch_norm();
        let model = mlp.build(&mut params.root(), &mut Rng::seed(1));
        let found = Diagnostics::of(&model, &params, &Tensor::full([1, 3], 0.5));
        assert_eq!(found.layers.iter().map(|layer| layer.examples).collect::<Vec<_>>(), [1, 1]);
        assert_eq!((found.layer("0").unwrap().units, found.layer("4").unwrap().units), (4, 2));
    }

    #[test]
    fn it_prints_as_a_table() {
        let layer = LayerRecord {
            name: "0".to_owned(),
            units: 4,
            examples: 1,
            pre_activation: Summary::of(&[-1.0, 1.0, 2.0, 0.0], &[0.0, 100.0]),
            activation: Summary::of(&[0.0, 1.0, 2.0, 0.0], &[0.0, 100.0]),
            dead_share: 0.5,
            saturated_share: Some(0.5),
        };
        let found =
            Diagnostics { layers: vec![layer.clone(), LayerRecord { saturated_share: None, ..layer }] };
        let lines = [
            "layer             mean   variance        0 %      100 %    dead  saturated",
            "0      in       0.5000     1.2500    -1.0000     2.0000",
            "       out      0.7500     0.6875     0.0000     2.0000   0.500      0.500",
            "0      in       0.5000     1.2500    -1.0000     2.0000",
            "       out      0.7500     0.6875     0.0000     2.0000   0.500",
        ];
        assert_eq!(found.to_string().lines().collect::<Vec<_>>(), lines);
    }
}
