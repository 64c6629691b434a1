//! States that cannot be restored: each is named, and none changes anything.

use layerwise_autograd::{Params, Tape};
use layerwise_optim::*;

fn params(last: &str) -> Params {
    let mut params = Params::new();
    let mut root = params.root();
    root.parameter("a", [2, 2], |a| a.fill(1.0));
    root.parameter(last, [3], |b| b.fill(2.0));
    params
}

/// The state after two steps.
fn state(config: &OptimizerConfig, mut params: Params) -> OptimizerState {
    let mut opt = config.build(&params);
    let mut tape = Tape::new();
    for _ in 0..2 {
        let pass = tape.train(&params, 0);
        let sums = params.ids().map(|id| pass.param(id).square().sum()).collect::<Vec<_>>();
        sums.into_iter().reduce(|a, b| a + b).expect("parameters").backward();
        opt.step(&mut params, &mut tape);
    }
    opt.state()
}

/// Why the optimizer does not take the state.
fn refused(config: &OptimizerConfig, state: &OptimizerState) -> String {
    let mut opt = config.build(&params("b"));
    let before = opt.state();
    let error = opt.load_state(state).expect_err("a state that does not fit");
    assert_eq!(opt.state(), before, "{error}");
    error.to_string()
}

fn adam() -> OptimizerConfig {
    AdamConfig::default().into()
}

fn around(inner: OptimizerConfig) -> OptimizerConfig {
    OptimizerConfig::Lookahead { config: LookaheadConfig::default(), inner: Box::new(inner) }
}

#[test]
fn a_state_of_another_rule() {
    let of = |config: OptimizerConfig| state(&config, params("b"));
    assert_eq!(
        refused(&adam(), &of(AdamWConfig::default().into())),
        "the state is one of AdamW, the optimizer is Adam"
    );
    assert_eq!(
        refused(&adam(), &of(around(adam()))),
        "the state is one of Lookahead(Adam), the optimizer is Adam"
    );
    assert_eq!(
        refused(&around(adam()), &of(around(LionConfig::default().into()))),
        "the state is one of Lookahead(Lion), the optimizer is Lookahead(Adam)"
    );
}

#[test]
fn a_state_of_another_model() {
    for config in [adam(), around(adam())] {
        assert_eq!(
            refused(&config, &state(&config, params("c"))),
            "parameter 1 is \"b\" in the optimizer and \"c\" in the state"
        );
        let mut fewer = state(&config, params("b"));
        fewer.parameters.pop();
        assert_eq!(
            refused(&config, &fewer),
            "parameter 1 is \"b\" in the optimizer and missing in the state"
        );
        let mut more = state(&config, params("b"));
        more.parameters.push(ParameterState { name: "c".into(), ..more.parameters[0].clone() });
        assert_eq!(refused(&config, &more), "parameter 2 is missing in the optimizer and \"c\" in the state");
    }
}

#[test]
fn a_state_without_a_buffer_or_with_another_length() {
    for (config, slot) in [(adam(), "exp_avg_sq"), (around(adam()), "exp_avg"), (around(adam()), "slow")] {
        let whole = state(&config, params("b"));
        let mut missing = whole.clone();
        missing.parameters[1].slots.remove(slot);
        assert_eq!(
            refused(&config, &missing),
            format!("{slot} of b should have 3 numbers, the state has none")
        );
        let mut longer = whole;
        longer.parameters[1].slots.entry(slot.to_owned()).or_default().push(0.0);
        assert_eq!(refused(&config, &longer), format!("{slot} of b should have 3 numbers, the state has 4"));
    }
    let amsgrad = AdamConfig { amsgrad: true, ..Default::default() }.into();
    assert_eq!(
        refused(&amsgrad, &state(&adam(), params("b"))),
        "max_exp_avg_sq of a should have 4 numbers, the state has none"
    );
}

#[test]
fn a_state_with_values_out_of_range() {
    for config in [adam(), around(adam())] {
        let whole = state(&config, params("b"));
        let refuse = |change: fn(&mut OptimizerState)| {
            let mut state = whole.clone();
            change(&mut state);
            refused(&config, &state)
        };
        assert_eq!(
            refuse(|state| state.lr = -1.0),
            "in the state, lr must be finite and at least 0, found -1"
        );
        assert_eq!(
            refuse(|state| state.momentum = Some(f32::NAN)),
            "in the state, beta1 must be in [0, 1), found NaN"
        );
        assert_eq!(
            refuse(|state| state.parameters[1].clock.step = u64::MAX),
            "b cannot have made 18446744073709551615 steps with a product of 1"
        );
        assert_eq!(
            refuse(|state| state.parameters[0].clock.product = f64::NAN),
            "a cannot have made 2 steps with a product of NaN"
        );
    }
}

#[test]
fn a_state_without_the_steps_of_all() {
    let config = around(adam());
    let mut none = state(&config, params("b"));
    none.counter = None;
    assert_eq!(
        refused(&config, &none),
        "the counter of Lookahead(Adam) must be below 2^53, the state has none"
    );
    none.counter = Some(1 << 60);
    assert_eq!(
        refused(&config, &none),
        "the counter of Lookahead(Adam) must be below 2^53, the state has 1152921504606846976"
    );
}

#[test]
fn a_state_with_momentum_for_a_rule_made_without() {
    let plain = SgdConfig::default().into();
    let moving = SgdConfig::with_momentum(0.1, 0.9).into();
    assert_eq!(
        refused(&plain, &state(&moving, params("b"))),
        "Sgd: made without momentum, it keeps no velocity, the momentum of the state is 0.9"
    );
    assert_eq!(
        refused(&moving, &state(&plain, params("b"))),
        "momentum_buffer of a should have 4 numbers, the state has none"
    );
}
