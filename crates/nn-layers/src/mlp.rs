use layerwise_autograd::{Activation, Scope};
use layerwise_tensor::Rng;
use serde::{Deserialize, Serialize};

use crate::{BatchNorm, BatchNormConfig, Dropout, Init, LayerNorm, LayerNormConfig, Linear, Sequential};

/// A multi-layer perceptron as a configuration: the widths of its layers, and what stands between them.
///
/// [`Mlp::build`] declares the parameters and returns the model. Parameter names are those of the corresponding
/// `torch.nn.Sequential`, in which an activation counts as a module: `0.weight`, `0.bias`, `2.weight`, ...
///
/// ```
/// use layerwise_autograd::{Activation, Params, Tape, Tensor};
/// use layerwise_nn_layers::{Mlp, Module};
/// use layerwise_tensor::Rng;
///
/// let mut params = Params::new();
/// let model = Mlp::new(&[784, 512, 256, 10])
///     .activation(Activation::Sigmoid)
///     .build(&mut params.root(), &mut Rng::seed(42));
/// assert_eq!(params.count(), 784 * 512 + 512 + 512 * 256 + 256 + 256 * 10 + 10);
/// let mut tape = Tape::new();
/// let pass = tape.eval(&params);
/// let logits = model.forward(pass.input(&Tensor::zeros([32, 784])));
/// assert_eq!(logits.shape().dims(), [32, 10]);
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Mlp {
    widths: Vec<usize>,
    activation: Activation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_dropout: Option<Dropout>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch_norm: Option<BatchNormConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer_norm: Option<LayerNormConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dropout: Option<Dropout>,
    #[serde(default, skip_serializing_if = "is_default")]
    init: Init,
}

fn is_default(init: &Init) -> bool {
    *init == Init::default()
}

impl Mlp {
    /// Linear layers between these widths, the input's first. Hidden layers are followed by ReLU unless
    /// [`Mlp::activation`] says otherwise; the output layer is linear, as losses take logits.
    ///
    /// # Panics
    /// If there are fewer than two widths, or one is 0.
    #[track_caller]
    pub fn new(widths: &[usize]) -> Self {
        check_widths(widths);
        Mlp {
            widths: widths.to_vec(),
            activation: Activation::Relu,
            input_dropout: None,
            batch_norm: None,
            layer_norm: None,
            dropout: None,
            init: Init::default(),
        }
    }

    /// What follows each hidden layer. Defaults to ReLU.
    ///
    /// # Panics
    /// If a constant of it is out of its range.
    #[must_use]
    #[track_caller]
    pub fn activation(self, activation: Activation) -> Self {
        activation.check();
        Mlp { activation, ..self }
    }

    /// Batch normalisation between every hidden linear layer and its activation, with PyTorch's defaults. The linear layer keeps its
    /// bias, as it does in PyTorch unless one says otherwise, although the normalisation takes it out again.
    #[must_use]
    pub fn batch_norm(self) -> Self {
        self.batch_norm_with(BatchNormConfig::default())
    }

    /// The same with constants of one's own.
    ///
    /// # Panics
    /// If one is out of its range.
    #[must_use]
    #[track_caller]
    pub fn batch_norm_with(self, config: BatchNormConfig) -> Self {
        config.check();
        Mlp { batch_norm: Some(config), ..self }
    }

    /// Layer normalisation in front of every hidden activation (after batch normalisation, if there is one), with PyTorch's defaults.
    #[must_use]
    pub fn layer_norm(self) -> Self {
        self.layer_norm_with(LayerNormConfig::default())
    }

    /// The same with constants of one's own.
    ///
    /// # Panics
    /// If one is out of its range.
    #[must_use]
    #[track_caller]
    pub fn layer_norm_with(self, config: LayerNormConfig) -> Self {
        config.check();
        Mlp { layer_norm: Some(config), ..self }
    }

    /// Dropout with probability `p` of the input, in front of the first layer. It counts as a module: the first layer is then `1`.
    ///
    /// # Panics
    /// If `p` is not in [0, 1).
    #[must_use]
    #[track_caller]
    pub fn input_dropout(self, p: f32) -> Self {
        Mlp { input_dropout: Some(Dropout::new(p)), ..self }
    }

