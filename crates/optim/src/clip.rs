//! Gradient clipping, between the backward pass and the step.

use layerwise_autograd::{ParamGradients, Params, Tape};
use layerwise_tensor::threads::for_each_part;
use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::norm::sum_of_squares_in_parts;

/// Numbers that one thread changes at a time.
const PART: usize = 1 << 15;

/// How gradients are kept small: for the [`Trainer`](crate::Trainer), and as data.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clip {
    /// [`clip_grad_value`] with this limit, at least 0.
    Value(f32),
    /// [`clip_grad_norm`] with this maximum, at least 0.
    GlobalNorm(f32),
}

impl Clip {
    /// Whether the number is in its range.
    ///
    /// # Errors
    /// If it is not, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match *self {
            Clip::Value(limit) => ConfigError::at_least_0("limit", limit),
            Clip::GlobalNorm(max) => ConfigError::at_least_0("max_norm", max),
        }
    }
}

/// The norm of the gradients of all parameters together, as one vector: the root of the sum of their squares. Summed in f64, in an order
/// that depends neither on the machine nor on the number of threads. Parameters that no pass has reached count as 0.
pub fn grad_norm(params: &Params, tape: &mut Tape) -> f32 {
    norm(params, &mut tape.param_gradients()) as f32
}

fn norm(params: &Params, gradients: &mut ParamGradients<'_>) -> f64 {
    let layout = params.layout();
    let mut squares = 0.0;
    for id in layout.ids() {
        if gradients.reached(id) {
            squares += sum_of_squares_in_parts(&gradients.flat()[layout.range(id)]);
        }
    }
    squares.sqrt()
}

/// Clips the gradients by their global norm (Pascanu et al. 2013, algorithm 1; PyTorch's `clip_grad_norm_`): multiplies all of them by
/// `min(1, max_norm / (norm + 1e-6))`. Returns [`grad_norm`] as it was before.
///
/// If the norm is not finite, nothing sensible can be stepped along: check what is returned before the step. The gradients are then NaN
/// or 0, as in PyTorch.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::clip_grad_norm;
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [2], |w| w.copy_from_slice(&[3.0, -4.0]));
/// let mut tape = Tape::new();
/// tape.train(&params, 0).param(w).square().sum().backward(); // the gradient is 2 w
/// assert_eq!(clip_grad_norm(&params, &mut tape, 1.0), 10.0);
/// let clipped = tape.gradient(&params, "w").unwrap();
/// assert!((clipped.as_slice()[0] - 0.6).abs() < 1e-6 && (clipped.as_slice()[1] + 0.8).abs() < 1e-6);
/// ```
///
/// # Panics
/// If `max_norm` is negative or not finite.
#[track_caller]
pub fn clip_grad_norm(params: &Params, tape: &mut Tape, max_norm: f32) -> f32 {
    refuse(Clip::GlobalNorm(max_norm));
    let mut gradients = tape.param_gradients();
    let norm = norm(params, &mut gradients);
    let factor = f64::from(max_norm) / (norm + 1e-6);
    if factor < 1.0 || factor.is_nan() {
        for_each_reached(params, &mut gradients, |g| *g *= factor as f32);
    }
    norm as f32
}

/// Clips every element of the gradients to `-limit..=limit` (PyTorch's `clip_grad_value_`). A NaN stays one.
///
/// # Panics
/// If `limit` is negative or not finite.
#[track_caller]
pub fn clip_grad_value(params: &Params, tape: &mut Tape, limit: f32) {
    refuse(Clip::Value(limit));
    for_each_reached(params, &mut tape.param_gradients(), |g| *g = g.clamp(-limit, limit));
}

/// # Panics
/// With the error of [`Clip::validate`].
#[track_caller]
pub(crate) fn refuse(clip: Clip) {
    if let Err(error) = clip.validate() {
        panic!("{clip:?}: {error}");
    }
}

