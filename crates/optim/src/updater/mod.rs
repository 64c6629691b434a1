//! Everything that is the same for all rules: which parameters a step changes, groups, decay, threads.

mod pull;
#[cfg(test)]
mod tests;

use std::ops::Range;

use layerwise_autograd::{Layout, ParamGradients, ParamId, Params};
use layerwise_tensor::Buffer;
use layerwise_tensor::threads::for_each_part;

use crate::groups::{self, Group, Membership};
use crate::optimizer::{ConfigError, Optimizer, check_layout};
use crate::rule::{Clock, Cut, Decay, Rule, Stretch, Target};
use crate::state::{OptimizerState, ParameterState, StateError};
use pull::Pull;
pub(crate) use pull::sign;

/// Numbers that one thread updates at a time.
pub(crate) const PART: usize = 1 << 15;

/// A rule with its state for the parameters of a model: [`Sgd`](crate::Sgd), [`Adam`](crate::Adam) and the others are this with
/// their rule.
///
/// What all of them share: a parameter that no pass has reached is left alone, state and step count included, as in PyTorch.
/// Weight decay is an L2 penalty or decoupled ([`Updater::decay`]); [`Updater::l1`] adds the penalty `l1 |p|`; parameters whose names
/// match a pattern form a [`Group`] with its own learning rate and decay, or frozen.
///
/// ```
/// use layerwise_autograd::Params;
/// use layerwise_optim::{Adam, AdamConfig, Decay, Group};
///
/// let mut params = Params::new();
/// for layer in ["encoder", "decoder"] {
///     let mut root = params.root();
///     root.child(layer).parameter("weight", [2, 2], |_| ());
///     root.child(layer).parameter("bias", [2], |_| ());
/// }
/// let opt = Adam::new(&params, AdamConfig { weight_decay: 1e-2, ..Default::default() })
///     .decay(Decay::Decoupled)
///     .no_decay_on_vectors()
///     .group("decoder.*", Group { lr_scale: 0.1, ..Group::default() })
///     .freeze("encoder.*");
/// ```
#[derive(Clone, Debug)]
pub struct Updater<R> {
    rule: R,
    decay: Decay,
    l1: f32,
    layout: Layout,
    /// The trainable ones.
    ids: Vec<ParamId>,
    members: Vec<Membership>,
    clocks: Vec<Clock>,
    /// What the rule named when it was made: setting its momentum to 0 takes no buffer away.
    names: &'static [&'static str],
    /// Those that have a name, laid out like the parameters; the others are empty.
    slots: [Buffer; 3],
}

impl<R: Rule> Updater<R> {
    /// The rule for these parameters.
    ///
    /// # Panics
    /// If a hyper-parameter is outside its range ([`Rule::validate`]).
    #[track_caller]
    pub fn new(params: &Params, rule: R) -> Self {
        refuse::<R>(rule.validate());
        let names = rule.slots();
        let size = |slot: usize| if slot < names.len() { params.flat().len() } else { 0 };
        let slots = [0, 1, 2].map(|slot| {
            let mut buffer = Buffer::zeros(size(slot));
            buffer.fill(rule.initial());
            buffer
        });
        let layout = params.layout().clone();
        Updater {
            rule,
            decay: R::DECAY,
            l1: 0.0,
            ids: layout.ids().filter(|&id| layout.is_trainable(id)).collect(),
            layout,
            members: vec![Membership::default(); params.len()],
            clocks: vec![Clock::default(); params.len()],
            names,
            slots,
        }
    }

    /// The hyper-parameters as they are now.
    pub fn config(&self) -> &R {
        &self.rule
    }

    /// What the weight decay means. Defaults to the rule's own ([`Rule::DECAY`]).
    ///
    /// # Panics
    /// If the rule has a decay of its own, or `decay` is [`Decay::Own`].
    #[must_use]
    #[track_caller]
    pub fn decay(self, decay: Decay) -> Self {
        assert!(
            R::DECAY == decay || (R::DECAY != Decay::Own && decay != Decay::Own),
            "{}: decay is {:?} and cannot be made {decay:?}",
            R::NAME,
            R::DECAY
        );
        Updater { decay, ..self }
    }

