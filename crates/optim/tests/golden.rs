//! The update rules against PyTorch, and where it has none against their papers, step by step; `golden/generate.py` makes the numbers and states the problem.

use layerwise_autograd::{Params, Tape, Tensor, Var};
use layerwise_optim::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Golden<C> {
    problem: PerParameter<Term>,
    /// The steps after which the parameters were recorded.
    recorded: Vec<usize>,
    cases: Vec<Case<C>>,
}

#[derive(Deserialize)]
struct PerParameter<T> {
    a: T,
    b: T,
}

/// The part of the loss that depends on one parameter.
#[derive(Deserialize)]
struct Term {
    shape: Vec<usize>,
    start: Vec<f32>,
    target: Vec<f32>,
    curvature: Vec<f32>,
}

#[derive(Deserialize)]
struct Case<C> {
    config: C,
    decoupled: bool,
    /// `b` is in the loss of every so manieth step.
    b_every: usize,
    recorded: Vec<PerParameter<Vec<f32>>>,
}

impl Term {
    /// `sum(0.5 c (p - t)^2 + sigmoid(p))`
    fn loss<'p>(&self, p: Var<'p>) -> Var<'p> {
        let constant = |values: &[f32]| p.pass().input(&Tensor::new(self.shape.as_slice(), values.to_vec()));
        let bowl = constant(&self.curvature) * (p - constant(&self.target)).square() * 0.5;
        (bowl + p.sigmoid()).sum()
    }
}

/// The parameters after each of the recorded steps.
fn trace<C, O: Optimizer>(
    golden: &Golden<C>,
    rule: impl FnOnce(&Params) -> O,
    b_every: usize,
) -> Vec<[Vec<f32>; 2]> {
    let Golden { problem, recorded, .. } = golden;
    let mut params = Params::new();
    let ids = [("a", &problem.a), ("b", &problem.b)].map(|(name, term)| {
        params.root().parameter(name, term.shape.as_slice(), |p| p.copy_from_slice(&term.start))
    });
    let (mut opt, mut tape) = (rule(&params), Tape::new());
    let mut found = Vec::new();
    for step in 1..=recorded.iter().copied().max().unwrap_or(0) {
        let pass = tape.train(&params, 0);
        let loss = problem.a.loss(pass.param(ids[0]));
        let loss = if step % b_every == 0 { loss + problem.b.loss(pass.param(ids[1])) } else { loss };
        loss.backward();
        opt.step(&mut params, &mut tape);
        if recorded.contains(&step) {
            found.push(ids.map(|id| params[id].to_vec()));
        }
    }
    found
}

/// Goes through all cases of a file with the optimizer that `make` makes of a case.
fn follow<C: DeserializeOwned + std::fmt::Debug, O: Optimizer>(
    json: &str,
    cases: usize,
    make: impl Fn(&Params, &Case<C>) -> O,
) {
    let golden: Golden<C> = serde_json::from_str(json).expect("what the generator writes");
    assert_eq!((golden.cases.len(), golden.recorded.as_slice()), (cases, &[1, 10, 100][..]));
    for case in &golden.cases {
        let found = trace(&golden, |params| make(params, case), case.b_every);
        assert_eq!(found.len(), case.recorded.len());
        for ((found, expected), step) in found.iter().zip(&case.recorded).zip(&golden.recorded) {
            let what = format!(
                "step {step}, b every {}, decoupled {}, {:?}",
                case.b_every, case.decoupled, case.config
            );
            for (found, expected) in found.iter().zip([&expected.a, &expected.b]) {
                assert_close(&what, found, expected);
            }
        }
    }
}

/// A test of a rule whose file is complete: so many cases.
macro_rules! rule_follows {
    ($($test:ident: $config:ty, $json:literal, $cases:literal;)*) => {
        $(#[test]
        fn $test() {
            follow(include_str!(concat!("golden/", $json)), $cases, |params, case: &Case<$config>| {
                let opt = Updater::new(params, case.config);
                if case.decoupled { opt.decay(Decay::Decoupled) } else { opt }
            });
        })*
    };
}

rule_follows! {
    sgd_follows_pytorch: SgdConfig, "sgd.json", 64;
    adagrad_follows_pytorch: AdagradConfig, "adagrad.json", 64;
    rmsprop_follows_pytorch: RmsPropConfig, "rmsprop.json", 128;
    adadelta_follows_pytorch: AdadeltaConfig, "adadelta.json", 32;
    adam_follows_pytorch: AdamConfig, "adam.json", 96;
    adamw_follows_pytorch: AdamWConfig, "adamw.json", 64;
    radam_follows_pytorch: RAdamConfig, "radam.json", 48;
    nadam_follows_pytorch: NAdamConfig, "nadam.json", 96;
    adamax_follows_pytorch: AdamaxConfig, "adamax.json", 32;
    lion_follows_its_paper: LionConfig, "lion.json", 16;
    lamb_follows_its_paper: LambConfig, "lamb.json", 32;
}

#[test]
fn lookahead_follows_its_paper() {
    follow(include_str!("golden/lookahead.json"), 48, |params, case: &Case<OptimizerConfig>| {
        case.config.build(params)
    });
}

/// Fails where an element is off by more than 1e-5 of itself, and for a NaN.
#[track_caller]
fn assert_close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let close = (found - expected).abs() <= 1e-5 * expected.abs();
        assert!(close, "{what}: {found:?}, expected {expected:?}");
    }
}
