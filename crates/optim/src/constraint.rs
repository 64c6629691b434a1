//! Constraints on weights: projections after the step.

use layerwise_autograd::{ParamId, Params};
use layerwise_tensor::threads::for_each_part;
use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::groups::matches;
use crate::norm::sum_of_squares;

/// Numbers that one thread looks at, about.
const PART: usize = 1 << 15;

/// What weights have to be after every step. They are put back to the nearest ones that are.
///
/// Norms are those of a unit's incoming weights: a row of a weight `[out, in]`, everything under one index of the first dimension in
/// general. Parameters of fewer than two dimensions have none and are left alone; only [`Constraint::NonNegative`] applies to them too.
///
/// ```
/// use layerwise_autograd::Params;
/// use layerwise_optim::Constraint;
///
/// let mut params = Params::new();
/// let w = params.root().parameter("weight", [2, 2], |w| w.copy_from_slice(&[6.0, 8.0, 0.3, 0.4]));
/// Constraint::MaxNorm(5.0).apply(&mut params, "*weight"); // after opt.step(..)
/// assert_eq!(params[w], [3.0, 4.0, 0.3, 0.4]);
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Constraint {
    /// The L2 norm of a unit's incoming weights is at most this, which is above 0 (Srivastava et al. 2014, section 5.1; they recommend 3 to
    /// 4, with dropout).
    MaxNorm(f32),
    /// The L2 norm of a unit's incoming weights is 1. Weights that are all 0 stay so.
    UnitNorm,
    /// No weight is below 0.
    NonNegative,
}

impl Constraint {
    /// Whether the number is in its range.
    ///
    /// # Errors
    /// If it is not, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match *self {
            Constraint::MaxNorm(max) => ConfigError::above_0("max", max),
            Constraint::UnitNorm | Constraint::NonNegative => Ok(()),
        }
    }

    /// Puts those trainable parameters back whose names match `pattern`, in which `*` stands for any characters. The results are the same on
    /// any number of threads.
    ///
    /// # Panics
    /// If the number is out of its range, or no parameter matches that the constraint applies to.
    #[track_caller]
    pub fn apply(&self, params: &mut Params, pattern: &str) {
        self.refuse(params, pattern);
        for id in params.ids() {
            if self.applies(params, pattern, id) {
                self.project(params, id);
            }
        }
    }

    /// # Panics
    /// As [`Constraint::apply`].
    #[track_caller]
    pub(crate) fn refuse(&self, params: &Params, pattern: &str) {
        if let Err(error) = self.validate() {
            panic!("{self:?}: {error}");
        }
        let found = params.ids().any(|id| self.applies(params, pattern, id));
        let names = || params.ids().map(|id| params.name(id)).collect::<Vec<_>>().join(", ");
        assert!(
            found,
            "{self:?}: no trainable parameter of {} matches {pattern:?}; the parameters are {}",
            if *self == Constraint::NonNegative { "any shape" } else { "two or more dimensions" },
            names()
        );
    }

    fn applies(&self, params: &Params, pattern: &str, id: ParamId) -> bool {
        let fits = *self == Constraint::NonNegative || params.shape(id).rank() >= 2;
        fits && params.layout().is_trainable(id) && matches(pattern, params.name(id))
    }

    fn project(self, params: &mut Params, id: ParamId) {
        let units = params.shape(id).dims().first().copied().unwrap_or(1);
        let weights = &mut params[id];
        if weights.is_empty() {
            return;
        }
        let fan_in = weights.len() / units;
        // The norm that a row is given if its own is above a bound.
        let (norm, above) = match self {
            Constraint::NonNegative => return for_each_part(weights, PART, raise),
            Constraint::MaxNorm(max) => (max, max),
            Constraint::UnitNorm => (1.0, 0.0),
        };
        // Whole rows, so that a norm is one thread's work.
        for_each_part(
            weights,
            (PART / fan_in).max(1) * fan_in,
            #[inline(always)]
            |rows| {
                rows.chunks_exact_mut(fan_in).for_each(|row| scale(row, norm, above));
            },
        );
    }
}

