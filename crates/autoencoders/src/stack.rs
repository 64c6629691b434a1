use layerwise_autograd::{Activation, Params};
use layerwise_nn_layers::{Linear, Sequential};
use layerwise_tensor::{Rng, Tensor};

use crate::config::{Between, Part};
use crate::dense::{Plan, Source};
use crate::{Autoencoder, AutoencoderModel, Loss, Weights};

/// Trained autoencoders, each on the codes of the one before, on the way to one network.
///
/// What comes out has parameters of its own, which start as copies. `Updater::freeze` and `Updater::group` of the optimizer
/// choose by name which of them are fine-tuned, and how fast:
///
/// ```
/// use layerwise_autoencoders::{Activation, Autoencoder, Stack};
/// use layerwise_autograd::Params;
/// use layerwise_optim::{Adam, AdamConfig, Group};
/// use layerwise_tensor::Rng;
///
/// let mut rng = Rng::seed(42);
/// let mut train = |widths: &[usize]| {
///     let mut params = Params::new();
///     let model = Autoencoder::new(widths).code(Activation::Sigmoid).build(&mut params.root(), &mut rng);
///     (model, params) // and fit it
/// };
/// let (first, second) = (train(&[784, 256]), train(&[256, 64]));
/// let stack = Stack::new().then(&first.0, &first.1).then(&second.0, &second.1);
/// let (params, model) = stack.new_classifier(10, &mut Rng::seed(43));
/// let names: Vec<_> = params.ids().map(|id| params.name(id)).collect();
/// assert_eq!(names[..3], ["encoder.0.weight", "encoder.0.bias", "encoder.2.weight"]);
/// assert_eq!(names[4..], ["classifier.weight", "classifier.bias"]);
///
/// let opt = Adam::new(&params, AdamConfig::default())
///     .freeze("encoder.0.*") // the first layer stays as it was trained
///     .group("encoder.2.*", Group { lr_scale: 0.1, ..Group::default() }); // the second moves slowly
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stack<'a> {
    layers: Vec<(&'a AutoencoderModel, &'a Params)>,
}

impl<'a> Stack<'a> {
    /// Nothing yet.
    pub fn new() -> Self {
        Stack::default()
    }

    /// One more autoencoder, with the parameters it was built with.
    ///
    /// # Panics
    /// If its input is not as wide as the code of the one before.
    #[must_use]
    #[track_caller]
    pub fn then(mut self, model: &'a AutoencoderModel, params: &'a Params) -> Self {
        if let Some((below, _)) = self.layers.last() {
            let (code, inputs) = (below.code_width(), model.inputs());
            assert!(
                code == inputs,
                "stack: an autoencoder of {inputs} inputs on one whose code has {code} numbers"
            );
        }
        self.layers.push((model, params));
        self
    }

    /// All encoders as one network with parameters of its own: `encoder.0.weight`, ..
    ///
    /// # Panics
    /// If there is none, or parameters are not those of their model.
    #[track_caller]
    pub fn encoder(&self) -> (Params, Sequential) {
        self.code_width();
        let mut params = Params::new();
        let mut all = Sequential::new();
        let mut first = 0;
        for (model, from) in &self.layers {
            let activations = model.config().activations(Part::Encoder);
            let plan = Plan { first, ..model.config().plan(Part::Encoder, &activations, Source::New) };
            let dense = plan.declare(&mut params.root().child("encoder"), &mut Rng::seed(0));
            all = dense.layers.layers().iter().cloned().fold(all, Sequential::then);
            copy(model, "encoder", from, &mut params, first);
            first = plan.end();
        }
        (params, all)
    }

    /// All encoders and a layer on top that was trained on their codes: a network that gives logits. The layer's parameters are named
    /// `classifier.weight` and `classifier.bias`.
    ///
    /// # Panics
    /// As [`Stack::encoder`], and if the layer does not take the codes.
    #[track_caller]
    pub fn classifier(&self, softmax: &Linear, softmax_params: &Params) -> (Params, Sequential) {
        let weight = softmax_params.shape(softmax.weight());
        let (mut params, model) = self.with_head(weight.dims()[0], &mut Rng::seed(0));
        let inputs = self.code_width();
        assert!(
            weight.last() == inputs,
            "stack: a layer of {} inputs on codes of {inputs} numbers",
            weight.last()
        );
        for (name, from) in
            [("classifier.weight", Some(softmax.weight())), ("classifier.bias", softmax.bias())]
        {
            let to = params.id(name).expect("it has just been declared");
            match from {
                Some(from) => params[to].copy_from_slice(&softmax_params[from]),
                None => params[to].fill(0.0),
            }
        }
        (params, model)
    }

