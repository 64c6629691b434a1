//! What makes a configuration a model, and what does not.

use layerwise_autograd::Activation;

use super::{Autoencoder, KlSparsity, Loss, Part, Penalties, Weights};
use crate::ConfigError;

impl Autoencoder {
    /// Whether all of it fits together: what [`Autoencoder::build`] panics with.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_widths()?;
        self.validate_activations()?;
        self.validate_penalties()?;
        self.between.validate()?;
        if let Some(corruption) = self.corruption {
            corruption.validate()?;
        }
        let Some(emphasis) = self.emphasis else { return Ok(()) };
        emphasis.validate()?;
        ConfigError::check(self.corruption.is_some(), || {
            "an emphasis on corrupted elements needs a corruption".to_owned()
        })
    }

    pub(super) fn validate_widths(&self) -> Result<(), ConfigError> {
        let (encoder, decoder) = (&self.encoder, &self.decoder);
        let is_chain = |widths: &[usize]| widths.len() >= 2 && !widths.contains(&0);
        ConfigError::check(is_chain(encoder), || {
            format!("an encoder has at least two widths (input and code), none of them 0; found {encoder:?}")
        })?;
        ConfigError::check(is_chain(decoder), || {
            format!("a decoder has at least two widths (code and output), none of them 0; found {decoder:?}")
        })?;
        let ends = |widths: &[usize]| [widths[0], widths[widths.len() - 1]];
        let [inputs, code] = ends(encoder);
        ConfigError::check(ends(decoder) == [code, inputs], || {
            format!(
                "the encoder {encoder:?} makes {code} of {inputs} numbers, so the decoder must make {inputs} of {code}; \
                 its widths are {decoder:?}"
            )
        })?;
        let is_mirrored = encoder.iter().rev().eq(decoder);
        ConfigError::check(self.weights == Weights::Own || is_mirrored, || {
            format!("tied weights: the decoder {decoder:?} is not the encoder {encoder:?} backwards")
        })
    }

    fn validate_activations(&self) -> Result<(), ConfigError> {
        for (what, widths, activations) in [
            ("encoder", &self.encoder, &self.encoder_activations),
            ("decoder", &self.decoder, &self.decoder_activations),
        ] {
            let Some(activations) = activations else { continue };
            ConfigError::check(activations.len() + 1 == widths.len(), || {
                let (layers, found) = (widths.len() - 1, activations.len());
                format!("the {what} has {layers} layers and {found} activations")
            })?;
        }
        let output = self.last_activation(Part::Decoder);
        match self.loss {
            Loss::Bce => ConfigError::check(is_probability(output), || {
                format!("binary cross-entropy needs an output between 0 and 1, which {output:?} is not")
            }),
            Loss::BceWithLogits => ConfigError::check(output == Activation::Identity, || {
                format!(
                    "BceWithLogits has the sigmoid in the loss; the output activation must be the identity, found {output:?}"
                )
            }),
            Loss::Mse => Ok(()),
        }
    }

    fn validate_penalties(&self) -> Result<(), ConfigError> {
        let Penalties { l1, kl, contractive } = self.penalties;
        ConfigError::at_least_0("l1_sparsity: weight", l1)?;
        ConfigError::at_least_0("contractive: weight", contractive)?;
        if let Some(KlSparsity { rho, beta }) = kl {
            ConfigError::check(rho > 0.0 && rho < 1.0, || {
                format!("kl_sparsity: rho is {rho}, but must lie in (0, 1)")
            })?;
            ConfigError::at_least_0("kl_sparsity: beta", beta)?;
            let code = self.last_activation(Part::Encoder);
            ConfigError::check(is_probability(code), || {
                format!("kl_sparsity needs a code between 0 and 1, which {code:?} is not")
            })?;
        }
        let is_plain = self.between.batch_norm.is_none() && self.between.dropout.is_none();
        ConfigError::check(contractive == 0.0 || is_plain, || {
            "contractive: the Jacobian is that of linear layers and activations; leave out batch_norm and dropout".to_owned()
        })
    }
}

fn is_probability(activation: Activation) -> bool {
    matches!(activation, Activation::Sigmoid | Activation::HardSigmoid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Corruption, Emphasis};
    use layerwise_nn_layers::Init;

    #[track_caller]
    fn refused(config: &Autoencoder, text: &str) {
        assert_eq!(config.validate().unwrap_err().to_string(), text);
    }

    #[test]
    fn a_configuration_is_data() {
        let config = Autoencoder::new(&[6, 4, 2])
            .decoder(&[2, 3, 5, 6])
            .activation(Activation::LeakyRelu { slope: 0.1 })
            .loss(Loss::BceWithLogits)
            .corruption(Corruption::salt_and_pepper(0.2))
            .emphasis(Emphasis::FULL)
            .contractive(0.1)
            .init(Init::XavierUniform);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<Autoencoder>(&text).unwrap(), config);
        let short =
            r#"{"encoder":[6,2],"decoder":[2,6],"activation":"relu","code":"sigmoid","output":"identity"}"#;
        assert_eq!(
            serde_json::from_str::<Autoencoder>(short).unwrap(),
            Autoencoder::new(&[6, 2]).code(Activation::Sigmoid)
        );
    }

    #[test]
    #[should_panic(
        expected = "an encoder has at least two widths (input and code), none of them 0; found [784, 0]"
    )]
    fn a_code_has_a_width() {
        let _ = Autoencoder::new(&[784, 0]);
    }

    #[test]
    #[should_panic(
        expected = "the encoder [8, 4, 2] makes 2 of 8 numbers, so the decoder must make 8 of 2; its widths are [4, 8]"
    )]
    fn the_decoder_begins_where_the_encoder_ends() {
        let _ = Autoencoder::new(&[8, 4, 2]).decoder(&[4, 8]);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let small = || Autoencoder::new(&[8, 4, 2]);
        refused(
            &small().decoder(&[2, 8]).tied(),
            "tied weights: the decoder [2, 8] is not the encoder [8, 4, 2] backwards",
        );
        refused(
            &small().encoder_activations(&[Activation::Relu]),
            "the encoder has 2 layers and 1 activations",
        );
        refused(
            &small().loss(Loss::Bce),
            "binary cross-entropy needs an output between 0 and 1, which Identity is not",
        );
        refused(
            &small().loss(Loss::BceWithLogits).output(Activation::Sigmoid),
            "BceWithLogits has the sigmoid in the loss; the output activation must be the identity, found Sigmoid",
        );
        refused(
            &small().kl_sparsity(0.1, 1.0),
            "kl_sparsity needs a code between 0 and 1, which Identity is not",
        );
        let sigmoid = small().code(Activation::Sigmoid);
        refused(&sigmoid.clone().kl_sparsity(1.0, 1.0), "kl_sparsity: rho is 1, but must lie in (0, 1)");
        refused(
            &sigmoid.kl_sparsity(0.1, -1.0),
            "kl_sparsity: beta is -1, but must be finite and at least 0",
        );
        refused(
            &small().l1_sparsity(f32::NAN),
            "l1_sparsity: weight is NaN, but must be finite and at least 0",
        );
        refused(&small().dropout(1.0), "dropout: p is 1, but must lie in [0, 1)");
        refused(
            &small().contractive(0.1).batch_norm(),
            "contractive: the Jacobian is that of linear layers and activations; leave out batch_norm and dropout",
        );
        refused(&small().emphasis(Emphasis::FULL), "an emphasis on corrupted elements needs a corruption");
        refused(
            &small().corruption(Corruption::Masking { nu: 2.0 }),
            "masking: nu is 2, but must lie in [0, 1]",
        );
    }
}
