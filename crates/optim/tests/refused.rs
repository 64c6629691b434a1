//! What no optimizer is made of, with the words that say why.

use std::panic::catch_unwind;

use layerwise_autograd::{Params, Tape};
use layerwise_optim::*;

fn params() -> Params {
    let mut params = Params::new();
    for name in ["encoder", "decoder"] {
        let mut root = params.root();
        let mut layer = root.child(name);
        layer.parameter("weight", [2, 3], |w| w.fill(1.0));
        layer.parameter("bias", [3], |b| b.fill(1.0));
        layer.statistic("mean", [3], |_| ());
    }
    params
}

/// The words of a panic.
fn panic_of<R>(body: impl FnOnce() -> R + std::panic::UnwindSafe) -> String {
    let Err(payload) = catch_unwind(body) else { panic!("nothing was refused") };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(_) => panic!("a panic without text"),
    }
}

#[test]
fn values_outside_their_range_are_refused() {
    let sgd = SgdConfig::default();
    let nesterov = SgdConfig { nesterov: true, ..sgd };
    let (adagrad, rmsprop) = (AdagradConfig::default(), RmsPropConfig::default());
    let (adam, nadam) = (AdamConfig::default(), NAdamConfig::default());
    let ahead = |k, alpha, inner: OptimizerConfig| OptimizerConfig::Lookahead {
        config: LookaheadConfig { k, alpha },
        inner: Box::new(inner),
    };
    let at_least_0 = "must be finite and at least 0, found";
    let rate = "must be in [0, 1), found";
    let table: Vec<(OptimizerConfig, String)> = vec![
        (SgdConfig { lr: -0.1, ..sgd }.into(), format!("lr {at_least_0} -0.1")),
        (SgdConfig { lr: f32::NAN, ..sgd }.into(), format!("lr {at_least_0} NaN")),
        (SgdConfig { momentum: -1.0, ..sgd }.into(), format!("momentum {at_least_0} -1")),
        (SgdConfig { weight_decay: f32::INFINITY, ..sgd }.into(), format!("weight_decay {at_least_0} inf")),
        (SgdConfig { dampening: f32::NAN, ..sgd }.into(), "dampening must be finite, found NaN".into()),
        (nesterov.into(), "momentum must be above 0 with nesterov, found 0".into()),
        (
            SgdConfig { momentum: 0.9, dampening: 0.1, ..nesterov }.into(),
            "dampening must be 0 with nesterov, found 0.1".into(),
        ),
        (AdagradConfig { lr: -1.0, ..adagrad }.into(), format!("lr {at_least_0} -1")),
        (AdagradConfig { lr_decay: -1.0, ..adagrad }.into(), format!("lr_decay {at_least_0} -1")),
        (
            AdagradConfig { initial_accumulator_value: -2.0, ..adagrad }.into(),
            format!("initial_accumulator_value {at_least_0} -2"),
        ),
        (AdagradConfig { eps: -1.0, ..adagrad }.into(), format!("eps {at_least_0} -1")),
        (AdagradConfig { weight_decay: -1.0, ..adagrad }.into(), format!("weight_decay {at_least_0} -1")),
        (RmsPropConfig { lr: -1.0, ..rmsprop }.into(), format!("lr {at_least_0} -1")),
        (RmsPropConfig { alpha: 1.0, ..rmsprop }.into(), format!("alpha {rate} 1")),
        (RmsPropConfig { eps: -1.0, ..rmsprop }.into(), format!("eps {at_least_0} -1")),
        (RmsPropConfig { momentum: -0.5, ..rmsprop }.into(), format!("momentum {at_least_0} -0.5")),
        (RmsPropConfig { weight_decay: -1.0, ..rmsprop }.into(), format!("weight_decay {at_least_0} -1")),
        (AdadeltaConfig { rho: -0.1, ..Default::default() }.into(), format!("rho {rate} -0.1")),
        (AdadeltaConfig { lr: -1.0, ..Default::default() }.into(), format!("lr {at_least_0} -1")),
        (AdadeltaConfig { eps: -1.0, ..Default::default() }.into(), format!("eps {at_least_0} -1")),
        (
            AdadeltaConfig { weight_decay: -1.0, ..Default::default() }.into(),
            format!("weight_decay {at_least_0} -1"),
        ),
        (AdamConfig { lr: -1.0, ..adam }.into(), format!("lr {at_least_0} -1")),
        (AdamConfig { betas: (1.0, 0.9), ..adam }.into(), format!("beta1 {rate} 1")),
        (AdamConfig { betas: (0.9, 1.5), ..adam }.into(), format!("beta2 {rate} 1.5")),
        (AdamConfig { betas: (0.9, f32::NAN), ..adam }.into(), format!("beta2 {rate} NaN")),
        (AdamConfig { eps: -0.5, ..adam }.into(), format!("eps {at_least_0} -0.5")),
        (AdamConfig { weight_decay: -1.0, ..adam }.into(), format!("weight_decay {at_least_0} -1")),
        (AdamWConfig { betas: (-0.1, 0.9), ..Default::default() }.into(), format!("beta1 {rate} -0.1")),
        (RAdamConfig { betas: (0.9, 1.0), ..Default::default() }.into(), format!("beta2 {rate} 1")),
        (NAdamConfig { betas: (0.9, 1.0), ..nadam }.into(), format!("beta2 {rate} 1")),
        (NAdamConfig { momentum_decay: -1.0, ..nadam }.into(), format!("momentum_decay {at_least_0} -1")),
        (AdamaxConfig { eps: -1.0, ..Default::default() }.into(), format!("eps {at_least_0} -1")),
        (LionConfig { betas: (0.9, 1.0), ..Default::default() }.into(), format!("beta2 {rate} 1")),
        (
            LambConfig { weight_decay: -1.0, ..Default::default() }.into(),
            format!("weight_decay {at_least_0} -1"),
        ),
        (ahead(0, 0.5, adam.into()), "k must be at least 1, found 0".into()),
        (ahead(5, -0.1, adam.into()), "alpha must be in [0, 1], found -0.1".into()),
        (ahead(5, 1.1, adam.into()), "alpha must be in [0, 1], found 1.1".into()),
        (ahead(5, 0.5, AdamConfig { lr: -1.0, ..adam }.into()), format!("lr {at_least_0} -1")),
        (ahead(5, 0.5, ahead(5, 0.5, adam.into())), "levels of lookahead must be at most 1, found 2".into()),
    ];
    for (config, expected) in table {
        assert_eq!(config.validate().map_err(|error| error.to_string()), Err(expected.clone()), "{config:?}");
        let name = config.name();
        let text = panic_of(move || config.build(&params()));
        // Inside of `Lookahead`, the inner rule is made first.
        assert!(text == format!("{name}: {expected}") || text == format!("Adam: {expected}"), "{text}");
    }
}