    /// Dropout with probability `p` after every hidden activation.
    ///
    /// # Panics
    /// If `p` is not in [0, 1).
    #[must_use]
    #[track_caller]
    pub fn dropout(self, p: f32) -> Self {
        Mlp { dropout: Some(Dropout::new(p)), ..self }
    }

    /// How the weights start. Defaults to PyTorch's initial values; with any other, biases start at 0.
    ///
    /// # Panics
    /// If a constant of it is out of its range.
    #[must_use]
    #[track_caller]
    pub fn init(self, init: Init) -> Self {
        init.check();
        Mlp { init, ..self }
    }

    /// Declares the parameters below `scope` with values drawn from `rng`, and returns the model.
    ///
    /// # Panics
    /// If the names are taken, or the configuration was read from somewhere and is out of the ranges that the methods above check.
    #[track_caller]
    pub fn build(&self, scope: &mut Scope<'_>, rng: &mut Rng) -> Sequential {
        check_widths(&self.widths);
        self.activation.check();
        for dropout in [self.input_dropout, self.dropout].into_iter().flatten() {
            dropout.check();
        }
        let mut model = Sequential::new();
        // The place of the next module, as PyTorch counts them.
        let mut at = 0;
        if let Some(dropout) = self.input_dropout {
            model = model.then(dropout);
            at += 1;
        }
        for (i, widths) in self.widths.windows(2).enumerate() {
            let linear = Linear::with_init(&mut scope.child(at), widths[0], widths[1], self.init, rng);
            at += 1;
            if i + 2 == self.widths.len() {
                return model.then(linear);
            }
            let is_fused = self.batch_norm.is_none() && self.layer_norm.is_none();
            model = model.then(if is_fused { linear.with_activation(self.activation) } else { linear });
            if let Some(config) = self.batch_norm {
                model = model.then(BatchNorm::with_config(&mut scope.child(at), widths[1], config));
                at += 1;
            }
            if let Some(config) = self.layer_norm {
                model = model.then(LayerNorm::with_config(&mut scope.child(at), widths[1], config));
                at += 1;
            }
            if !is_fused {
                model = model.then(self.activation);
            }
            at += 1; // the activation, in the linear layer or behind it
            if let Some(dropout) = self.dropout {
                model = model.then(dropout);
                at += 1;
            }
        }
        model
    }
}

