use std::ops::Range;

use layerwise_autograd::{Layout, ParamGradients, ParamId, Params, Tape};

/// An update rule with its state.
pub trait Optimizer {
    /// Changes the parameters by their gradients.
    ///
    /// A parameter that no pass has reached since the last step is left alone, together with its state, as in PyTorch.
    ///
    /// # Panics
    /// If the parameters are not those the rule was made for.
    #[track_caller]
    fn update(&mut self, params: &mut Params, gradients: &mut ParamGradients<'_>);

    /// The learning rate.
    fn lr(&self) -> f32;

    /// Changes the learning rate from the next step on: what schedules do.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    fn set_lr(&mut self, lr: f32);

    /// One step: [`Optimizer::update`] with the gradients in the tape; then the running statistics that passes have reported are
    /// stored, and the gradients are taken away: the next backward pass replaces them.
    ///
    /// # Panics
    /// As [`Optimizer::update`].
    #[track_caller]
    fn step(&mut self, params: &mut Params, tape: &mut Tape) {
        self.update(params, &mut tape.param_gradients());
        tape.finish_step(params);
    }
}

/// A hyper-parameter outside its range.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{name} must be {allowed}, found {found}")]
pub struct ConfigError {
    /// The field of the configuration.
    pub name: &'static str,
    /// The range it has to be in.
    pub allowed: &'static str,
    /// Its value.
    pub found: f32,
}

impl ConfigError {
    /// `value`, if `is_allowed` holds for it (which it must not for NaN).
    pub(crate) fn check(
        name: &'static str,
        found: f32,
        allowed: &'static str,
        is_allowed: bool,
    ) -> Result<(), ConfigError> {
        if is_allowed { Ok(()) } else { Err(ConfigError { name, allowed, found }) }
    }
}

/// The stretches of the flat buffers whose parameters a pass has reached, with the gaps between neighbours included, so that a
/// rule is a loop over one long stretch where it can be. Parameters in one stretch agree in `kind`.
pub(crate) fn for_each_reached<K: PartialEq>(
    layout: &Layout,
    gradients: &ParamGradients<'_>,
    kind: impl Fn(ParamId) -> K,
    mut body: impl FnMut(Range<usize>, K),
) {
    let mut stretch: Option<(Range<usize>, K)> = None;
    for id in layout.ids() {
        let here = gradients.reached(id).then(|| (layout.range(id), kind(id)));
        stretch = match (stretch.take(), here) {
            (Some((before, k)), Some((range, kind))) if k == kind => Some((before.start..range.end, k)),
            (before, here) => {
                if let Some((range, kind)) = before {
                    body(range, kind);
                }
                here
            }
        };
    }
    if let Some((range, kind)) = stretch {
        body(range, kind);
    }
}

/// # Panics
/// If the parameters have another size than those a rule was made for.
#[track_caller]
pub(crate) fn check_layout(state: &[f32], params: &Params) {
    assert!(
        state.len() == params.flat().len(),
        "the optimizer was made for parameters of {} numbers, found {}",
        state.len(),
        params.flat().len()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_form_one_stretch_unless_they_differ() {
        let mut params = Params::new();
        let mut root = params.root();
        let ids: Vec<_> = (0..5).map(|i| root.parameter(&format!("p{i}"), [3], |_| ())).collect();
        let mut tape = Tape::new();
        for (unreached, kind_changes_at, expected) in [
            (5, 5, vec![(0..67, false)]),
            (2, 5, vec![(0..19, false), (48..67, false)]),
            (0, 3, vec![(16..35, false), (48..67, true)]),
        ] {
            let pass = tape.train(&params, 0);
            let reached = ids.iter().enumerate().filter(|&(i, _)| i != unreached);
            let sum = reached.map(|(_, &id)| pass.param(id).sum()).reduce(|a, b| a + b).unwrap();
            sum.backward();
            let mut found = Vec::new();
            let gradients = tape.param_gradients();
            for_each_reached(
                params.layout(),
                &gradients,
                |id| id.index() >= kind_changes_at,
                |r, k| found.push((r, k)),
            );
            assert_eq!(found, expected);
            tape.clear();
        }
    }
}
