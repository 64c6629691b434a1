//! The rules of the table: a new one is one line.

use layerwise_autograd::Params;
use layerwise_optim::*;

/// An optimizer as a property wants it.
#[derive(Clone, Copy, Default)]
pub struct Setting {
    /// What the learning rate of the table is multiplied by, less 1.
    pub faster: f32,
    pub weight_decay: f32,
    /// The rule's own if it is not given.
    pub decay: Option<Decay>,
    pub group: Option<(&'static str, Group)>,
}

pub type Made = Box<dyn Optimizer + Send>;
type Make = dyn Fn(&Params, Setting) -> Made + Sync;

/// A line of the table.
pub struct Line {
    pub name: &'static str,
    pub lr: f32,
    pub decay: Decay,
    /// How much larger a step is (by its number from 1 on) if all gradients are [`SCALE`] times as large.
    pub growth: fn(usize) -> f32,
    make: Box<Make>,
}

/// A power of two: multiplying by it rounds nothing.
pub const SCALE: f32 = 256.0;

impl Line {
    pub fn make(&self, params: &Params, setting: Setting) -> Made {
        (self.make)(params, setting)
    }
}

fn updater<R: Rule>(mut rule: R, params: &Params, setting: Setting) -> Updater<R> {
    let Setting { faster, weight_decay, decay, group } = setting;
    let hyper = rule.hyper();
    *hyper.lr *= 1.0 + faster;
    *hyper.weight_decay = weight_decay;
    let opt = Updater::new(params, rule).decay(decay.unwrap_or(R::DECAY));
    group.into_iter().fold(opt, |opt, (pattern, group)| opt.group(pattern, group))
}

fn line<R: Rule + Send + Sync + 'static>(name: &'static str, mut rule: R, growth: fn(usize) -> f32) -> Line {
    let lr = *rule.hyper().lr;
    let make = move |params: &Params, setting: Setting| Box::new(updater(rule, params, setting)) as Made;
    Line { name, lr, decay: R::DECAY, growth, make: Box::new(make) }
}

/// The line with slow weights around its rule.
fn ahead(name: &'static str, inner: Line, config: LookaheadConfig) -> Line {
    let Line { lr, decay, growth, make, .. } = inner;
    let make = move |params: &Params, setting: Setting| {
        Box::new(Lookahead::new(params, make(params, setting), config)) as Made
    };
    Line { name, lr, decay, growth, make: Box::new(make) }
}

pub fn rules() -> Vec<Line> {
    let linear = |_: usize| SCALE;
    let invariant = |_: usize| 1.0;
    let linear_while_rectified = |step: usize| if step <= 5 { SCALE } else { 1.0 };
    let lr = 0.02;
    vec![
        line("SGD", SgdConfig { lr: 0.1, ..Default::default() }, linear),
        line("momentum", SgdConfig { dampening: 0.1, ..SgdConfig::with_momentum(lr, 0.9) }, linear),
        line("Nesterov", SgdConfig::with_nesterov(lr, 0.9), linear),
        line("Adagrad", AdagradConfig { lr: 0.5, lr_decay: 1e-3, ..Default::default() }, invariant),
        line("RMSprop", RmsPropConfig { lr: 5e-3, ..Default::default() }, invariant),
        line(
            "RMSprop, all",
            RmsPropConfig { lr: 1e-3, centered: true, momentum: 0.5, ..Default::default() },
            invariant,
        ),
        line("Adadelta", AdadeltaConfig::default(), invariant),
        line("Adam", AdamConfig { lr, ..Default::default() }, invariant),
        line("AMSGrad", AdamConfig { lr, amsgrad: true, ..Default::default() }, invariant),
        line("AdamW", AdamWConfig { lr, ..Default::default() }, invariant),
        line("RAdam", RAdamConfig { lr, ..Default::default() }, linear_while_rectified),
        line("NAdam", NAdamConfig { lr, ..Default::default() }, invariant),
        line("Adamax", AdamaxConfig { lr, ..Default::default() }, invariant),
        line("Lion", LionConfig { lr: 2e-3, ..Default::default() }, invariant),
        line("LAMB", LambConfig { lr: 5e-3, ..Default::default() }, invariant),
        ahead(
            "Lookahead",
            line("Adam", AdamConfig { lr, ..Default::default() }, invariant),
            LookaheadConfig { k: 3, alpha: 0.5 },
        ),
    ]
}
