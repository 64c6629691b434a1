//! Normalisation over the batch and over the features.

use layerwise_autograd::{Mode, ParamId, Params, Scope, Shape, Var};
use serde::{Deserialize, Serialize};

use crate::{Linear, Module};

/// Whether a normalisation has a learned scale and offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Affine {
    /// `weight`, 1 at first, and `bias`, 0 at first.
    #[default]
    Learned,
    /// Neither.
    Off,
}

/// How the running statistics of a [`BatchNorm`] follow those of the batches.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Averaging {
    /// `running = (1 - momentum) running + momentum batch`
    Exponential {
        /// The weight of the newest batch, in [0, 1]: PyTorch's convention, one minus Keras's and the usual one of optimizers.
        momentum: f32,
    },
    /// The mean over all batches so far: PyTorch's `momentum=None`.
    Cumulative,
}

/// The constants of a [`BatchNorm`]; PyTorch's by default.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchNormConfig {
    /// Added to the variance. Defaults to 1e-5.
    pub eps: f32,
    /// How running statistics are averaged. Defaults to exponentially with a momentum of 0.1.
    pub averaging: Averaging,
    /// Whether there are a scale and an offset. Defaults to learned ones.
    pub affine: Affine,
}

impl Default for BatchNormConfig {
    fn default() -> Self {
        let averaging = Averaging::Exponential { momentum: 0.1 };
        BatchNormConfig { eps: 1e-5, averaging, affine: Affine::Learned }
    }
}

impl BatchNormConfig {
    /// Refuses constants out of their range.
    #[track_caller]
    pub(crate) fn check(self) {
        check_eps("batch_norm", self.eps);
        if let Averaging::Exponential { momentum } = self.averaging {
            assert!(
                (0.0..=1.0).contains(&momentum),
                "batch_norm: momentum is {momentum}, but must lie in [0, 1]"
            );
        }
    }
}

/// `y = weight (x - mean) / sqrt(variance + eps) + bias`, feature by feature (Ioffe and Szegedy 2015).
///
/// In a training pass mean and variance are those of the batch, the variance biased (divided by `batch`), and the running statistics
/// are reported with the unbiased variance (divided by `batch - 1`), as in PyTorch; an optimizer's step stores them. An evaluation
/// pass uses the running statistics.
///
/// # Shapes
/// - `x [batch, features]`, `y [batch, features]`; a training batch has at least two examples
/// - `weight`, `bias`, `running_mean` (0 at first) and `running_var` (1 at first), all `[features]`
/// - `num_batches_tracked []`, exact up to 2^24 batches
///
/// ```
/// use layerwise_autograd::{Params, Tape, Tensor};
/// use layerwise_nn_layers::{BatchNorm, Module};
///
/// let mut params = Params::new();
/// let norm = BatchNorm::new(&mut params.root(), 1);
/// let mut tape = Tape::new();
/// let y = norm.forward(tape.train(&params, 0).input(&Tensor::new([2, 1], vec![3.0, 7.0]))).value();
/// assert!((y.as_slice()[0] + 1.0).abs() < 1e-5 && (y.as_slice()[1] - 1.0).abs() < 1e-5);
/// tape.finish_step(&mut params); // what an optimizer's step does
/// assert_eq!(params.get("running_mean").unwrap().as_slice(), [0.5]); // 0.9 * 0 + 0.1 * 5
/// assert_eq!(params.get("running_var").unwrap().as_slice(), [1.7]); // 0.9 * 1 + 0.1 * 8
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    weight: Option<ParamId>,
    bias: Option<ParamId>,
    running_mean: ParamId,
    running_var: ParamId,
    num_batches_tracked: ParamId,
    config: BatchNormConfig,
}

