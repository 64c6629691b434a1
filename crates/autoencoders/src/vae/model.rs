use std::f64::consts::TAU;

use layerwise_autograd::{Activation, Mode, Params, Pass, Var};
use layerwise_nn_layers::{Module, Sequential};
use layerwise_optim::{History, Optimizer, Trainer};
use layerwise_tensor::data::{Source, Unlabelled};
use layerwise_tensor::{Shape, Stream, Tensor};

use super::{Likelihood, Vae, VaeModel};
use crate::data::{self, Flat, Range};
use crate::model::join;
use crate::{DataError, FitError, ReconstructionError};

/// The two parts of what a variational autoencoder minimises, each a mean over the batch.
#[derive(Clone, Copy, Debug)]
pub struct VaeTerms<'p> {
    /// `-ln p(x | z)`, summed over the elements of an example.
    pub reconstruction: Var<'p>,
    /// `KL(q(z | x) || N(0, 1)) = sum (mean^2 + var - ln var - 1) / 2` (Kingma and Welling 2014, appendix B).
    pub divergence: Var<'p>,
}

impl VaeModel {
    /// The same model under a configuration that differs in what does not matter once it is built.
    #[cfg(feature = "safetensors")]
    pub(crate) fn with_config(self, config: Vae) -> Self {
        VaeModel { config, ..self }
    }

    /// What it was built from.
    pub fn config(&self) -> &Vae {
        &self.config
    }

    /// The number of features of an example.
    pub fn inputs(&self) -> usize {
        self.config.widths[0]
    }

    /// The number of features of a code.
    pub fn code_width(&self) -> usize {
        self.config.widths[self.config.widths.len() - 1]
    }

    /// The layers that give the mean of the code, `[.., inputs]` to `[.., code_width]`.
    pub fn mean_encoder(&self) -> Sequential {
        self.encoder.layers.clone().then(self.mean)
    }

    /// The decoder, `[.., code_width]` to `[.., inputs]`: with [`Likelihood::Bernoulli`] to the logits of a reconstruction.
    pub fn decoder(&self) -> &Sequential {
        &self.decoder.layers
    }

    /// [`VaeModel::reconstruct`] as a sequence of layers, `[.., inputs]` to `[.., inputs]`.
    pub fn network(&self) -> Sequential {
        let network = join(&self.mean_encoder(), self.decoder());
        match self.config.likelihood {
            Likelihood::Bernoulli => network.then(Activation::Sigmoid),
            Likelihood::Gaussian { .. } => network,
        }
    }