#[track_caller]
fn check_widths(widths: &[usize]) {
    assert!(
        widths.len() >= 2 && !widths.contains(&0),
        "an MLP has at least two widths (input and output), none of them 0; found {widths:?}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Affine, Module};
    use layerwise_autograd::{Params, Tape, Tensor, gradcheck};

    fn small() -> (Params, Sequential) {
        let mut params = Params::new();
        let model =
            Mlp::new(&[4, 6, 5, 3]).activation(Activation::Tanh).build(&mut params.root(), &mut Rng::seed(1));
        (params, model)
    }

    #[test]
    fn names_are_those_of_torch_nn_sequential() {
        let (params, model) = small();
        let names: Vec<_> = params.ids().map(|id| params.name(id)).collect();
        assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"]);
        assert_eq!(model.layers().len(), 3);
    }

    #[test]
    fn normalisation_and_dropout_count_as_modules() {
        let mut params = Params::new();
        let mlp = Mlp::new(&[4, 6, 5, 3]).batch_norm().dropout(0.5).init(Init::HeUniform);
        let model = mlp.build(&mut params.root(), &mut Rng::seed(1));
        let names: Vec<_> = params.ids().map(|id| params.name(id).to_owned()).collect();
        let norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
        let mut expected = vec![];
        for linear in [0, 4] {
            expected.extend(["weight", "bias"].map(|name| format!("{linear}.{name}")));
            expected.extend(norm.map(|name| format!("{}.{name}", linear + 1)));
        }
        expected.extend(["8.weight", "8.bias"].map(str::to_owned));
        assert_eq!(names, expected);
        assert_eq!(model.layers().len(), 9);
        assert_eq!(params.get("4.bias").unwrap().as_slice(), [0.0; 5]);
        let text = serde_json::to_string(&mlp).unwrap();
        assert_eq!(serde_json::from_str::<Mlp>(&text).unwrap(), mlp);
        assert!(text.contains(r#""init":"he_uniform""#), "{text}");

        for (mlp, second) in [
            (Mlp::new(&[4, 6, 3]).dropout(0.5), "3.weight"),
            (Mlp::new(&[4, 6, 3]).input_dropout(0.2), "3.weight"),
            (Mlp::new(&[4, 6, 3]).layer_norm().input_dropout(0.2).dropout(0.5), "5.weight"),
            (Mlp::new(&[4, 6, 3]).layer_norm().batch_norm(), "4.weight"),
        ] {
            let mut params = Params::new();
            let model = mlp.build(&mut params.root(), &mut Rng::seed(1));
            assert!(params.id(second).is_some(), "{params}");
            let names = format!("{:?}", model.layers()[0]);
            assert_eq!(names.starts_with("Dropout"), params.id("0.weight").is_none(), "{names}");
            let text = serde_json::to_string(&mlp).unwrap();
            assert_eq!(serde_json::from_str::<Mlp>(&text).unwrap(), mlp);
        }
    }

    #[test]
    fn constants_of_ones_own_arrive() {
        let config = BatchNormConfig { eps: 0.5, affine: Affine::Off, ..Default::default() };
        let mut params = Params::new();
        let model = Mlp::new(&[1, 1, 1]).batch_norm_with(config).build(&mut params.root(), &mut Rng::seed(1));
        assert!(params.id("1.running_var").is_some() && params.id("1.weight").is_none());
        assert!(format!("{model:?}").contains("eps: 0.5"), "{model:?}");
        let config = LayerNormConfig { eps: 0.25, affine: Affine::Off };
        let model =
            Mlp::new(&[1, 1, 1]).layer_norm_with(config).build(&mut Params::new().root(), &mut Rng::seed(1));
        assert!(format!("{model:?}").contains("eps: 0.25"), "{model:?}");
    }

    #[test]
    #[should_panic(expected = "dropout: p is 1, but must lie in [0, 1)")]
    fn a_dropout_of_everything_is_refused() {
        let _ = Mlp::new(&[4, 6, 3]).dropout(1.0);
    }

    #[test]
    fn gradient() {
        let (params, model) = small();
        let x = Tensor::from_fn([7, 4], |i| (i as f32 * 0.9).sin());
        gradcheck(&params, &[x], |_, x| model.forward(x[0]).cross_entropy(&[0_u8, 1, 2, 2, 1, 0, 1]))
            .unwrap();
    }

    #[test]
    fn the_output_layer_is_linear() {
        let (params, model) = small();
        let mut tape = Tape::new();
        let pass = tape.eval(&params);
        let by_hand = ["0", "2", "4"].iter().fold(pass.input(&Tensor::full([1, 4], 2.0)), |x, layer| {
            let [w, b] =
                ["weight", "bias"].map(|name| pass.param(params.id(&format!("{layer}.{name}")).unwrap()));
            let z = x.matmul_transposed(w) + b;
            if *layer == "4" { z } else { z.tanh() }
        });
        let ours = model.forward(pass.input(&Tensor::full([1, 4], 2.0)));
        assert_eq!(ours.value(), by_hand.value());
    }

    #[test]
    fn a_wrong_input_names_layer_and_shapes_at_the_callers_line() {
        let (params, model) = small();
        let (text, file, line) = crate::linear::tests::panic_of(|| {
            let mut tape = Tape::new();
            let pass = tape.eval(&params);
            model.forward(pass.input(&Tensor::zeros([2, 5])));
        });
        assert_eq!(text, "linear (0.weight): the input [2, 5] has 5 features, the weight [6, 4] takes 4");
        assert_eq!((file.as_str(), line), (file!(), line!() - 3));
    }

    #[test]
    fn a_configuration_is_data() {
        let mlp = Mlp::new(&[4, 6, 3]).activation(Activation::LeakyRelu { slope: 0.1 });
        let text = serde_json::to_string(&mlp).unwrap();
        assert_eq!(text, r#"{"widths":[4,6,3],"activation":{"leaky_relu":{"slope":0.1}}}"#);
        assert_eq!(serde_json::from_str::<Mlp>(&text).unwrap(), mlp);
    }

    #[test]
    #[should_panic(expected = "an MLP has at least two widths (input and output), none of them 0; found [4]")]
    fn one_width_is_no_network() {
        Mlp::new(&[4]);
    }
}