impl BatchNorm {
    /// With PyTorch's defaults. Declares `weight`, `bias`, `running_mean`, `running_var` and `num_batches_tracked`.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new(scope: &mut Scope<'_>, features: usize) -> Self {
        BatchNorm::with_config(scope, features, BatchNormConfig::default())
    }

    /// With constants of one's own.
    ///
    /// # Panics
    /// If the names are taken, or a constant is out of its range.
    #[track_caller]
    pub fn with_config(scope: &mut Scope<'_>, features: usize, config: BatchNormConfig) -> Self {
        config.check();
        let [weight, bias] = declare_affine(scope, features, config.affine);
        BatchNorm {
            weight,
            bias,
            running_mean: scope.statistic("running_mean", [features], |_| ()),
            running_var: scope.statistic("running_var", [features], |values| values.fill(1.0)),
            num_batches_tracked: scope.statistic("num_batches_tracked", Shape::SCALAR, |_| ()),
            config,
        }
    }

    /// The scale, `[features]`.
    pub fn weight(&self) -> Option<ParamId> {
        self.weight
    }

    /// The offset, `[features]`.
    pub fn bias(&self) -> Option<ParamId> {
        self.bias
    }

    /// The mean that an evaluation pass takes off, `[features]`.
    pub fn running_mean(&self) -> ParamId {
        self.running_mean
    }

    /// The variance that an evaluation pass divides by, `[features]`.
    pub fn running_var(&self) -> ParamId {
        self.running_var
    }

    /// Its constants.
    pub fn config(&self) -> BatchNormConfig {
        self.config
    }

    /// Changes weight and bias of the linear layer in front, so that alone it is what the two are together in an evaluation pass:
    /// a model for inference leaves the normalisation out. Not for training.
    ///
    /// # Panics
    /// If the linear layer has no bias, or another number of outputs.
    #[track_caller]
    pub fn fold_into(&self, linear: &Linear, params: &mut Params) {
        let Some(bias) = linear.bias() else {
            panic!("batch_norm: a linear layer without a bias has no room for the offset of a normalisation")
        };
        let (features, outputs) = (params[self.running_mean].len(), params[bias].len());
        assert!(
            features == outputs,
            "batch_norm: {features} features do not follow a linear layer of {outputs} outputs"
        );
        let inputs = params[linear.weight()].len() / outputs.max(1);
        for i in 0..features {
            let of = |id: ParamId| f64::from(params[id][i]);
            let gain =
                self.weight.map_or(1.0, of) / (of(self.running_var) + f64::from(self.config.eps)).sqrt();
            let offset = (of(bias) - of(self.running_mean)) * gain + self.bias.map_or(0.0, of);
            params[bias][i] = offset as f32;
            for w in &mut params[linear.weight()][i * inputs..(i + 1) * inputs] {
                *w = (f64::from(*w) * gain) as f32;
            }
        }
    }
}

impl Module for BatchNorm {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        let (pass, eps) = (x.pass(), self.config.eps);
        let [weight, bias] = [self.weight, self.bias].map(|id| id.map(|id| pass.param(id)));
        if pass.mode() == Mode::Eval {
            let [mean, variance] = [self.running_mean, self.running_var].map(|id| pass.param(id));
            return x.batch_norm_with(mean, variance, weight, bias, eps);
        }
        x.batch_norm(weight, bias, eps, |mean, variance| {
            let batch = x.shape().rows() as f64;
            let mut batches = 0.0;
            pass.report_statistic(self.num_batches_tracked, |count| {
                count[0] += 1.0;
                batches = f64::from(count[0]);
            });
            let newest = match self.config.averaging {
                Averaging::Exponential { momentum } => f64::from(momentum),
                Averaging::Cumulative => 1.0 / batches,
            };
            let follow = |running: &mut [f32], seen: &[f32], scale: f64| {
                for (running, &seen) in running.iter_mut().zip(seen) {
                    *running =
                        ((1.0 - newest) * f64::from(*running) + newest * scale * f64::from(seen)) as f32;
                }
            };
            pass.report_statistic(self.running_mean, |running| follow(running, mean, 1.0));
            let unbiased = batch / (batch - 1.0);
            pass.report_statistic(self.running_var, |running| follow(running, variance, unbiased));
        })
    }
}

