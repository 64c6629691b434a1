//! A model in one file: its parameters by name (the safetensors format), its configuration as JSON in the header.

use std::path::Path;

use layerwise_autograd::Params;
use layerwise_autograd::safetensors::{LoadError, LoadProblem, SaveError, load_model, save_model};
use layerwise_nn_layers::Init;
use layerwise_tensor::Rng;

use crate::{Autoencoder, AutoencoderModel, ConfigError, Vae, VaeModel};

impl From<ConfigError> for LoadProblem {
    fn from(error: ConfigError) -> Self {
        LoadProblem::Invalid(Box::new(error))
    }
}

impl AutoencoderModel {
    /// Writes the configuration and all of `params` to a file in the safetensors format. It is written beside its place and then
    /// renamed, so that there is always a whole file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, params: &Params, path: impl AsRef<Path>) -> Result<(), SaveError> {
        save_model("autoencoder", self.config(), params, path)
    }

    /// Reads what [`AutoencoderModel::save`] has written, for a model whose parameters are the only ones and have no path in front.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or does not hold just such a model.
    pub fn load(path: impl AsRef<Path>) -> Result<(Params, AutoencoderModel), LoadError> {
        load_model("autoencoder", path, |config: Autoencoder, found| {
            config.validate()?;
            LoadProblem::check_count(config.least_count(), found)?;
            let mut params = Params::new();
            // Initial values are overwritten, and a configuration's own might not fit.
            let model = config.clone().init(Init::Zeros).build(&mut params.root(), &mut Rng::seed(0));
            Ok((params, model.with_config(config)))
        })
    }
}

impl VaeModel {
    /// As [`AutoencoderModel::save`].
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, params: &Params, path: impl AsRef<Path>) -> Result<(), SaveError> {
        save_model("vae", self.config(), params, path)
    }

    /// As [`AutoencoderModel::load`].
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or does not hold just such a model.
    pub fn load(path: impl AsRef<Path>) -> Result<(Params, VaeModel), LoadError> {
        load_model("vae", path, |config: Vae, found| {
            config.validate()?;
            LoadProblem::check_count(config.least_count(), found)?;
            let mut params = Params::new();
            let model = config.clone().init(Init::Zeros).build(&mut params.root(), &mut Rng::seed(0));
            Ok((params, model.with_config(config)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Corruption, Likelihood, Loss};
    use layerwise_autograd::Activation;
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;
    use std::collections::HashMap;
    use std::fs;

    fn config() -> Autoencoder {
        Autoencoder::new(&[6, 4, 2])
            .activation(Activation::LeakyRelu { slope: 0.1 })
            .tied()
            .batch_norm()
            .dropout(0.1)
            .loss(Loss::BceWithLogits)
            .corruption(Corruption::masking(0.25))
            .init(Init::XavierNormal)
    }

    /// The text of what is wrong with a file of these bytes.
    fn problem(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, bytes).unwrap();
        let error = AutoencoderModel::load(&path).unwrap_err();
        assert!(error.to_string().starts_with(&format!("loading {}: ", path.display())));
        error.problem.to_string()
    }

    fn file(config: &str, tensors: &[(&str, &[usize])]) -> Vec<u8> {
        let bytes = [0; 4096];
        let views = tensors.iter().map(|(name, shape)| {
            let len = shape.iter().product::<usize>() * 4;
            (*name, TensorView::new(Dtype::F32, shape.to_vec(), &bytes[..len]).unwrap())
        });
        let header = [("layerwise.model", "autoencoder"), ("layerwise.config", config)]
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        safetensors::serialize(views, Some(header.into_iter().collect())).unwrap()
    }

    #[test]
    fn a_model_comes_back_with_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let mut params = Params::new();
        let model = config().build(&mut params.root(), &mut Rng::seed(3));
        model.save(&params, &path).unwrap();
        // Over the file that is there, with nothing left beside it.
        model.save(&params, &path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let (loaded, again) = AutoencoderModel::load(&path).unwrap();
        assert_eq!((loaded.layout(), loaded.flat()), (params.layout(), params.flat()));
        assert_eq!(again.config(), &config());

        let vae =
            Vae::new(&[6, 5, 2]).likelihood(Likelihood::Gaussian { std: 0.5 }).beta(2.0).init(Init::HeNormal);
        let mut params = Params::new();
        let model = vae.build(&mut params.root(), &mut Rng::seed(3));
        model.save(&params, &path).unwrap();
        let (loaded, again) = VaeModel::load(&path).unwrap();
        assert_eq!((loaded.flat(), again.config()), (params.flat(), &vae));
        assert_eq!(problem(&fs::read(&path).unwrap()), r#"expected "autoencoder", the file has Some("vae")"#);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let config = serde_json::to_string(&Autoencoder::new(&[3, 2])).unwrap();
        let names: [(&str, &[usize]); 4] = [
            ("encoder.0.weight", &[2, 3]),
            ("encoder.0.bias", &[2]),
            ("decoder.0.weight", &[3, 2]),
            ("decoder.0.bias", &[3]),
        ];
        let whole = file(&config, &names);
        assert!(problem(&whole[..whole.len() - 4]).starts_with("it is no safetensors file: "));
        assert!(problem(b"").starts_with("it is no safetensors file: "));
        assert_eq!(problem(&file(&config, &names[..3])), r#"parameter "decoder.0.bias" is missing"#);
        let mut more = names.to_vec();
        more.push(("decoder.2.bias", &[1]));
        assert_eq!(problem(&file(&config, &more)), r#"parameter "decoder.2.bias" is not one of the model's"#);
        let mut other = names;
        other[0].1 = &[3, 2];
        assert_eq!(
            problem(&file(&config, &other)),
            r#"parameter "encoder.0.weight": expected F32 [2, 3], found F32 [3, 2]"#
        );
        assert!(problem(&file("{}", &names)).starts_with("its configuration: missing field `encoder`"));
        let zero = config.replace("[3,2]", "[3,0]");
        assert_eq!(
            problem(&file(&zero, &names)),
            "its configuration: an encoder has at least two widths (input and code), none of them 0; found [3, 0]"
        );
        let huge = config.replace("[3,2]", "[3,99999999999,2]");
        let text = problem(&file(&huge, &names));
        assert!(
            text.starts_with(
                "its configuration asks for weights of 500000000001 numbers, the file has room for "
            ),
            "{text}"
        );
        let endless = config.replace("[3,2]", "[3,18446744073709551615,2]");
        assert!(problem(&file(&endless, &names)).contains("weights of too many numbers"));
        assert_eq!(
            problem(&safetensors::serialize(HashMap::<String, TensorView<'_>>::new(), None).unwrap()),
            r#"expected "autoencoder", the file has None"#
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("model");
        let mut params = Params::new();
        let model = config().build(&mut params.root(), &mut Rng::seed(3));
        let error = model.save(&params, &path).unwrap_err();
        assert!(error.to_string().starts_with(&format!("saving {}: ", path.display())), "{error}");
        assert!(matches!(AutoencoderModel::load(&path).unwrap_err().problem, LoadProblem::Io(_)));
    }
}
