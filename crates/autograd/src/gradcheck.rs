use layerwise_tensor::{Shape, Tensor};

use crate::{Params, Pass, Tape, Var};

/// A gradient that does not agree with the function it should be the gradient of.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{place}: the gradient is {}, central differences say {numeric} (tolerance {tolerance})", or_missing(.analytic))]
pub struct GradientError {
    /// The parameter or input, and the index of the element.
    pub place: String,
    /// What the backward pass said. `None` if it did not reach the element.
    pub analytic: Option<f32>,
    /// What the function says.
    pub numeric: f64,
    /// How far the two may be apart.
    pub tolerance: f64,
}

fn or_missing(gradient: &Option<f32>) -> String {
    gradient.map_or_else(|| "missing".to_owned(), |gradient| gradient.to_string())
}

/// How the numeric gradient is taken, and how close the two have to be.
#[derive(Clone, Copy, Debug)]
pub struct Gradcheck {
    /// The step `h` of the differences, relative to the larger of 1 and the element. Defaults to 0.01.
    pub step: f32,
    /// How far the gradients may be apart, relative to the larger of 1 and the numeric one. Defaults to 0.001.
    pub tolerance: f64,
    /// The seed of the pass, the same for every evaluation: masks and noise stay as they are. Defaults to 0.
    pub seed: u64,
}

impl Default for Gradcheck {
    fn default() -> Self {
        Gradcheck { step: 1e-2, tolerance: 1e-3, seed: 0 }
    }
}

/// Compares the backward pass of `f` with central differences, for every element of the inputs and of the parameters.
///
/// What is differentiated is a fixed random weighting of the output, so that an error in one element cannot hide behind another,
/// as it does in a plain sum of a normalised output. The differences are those of fourth order,
/// `(8 (L(x+h) - L(x-h)) - (L(x+2h) - L(x-2h))) / 12h`, because `f32` does not leave room for a small `h`. `f` must be smooth
/// within `2h` of where it is taken.
///
/// ```
/// use layerwise_autograd::{Params, gradcheck};
/// use layerwise_tensor::Tensor;
/// gradcheck(&Params::new(), &[Tensor::from([0.5, -1.0])], |_, x| x[0].sigmoid() * x[0]).unwrap();
/// ```
///
/// # Errors
/// The first element whose gradients are too far apart, or missing where it should not be.
pub fn gradcheck(
    params: &Params,
    inputs: &[Tensor],
    f: impl for<'p> Fn(&'p Pass<'p>, &[Var<'p>]) -> Var<'p>,
) -> Result<(), GradientError> {
    Gradcheck::default().run(params, inputs, f)
}

impl Gradcheck {
    /// [`gradcheck()`] with these settings.
    ///
    /// # Errors
    /// The first element whose gradients are too far apart, or missing where it should not be.
    pub fn run(
        self,
        params: &Params,
        inputs: &[Tensor],
        f: impl for<'p> Fn(&'p Pass<'p>, &[Var<'p>]) -> Var<'p>,
    ) -> Result<(), GradientError> {
        let (mut params, mut inputs) = (params.clone(), inputs.to_vec());
        let mut tape = Tape::new();
        let pass = tape.train(&params, self.seed);
        let variables: Vec<Var<'_>> = inputs.iter().map(|input| pass.variable(input)).collect();
        let output = f(&pass, &variables);
        let weights = weighting(output.shape());
        if output.needs_gradient() {
            output.backward_with(&weights);
        }
        let of_inputs: Vec<Option<Tensor>> = variables.iter().map(|x| x.gradient()).collect();
        let names: Vec<String> = params.ids().map(|id| params.name(id).to_owned()).collect();
        let of_params: Vec<Option<Tensor>> = names.iter().map(|name| tape.gradient(&params, name)).collect();

        let mut scratch = Tape::new();
        let mut loss = |params: &Params, inputs: &[Tensor]| {
            let pass = scratch.train(params, self.seed);
            let variables: Vec<Var<'_>> = inputs.iter().map(|input| pass.variable(input)).collect();
            f(&pass, &variables).with_value(|output| {
                output.iter().zip(weights.as_slice()).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum::<f64>()
            })
        };
        for (which, gradient) in of_inputs.iter().enumerate() {
            for at in 0..inputs[which].as_slice().len() {
                let x = inputs[which].as_slice()[at];
                let numeric = self.differences(x, |x| {
                    inputs[which].as_mut_slice()[at] = x;
                    loss(&params, &inputs)
                });
                inputs[which].as_mut_slice()[at] = x;
                self.compare(gradient, at, numeric, || format!("input {which}"))?;
            }
        }
        for (id, gradient) in params.ids().zip(&of_params) {
            if !params.layout().is_trainable(id) {
                continue; // running statistics have no gradient
            }
            for at in 0..params[id].len() {
                let x = params[id][at];
                let numeric = self.differences(x, |x| {
                    params[id][at] = x;
                    loss(&params, &inputs)
                });
                params[id][at] = x;
                self.compare(gradient, at, numeric, || format!("parameter {}", names[id.index()]))?;
            }
        }
        Ok(())
    }

    fn differences(self, x: f32, mut at: impl FnMut(f32) -> f64) -> f64 {
        let h = self.step * x.abs().max(1.0);
        // The step that is taken is the one between the rounded points.
        let mut difference = |k: f32| {
            let (low, high) = (x - k * h, x + k * h);
            (at(high) - at(low)) / f64::from(high - low)
        };
        (4.0 * difference(1.0) - difference(2.0)) / 3.0
    }

    fn compare(
        self,
        gradient: &Option<Tensor>,
        at: usize,
        numeric: f64,
        place: impl Fn() -> String,
    ) -> Result<(), GradientError> {
        let analytic = gradient.as_ref().map(|gradient| gradient.as_slice()[at]);
        let tolerance = self.tolerance * numeric.abs().max(1.0);
        let error = (f64::from(analytic.unwrap_or(f32::NAN)) - numeric).abs();
        // Written so that NaN fails.
        if error <= tolerance {
            return Ok(());
        }
        Err(GradientError { place: format!("{} [{at}]", place()), analytic, numeric, tolerance })
    }
}