/// The constants of a [`LayerNorm`]; PyTorch's by default.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LayerNormConfig {
    /// Added to the variance. Defaults to 1e-5.
    pub eps: f32,
    /// Whether there are a scale and an offset. Defaults to learned ones.
    pub affine: Affine,
}

impl Default for LayerNormConfig {
    fn default() -> Self {
        LayerNormConfig { eps: 1e-5, affine: Affine::Learned }
    }
}

impl LayerNormConfig {
    /// Refuses constants out of their range.
    #[track_caller]
    pub(crate) fn check(self) {
        check_eps("layer_norm", self.eps);
    }
}

/// `y = weight (x - mean) / sqrt(variance + eps) + bias` with mean and biased variance of every example's features (Ba et al. 2016). The
/// same in training and evaluation.
///
/// # Shapes
/// - `x [.., features]`, `y [.., features]`
/// - `weight` (1 at first) and `bias` (0 at first), both `[features]`
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm {
    weight: Option<ParamId>,
    bias: Option<ParamId>,
    eps: f32,
}

impl LayerNorm {
    /// With PyTorch's defaults. Declares `weight` and `bias`.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new(scope: &mut Scope<'_>, features: usize) -> Self {
        LayerNorm::with_config(scope, features, LayerNormConfig::default())
    }

    /// With constants of one's own.
    ///
    /// # Panics
    /// If the names are taken, or a constant is out of its range.
    #[track_caller]
    pub fn with_config(scope: &mut Scope<'_>, features: usize, config: LayerNormConfig) -> Self {
        config.check();
        let [weight, bias] = declare_affine(scope, features, config.affine);
        LayerNorm { weight, bias, eps: config.eps }
    }

    /// The scale, `[features]`.
    pub fn weight(&self) -> Option<ParamId> {
        self.weight
    }

    /// The offset, `[features]`.
    pub fn bias(&self) -> Option<ParamId> {
        self.bias
    }

    /// What is added to the variance.
    pub fn eps(&self) -> f32 {
        self.eps
    }
}

impl Module for LayerNorm {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        let [weight, bias] = [self.weight, self.bias].map(|id| id.map(|id| x.pass().param(id)));
        x.layer_norm(weight, bias, self.eps)
    }
}

#[track_caller]
fn check_eps(name: &str, eps: f32) {
    assert!(eps > 0.0 && eps.is_finite(), "{name}: eps is {eps}, but must be finite and above 0");
}

