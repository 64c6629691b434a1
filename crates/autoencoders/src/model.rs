use layerwise_autograd::{Activation, Mode, Params, Pass, Scope, Var};
use layerwise_nn_layers::{Module, Sequential};
use layerwise_optim::{History, Optimizer, Trainer};
use layerwise_tensor::data::{Classified, Source, TensorDataset, Unlabelled};
use layerwise_tensor::{Rng, Tensor};
use serde::{Deserialize, Serialize};

use crate::config::{Objective, Part};
use crate::corruption::{Noisy, Weights as ElementWeights};
use crate::data::{self, Flat};
use crate::dense::{self, Dense};
use crate::{Autoencoder, DataError, FitError, Loss, Scale, Weights, penalty};

/// An autoencoder: what [`Autoencoder::build`] makes. It holds ids of parameters, not their values.
///
/// As a [`Module`] it is the reconstruction of its input.
#[derive(Clone, Debug)]
pub struct AutoencoderModel {
    config: Autoencoder,
    path: String,
    encoder: Dense,
    decoder: Dense,
}

impl AutoencoderModel {
    pub(crate) fn declare(config: Autoencoder, scope: &mut Scope<'_>, rng: &mut Rng) -> Self {
        let [up, down] = [Part::Encoder, Part::Decoder].map(|part| config.activations(part));
        let encoder = config.plan(Part::Encoder, &up, dense::Source::New);
        let encoder = encoder.declare(&mut scope.child("encoder"), rng);
        let source = match config.weight_sharing() {
            Weights::Own => dense::Source::New,
            Weights::Tied => dense::Source::Tied(&encoder.linears),
        };
        let decoder = config.plan(Part::Decoder, &down, source);
        let decoder = decoder.declare(&mut scope.child("decoder"), rng);
        AutoencoderModel { path: scope.path().to_owned(), config, encoder, decoder }
    }

    /// The same model under a configuration that differs in what does not matter once it is built.
    #[cfg(feature = "safetensors")]
    pub(crate) fn with_config(self, config: Autoencoder) -> Self {
        AutoencoderModel { config, ..self }
    }

    /// What it was built from.
    pub fn config(&self) -> &Autoencoder {
        &self.config
    }

    /// The number of features of an example.
    pub fn inputs(&self) -> usize {
        self.config.encoder_widths()[0]
    }

    /// The number of features of a code.
    pub fn code_width(&self) -> usize {
        self.config.decoder_widths()[0]
    }

    /// The encoder, `[.., inputs]` to `[.., code_width]`.
    pub fn encoder(&self) -> &Sequential {
        &self.encoder.layers
    }

    /// The decoder, `[.., code_width]` to `[.., inputs]`: with [`Loss::BceWithLogits`] to the logits of a reconstruction.
    pub fn decoder(&self) -> &Sequential {
        &self.decoder.layers
    }

    /// Encoder and decoder as one sequence, for whoever wants the layers of the reconstruction: `[.., inputs]` to `[.., inputs]`, with the sigmoid
    /// that belongs to [`Loss::BceWithLogits`] at its end.
    pub fn network(&self) -> Sequential {
        let network = join(self.encoder(), self.decoder());
        if self.config.objective().loss == Loss::BceWithLogits {
            network.then(Activation::Sigmoid)
        } else {
            network
        }
    }

    pub(crate) fn part(&self, part: Part) -> &Dense {
        match part {
            Part::Encoder => &self.encoder,
            Part::Decoder => &self.decoder,
        }
    }

