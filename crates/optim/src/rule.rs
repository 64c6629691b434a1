//! What an update rule is made of, apart from everything that all rules share.

use layerwise_tensor::threads::Slices;
use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// An update rule: its hyper-parameters as data, the state it keeps for every parameter, and one loop over flat buffers.
///
/// Parameter groups, decay, step counts, saving and threads are the same for all rules and live in [`Updater`](crate::Updater). A
/// rule of one's own is a type that implements this trait; `Updater<MyRule>` is then an optimizer.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// use layerwise_optim::{Clock, ConfigError, Decay, Hyper, Optimizer, Rule, Stretch, Updater};
///
/// /// Gradient descent with every element of the gradient cut to -1..1.
/// #[derive(Clone, Copy)]
/// struct CutSgd {
///     lr: f32,
///     weight_decay: f32,
/// }
///
/// impl Rule for CutSgd {
///     const NAME: &'static str = "CutSgd";
///     type Step = f32;
///     fn validate(&self) -> Result<(), ConfigError> {
///         ConfigError::at_least_0("lr", self.lr)
///     }
///     fn hyper(&mut self) -> Hyper<'_> {
///         Hyper { lr: &mut self.lr, weight_decay: &mut self.weight_decay, momentum: None }
///     }
///     fn begin(&self, _clock: &mut Clock) -> f32 {
///         self.lr
///     }
///     fn apply(&lr: &f32, stretch: Stretch<'_>) {
///         for (p, g) in stretch.values.iter_mut().zip(stretch.gradients) {
///             *p -= lr * g.clamp(-1.0, 1.0);
///         }
///     }
/// }
///
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [2], |w| w.copy_from_slice(&[1.0, -2.0]));
/// let mut opt = Updater::new(&params, CutSgd { lr: 0.5, weight_decay: 0.0 });
/// let mut tape = Tape::new();
/// tape.train(&params, 0).param(w).square().sum().backward();
/// opt.step(&mut params, &mut tape);
/// assert_eq!(params[w], [0.5, -1.5]);
/// ```
pub trait Rule: Copy {
    /// What error messages and saved states call it.
    const NAME: &'static str;

    /// What weight decay means if nobody says otherwise.
    const DECAY: Decay = Decay::L2;

    /// How the loop is cut.
    const CUT: Cut = Cut::Anywhere;

    /// The constants of one step, computed once per step.
    type Step: Sync;

    /// Whether every value is in its range.
    ///
    /// # Errors
    /// The first that is not, with the range.
    fn validate(&self) -> Result<(), ConfigError>;

    /// The hyper-parameters that groups, schedules and decay have to know.
    fn hyper(&mut self) -> Hyper<'_>;

    /// The names of the buffers it keeps, at most three, each as large as the parameters. PyTorch's names.
    fn slots(&self) -> &'static [&'static str] {
        &[]
    }

    /// What the buffers hold before the first step. Defaults to 0.
    fn initial(&self) -> f32 {
        0.0
    }

    /// The constants of a step; `clock.step` is the number of this step, from 1 on.
    fn begin(&self, clock: &mut Clock) -> Self::Step;

    /// Updates a stretch of the parameters. Mark it `#[inline(always)]`, so that the loop is compiled for the widest instructions of
    /// the machine.
    fn apply(step: &Self::Step, stretch: Stretch<'_>);
}

/// The hyper-parameters that every rule has.
pub struct Hyper<'a> {
    /// The learning rate.
    pub lr: &'a mut f32,
    /// The factor of the decay.
    pub weight_decay: &'a mut f32,
    /// What schedules of the momentum change: momentum, or the first beta. `None` if the rule has neither.
    pub momentum: Option<&'a mut f32>,
}

/// How a parameter is drawn towards 0 by `weight_decay`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decay {
    /// The gradient of an L2 penalty: `g + weight_decay p` takes the place of `g`.
    L2,
    /// Apart from the gradient (Loshchilov and Hutter 2019): `p (1 - lr weight_decay)` takes the place of `p` before the update.
    Decoupled,
    /// The rule has a decay of its own.
    Own,
}

/// How the loop of a rule is cut into parts for the threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Into parts of any length: every element is updated for itself.
    Anywhere,
    /// Into whole parameters: the rule takes a norm over each.
    Parameters,
}

/// How far a parameter has come. Parameters that a pass did not reach stand still, so they differ.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Clock {
    /// The steps that have been made with it.
    pub step: u64,
    /// A product over the steps, for rules that need one; 1 at first.
    pub product: f64,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { step: 0, product: 1.0 }
    }
}

/// A part of the parameters, with their gradients and the rule's state.
pub struct Stretch<'a> {
    /// The parameters.
    pub values: &'a mut [f32],
    /// Their gradients, with decay and penalties added. They are not needed any more afterwards.
    pub gradients: &'a mut [f32],
    /// The buffers that [`Rule::slots`] names, in that order; others are empty.
    pub slots: [&'a mut [f32]; 3],
}

/// What a step changes in a part of the parameters.
pub(crate) struct Target<'a> {
    pub values: &'a mut [f32],
    /// As in a [`Stretch`].
    pub slots: [&'a mut [f32]; 3],
}

impl Slices for Target<'_> {
    #[track_caller]
    fn common_len(&self) -> usize {
        let len = self.values.len();
        let slots = self.slots.iter().filter(|slot| !slot.is_empty());
        slots.for_each(|slot| assert!(slot.len() == len, "{len} parameters with a state of {}", slot.len()));
        len
    }

    fn cut(self, at: usize) -> (Self, Self) {
        let values = self.values.split_at_mut(at);
        let slots = self.slots.map(|slot| {
            let at = at.min(slot.len());
            slot.split_at_mut(at)
        });
        let [a, b, c] = slots;
        (
            Target { values: values.0, slots: [a.0, b.0, c.0] },
            Target { values: values.1, slots: [a.1, b.1, c.1] },
        )
    }
}