    /// Mean and logarithm of the variance of the codes of `x [batch, inputs]`.
    ///
    /// # Panics
    /// If the shape does not fit.
    #[track_caller]
    pub fn encode<'p>(&self, x: Var<'p>) -> (Var<'p>, Var<'p>) {
        let hidden = self.encoder.layers.forward(x);
        (self.mean.forward(hidden), self.log_var.forward(hidden))
    }

    /// A code for each mean: `mean + exp(log_var / 2) noise` in a training pass, with noise from its streams; the mean in an
    /// evaluation pass.
    #[track_caller]
    pub fn reparameterise<'p>(&self, mean: Var<'p>, log_var: Var<'p>) -> Var<'p> {
        let pass = mean.pass();
        if pass.mode() == Mode::Eval {
            return mean;
        }
        let noise = pass.input(&Normal { shape: mean.shape(), stream: pass.stream() });
        mean + (log_var * 0.5).exp() * noise
    }

    /// The mean of the examples that a code `[batch, code_width]` stands for.
    ///
    /// # Panics
    /// If the shape does not fit.
    #[track_caller]
    pub fn decode<'p>(&self, code: Var<'p>) -> Var<'p> {
        let output = self.decoder.layers.forward(code);
        match self.config.likelihood {
            Likelihood::Bernoulli => output.sigmoid(),
            Likelihood::Gaussian { .. } => output,
        }
    }

    /// The decoded mean code of `x [batch, inputs]`.
    ///
    /// # Panics
    /// If the shape does not fit.
    #[track_caller]
    pub fn reconstruct<'p>(&self, x: Var<'p>) -> Var<'p> {
        self.decode(self.encode(x).0)
    }

    /// What training minimises, for a batch of inputs of any shape `[batch, ..]`: `reconstruction + beta divergence`, the
    /// negative evidence lower bound where beta is 1.
    ///
    /// # Panics
    /// If the inputs do not fit.
    #[track_caller]
    pub fn loss<'p>(&self, pass: &'p Pass<'p>, inputs: &(impl Source + ?Sized)) -> Var<'p> {
        let VaeTerms { reconstruction, divergence } = self.terms(pass, inputs);
        reconstruction + divergence * self.config.beta
    }

    /// The parts of [`VaeModel::loss`].
    ///
    /// # Panics
    /// If the inputs do not fit.
    #[track_caller]
    pub fn terms<'p>(&self, pass: &'p Pass<'p>, inputs: &(impl Source + ?Sized)) -> VaeTerms<'p> {
        use layerwise_autograd::Reduction::Mean;
        let x = pass.input(&Flat(inputs));
        let (mean, log_var) = self.encode(x);
        let output = self.decoder.layers.forward(self.reparameterise(mean, log_var));
        let features = self.inputs() as f64;
        let reconstruction = match self.config.likelihood {
            Likelihood::Bernoulli => output.bce_with_logits(x, None, Mean) * features as f32,
            Likelihood::Gaussian { std } => {
                let variance = f64::from(std).powi(2);
                let constant = 0.5 * features * (TAU * variance).ln();
                output.mse(x).affine((0.5 * features / variance) as f32, constant as f32)
            }
        };
        VaeTerms { reconstruction, divergence: divergence(mean, log_var) }
    }

    /// Trains on the inputs of a data set, as [`crate::AutoencoderModel::fit`].
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite (for [`Likelihood::Bernoulli`]: not between 0 and
    /// 1), before anything is trained; and as [`Trainer::fit`].
    pub fn fit<D, O>(
        &self,
        params: &mut Params,
        opt: &mut O,
        trainer: Trainer<'_>,
        data: &D,
    ) -> Result<History, FitError>
    where
        D: Unlabelled + Sync,
        O: Optimizer + Send + ?Sized,
    {
        let range = match self.config.likelihood {
            Likelihood::Bernoulli => Range::Probabilities,
            Likelihood::Gaussian { .. } => Range::Finite,
        };
        data::check(data, self.inputs(), range)?;
        Ok(trainer.fit(params, opt, data, |pass, batch| self.loss(pass, D::inputs(batch)))?)
    }

    /// The mean codes of all examples, `[examples, code_width]`.
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite.
    pub fn encode_all<D: Unlabelled + Sync>(&self, params: &Params, data: &D) -> Result<Tensor, DataError> {
        data::map(params, data, [self.inputs(), self.code_width()], |x| self.encode(x).0)
    }

    /// What codes `[examples, code_width]` stand for, `[examples, inputs]`.
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite.
    pub fn decode_all<D: Unlabelled + Sync>(&self, params: &Params, codes: &D) -> Result<Tensor, DataError> {
        data::map(params, codes, [self.code_width(), self.inputs()], |code| self.decode(code))
    }

    /// How far reconstructions of mean codes are from the examples, in f64.
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite.
    pub fn reconstruction_error<D: Unlabelled + Sync>(
        &self,
        params: &Params,
        data: &D,
    ) -> Result<ReconstructionError, DataError> {
        ReconstructionError::measure(params, data, self.inputs(), |x| self.reconstruct(x))
    }

    /// New examples `[count, inputs]`: what codes from the prior, standard normal, stand for. The same seed gives the same ones.
    ///
    /// # Panics
    /// If `count` is 0, or the parameters are not those of the model.
    #[track_caller]
    pub fn sample(&self, params: &Params, count: usize, seed: u64) -> Tensor {
        assert!(count > 0, "sample: the count must be at least 1, found 0");
        let mut codes = Tensor::zeros([count, self.code_width()]);
        Stream { seed, stream: 0 }.fill_normal(0, codes.as_mut_slice(), 0.0, 1.0);
        self.decode_finite(params, codes)
    }

    /// What the codes on the straight line from `from` to `to` stand for, in `steps` equal steps with both ends: `[steps + 1,
    /// inputs]`.
    ///
    /// # Panics
    /// If `steps` is 0, a code has another width or an element that is not finite.
    #[track_caller]
    pub fn interpolate(&self, params: &Params, from: &[f32], to: &[f32], steps: usize) -> Tensor {
        assert!(steps > 0, "interpolate: there must be at least 1 step, found 0");
        self.check_code("interpolate", from);
        self.check_code("interpolate", to);
        let width = self.code_width();
        let codes = Tensor::from_fn([steps + 1, width], |i| {
            let (t, unit) = ((i / width) as f32 / steps as f32, i % width);
            (1.0 - t) * from[unit] + t * to[unit]
        });
        self.decode_finite(params, codes)
    }

    /// What a code stands for when one of its numbers takes each of `values`: `[values, inputs]`.
    ///
    /// # Panics
    /// If there is no such number, no value, the code has another width, or something is not finite.
    #[track_caller]
    pub fn latent_walk(&self, params: &Params, code: &[f32], unit: usize, values: &[f32]) -> Tensor {
        self.check_code("latent_walk", code);
        let width = self.code_width();
        assert!(unit < width, "latent_walk: number {unit} of a code of {width}, counted from 0");
        assert!(!values.is_empty(), "latent_walk: there are no values");
        let mut codes = Tensor::from_fn([values.len(), width], |i| code[i % width]);
        codes
            .as_mut_slice()
            .chunks_exact_mut(width)
            .zip(values)
            .for_each(|(code, &value)| code[unit] = value);
        self.decode_finite(params, codes)
    }

    #[track_caller]
    fn check_code(&self, operation: &str, code: &[f32]) {
        let (found, expected) = (code.len(), self.code_width());
        assert!(found == expected, "{operation}: a code has {expected} numbers, found {found}");
    }

    #[track_caller]
    fn decode_finite(&self, params: &Params, codes: Tensor) -> Tensor {
        self.decode_all(params, &codes).unwrap_or_else(|error| panic!("decoding codes: {error}"))
    }
}

/// The mean over the batch of `sum (mean^2 + e^log_var - log_var - 1) / 2`.
fn divergence<'p>(mean: Var<'p>, log_var: Var<'p>) -> Var<'p> {
    let batch = mean.shape().dims()[0] as f32;
    (mean.square() + log_var.exp() - log_var - 1.0).sum() * (0.5 / batch)
}

/// Standard normal noise.
struct Normal {
    shape: Shape,
    stream: Stream,
}

impl Source for Normal {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn write_to(&self, out: &mut [f32]) {
        self.stream.fill_normal(0, out, 0.0, 1.0);
    }
}
