use super::*;
use crate::{AdamConfig, LambConfig, SgdConfig};
use layerwise_autograd::{Tape, Tensor};
use layerwise_tensor::Activation;

/// Parameters with a running statistic in the third place.
fn params() -> Params {
    let mut params = Params::new();
    let mut root = params.root();
    root.parameter("a", [3], |p| p.fill(1.0));
    root.parameter("b", [20], |p| p.fill(1.0));
    root.statistic("mean", [2], |mean| mean.fill(5.0));
    root.parameter("c", [4], |p| p.fill(1.0));
    root.parameter("d", [2, 2], |p| p.fill(1.0));
    params
}

/// A tape with gradients of the parameters in these places.
fn reached(params: &Params, places: &[usize]) -> Tape {
    let mut tape = Tape::new();
    let pass = tape.train(params, 0);
    let losses = params.ids().filter(|id| places.contains(&id.index())).map(|id| pass.param(id).sum());
    losses.collect::<Vec<_>>().into_iter().reduce(|a, b| a + b).unwrap().backward();
    tape
}

/// The stretches that a step goes through, by the names of their parameters.
fn stretches<R: Rule>(opt: &Updater<R>, tape: &mut Tape) -> Vec<String> {
    let gradients = tape.param_gradients();
    let mut found = Vec::new();
    let mut first = 0;
    while first < opt.ids.len() {
        let stretch = opt.stretch(first, &gradients);
        first = stretch.end.max(first + 1);
        found.push(opt.ids[stretch].iter().map(|&id| opt.layout.name(id)).collect());
    }
    found.retain(|names: &String| !names.is_empty());
    found
}

#[test]
fn neighbours_form_one_stretch_unless_they_differ() {
    let mut params = params();
    let all = [0, 1, 3, 4];
    let adam = Updater::new(&params, AdamConfig::default());
    assert_eq!(stretches(&adam, &mut reached(&params, &all)), ["ab", "cd"]);
    assert_eq!(stretches(&adam, &mut reached(&params, &[1, 3])), ["b", "c"]);
    let half = Group { lr_scale: 0.5, ..Group::default() };
    assert_eq!(stretches(&adam.clone().group("b", half), &mut reached(&params, &all)), ["a", "b", "cd"]);
    assert_eq!(stretches(&adam.clone().freeze("a"), &mut reached(&params, &all)), ["b", "cd"]);
    assert_eq!(stretches(&adam.clone().no_decay_on_vectors(), &mut reached(&params, &all)), ["ab", "c", "d"]);
    let lamb = Updater::new(&params, LambConfig::default());
    assert_eq!(stretches(&lamb, &mut reached(&params, &all)), ["a", "b", "c", "d"]);

    let mut behind = adam;
    let mut tape = reached(&params, &[3]);
    behind.update(&mut params, &mut tape.param_gradients());
    assert_eq!(stretches(&behind, &mut reached(&params, &all)), ["ab", "c", "d"]);
}

/// A large weight between small parameters, and a pass whose gradient of it waits.
fn with_large_weight() -> (Params, impl Fn(&mut Tape, &Params, u64)) {
    let mut params = Params::new();
    let wave = |w: &mut [f32]| w.iter_mut().enumerate().for_each(|(i, w)| *w = (i as f32 * 0.37).sin());
    let mut root = params.root();
    let ids = [root.parameter("a", [301], wave), root.parameter("w", [131, 301], wave)];
    let bias = root.parameter("b", [131], wave);
    let pass = move |tape: &mut Tape, params: &Params, seed: u64| {
        let pass = tape.train(params, 0);
        let x = (0..7 * 301).map(|i| ((i as u64 + seed) as f32 * 0.11).cos()).collect::<Vec<_>>();
        let x = pass.input(&Tensor::new([7, 301], x)) * pass.param(ids[0]);
        x.linear(pass.param(ids[1]), Some(pass.param(bias)), Activation::Tanh).square().mean().backward();
    };
    (params, pass)
}

#[test]
fn a_gradient_that_waits_is_a_stretch_of_its_own() {
    let (params, pass) = with_large_weight();
    let (adam, mut tape) = (Updater::new(&params, AdamConfig::default()), Tape::new());
    pass(&mut tape, &params, 0);
    assert_eq!(stretches(&adam, &mut tape), ["a", "w", "b"]);
    tape.param_gradients().flat();
    assert_eq!(stretches(&adam, &mut tape), ["awb"]);
}

/// The bits after some steps, with gradients that wait and with those that have been computed.
fn steps<R: Rule>(make: impl Fn(&Params) -> Updater<R> + Sync) {
    let (before, pass) = with_large_weight();
    let run = |threads: usize, wait: bool| {
        layerwise_tensor::threads::run_on(threads, || {
            let (mut params, mut opt, mut tape) = (before.clone(), make(&before), Tape::new());
            for seed in 0..3 {
                pass(&mut tape, &params, seed);
                if !wait {
                    tape.param_gradients().flat();
                }
                opt.step(&mut params, &mut tape);
            }
            (params.flat().iter().map(|p| p.to_bits()).collect::<Vec<_>>(), opt.state())
        })
    };
    let expected = run(1, false);
    assert!((1..4).all(|threads| run(threads, true) == expected), "{}", R::NAME);
}