#[test]
fn defaults_are_allowed_and_are_those_of_pytorch() {
    for (text, lr) in [
        (r#"{"sgd": {}}"#, 1e-3),
        (r#"{"adagrad": {}}"#, 1e-2),
        (r#"{"rmsprop": {}}"#, 1e-2),
        (r#"{"adadelta": {}}"#, 1.0),
        (r#"{"adam": {}}"#, 1e-3),
        (r#"{"adamw": {}}"#, 1e-3),
        (r#"{"radam": {}}"#, 1e-3),
        (r#"{"nadam": {}}"#, 2e-3),
        (r#"{"adamax": {}}"#, 2e-3),
        (r#"{"lion": {}}"#, 1e-4),
        (r#"{"lamb": {}}"#, 1e-3),
        (r#"{"lookahead": {"inner": {"adam": {}}}}"#, 1e-3),
    ] {
        let config: OptimizerConfig = serde_json::from_str(text).expect(text);
        assert_eq!((config.validate(), config.lr()), (Ok(()), lr), "{text}");
        let written = serde_json::to_string(&config).expect(text);
        assert_eq!(serde_json::from_str::<OptimizerConfig>(&written).expect(text), config);
        assert!(config.build(&params()).lr() == lr, "{text}");
    }
}

#[test]
fn groups_are_checked() {
    let group = |pattern: &'static str, group: Group| {
        panic_of(move || Adam::new(&params(), AdamConfig::default()).group(pattern, group))
    };
    let of = Group::default();
    assert_eq!(
        group("*", Group { lr_scale: -1.0, ..of }),
        "Adam: lr_scale must be finite and at least 0, found -1"
    );
    assert_eq!(
        group("*", Group { weight_decay: Some(-1.0), ..of }),
        "Adam: weight_decay must be finite and at least 0, found -1"
    );
    assert_eq!(
        group("*", Group { l1: Some(f32::NAN), ..of }),
        "Adam: l1 must be finite and at least 0, found NaN"
    );
    let names = "encoder.weight, encoder.bias, decoder.weight, decoder.bias";
    let nothing = |pattern: &str| {
        format!("Adam: the group {pattern:?} matches none of the trainable parameters {names}")
    };
    assert_eq!(group("encode.*", of), nothing("encode.*"));
    assert_eq!(group("*.mean", of), nothing("*.mean"));
    assert_eq!(panic_of(|| Sgd::new(&params(), SgdConfig::default()).freeze("x")), {
        nothing("x").replace("Adam", "Sgd")
    });
}

#[test]
fn other_settings_are_checked() {
    let sgd = |momentum: f32| Sgd::new(&params(), SgdConfig::with_momentum(0.1, momentum));
    assert_eq!(panic_of(move || sgd(0.0).l1(-1.0)), "Sgd: l1 must be finite and at least 0, found -1");
    assert_eq!(panic_of(move || sgd(0.0).set_lr(-1.0)), "Sgd: lr must be finite and at least 0, found -1");
    assert_eq!(
        panic_of(move || sgd(0.9).set_momentum(-1.0)),
        "Sgd: momentum must be finite and at least 0, found -1"
    );
    assert_eq!(
        panic_of(move || sgd(0.0).set_momentum(0.9)),
        "Sgd: made without momentum, it keeps no velocity, so its momentum cannot be set to 0.9"
    );
    assert_eq!(
        panic_of(|| Adadelta::new(&params(), AdadeltaConfig::default()).set_momentum(0.9)),
        "Adadelta: there is no momentum to set"
    );
    assert_eq!(panic_of(move || sgd(0.0).decay(Decay::Own)), "Sgd: decay is L2 and cannot be made Own");
    assert_eq!(
        panic_of(|| Lamb::new(&params(), LambConfig::default()).decay(Decay::L2)),
        "Lamb: decay is Own and cannot be made L2"
    );
    assert_eq!(
        panic_of(move || {
            let inner = Lookahead::new(&params(), sgd(0.0), LookaheadConfig::default());
            Lookahead::new(&params(), inner, LookaheadConfig::default())
        }),
        "Lookahead: levels of lookahead must be at most 1, found 2"
    );
}

#[test]
fn parameters_are_those_the_optimizer_was_made_for() {
    let mut small = Params::new();
    small.root().parameter("w", [2], |_| ());
    for (config, name) in [
        (OptimizerConfig::from(AdamConfig::default()), "Adam"),
        (
            OptimizerConfig::Lookahead {
                config: LookaheadConfig::default(),
                inner: Box::new(AdamConfig::default().into()),
            },
            "Lookahead(Adam)",
        ),
    ] {
        let mut opt = config.build(&small);
        let step = || opt.step(&mut Params::new(), &mut Tape::new());
        assert_eq!(
            panic_of(std::panic::AssertUnwindSafe(step)),
            format!("{name}: the optimizer was made for w [2], found no parameters")
        );
    }
}
