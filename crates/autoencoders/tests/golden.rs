//! Autoencoders against PyTorch, PCA and scores against NumPy and scikit-learn; `golden/generate.py` and
//! `golden/generate_linear.py` make the numbers.

use std::collections::BTreeMap;

use layerwise_autoencoders::{Autoencoder, Pca, Vae, auroc, quantile};
use layerwise_autograd::{Params, Tape, Tensor};
use layerwise_tensor::Rng;
use serde::Deserialize;

/// What the generator's masks were drawn from.
const SEED: u64 = 7;

#[derive(Deserialize)]
struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Array {
    fn tensor(&self) -> Tensor {
        Tensor::new(self.shape.as_slice(), self.values.iter().map(|&x| x as f32).collect())
    }

    /// Fails where an element is off by more than 1e-5 of itself and 3e-7 of the largest element, and for a NaN.
    ///
    /// The second term is for small sums of large numbers: they carry the rounding of what was added up.
    #[track_caller]
    fn assert_close(&self, what: &str, found: &Tensor) {
        assert_eq!(found.shape().dims(), self.shape, "{what}");
        self.assert_all_close(what, found.as_slice().iter().map(|&x| f64::from(x)), 1e-5, 3e-7);
    }

    #[track_caller]
    fn assert_all_close(
        &self,
        what: &str,
        found: impl IntoIterator<Item = f64>,
        relative: f64,
        of_largest: f64,
    ) {
        let largest = self.values.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        let found: Vec<f64> = found.into_iter().collect();
        assert_eq!(found.len(), self.values.len(), "{what}");
        for (i, (found, expected)) in found.iter().zip(&self.values).enumerate() {
            // 1e-25 is the square of rounding, where all components are kept and nothing is lost.
            let allowed = relative * expected.abs() + of_largest * largest + 1e-25;
            assert!((found - expected).abs() <= allowed, "{what}, element {i}: {found}, expected {expected}");
        }
    }
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    value: Array,
    gradient: Array,
}

/// Sets all trainable parameters; the names have to be just these.
#[track_caller]
fn set(case: &str, params: &mut Params, golden: &[Parameter]) {
    let names: Vec<_> =
        params.ids().filter(|&id| params.layout().is_trainable(id)).map(|id| params.name(id)).collect();
    assert_eq!(names, golden.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), "{case}");
    golden.iter().for_each(|p| params.set(&p.name, &p.value.tensor()));
}

#[track_caller]
fn check_gradients(case: &str, params: &Params, tape: &Tape, golden: &[Parameter]) {
    for Parameter { name, gradient, .. } in golden {
        // A bias in front of a batch normalisation has the gradient 0, which is a sum of rounding errors on both sides.
        if gradient.values.iter().all(|g| g.abs() < 1e-12) {
            continue;
        }
        let found = tape.gradient(params, name).unwrap_or_else(|| panic!("{case}: no gradient of {name}"));
        gradient.assert_close(&format!("{case}: the gradient of {name}"), &found);
    }
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: Autoencoder,
    x: Array,
    loss: Array,
    code: Array,
    reconstruction: Array,
    parameters: Vec<Parameter>,
}

#[test]
fn losses_and_gradients_are_pytorchs() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/autoencoders.json")).unwrap();
    assert_eq!(cases.len(), 21);
    for Case { name, config, x, loss, code, reconstruction, parameters } in cases {
        let mut params = Params::new();
        let model = config.build(&mut params.root(), &mut Rng::seed(0));
        set(&name, &mut params, &parameters);
        let x = x.tensor();
        let mut tape = Tape::new();
        let pass = tape.train(&params, SEED);
        let found = model.loss(&pass, &x);
        loss.assert_close(&format!("{name}: the loss"), &found.value());
        found.backward();
        check_gradients(&name, &params, &tape, &parameters);
        tape.clear();
        let pass = tape.eval(&params);
        let input = pass.input(&x);
        code.assert_close(&format!("{name}: the code"), &model.encode(input).value());
        reconstruction
            .assert_close(&format!("{name}: the reconstruction"), &model.reconstruct(input).value());
        assert_eq!(model.encode_all(&params, &x).unwrap(), model.encode(input).value());
        assert_eq!(model.reconstruct_all(&params, &x).unwrap(), model.reconstruct(input).value());
        let codes = model.encode(input).value();
        assert_eq!(model.decode_all(&params, &codes).unwrap(), model.reconstruct(input).value());
    }
}

#[derive(Deserialize)]
struct VaeCase {
    name: String,
    config: Vae,
    x: Array,
    loss: Array,
    reconstruction: Array,
    divergence: Array,
    parameters: Vec<Parameter>,
}

#[test]
fn variational_terms_are_those_of_torch_distributions() {
    let cases: Vec<VaeCase> = serde_json::from_str(include_str!("golden/vae.json")).unwrap();
    assert_eq!(cases.len(), 3);
    for VaeCase { name, config, x, loss, reconstruction, divergence, parameters } in cases {
        let mut params = Params::new();
        let model = config.build(&mut params.root(), &mut Rng::seed(0));
        set(&name, &mut params, &parameters);
        let mut tape = Tape::new();
        let pass = tape.eval(&params);
        let terms = model.terms(&pass, &x.tensor());
        reconstruction.assert_close(&format!("{name}: the reconstruction"), &terms.reconstruction.value());
        divergence.assert_close(&format!("{name}: the divergence"), &terms.divergence.value());
        let pass = tape.eval(&params);
        let found = model.loss(&pass, &x.tensor());
        loss.assert_close(&format!("{name}: the loss"), &found.value());
        found.backward();
        check_gradients(&name, &params, &tape, &parameters);
    }
}

#[derive(Deserialize)]
struct Linear {
    pca: Vec<BTreeMap<String, Array>>,
    scores: Vec<Scores>,
}

#[derive(Deserialize)]
struct Scores {
    scores: Vec<f64>,
    labels: Vec<bool>,
    auroc: f64,
    quantiles: Vec<[f64; 2]>,
}

fn linear() -> Linear {
    serde_json::from_str(include_str!("golden/linear.json")).expect("the golden file is read")
}

#[test]
fn principal_components_are_numpys() {
    for golden in linear().pca {
        let x = golden["x"].tensor();
        let pca = Pca::fit(&x, golden["variances"].values.len()).unwrap();
        let check = |what: &str, found: Vec<f64>| golden[what].assert_all_close(what, found, 1e-9, 1e-12);
        check("mean", pca.mean().to_vec());
        check("components", pca.components().iter().copied().collect());
        check("variances", pca.explained_variance().to_vec());
        check("ratios", pca.explained_variance_ratio());
        let codes = pca.transform(&x).unwrap();
        golden["codes"].assert_close("codes", &codes);
        golden["reconstruction"].assert_close("reconstruction", &pca.inverse_transform(&codes).unwrap());
        let error = pca.reconstruction_error(&x).unwrap();
        golden["per_example"].assert_all_close("errors", error.per_example.clone(), 1e-9, 1e-9);
        let sum: f64 = error.per_example.iter().sum();
        assert!((error.per_pixel_mse * x.as_slice().len() as f64 - sum).abs() <= 1e-12 * sum);
        assert_eq!(error.per_image_squared_error, sum / error.per_example.len() as f64);
    }
}

#[test]
fn scores_are_judged_as_scikit_learn_does() {
    for Scores { scores, labels, auroc: expected, quantiles } in linear().scores {
        let found = auroc(&scores, &labels).unwrap();
        assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        for [q, expected] in quantiles {
            assert!((quantile(&scores, q) - expected).abs() < 1e-15, "{q}");
        }
    }
}