/// Negative ones to 0.
#[inline(always)]
fn raise(weights: &mut [f32]) {
    weights.iter_mut().filter(|w| **w < 0.0).for_each(|w| *w = 0.0);
}

/// Gives a row the norm `to` if its own is above a bound.
#[inline(always)]
fn scale(row: &mut [f32], to: f32, above: f32) {
    let norm = sum_of_squares(row).sqrt();
    if norm > f64::from(above) {
        let factor = (f64::from(to) / norm) as f32;
        row.iter_mut().for_each(|w| *w *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Params {
        let mut params = Params::new();
        let mut root = params.root();
        root.parameter("weight", [3, 2], |w| w.copy_from_slice(&[3.0, -4.0, 0.6, 0.8, 0.0, 0.0]));
        root.parameter("bias", [2], |b| b.copy_from_slice(&[-30.0, 40.0]));
        root.statistic("mean", [1, 2], |m| m.copy_from_slice(&[-3.0, 4.0]));
        params
    }

    fn after(constraint: Constraint, pattern: &str) -> [Vec<f32>; 3] {
        let mut params = params();
        constraint.apply(&mut params, pattern);
        ["weight", "bias", "mean"].map(|name| params.get(name).unwrap().as_slice().to_vec())
    }

    #[test]
    fn rows_are_scaled_back_and_vectors_and_statistics_are_left_alone() {
        let (bias, mean) = (vec![-30.0, 40.0], vec![-3.0, 4.0]);
        let shorter = vec![1.5, -2.0, 0.6, 0.8, 0.0, 0.0];
        assert_eq!(after(Constraint::MaxNorm(2.5), "*"), [shorter, bias.clone(), mean.clone()]);
        let [weight, ..] = after(Constraint::MaxNorm(5.0), "*");
        assert_eq!(weight, [3.0, -4.0, 0.6, 0.8, 0.0, 0.0]);
        let [weight, b, m] = after(Constraint::UnitNorm, "*");
        let expected = [0.6, -0.8, 0.6, 0.8, 0.0, 0.0_f32];
        assert!(weight.iter().zip(expected).all(|(w, e)| (w - e).abs() < 1e-7), "{weight:?}");
        assert_eq!((&b, &m), (&bias, &mean));
        let positive = vec![3.0, 0.0, 0.6, 0.8, 0.0, 0.0];
        assert_eq!(after(Constraint::NonNegative, "*"), [positive, vec![0.0, 40.0], mean.clone()]);
        let [weight, b, m] = after(Constraint::NonNegative, "bias");
        assert_eq!((weight[1], b, m), (-4.0, vec![0.0, 40.0], mean));
    }

    #[test]
    fn every_row_of_a_large_weight_is_looked_at() {
        let mut params = Params::new();
        // Rows that do not divide a part, and more than a part of them; the norm of row i is 10 (i + 1) / 100.
        let w = params.root().parameter("w", [500, 100], |w| {
            w.iter_mut().enumerate().for_each(|(i, w)| *w = (i / 100 + 1) as f32 / 100.0);
        });
        Constraint::MaxNorm(20.0).apply(&mut params, "w");
        for (i, row) in params[w].chunks(100).enumerate() {
            let (norm, expected) = (sum_of_squares(row).sqrt(), ((i + 1) as f64 / 10.0).min(20.0));
            assert!((norm - expected).abs() < 1e-5 * expected, "row {i}: {norm}");
        }
    }

    #[test]
    #[should_panic(expected = "MaxNorm(0.0): max must be finite and above 0, found 0")]
    fn a_maximum_is_above_0() {
        Constraint::MaxNorm(0.0).apply(&mut params(), "*");
    }

    #[test]
    #[should_panic(
        expected = "UnitNorm: no trainable parameter of two or more dimensions matches \"bias\"; the parameters are \
                               weight, bias, mean"
    )]
    fn a_pattern_matches_a_weight() {
        Constraint::UnitNorm.apply(&mut params(), "bias");
    }
}