/// Weights between 0.5 and 1.5 in magnitude, of both signs, without a pattern.
fn weighting(shape: Shape) -> Tensor {
    let mut stream = layerwise_tensor::Rng::seed(0x5EED);
    Tensor::from_fn(shape, |_| {
        let w = stream.uniform(-1.0, 1.0);
        w + 0.5 * w.signum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CustomOp, Inputs};
    use layerwise_tensor::Accum;
    use std::sync::Arc;

    /// `y = x^2` with a derivative that can be wrong.
    struct Square {
        derivative: fn(f32) -> f32,
    }

    impl CustomOp for Square {
        fn name(&self) -> &str {
            "square"
        }
        fn shape(&self, inputs: &[Shape]) -> Shape {
            inputs[0]
        }
        fn forward(&self, inputs: Inputs<'_>, out: &mut [f32]) {
            inputs.get(0).iter().zip(out).for_each(|(x, out)| *out = x * x);
        }
        fn backward(
            &self,
            inputs: Inputs<'_>,
            _y: &[f32],
            dy: &[f32],
            _input: usize,
            (dx, accum): (&mut [f32], Accum),
        ) {
            for (i, dx) in dx.iter_mut().enumerate() {
                accum.apply(dx, dy[i] * (self.derivative)(inputs.get(0)[i]));
            }
        }
    }

    fn check(derivative: fn(f32) -> f32) -> Result<(), GradientError> {
        let square: Arc<dyn CustomOp> = Arc::new(Square { derivative });
        gradcheck(&Params::new(), &[Tensor::from([0.7, -1.3])], |pass, x| pass.apply(&square, x))
    }

    #[test]
    fn a_wrong_derivative_fails() {
        check(|x| 2.0 * x).unwrap();
        for wrong in [|x| x, |x| -2.0 * x, |x| 2.01 * x, |_| f32::NAN, |_| 0.0] {
            check(wrong).unwrap_err();
        }
    }

    #[test]
    fn a_missing_gradient_fails() {
        let error =
            gradcheck(&Params::new(), &[Tensor::from([0.7])], |_, x| x[0].detach().exp()).unwrap_err();
        assert_eq!((error.place.as_str(), error.analytic), ("input 0 [0]", None));
        assert!(
            error.to_string().starts_with("input 0 [0]: the gradient is missing, central differences say ")
        );
    }

    #[test]
    fn parameters_are_checked_by_name() {
        let mut params = Params::new();
        let w = params.root().parameter("w", [2], |w| w.copy_from_slice(&[0.3, -0.8]));
        gradcheck(&params, &[], |pass, _| pass.param(w).exp()).unwrap();
        let error = gradcheck(&params, &[], |pass, _| pass.param(w).detach().exp()).unwrap_err();
        assert_eq!(error.place, "parameter w [0]");
    }
}
