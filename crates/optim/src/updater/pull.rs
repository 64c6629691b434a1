//! Decay and penalties.

use crate::rule::{Decay, Stretch};

/// What draws parameters towards 0 before a rule sees them.
#[derive(Clone, Copy)]
pub struct Pull {
    l2: f32,
    l1: f32,
    shrink: f32,
}

impl Pull {
    pub fn new(decay: Decay, lr: f32, weight_decay: f32, l1: f32) -> Self {
        let l2 = if decay == Decay::L2 { weight_decay } else { 0.0 };
        let decoupled = if decay == Decay::Decoupled { f64::from(weight_decay) } else { 0.0 };
        Pull { l2, l1, shrink: (1.0 - f64::from(lr) * decoupled) as f32 }
    }

    #[inline(always)]
    pub fn apply(self, stretch: &mut Stretch<'_>) {
        let Stretch { values, gradients, .. } = stretch;
        if self.l2 != 0.0 {
            gradients.iter_mut().zip(values.iter()).for_each(|(g, p)| *g += self.l2 * p);
        }
        if self.l1 != 0.0 {
            gradients.iter_mut().zip(values.iter()).for_each(|(g, &p)| *g += self.l1 * sign(p));
        }
        if self.shrink != 1.0 {
            values.iter_mut().for_each(|p| *p *= self.shrink);
        }
    }
}

/// -1, 0 or 1; the standard library's is 1 at 0.
#[inline(always)]
pub fn sign(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}