    /// All encoders and a new layer on top, whose values are drawn from `rng`: a network that gives logits, named as that of
    /// [`Stack::classifier`].
    ///
    /// # Panics
    /// As [`Stack::encoder`], and if there are no classes.
    #[track_caller]
    pub fn new_classifier(&self, classes: usize, rng: &mut Rng) -> (Params, Sequential) {
        assert!(classes > 0, "stack: a classifier has at least one class, found 0");
        self.with_head(classes, rng)
    }

    #[track_caller]
    fn with_head(&self, classes: usize, rng: &mut Rng) -> (Params, Sequential) {
        let (mut params, encoder) = self.encoder();
        let inputs = self.code_width();
        let head = Linear::new(&mut params.root().child("classifier"), inputs, classes, rng);
        (params, encoder.then(head))
    }

    #[track_caller]
    fn code_width(&self) -> usize {
        assert!(!self.layers.is_empty(), "stack: there is no autoencoder in it");
        self.layers[self.layers.len() - 1].0.code_width()
    }

    /// One deep autoencoder: all encoders, then all decoders from the last to the first, for fine-tuning end to end (Hinton and
    /// Salakhutdinov 2006). Loss and scale are those of the first one; there are no penalties and no corruption, and weights that
    /// were tied are free from here on. Before fine-tuning it reconstructs as the autoencoders do one after the other.
    ///
    /// # Panics
    /// As [`Stack::encoder`], and if one has batch normalisation or dropout, which a deep one would have in other places.
    #[track_caller]
    pub fn unroll(&self) -> (Params, AutoencoderModel) {
        self.code_width();
        let is_plain = |between: &Between| between.batch_norm.is_none() && between.dropout.is_none();
        let all_plain = self.layers.iter().all(|(model, _)| is_plain(model.config().between()));
        assert!(all_plain, "stack: autoencoders with batch_norm or dropout cannot be unrolled");
        let config = self.unrolled_config();
        let mut params = Params::new();
        let deep = config.build(&mut params.root(), &mut Rng::seed(0));
        let mut first = 0;
        for (model, from) in &self.layers {
            copy(model, "encoder", from, &mut params, first);
            first += 2 * model.part(Part::Encoder).activations.len();
        }
        let mut first = 0;
        for (model, from) in self.layers.iter().rev() {
            copy(model, "decoder", from, &mut params, first);
            if model.config().weight_sharing() == Weights::Tied {
                for (i, linear) in model.part(Part::Encoder).linears.iter().rev().enumerate() {
                    let weight = Tensor::new(from.shape(linear.weight()), from[linear.weight()].to_vec());
                    let transposed = Tensor::from(weight.into_array().reversed_axes());
                    params.set(&format!("decoder.{}.weight", first + 2 * i), &transposed);
                }
            }
            first += 2 * model.part(Part::Decoder).activations.len();
        }
        (params, deep)
    }

    fn unrolled_config(&self) -> Autoencoder {
        let configs = || self.layers.iter().map(|(model, _)| model.config());
        let mut encoder = vec![self.layers[0].0.inputs()];
        let mut decoder = vec![self.code_width()];
        let mut decoder_activations = Vec::new();
        configs().for_each(|config| encoder.extend(&config.encoder_widths()[1..]));
        for config in configs().rev() {
            decoder.extend(&config.decoder_widths()[1..]);
            decoder_activations.extend(config.activations(Part::Decoder));
            // In the middle of a network the sigmoid is no part of a loss.
            if let (Loss::BceWithLogits, Some(last)) =
                (config.objective().loss, decoder_activations.last_mut())
            {
                *last = Activation::Sigmoid;
            }
        }
        let first = self.layers[0].0.config().objective();
        if let (Loss::BceWithLogits, Some(last)) = (first.loss, decoder_activations.last_mut()) {
            *last = Activation::Identity;
        }
        let encoder_activations: Vec<_> =
            configs().flat_map(|config| config.activations(Part::Encoder)).collect();
        Autoencoder::new(&encoder)
            .decoder(&decoder)
            .encoder_activations(&encoder_activations)
            .decoder_activations(&decoder_activations)
            .loss(first.loss)
            .scale(first.scale)
    }
}

/// Copies the parameters of one half of a model to the same half of `to`, with `first` added to the numbers of their modules.
#[track_caller]
fn copy(model: &AutoencoderModel, half: &str, from: &Params, to: &mut Params, first: usize) {
    let prefix =
        if model.path().is_empty() { format!("{half}.") } else { format!("{}.{half}.", model.path()) };
    for id in from.ids() {
        let Some((number, rest)) = from.name(id).strip_prefix(&prefix).and_then(|name| name.split_once('.'))
        else {
            continue;
        };
        let Ok(number) = number.parse::<usize>() else { continue };
        let value = Tensor::new(from.shape(id), from[id].to_vec());
        to.set(&format!("{half}.{}.{rest}", first + number), &value);
    }
}