#[test]
fn gradients_that_wait_make_the_same_steps() {
    let group = || Group { lr_scale: 0.5, weight_decay: Some(0.25), l1: Some(0.125), ..Group::default() };
    steps(|params| Updater::new(params, SgdConfig::with_momentum(0.1, 0.9)).group("w", group()));
    steps(|params| {
        Updater::new(params, AdamConfig { amsgrad: true, weight_decay: 0.1, ..Default::default() })
    });
    steps(|params| Updater::new(params, AdamConfig::default()).decay(Decay::Decoupled).group("*", group()));
    steps(|params| Updater::new(params, AdamConfig::default()).freeze("w"));
    steps(|params| Updater::new(params, LambConfig::default()));
}

#[test]
fn statistics_and_gaps_stay_as_they_are() {
    let mut params = params();
    // Without `eps`, the gaps divide 0 by 0.
    let rule = AdamConfig { eps: 0.0, weight_decay: 0.5, ..Default::default() };
    let mut opt = Updater::new(&params, rule).l1(0.5);
    for _ in 0..3 {
        let mut tape = reached(&params, &[0, 1, 3, 4]);
        opt.update(&mut params, &mut tape.param_gradients());
        let mut gradients = tape.param_gradients();
        for gap in [3..16, 36..48, 50..64, 68..80] {
            let zero = |numbers: &[f32]| numbers[gap.clone()].iter().all(|&x| x == 0.0);
            assert!(zero(params.flat()) && zero(gradients.flat()), "{gap:?}");
        }
    }
    assert_eq!(params.get("mean").unwrap().as_slice(), [5.0; 2]);
    assert!(params.ids().all(|id| params.name(id) == "mean" || params[id].iter().all(|&p| p < 1.0)));
}

#[test]
fn penalties_and_decays_of_groups_take_the_place_of_the_others() {
    let sgd = SgdConfig { lr: 1.0, weight_decay: 0.5, ..Default::default() };
    let own = Group { weight_decay: Some(0.25), l1: Some(0.125), lr_scale: 0.5, ..Group::default() };
    let before = params();
    let make = || Updater::new(&before, sgd).no_decay_on_vectors();
    // The penalty of all others may be set before or after.
    for mut opt in [make().group("b", own).l1(2.0), make().l1(2.0).group("b", own)] {
        let mut params = before.clone();
        opt.update(&mut params, &mut reached(&before, &[0, 1, 3, 4]).param_gradients());
        // The gradient is 1 everywhere, and so are the parameters.
        let steps = ["a", "b", "d"].map(|name| 1.0 - params.get(name).unwrap().as_slice()[0]);
        assert_eq!(steps, [1.0, 0.5 * (1.0 + 0.25 + 0.125), 1.0 + 0.5 + 2.0]);
    }
}

#[test]
fn momentum_can_be_taken_away_for_a_time() {
    let mut params = params();
    let mut opt = Updater::new(&params, SgdConfig { dampening: 0.5, ..SgdConfig::with_momentum(0.25, 0.5) });
    let mut a = || {
        let mut tape = reached(&params, &[0]);
        opt.update(&mut params, &mut tape.param_gradients());
        opt.set_momentum(if opt.momentum() == Some(0.0) { 0.5 } else { 0.0 });
        params.get("a").unwrap().as_slice()[0]
    };
    // The gradient is 1: so are the first velocities, and the third is 0.5 * 1 + 0.5 * 1.
    assert_eq!([a(), a(), a()], [0.75, 0.5, 0.25]);
    let state = opt.state();
    let mut fresh =
        Updater::new(&params, SgdConfig { dampening: 0.5, ..SgdConfig::with_momentum(0.25, 0.5) });
    fresh.load_state(&state).unwrap();
    assert_eq!((fresh.momentum(), fresh.state()), (Some(0.0), state));
}

#[test]
fn gradients_of_several_passes_add_up_and_a_step_takes_them_away() {
    let mut params = Params::new();
    let w = params.root().parameter("w", [2], |w| w.fill(1.0));
    let mut opt = Updater::new(&params, SgdConfig { lr: 0.1, ..Default::default() });
    let mut tape = Tape::new();
    for _ in 0..3 {
        tape.train(&params, 0).param(w).sum().backward();
    }
    assert_eq!(tape.gradient(&params, "w").unwrap().as_slice(), [3.0, 3.0]);
    opt.step(&mut params, &mut tape);
    assert!(tape.gradient(&params, "w").is_none());
    assert_eq!(params[w], [0.7, 0.7]);
    opt.step(&mut params, &mut tape);
    assert_eq!(params[w], [0.7, 0.7]);
}
