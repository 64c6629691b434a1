//! What goes on inside a network: distributions in front of and behind every non-linearity, units that do nothing, gradients.

mod gradients;
mod record;
mod summary;

use layerwise_autograd::{Activation, LayerValues, Pass};

pub use gradients::{gradient_norms, layer_gradient_norms};
pub use record::{Diagnostics, LayerRecord};
pub use summary::{Percentile, Summary};

/// A value is saturated where the derivative of its activation is at most this share of the largest derivative.
///
/// For sigmoid, tanh and LeCun's tanh that is within 1.27 % of the range of one of the bounds (sigmoid: below 0.0127 or above 0.9873),
/// for ReLU it is an output of 0.
pub const SATURATED: f32 = 0.05;

/// Collects what passes compute, layer by layer, for [`Observer::diagnostics`].
///
/// It reads the record of a pass ([`Pass::visit_layers`]) and changes nothing: a pass that it sees has the same results and gradients
/// to the last bit, and one that it does not see costs nothing. A layer is a linear map with all that follows, up to and including its
/// activation, under the path of the linear map's parameters (`0` of `0.weight`); the output layer is one too, without an activation.
/// Modules of your own are seen as far as they are made of such operations; others name what they do ([`Pass::name_layer`]).
///
/// It keeps every value it has seen, 8 bytes for each unit and example: of a long training it should see a batch now and then. In a
/// closure that cannot change what it captures, such as a training loop's loss, it lives in a `Mutex`.
///
/// ```
/// use layerwise_autograd::{Params, Tape, Tensor};
/// use layerwise_nn_layers::{Activation, Mlp, Module, Observer, gradient_norms};
/// use layerwise_tensor::Rng;
///
/// let mut params = Params::new();
/// let model = Mlp::new(&[2, 3, 2]).activation(Activation::Relu).build(&mut params.root(), &mut Rng::seed(0));
/// params.set("0.weight", &Tensor::new([3, 2], vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0]));
/// params.set("0.bias", &Tensor::from([0.0, 0.0, -9.0]));
///
/// let mut observer = Observer::default();
/// let mut tape = Tape::new();
/// let pass = tape.train(&params, 0);
/// let logits = model.forward(pass.input(&Tensor::new([2, 2], vec![1.0, 2.0, 3.0, 4.0])));
/// observer.observe(&pass);
/// logits.cross_entropy(&[0_u8, 1]).backward();
///
/// let found = observer.diagnostics();
/// assert_eq!(found.layers.len(), 2);
/// assert_eq!(found.layers[0].name, "0");
/// assert_eq!(found.layers[0].pre_activation.mean, (1.0 + 2.0 - 6.0 + 3.0 + 4.0 - 2.0) / 6.0);
/// assert_eq!(found.layers[0].dead_share, 1.0 / 3.0); // the third unit
/// println!("{found}");
/// for (name, norm) in gradient_norms(&tape, &params) {
///     println!("{name} {norm}");
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Observer {
    percentages: Vec<f64>,
    layers: Vec<Seen>,
}

/// What an [`Observer`] has seen of a layer.
#[derive(Clone, Debug)]
struct Seen {
    name: String,
    /// Which of the layers of this name in a pass.
    occurrence: usize,
    activation: Option<Activation>,
    pre_activation: Vec<f32>,
    output: Vec<f32>,
    /// The units that have left the lower end once.
    alive: Vec<bool>,
    saturated: usize,
}

impl Default for Observer {
    /// Percentiles 15, 50 and 85, as in figure 1 of Ioffe and Szegedy (2015).
    fn default() -> Self {
        Observer::new(&[15.0, 50.0, 85.0])
    }
}

impl Observer {
    /// Nothing seen yet; its summaries will have these percentiles, given in percent.
    ///
    /// # Panics
    /// If one is not in 0..=100.
    #[track_caller]
    pub fn new(percentages: &[f64]) -> Self {
        summary::check_percentages(percentages);
        Observer { percentages: percentages.to_vec(), layers: vec![] }
    }