fn for_each_reached(params: &Params, gradients: &mut ParamGradients<'_>, change: impl Fn(&mut f32) + Sync) {
    for id in params.ids() {
        if gradients.reached(id) {
            let range = params.layout().range(id);
            for_each_part(
                &mut gradients.flat()[range],
                PART,
                #[inline(always)]
                |part| part.iter_mut().for_each(&change),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gradients: (3, -4) of `a`, and 12 of `b`; the latter only waits there from an earlier step if it is not `reached`.
    fn gradients(reached: bool) -> (Params, Tape) {
        let mut params = Params::new();
        let a = params.root().parameter("a", [2], |a| a.copy_from_slice(&[3.0, -4.0]));
        let b = params.root().parameter("b", [1], |b| b[0] = 12.0);
        let mut tape = Tape::new();
        let half_squares = |tape: &mut Tape, ids: &[_]| {
            let pass = tape.train(&params, 0);
            ids.iter().for_each(|&id| (pass.param(id).square().sum() * 0.5).backward());
        };
        half_squares(&mut tape, &[a, b]);
        if !reached {
            tape.clear();
            half_squares(&mut tape, &[a]);
        }
        (params, tape)
    }

    fn of(tape: &Tape, params: &Params, name: &str) -> Option<Vec<f32>> {
        tape.gradient(params, name).map(|g| g.as_slice().to_vec())
    }

    #[test]
    fn the_norm_is_over_all_parameters_that_were_reached() {
        let (params, mut tape) = gradients(true);
        assert_eq!(grad_norm(&params, &mut tape), 13.0);
        assert_eq!(clip_grad_norm(&params, &mut tape, 6.5), 13.0);
        let (a, b) = (of(&tape, &params, "a").unwrap(), of(&tape, &params, "b").unwrap());
        assert!(
            (a[0] - 1.5).abs() < 1e-6 && (a[1] + 2.0).abs() < 1e-6 && (b[0] - 6.0).abs() < 1e-6,
            "{a:?} {b:?}"
        );

        let (params, mut tape) = gradients(false);
        assert_eq!(clip_grad_norm(&params, &mut tape, 6.0), 5.0);
        assert_eq!((of(&tape, &params, "a"), of(&tape, &params, "b")), (Some(vec![3.0, -4.0]), None));
        assert_eq!(grad_norm(&params, &mut Tape::new()), 0.0);
    }

    #[test]
    fn values_are_clipped_on_both_sides() {
        let (params, mut tape) = gradients(true);
        clip_grad_value(&params, &mut tape, 3.5);
        assert_eq!(of(&tape, &params, "a"), Some(vec![3.0, -3.5]));
        assert_eq!(of(&tape, &params, "b"), Some(vec![3.5]));
    }

    #[test]
    fn what_is_not_finite_shows() {
        for (bad, expected) in [(f32::INFINITY, 0.0), (f32::NAN, f32::NAN)] {
            let (params, mut tape) = gradients(true);
            tape.param_gradients().flat()[0] = bad;
            let norm = clip_grad_norm(&params, &mut tape, 1.0);
            assert!(norm.to_bits() == bad.to_bits() || norm.is_nan() && bad.is_nan(), "{norm}");
            let (a, b) = (of(&tape, &params, "a").unwrap(), of(&tape, &params, "b").unwrap());
            assert!(a[0].is_nan(), "{a:?}");
            assert!(b[0] == expected || b[0].is_nan() && expected.is_nan(), "{b:?}");
        }
    }

    #[test]
    #[should_panic(expected = "GlobalNorm(-1.0): max_norm must be finite and at least 0, found -1")]
    fn a_norm_is_not_negative() {
        let (params, mut tape) = gradients(true);
        clip_grad_norm(&params, &mut tape, -1.0);
    }

    #[test]
    #[should_panic(expected = "Value(NaN): limit must be finite and at least 0, found NaN")]
    fn a_limit_is_a_number() {
        let (params, mut tape) = gradients(true);
        clip_grad_value(&params, &mut tape, f32::NAN);
    }
}
