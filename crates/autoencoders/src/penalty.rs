//! What is added to a reconstruction loss.

use layerwise_autograd::{Activation, Var};
use layerwise_nn_layers::Linear;

use crate::KlSparsity;

/// How far the mean activation stays away from 0 and 1, where its logarithm is not finite.
const MARGIN: f32 = 1e-6;

/// The mean over the batch of `sum_j |code_j|`, for `code [batch, h]`.
pub(crate) fn l1(code: Var<'_>) -> Var<'_> {
    code.abs().sum() / batch(code)
}

/// `sum_j rho ln(rho / m_j) + (1 - rho) ln((1 - rho) / (1 - m_j))` with the means `m` of `code [batch, h]` over the batch.
pub(crate) fn kl(code: Var<'_>, KlSparsity { rho, beta }: KlSparsity) -> Var<'_> {
    let mean = code.mean_axis(0).clamp(MARGIN, 1.0 - MARGIN);
    let cross = (mean.log() * -rho + (1.0 - mean).log() * (rho - 1.0)).sum();
    let (rho, units) = (f64::from(rho), code.shape().last() as f64);
    let entropy = -(rho * rho.ln() + (1.0 - rho) * (-rho).ln_1p());
    (cross - (units * entropy) as f32) * beta
}

/// The code at `x [batch, in]`, and the mean over the batch of the squared Frobenius norm of the encoder's Jacobian there.
pub(crate) fn contractive<'p>(
    linears: &[Linear],
    activations: &[Activation],
    x: Var<'p>,
) -> (Var<'p>, Var<'p>) {
    if let ([linear], [activation]) = (linears, activations) {
        return one_layer(linear, *activation, x);
    }
    let (code, jacobian) = any(linears, activations, x);
    (code, jacobian.square().sum() / batch(x))
}

/// `sum_j f'(z_j)^2 sum_i W_ji^2` (Rifai et al. 2011, section 5.3, for any activation); with sigmoid `f' = h (1 - h)`.
fn one_layer<'p>(linear: &Linear, activation: Activation, x: Var<'p>) -> (Var<'p>, Var<'p>) {
    let weight = x.pass().param(linear.weight());
    let squares = weight.square().sum_axis(1);
    let (code, slope) = if activation == Activation::Sigmoid {
        let code = apply(linear, activation, x);
        (code, code * (1.0 - code))
    } else {
        let z = apply(linear, Activation::Identity, x);
        (z.activation(activation), z.activation_slope(activation))
    };
    (code, (slope.square() * squares).sum() / batch(x))
}

/// The code at `x [batch, in]`, and the Jacobian of every example `[batch, code, in]`: `J = diag(f'(z)) W` of the last layer, and
/// that of the layers above times `diag(f'(z)) W` below.
fn any<'p>(linears: &[Linear], activations: &[Activation], x: Var<'p>) -> (Var<'p>, Var<'p>) {
    let (linear, activation) = (&linears[0], activations[0]);
    let weight = x.pass().param(linear.weight());
    let [outputs, inputs] = *weight.shape().dims() else { unreachable!("a weight is a matrix") };
    let z = apply(linear, Activation::Identity, x);
    let (h, slope) = (z.activation(activation), z.activation_slope(activation));
    let rows = x.shape().dims()[0];
    if linears.len() == 1 {
        return (h, slope.reshape([rows, outputs, 1]) * weight.reshape([1, outputs, inputs]));
    }
    let (code, above) = any(&linears[1..], &activations[1..], h);
    let width = code.shape().last();
    let scaled = above * slope.reshape([rows, 1, outputs]);
    (code, scaled.reshape([rows * width, outputs]).matmul(weight).reshape([rows, width, inputs]))
}

fn apply<'p>(linear: &Linear, activation: Activation, x: Var<'p>) -> Var<'p> {
    let pass = x.pass();
    x.linear(pass.param(linear.weight()), linear.bias().map(|bias| pass.param(bias)), activation)
}