    /// Takes in the layers that a pass has computed so far. Call it after the forward pass; before or after the backward pass makes no
    /// difference. Passes may have batches of different sizes.
    ///
    /// # Panics
    /// If a layer has another number of units, or another activation, than one of the same name before.
    #[track_caller]
    pub fn observe(&mut self, pass: &Pass<'_>) {
        let mut names: Vec<String> = vec![];
        let mut wrong = None;
        pass.visit_layers(|values| {
            let occurrence = names.iter().filter(|name| *name == values.layer).count();
            names.push(values.layer.to_owned());
            let seen = self.layer(&values, occurrence);
            match seen.misfit(&values) {
                None => seen.add(&values),
                Some(text) => wrong = Some(text),
            }
        });
        // Not inside the closure, which would hide the caller's line.
        if let Some(text) = wrong {
            panic!("{text}");
        }
    }

    fn layer(&mut self, values: &LayerValues<'_>, occurrence: usize) -> &mut Seen {
        let is_it = |seen: &Seen| seen.name == values.layer && seen.occurrence == occurrence;
        let at = self.layers.iter().position(is_it).unwrap_or_else(|| {
            self.layers.push(Seen {
                name: values.layer.to_owned(),
                occurrence,
                activation: values.activation,
                pre_activation: vec![],
                output: vec![],
                alive: vec![false; values.units],
                saturated: 0,
            });
            self.layers.len() - 1
        });
        &mut self.layers[at]
    }

    /// What has been seen. Shares and summaries are NaN where that is nothing.
    pub fn diagnostics(&self) -> Diagnostics {
        Diagnostics { layers: self.layers.iter().map(|seen| seen.record(&self.percentages)).collect() }
    }

    /// Forgets what has been seen; its memory is used again.
    pub fn clear(&mut self) {
        for seen in &mut self.layers {
            seen.pre_activation.clear();
            seen.output.clear();
            seen.alive.fill(false);
            seen.saturated = 0;
        }
    }
}

impl Seen {
    fn misfit(&self, values: &LayerValues<'_>) -> Option<String> {
        let (before, now) = ((self.alive.len(), self.activation), (values.units, values.activation));
        (before != now).then(|| {
            format!(
                "observer: the layer {:?} has {} units and the activation {:?}, before it had {} and {:?}; use an observer for \
                 each model",
                self.name, now.0, now.1, before.0, before.1
            )
        })
    }

    fn add(&mut self, values: &LayerValues<'_>) {
        self.pre_activation.extend_from_slice(values.pre_activation);
        self.output.extend_from_slice(values.output);
        let floor = values.activation.and_then(Activation::lower_limit).unwrap_or(0.0);
        for row in values.output.chunks_exact(values.units.max(1)) {
            self.alive.iter_mut().zip(row).for_each(|(alive, &y)| *alive |= y != floor);
        }
        if let Some(activation) = values.activation {
            let mut slopes = vec![1.0; values.output.len()];
            let from_output = activation.backward_from_output();
            activation.backward(if from_output { values.output } else { values.pre_activation }, &mut slopes);
            let flat = SATURATED * activation.steepest();
            self.saturated += slopes.iter().filter(|slope| slope.abs() <= flat).count();
        }
    }

