use layerwise_autograd::{ParamId, Params, Tape};

/// The Euclidean norm of every parameter's gradient, in the order of declaration, summed in f64. Without those that no pass has
/// reached since the last step.
pub fn gradient_norms(tape: &Tape, params: &Params) -> Vec<(String, f64)> {
    norms(tape, params, |params, id| params.name(id))
}

/// The Euclidean norm of the gradient of every layer: of all parameters with one path but for the last part (`0` of `0.weight` and
/// `0.bias`) together.
pub fn layer_gradient_norms(tape: &Tape, params: &Params) -> Vec<(String, f64)> {
    norms(tape, params, |params, id| params.layout().scope(id))
}

fn norms(
    tape: &Tape,
    params: &Params,
    name: impl for<'a> Fn(&'a Params, ParamId) -> &'a str,
) -> Vec<(String, f64)> {
    let mut squares: Vec<(String, f64)> = vec![];
    for id in params.ids() {
        let square = |gradient: &[f32]| gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>();
        let Some(square) = tape.with_gradient(params, id, square) else { continue };
        match squares.iter_mut().find(|(known, _)| known == name(params, id)) {
            Some((_, sum)) => *sum += square,
            None => squares.push((name(params, id).to_owned(), square)),
        }
    }
    squares.into_iter().map(|(name, square)| (name, square.sqrt())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Linear, Module};
    use layerwise_autograd::Tensor;
    use layerwise_tensor::Rng;

    #[test]
    fn norms_are_those_of_the_gradients_there_are() {
        let mut params = Params::new();
        let [used, _] = [0, 1].map(|at| Linear::new(&mut params.root().child(at), 4, 4, &mut Rng::seed(1)));
        let mut tape = Tape::new();
        assert_eq!(gradient_norms(&tape, &params), []);
        let pass = tape.train(&params, 0);
        used.forward(pass.input(&Tensor::full([1, 4], 2.0))).sum().backward();
        // By the weights 2 each, by the biases 1 each.
        let expected = |list: &[(&str, f64)]| {
            list.iter().map(|(name, norm)| (name.to_string(), *norm)).collect::<Vec<_>>()
        };
        assert_eq!(gradient_norms(&tape, &params), expected(&[("0.weight", 8.0), ("0.bias", 2.0)]));
        assert_eq!(layer_gradient_norms(&tape, &params), expected(&[("0", 68.0_f64.sqrt())]));
    }
}