fn batch(x: Var<'_>) -> f32 {
    x.shape().dims()[0] as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerwise_autograd::{Gradcheck, Params, Tape, Tensor, gradcheck};
    use layerwise_tensor::Rng;

    fn encoder(widths: &[usize]) -> (Params, Vec<Linear>) {
        let (mut params, mut rng) = (Params::new(), Rng::seed(5));
        let linears = widths
            .windows(2)
            .enumerate()
            .map(|(i, w)| Linear::new(&mut params.root().child(i), w[0], w[1], &mut rng))
            .collect();
        params.flat_mut().1.iter_mut().for_each(|w| *w *= 2.0);
        (params, linears)
    }

    fn x() -> Tensor {
        Tensor::from_fn([5, 4], |i| (i as f32 * 0.77).sin())
    }

    #[test]
    fn the_form_for_one_layer_equals_the_general_one() {
        let (params, linears) = encoder(&[4, 3]);
        for f in [Activation::Sigmoid, Activation::Tanh, Activation::Gelu, Activation::Identity] {
            let mut tape = Tape::new();
            let pass = tape.eval(&params);
            let x = pass.input(&x());
            let (code, short) = contractive(&linears, &[f], x);
            let (again, jacobian) = any(&linears, &[f], x);
            let (short, long) = (short.item(), (jacobian.square().sum() / 5.0).item());
            assert!((short - long).abs() < 2e-6 * long, "{f:?}: {short} {long}");
            assert_eq!(code.value(), again.value());
        }
    }

    #[test]
    fn the_general_jacobian_is_that_of_central_differences() {
        let (params, linears) = encoder(&[4, 6, 3]);
        let activations = [Activation::Silu, Activation::Sigmoid];
        let code = |x: &Tensor| {
            let mut tape = Tape::new();
            any(&linears, &activations, tape.eval(&params).input(x)).0.value()
        };
        let mut tape = Tape::new();
        let jacobian = any(&linears, &activations, tape.eval(&params).input(&x())).1.value();
        assert_eq!(jacobian.shape().dims(), [5, 3, 4]);
        for input in 0..4 {
            let moved = |h: f32| {
                let mut x = x();
                x.as_mut_slice().iter_mut().skip(input).step_by(4).for_each(|x| *x += h);
                code(&x)
            };
            let h = 1.0 / 64.0;
            let (high, low) = (moved(h), moved(-h));
            for row in 0..5 {
                for unit in 0..3 {
                    let numeric =
                        (high.as_slice()[row * 3 + unit] - low.as_slice()[row * 3 + unit]) / (2.0 * h);
                    let found = jacobian.as_slice()[(row * 3 + unit) * 4 + input];
                    assert!((found - numeric).abs() < 2e-4, "{row} {unit} {input}: {found} {numeric}");
                }
            }
        }
    }

    #[test]
    fn gradients() {
        for (widths, activations) in [
            (&[4, 3][..], &[Activation::Sigmoid][..]),
            (&[4, 3], &[Activation::Softplus]),
            (&[4, 5, 3], &[Activation::Tanh, Activation::Sigmoid]),
        ] {
            let (params, linears) = encoder(widths);
            gradcheck(&params, &[x()], |_, x| contractive(&linears, activations, x[0]).1)
                .unwrap_or_else(|e| panic!("{activations:?}: {e}"));
        }
        let codes = x().map(|x| 0.5 + 0.4 * x);
        gradcheck(&Params::new(), &[codes], |_, x| kl(x[0], KlSparsity { rho: 0.2, beta: 3.0 })).unwrap();
        // |x| has a kink at 0: smaller steps.
        let check = Gradcheck { step: 1e-3, tolerance: 1e-2, ..Default::default() };
        let away = x().map(|x| x + 0.2 * x.signum());
        check.run(&Params::new(), &[away], |_, x| l1(x[0])).unwrap();
    }

    #[test]
    fn a_dead_or_saturated_unit_has_a_finite_penalty() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let code = pass.input(&Tensor::new([2, 2], vec![0.0, 1.0, 0.0, 1.0]));
        assert!(kl(code, KlSparsity { rho: 0.1, beta: 1.0 }).item() > 1.0);
        let ideal = pass.input(&Tensor::new([2, 2], vec![0.0, 0.25, 0.5, 0.25]));
        assert!(kl(ideal, KlSparsity { rho: 0.25, beta: 1.0 }).item().abs() < 1e-6);
    }
}