#[track_caller]
fn declare_affine(scope: &mut Scope<'_>, features: usize, affine: Affine) -> [Option<ParamId>; 2] {
    match affine {
        Affine::Off => [None, None],
        Affine::Learned => [
            Some(scope.parameter("weight", [features], |values| values.fill(1.0))),
            Some(scope.parameter("bias", [features], |_| ())),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layer;
    use crate::linear::tests::panic_of;
    use layerwise_autograd::{Tape, Tensor, gradcheck};
    use layerwise_tensor::Rng;

    fn x() -> Tensor {
        Tensor::from_fn([8, 3], |i| (i as f32 * 0.7).sin() * 2.0)
    }

    #[test]
    fn gradient_of_layer_norm() {
        for affine in [Affine::Learned, Affine::Off] {
            let mut params = Params::new();
            let config = LayerNormConfig { affine, ..Default::default() };
            let norm = LayerNorm::with_config(&mut params.root(), 3, config);
            assert_eq!(params.len(), if affine == Affine::Off { 0 } else { 2 });
            gradcheck(&params, &[x()], |_, x| norm.forward(x[0])).unwrap();
        }
    }

    #[test]
    fn a_bias_in_front_has_no_gradient() {
        let mut params = Params::new();
        let mut root = params.root();
        let linear = Linear::new(&mut root.child(0), 3, 4, &mut Rng::seed(1));
        let norm = BatchNorm::new(&mut root.child(1), 4);
        let mut tape = Tape::new();
        let pass = tape.train(&params, 0);
        let y = norm.forward(linear.forward(pass.input(&x())));
        y.sigmoid().square().sum().backward();
        let gradient = tape.gradient(&params, "0.bias").unwrap();
        assert!(gradient.as_slice().iter().all(|g| g.abs() < 1e-6), "{gradient:?}");
        assert!(tape.gradient(&params, "1.bias").unwrap().as_slice().iter().all(|g| g.abs() > 1e-3));
        assert!(tape.gradient(&params, "1.running_mean").is_none());
    }

    #[test]
    fn a_cumulative_average_is_the_mean_over_the_batches() {
        let mut params = Params::new();
        let config = BatchNormConfig { averaging: Averaging::Cumulative, ..Default::default() };
        let norm = BatchNorm::with_config(&mut params.root(), 1, config);
        let mut tape = Tape::new();
        for middle in [1.0, 2.0, 6.0] {
            let x = Tensor::new([2, 1], vec![middle - 1.0, middle + 1.0]);
            norm.forward(tape.train(&params, 0).input(&x));
            tape.finish_step(&mut params);
        }
        assert!((params.get("running_mean").unwrap().as_slice()[0] - 3.0).abs() < 1e-6);
        assert!((params.get("running_var").unwrap().as_slice()[0] - 2.0).abs() < 1e-6);
        assert_eq!(params.get("num_batches_tracked").unwrap().as_slice(), [3.0]);
    }

    #[test]
    fn folded_it_is_the_same_function() {
        let mut params = Params::new();
        let mut root = params.root();
        let linear = Linear::new(&mut root.child(0), 3, 2, &mut Rng::seed(1));
        let norm = BatchNorm::new(&mut root.child(1), 2);
        for (name, values) in [
            ("weight", [1.5, -0.5]),
            ("bias", [0.25, 2.0]),
            ("running_mean", [0.5, -1.0]),
            ("running_var", [4.0, 0.3]),
        ] {
            params.set(&format!("1.{name}"), &Tensor::from(values));
        }
        let mut tape = Tape::new();
        let both = norm.forward(linear.forward(tape.eval(&params).input(&x()))).value();
        norm.fold_into(&linear, &mut params);
        let folded = linear.forward(tape.eval(&params).input(&x())).value();
        for (a, b) in both.as_slice().iter().zip(folded.as_slice()) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn one_example_is_refused_in_training_at_the_callers_line() {
        let mut params = Params::new();
        let norm = BatchNorm::new(&mut params.root().child(1), 3);
        let (text, file, line) = panic_of(|| {
            let mut tape = Tape::new();
            norm.forward(tape.train(&params, 0).input(&Tensor::zeros([1, 3])));
        });
        assert_eq!(
            text,
            "batch_norm (1.weight): a training batch of shape [1, 3] has fewer than two examples, and one has no variance; \
             leave it out, or use an evaluation pass"
        );
        assert_eq!((file.as_str(), line), (file!(), line!() - 7));
        let mut tape = Tape::new();
        assert_eq!(norm.forward(tape.eval(&params).input(&Tensor::zeros([1, 3]))).shape().dims(), [1, 3]);
    }

    #[test]
    fn wrong_constants_are_refused() {
        let build = |config| {
            panic_of(|| drop(Layer::from(BatchNorm::with_config(&mut Params::new().root(), 2, config)))).0
        };
        let averaging = Averaging::Exponential { momentum: 1.5 };
        let text = build(BatchNormConfig { averaging, ..Default::default() });
        assert_eq!(text, "batch_norm: momentum is 1.5, but must lie in [0, 1]");
        let text = build(BatchNormConfig { eps: 0.0, ..Default::default() });
        assert_eq!(text, "batch_norm: eps is 0, but must be finite and above 0");
    }
}