    /// Adds the penalty `l1 |p|` to the loss of every parameter: `l1 sign(p)` to its gradient. Defaults to 0. A group can have its own,
    /// whichever of the two is called first.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn l1(self, l1: f32) -> Self {
        refuse::<R>(ConfigError::at_least_0("l1", l1));
        Updater { l1, ..self }
    }

    /// No decay and no L1 penalty on parameters of fewer than two dimensions: biases, and the scales and offsets of normalisations.
    #[must_use]
    pub fn no_decay_on_vectors(mut self) -> Self {
        for (id, member) in self.layout.ids().zip(&mut self.members) {
            if self.layout.shape(id).rank() < 2 {
                member.weight_decay = Some(0.0);
                member.l1 = Some(0.0);
            }
        }
        self
    }

    /// Makes the parameters whose names match `pattern` a group; `*` stands for any characters. Where a parameter belongs to several,
    /// their learning rates' factors multiply, the last decay and penalty that is given counts, and one that is frozen is enough.
    ///
    /// # Panics
    /// If no parameter matches, or a value is out of its range.
    #[must_use]
    #[track_caller]
    pub fn group(mut self, pattern: &str, group: Group) -> Self {
        refuse::<R>(group.validate());
        let (ids, layout) = (&self.ids, &self.layout);
        let mut found = false;
        for &id in ids.iter().filter(|&&id| groups::matches(pattern, layout.name(id))) {
            self.members[id.index()].join(&group);
            found = true;
        }
        let names = || ids.iter().map(|&id| layout.name(id)).collect::<Vec<_>>().join(", ");
        assert!(
            found,
            "{}: the group {pattern:?} matches none of the trainable parameters {}",
            R::NAME,
            names()
        );
        self
    }

    /// Leaves the parameters whose names match `pattern` as they are: a [`Group`] that is frozen.
    ///
    /// # Panics
    /// If no parameter matches.
    #[must_use]
    #[track_caller]
    pub fn freeze(self, pattern: &str) -> Self {
        self.group(pattern, Group { frozen: true, ..Group::default() })
    }

    /// Whether a step changes the parameter.
    fn takes(&self, id: ParamId, gradients: &ParamGradients<'_>) -> bool {
        gradients.reached(id) && !self.members[id.index()].frozen
    }

    /// The places in `ids` from `first` on that are updated alike, in one loop over their buffers and the gaps between them. A parameter whose gradient waits is
    /// alone.
    fn stretch(&self, first: usize, gradients: &ParamGradients<'_>) -> Range<usize> {
        let at = self.ids[first].index();
        let alike = |id: ParamId, distance: usize| {
            // A running statistic in between ends a stretch.
            id.index() == at + distance
                && (distance == 0 || !gradients.waits(id))
                && self.takes(id, gradients)
                && self.members[id.index()] == self.members[at]
                && self.clocks[id.index()] == self.clocks[at]
        };
        let alone = R::CUT == Cut::Parameters || gradients.waits(self.ids[first]);
        let most = if alone { 1 } else { self.ids.len() };
        let candidates = self.ids[first..].iter().take(most).enumerate();
        first..first + candidates.take_while(|&(distance, &id)| alike(id, distance)).count()
    }

    /// One loop over the parameters of a stretch.
    fn apply(&mut self, stretch: Range<usize>, values: &mut [f32], gradients: &mut ParamGradients<'_>) {
        let (first, last) = (self.ids[stretch.start], self.ids[stretch.end - 1]);
        let range = self.layout.range(first).start..self.layout.range(last).end;
        let member = self.members[first.index()];
        let mut clock = self.clocks[first.index()];
        clock.step += 1;
        let mut rule = self.rule;
        let hyper = rule.hyper();
        *hyper.lr *= member.lr_scale;
        *hyper.weight_decay = member.weight_decay.unwrap_or(*hyper.weight_decay);
        let pull = Pull::new(self.decay, *hyper.lr, *hyper.weight_decay, member.l1.unwrap_or(self.l1));
        let step = rule.begin(&mut clock);
        for &id in &self.ids[stretch.clone()] {
            self.clocks[id.index()] = clock;
        }
        let part = if R::CUT == Cut::Parameters { range.len().max(1) } else { PART };
        let slots = self.slots.each_mut().map(|slot| match slot.is_empty() {
            true => &mut [][..],
            false => &mut slot[range.clone()],
        });
        let target = Target { values: &mut values[range.clone()], slots };
        // Where a closure is not inlined, its loops are compiled for the least machine instead of this one.
        if gradients.waits(first) {
            gradients.use_up(
                first,
                target,
                #[inline(always)]
                |gradients, target| update_part::<R>(pull, &step, gradients, target),
            );
            return;
        }
        let gradients = gradients.computed();
        for_each_part(
            (&mut gradients[range], target),
            part,
            #[inline(always)]
            |(gradients, target)| update_part::<R>(pull, &step, gradients, target),
        );
        // Without `eps`, a rule has divided 0 by 0 in the gaps.
        for pair in self.ids[stretch].windows(2) {
            let gap = self.layout.range(pair[0]).end..self.layout.range(pair[1]).start;
            values[gap.clone()].fill(0.0);
            gradients[gap].fill(0.0);
        }
    }
}