    fn record(&self, percentages: &[f64]) -> LayerRecord {
        let (units, count) = (self.alive.len(), self.output.len());
        let dead = self.alive.iter().filter(|&&alive| !alive).count();
        LayerRecord {
            name: self.name.clone(),
            units,
            examples: count / units.max(1),
            pre_activation: Summary::of(&self.pre_activation, percentages),
            activation: Summary::of(&self.output, percentages),
            dead_share: if count == 0 { f64::NAN } else { dead as f64 / units as f64 },
            saturated_share: self.activation.map(|_| self.saturated as f64 / count as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::tests::panic_of;
    use crate::{BatchNorm, Dropout, Layer, LayerNorm, Linear, Mlp, Module, PRelu, Sequential};
    use layerwise_autograd::{Params, Tape, Tensor, Var};
    use layerwise_tensor::Rng;

    fn x() -> Tensor {
        Tensor::from_fn([6, 4], |i| (i as f32 * 0.7).sin() * 2.0)
    }

    fn linear(params: &mut Params, at: usize) -> Linear {
        Linear::new(&mut params.root().child(at), 4, 4, &mut Rng::seed(at as u64))
    }

    /// What an observer sees of a model in a training pass.
    fn seen(model: &Sequential, params: &Params) -> Diagnostics {
        let mut observer = Observer::new(&[0.0, 100.0]);
        let mut tape = Tape::new();
        let pass = tape.train(params, 1);
        model.forward(pass.input(&x()));
        observer.observe(&pass);
        observer.diagnostics()
    }

    #[test]
    fn figures_are_those_of_a_computation_by_hand() {
        let mut params = Params::new();
        let layer = linear(&mut params, 0).with_activation(Activation::Relu);
        // z = (x - 3, x + 1, -x - 9, 2 x) for one input: the third unit is dead.
        params.set(
            "0.weight",
            &Tensor::from_fn([4, 4], |i| [1.0, 1.0, -1.0, 2.0][i / 4] * f32::from(i % 4 == 0)),
        );
        params.set("0.bias", &Tensor::from([-3.0, 1.0, -9.0, 0.0]));
        let mut observer = Observer::new(&[50.0, 15.0]);
        let mut tape = Tape::new();
        for batch in [&[0.0, 1.0, 5.0][..], &[2.0]] {
            let x = Tensor::from_fn([batch.len(), 4], |i| batch[i / 4]);
            let pass = tape.eval(&params);
            layer.forward(pass.input(&x));
            observer.observe(&pass);
        }
        let found = observer.diagnostics();
        let record = found.layer("0").unwrap();
        assert_eq!((record.units, record.examples), (4, 4));
        // -3 -2 2 -1 | 1 2 6 3 | -9 -10 -14 -11 | 0 2 10 4
        assert_eq!(record.pre_activation.mean, -20.0 / 16.0);
        let squares = 18.0 + 50.0 + (81.0 + 100.0 + 196.0 + 121.0) + 120.0;
        assert!((record.pre_activation.variance - (squares / 16.0 - 1.5625)).abs() < 1e-12);
        // -14 -11 -10 -9 -3 -2 -1 0 | 1 2 2 2 3 4 6 10: place 7.5, place 2.25
        assert_eq!(record.pre_activation.percentile(50.0), Some(0.5));
        assert_eq!(record.pre_activation.percentile(15.0), Some(-9.75));
        // 2 of the first unit, all of the second, none of the third, 2 4 10 of the fourth
        assert_eq!(record.activation.mean, (2.0 + 12.0 + 16.0) / 16.0);
        assert_eq!(record.dead_share, 0.25);
        assert_eq!(record.saturated_share, Some(8.0 / 16.0));
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Diagnostics>(&text).unwrap(), found);
        observer.clear();
        assert!(observer.diagnostics().layers[0].dead_share.is_nan());
    }

    #[test]
    fn values_close_to_a_bound_are_saturated_and_units_at_it_are_dead() {
        // sigmoid(4.5) = 0.989, sigmoid(4.2) = 0.985; tanh(z / 2) = 2 sigmoid(z) - 1.
        let z = [-4.5, -4.2, 4.2, -200.0];
        for (activation, scale, saturated, dead) in [
            (Activation::Sigmoid, 1.0, 0.5, 0.25),
            (Activation::Tanh, 0.5, 0.5, 0.25),
            (Activation::HardTanh, 1.0, 1.0, 0.75),
            (Activation::Softsign, 1.0, 1.0, 0.0),
            (Activation::Identity, 0.0, 0.0, 1.0),
        ] {
            let mut params = Params::new();
            let layer = linear(&mut params, 0).with_activation(activation);
            params.set("0.weight", &Tensor::zeros([4, 4]));
            params.set("0.bias", &Tensor::from(z).map(|z| z * scale));
            let found = &seen(&Sequential::new().then(layer), &params).layers[0];
            assert_eq!((found.saturated_share, found.dead_share), (Some(saturated), dead), "{activation:?}");
        }
    }

    #[test]
    fn whatever_stands_between_linear_map_and_activation_belongs_to_the_layer() {
        let mut params = Params::new();
        let [first, second, third] = [0, 4, 7].map(|at| linear(&mut params, at));
        let norm = BatchNorm::new(&mut params.root().child(1), 4);
        let layer_norm = LayerNorm::new(&mut params.root().child(5), 4);
        let slope = PRelu::per_feature(&mut params.root().child(6), 4);
        let model =
            Sequential::new().then(first).then(norm).then(Activation::Sigmoid).then(Dropout::new(0.5));
        let model = model.then(Sequential::new().then(second).then(layer_norm).then(slope)).then(third);
        let found = seen(&model, &params);
        assert_eq!(found.layers.iter().map(|layer| &layer.name).collect::<Vec<_>>(), ["0", "4", "7"]);
        let [first, second, third] = &found.layers[..] else { panic!("three layers") };
        // Normalised, and not dropped.
        assert!(first.pre_activation.mean.abs() < 1e-6 && (first.pre_activation.variance - 1.0).abs() < 1e-3);
        assert!(first.activation.percentile(0.0).unwrap() > 0.0);
        assert!(second.pre_activation.mean.abs() < 1e-6 && second.saturated_share.is_none());
        let (low, high) = (second.pre_activation.percentile(0.0), second.activation.percentile(0.0));
        assert!((low.unwrap() * 0.25 - high.unwrap()).abs() < 1e-6);
        assert_eq!(third.pre_activation, third.activation);
    }

    /// A module with a non-linearity that no operation has: `|x W^T|`.
    struct Absolute(Linear);

    impl Module for Absolute {
        fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
            let z = self.0.forward(x);
            let y = z.abs();
            x.pass().name_layer(self.0.weight(), z, y);
            y
        }
    }

    #[test]
    fn modules_of_ones_own_report_too() {
        let mut params = Params::new();
        let model = Sequential::new().then(Layer::custom(Absolute(linear(&mut params, 3))));
        let found = seen(&model, &params);
        assert_eq!((found.layers.len(), found.layers[0].name.as_str()), (1, "3"));
        assert!(found.layers[0].pre_activation.percentile(0.0) < Some(0.0));
        assert!(found.layers[0].activation.percentile(0.0) >= Some(0.0));
        assert_eq!((found.layers[0].dead_share, found.layers[0].saturated_share), (0.0, None));
    }

    #[test]
    fn observing_changes_no_bit() {
        let mut params = Params::new();
        let mlp = Mlp::new(&[4, 9, 7, 3]).activation(Activation::Gelu).batch_norm().dropout(0.3);
        let model = mlp.build(&mut params.root(), &mut Rng::seed(2));
        let run = |observer: Option<&mut Observer>| {
            let mut tape = Tape::new();
            let pass = tape.train(&params, 5);
            let logits = model.forward(pass.input(&x()));
            if let Some(observer) = observer {
                observer.observe(&pass);
            }
            let loss = logits.cross_entropy(&[0_u8, 1, 2, 2, 1, 0]);
            loss.backward();
            let loss = loss.item().to_bits();
            let gradients = tape.param_gradients().flat().iter().map(|g| g.to_bits()).collect::<Vec<_>>();
            (loss, gradients)
        };
        let mut observer = Observer::default();
        assert_eq!(run(None), run(Some(&mut observer)));
        assert_eq!(observer.diagnostics().layers.len(), 3);
    }

    #[test]
    fn a_layer_used_twice_is_seen_twice_and_another_model_is_refused() {
        let mut params = Params::new();
        let layer = linear(&mut params, 0).with_activation(Activation::Tanh);
        let found = seen(&Sequential::new().then(layer).then(layer), &params);
        assert_eq!(found.layers.len(), 2);
        assert_ne!(found.layers[0].activation, found.layers[1].activation);

        let mut observer = Observer::default();
        let mut tape = Tape::new();
        let pass = tape.eval(&params);
        layer.forward(pass.input(&x()));
        observer.observe(&pass);
        let pass = tape.eval(&params);
        layer.with_activation(Activation::Relu).forward(pass.input(&x()));
        let (text, file, line) = panic_of(|| observer.observe(&pass));
        assert_eq!(
            text,
            "observer: the layer \"0\" has 4 units and the activation Some(Relu), before it had 4 and Some(Tanh); use an observer \
             for each model"
        );
        assert_eq!((file.as_str(), line), (file!(), line!() - 6));
    }
}