    /// The path that its parameters' names begin with.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The code of `x [batch, inputs]`.
    ///
    /// # Panics
    /// If the shape does not fit.
    #[track_caller]
    pub fn encode<'p>(&self, x: Var<'p>) -> Var<'p> {
        self.encoder.layers.forward(x)
    }

    /// What a code `[batch, code_width]` stands for.
    ///
    /// # Panics
    /// If the shape does not fit.
    #[track_caller]
    pub fn decode<'p>(&self, code: Var<'p>) -> Var<'p> {
        let output = self.decoder.layers.forward(code);
        if self.config.objective().loss == Loss::BceWithLogits { output.sigmoid() } else { output }
    }

    /// The decoded code of `x [batch, inputs]`. Nothing is corrupted here.
    ///
    /// # Panics
    /// If the shape does not fit.
    #[track_caller]
    pub fn reconstruct<'p>(&self, x: Var<'p>) -> Var<'p> {
        self.decode(self.encode(x))
    }

    /// What training minimises, for a batch of inputs of any shape `[batch, ..]`: the reconstruction loss and the penalties. In a
    /// training pass the input is corrupted first, with noise from the pass's streams, and the target is not.
    ///
    /// # Panics
    /// If the inputs do not fit.
    #[track_caller]
    pub fn loss<'p>(&self, pass: &'p Pass<'p>, inputs: &(impl Source + ?Sized)) -> Var<'p> {
        let clean = Flat(inputs);
        let Objective { corruption, penalties, .. } = self.config.objective();
        let target = pass.input(&clean);
        let noise = corruption.filter(|_| pass.mode() == Mode::Train).map(|noise| (noise, pass.stream()));
        let x = match noise {
            Some((corruption, stream)) => pass.input(&Noisy { clean: &clean, corruption, stream }),
            None => target,
        };
        let (code, jacobian) = if penalties.contractive > 0.0 {
            let (code, norm) = penalty::contractive(&self.encoder.linears, &self.encoder.activations, x);
            (code, Some(norm * penalties.contractive))
        } else {
            (self.encode(x), None)
        };
        let output = self.decoder.layers.forward(code);
        let weights = self.config.objective().emphasis.zip(noise).map(|(emphasis, (corruption, stream))| {
            pass.input(&ElementWeights { shape: target.shape(), corruption, stream, emphasis })
        });
        let mut loss = self.reconstruction_loss(output, target, weights);
        if penalties.l1 > 0.0 {
            loss = loss + penalty::l1(code) * penalties.l1;
        }
        if let Some(kl) = penalties.kl {
            loss = loss + penalty::kl(code, kl);
        }
        jacobian.map_or(loss, |penalty| loss + penalty)
    }

    #[track_caller]
    fn reconstruction_loss<'p>(&self, output: Var<'p>, target: Var<'p>, weights: Option<Var<'p>>) -> Var<'p> {
        let Objective { loss, scale, .. } = self.config.objective();
        let mean = loss.of(output, target, weights);
        match scale {
            Scale::Mean => mean,
            Scale::Sum => mean * self.inputs() as f32,
        }
    }

    /// Trains on the inputs of a data set; labels, if there are any, play no part. `trainer` says for how long, in which batches
    /// and from which seed. The data is read once before, and refused if it does not fit.
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite (for cross-entropies: not between 0 and 1), before
    /// anything is trained; and as [`Trainer::fit`].
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
        data::check(data, self.inputs(), self.config.range())?;
        Ok(trainer.fit(params, opt, data, |pass, batch| self.loss(pass, D::inputs(batch)))?)
    }

    /// The codes of all examples, `[examples, code_width]`.
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite.
    pub fn encode_all<D: Unlabelled + Sync>(&self, params: &Params, data: &D) -> Result<Tensor, DataError> {
        data::map(params, data, [self.inputs(), self.code_width()], |x| self.encode(x))
    }

    /// The codes of all examples with their labels: what the next layer, or a classifier, is trained on.
    ///
    /// # Errors
    /// As [`AutoencoderModel::encode_all`].
    pub fn features<D: Classified + Sync>(
        &self,
        params: &Params,
        data: &D,
    ) -> Result<TensorDataset, DataError> {
        Ok(TensorDataset::new(self.encode_all(params, data)?, data::labels(data)))
    }

    /// What codes `[examples, code_width]` stand for, `[examples, inputs]`.
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite.
    pub fn decode_all<D: Unlabelled + Sync>(&self, params: &Params, codes: &D) -> Result<Tensor, DataError> {
        data::map(params, codes, [self.code_width(), self.inputs()], |code| self.decode(code))
    }

    /// The reconstructions of all examples, `[examples, inputs]`.
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite.
    pub fn reconstruct_all<D: Unlabelled + Sync>(
        &self,
        params: &Params,
        data: &D,
    ) -> Result<Tensor, DataError> {
        data::map(params, data, [self.inputs(), self.inputs()], |x| self.reconstruct(x))
    }

    /// How far reconstructions are from the examples, in f64.
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
}

/// One sequence after the other.
pub(crate) fn join(first: &Sequential, second: &Sequential) -> Sequential {
    first.layers().iter().chain(second.layers()).cloned().fold(Sequential::new(), Sequential::then)
}

impl Module for AutoencoderModel {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        self.reconstruct(x)
    }
}

impl Loss {
    /// The mean over all elements, each weighted if there are weights.
    #[track_caller]
    pub(crate) fn of<'p>(self, output: Var<'p>, target: Var<'p>, weights: Option<Var<'p>>) -> Var<'p> {
        use layerwise_autograd::Reduction::{Mean, None as Elements};
        match (self, weights) {
            (Loss::Mse, None) => output.mse(target),
            (Loss::Bce, None) => output.bce(target, Mean),
            (Loss::BceWithLogits, None) => output.bce_with_logits(target, None, Mean),
            (Loss::Mse, Some(weights)) => ((output - target).square() * weights).mean(),
            (Loss::Bce, Some(weights)) => (output.bce(target, Elements) * weights).mean(),
            (Loss::BceWithLogits, Some(weights)) => {
                (output.bce_with_logits(target, None, Elements) * weights).mean()
            }
        }
    }
}

/// How far reconstructions are from their examples.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ReconstructionError {
    /// The mean over all elements of all examples of `(z - x)^2`.
    pub per_pixel_mse: f64,
    /// The mean over the examples of `||z - x||^2`: the above times the number of features.
    pub per_image_squared_error: f64,
    /// `||z - x||^2` of every example, in their order: what anomaly scores are made of.
    pub per_example: Vec<f64>,
}

impl ReconstructionError {
    pub(crate) fn measure<D: Unlabelled + Sync>(
        params: &Params,
        data: &D,
        width: usize,
        reconstruct: impl for<'p> Fn(Var<'p>) -> Var<'p> + Sync,
    ) -> Result<Self, DataError> {
        let mut per_example = Vec::with_capacity(data.len());
        data::evaluate(params, data, width, |x| {
            let z = reconstruct(x);
            x.with_value(|x| z.with_value(|z| per_example.extend(squared_errors(x, z, width))));
        })?;
        Ok(ReconstructionError::new(per_example, width))
    }

    pub(crate) fn new(per_example: Vec<f64>, width: usize) -> Self {
        let per_image_squared_error = per_example.iter().sum::<f64>() / per_example.len() as f64;
        ReconstructionError {
            per_pixel_mse: per_image_squared_error / width as f64,
            per_image_squared_error,
            per_example,
        }
    }
}

/// `||z - x||^2` of every row.
pub(crate) fn squared_errors<'a>(x: &'a [f32], z: &'a [f32], width: usize) -> impl Iterator<Item = f64> + 'a {
    x.chunks_exact(width)
        .zip(z.chunks_exact(width))
        .map(|(x, z)| x.iter().zip(z).map(|(&x, &z)| (f64::from(z) - f64::from(x)).powi(2)).sum())
}