#[inline(always)]
fn update_part<R: Rule>(pull: Pull, step: &R::Step, gradients: &mut [f32], target: Target<'_>) {
    let mut part = Stretch { values: target.values, gradients, slots: target.slots };
    pull.apply(&mut part);
    R::apply(step, part);
}

impl<R: Rule> Optimizer for Updater<R> {
    fn update(&mut self, params: &mut Params, gradients: &mut ParamGradients<'_>) {
        check_layout(R::NAME, &self.layout, params);
        if R::CUT == Cut::Parameters {
            gradients.flat(); // Nothing waits any more: a gradient that waits comes in parts.
        }
        let values = params.flat_mut().1;
        let mut first = 0;
        while first < self.ids.len() {
            let stretch = self.stretch(first, gradients);
            first = stretch.end.max(first + 1);
            if !stretch.is_empty() {
                self.apply(stretch, values, gradients);
            }
        }
    }

    fn lr(&self) -> f32 {
        let mut rule = self.rule;
        *rule.hyper().lr
    }

    fn set_lr(&mut self, lr: f32) {
        let mut rule = self.rule;
        *rule.hyper().lr = lr;
        refuse::<R>(rule.validate());
        self.rule = rule;
    }

    fn momentum(&self) -> Option<f32> {
        let mut rule = self.rule;
        rule.hyper().momentum.copied()
    }

    fn set_momentum(&mut self, momentum: f32) {
        let mut rule = self.rule;
        match rule.hyper().momentum {
            Some(present) => *present = momentum,
            None => panic!("{}: there is no momentum to set", R::NAME),
        }
        refuse::<R>(rule.validate());
        assert!(
            rule.slots().len() <= self.names.len(),
            "{}: made without momentum, it keeps no velocity, so its momentum cannot be set to {momentum}",
            R::NAME
        );
        self.rule = rule;
    }

    fn state(&self) -> OptimizerState {
        let of = |&id: &ParamId| {
            let slots = self.names.iter().zip(&self.slots);
            let slots = slots.map(|(&name, slot)| (name.to_owned(), slot[self.layout.range(id)].to_vec()));
            ParameterState {
                name: self.layout.name(id).to_owned(),
                clock: self.clocks[id.index()],
                slots: slots.collect(),
            }
        };
        OptimizerState {
            rule: R::NAME.to_owned(),
            lr: self.lr(),
            momentum: self.momentum(),
            parameters: self.ids.iter().map(of).collect(),
            counter: None,
        }
    }

    fn load_state(&mut self, state: &OptimizerState) -> Result<(), StateError> {
        state.check_rule(R::NAME)?;
        let mut rule = self.rule;
        let hyper = rule.hyper();
        *hyper.lr = state.lr;
        if let (Some(momentum), Some(saved)) = (hyper.momentum, state.momentum) {
            *momentum = saved;
        }
        rule.validate()?;
        if rule.slots().len() > self.names.len() {
            let found = state.momentum.unwrap_or_default();
            return Err(StateError::Momentum { rule: R::NAME.to_owned(), found });
        }
        // Everything is looked at before anything is changed.
        state.check_parameters(
            self.ids.iter().map(|&id| (self.layout.name(id), self.layout.range(id).len())),
            self.names,
        )?;
        for (&id, saved) in self.ids.iter().zip(&state.parameters) {
            self.clocks[id.index()] = saved.clock;
            for (slot, name) in self.slots.iter_mut().zip(self.names) {
                slot[self.layout.range(id)].copy_from_slice(&saved.slots[*name]);
            }
        }
        self.rule = rule;
        Ok(())
    }
}

/// # Panics
/// With the name of the rule in front of the error.
#[track_caller]
fn refuse<R: Rule>(checked: Result<(), ConfigError>) {
    // Not in a closure, which would hide the caller's line.
    if let Err(error) = checked {
        panic!("{}: {error}", R::NAME);
    }
}
