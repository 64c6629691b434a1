//! The gradient of a large weight waits until somebody asks for it, and is the same as if it had not.

use layerwise_autograd::{ParamId, Params, Pass, Tape, Tensor, Var};
use layerwise_tensor::Activation;

/// A weight whose gradient may wait, and a parameter that could be an input of it.
fn model() -> (Params, ParamId, ParamId) {
    let mut params = Params::new();
    let wave = |w: &mut [f32]| w.iter_mut().enumerate().for_each(|(i, w)| *w = (i as f32 * 0.37).sin());
    let w = params.root().parameter("w", [256, 256], wave);
    let x = params.root().parameter("x", [6, 256], wave);
    (params, w, x)
}

fn examples<'p>(pass: &'p Pass<'p>, seed: usize) -> Var<'p> {
    let at = |i: usize| ((i + 31 * seed) as f32 * 0.11).cos();
    pass.input(&Tensor::new([6, 256], (0..6 * 256).map(at).collect::<Vec<_>>()))
}

fn layer<'p>(x: Var<'p>, w: ParamId) -> Var<'p> {
    x.linear(x.pass().param(w), None, Activation::Tanh)
}

fn one_pass(tape: &mut Tape, params: &Params, w: ParamId, seed: usize) {
    let pass = tape.train(params, 0);
    layer(examples(&pass, seed), w).square().mean().backward();
}

/// The gradient of the weight after `run`, which waits or does not. It is compared with that of a tape that looks at gradients, where none waits.
fn compare(what: &str, waits: bool, run: impl Fn(&mut Tape, &Params, ParamId, ParamId)) {
    let (params, w, x) = model();
    let gradient = |check: bool| {
        let mut tape = Tape::new();
        tape.check_gradients(check);
        run(&mut tape, &params, w, x);
        assert_eq!(tape.param_gradients().waits(w), waits && !check, "{what}");
        let gradient = tape.gradient(&params, "w").expect("a gradient");
        assert!(!tape.param_gradients().waits(w), "{what}");
        assert_eq!(tape.param_gradients().flat()[..256 * 256], *gradient.as_slice(), "{what}");
        gradient
    };
    let (found, expected) = (gradient(false), gradient(true));
    assert!(found == expected && found.as_slice().iter().any(|&g| g != 0.0), "{what}");
}

#[test]
fn it_is_computed_when_it_is_asked_for() {
    compare("one pass", true, |tape, params, w, _| one_pass(tape, params, w, 1));
    compare("an input that is reshaped", true, |tape, params, w, _| {
        let pass = tape.train(params, 0);
        layer(examples(&pass, 1).exp().reshape([2, 3, 256]), w).square().mean().backward();
    });
    compare("more of the pass afterwards", true, |tape, params, w, _| {
        let pass = tape.train(params, 0);
        layer(examples(&pass, 1), w).square().mean().backward();
        layer(examples(&pass, 2), w).exp();
    });
    compare("a pass that went before", true, |tape, params, w, _| {
        one_pass(tape, params, w, 1);
        tape.clear();
        one_pass(tape, params, w, 2);
    });
}

#[test]
fn it_is_computed_before_what_it_is_made_of_changes() {
    compare("several passes", false, |tape, params, w, _| {
        (1..4).for_each(|seed| one_pass(tape, params, w, seed));
    });
    compare("a pass without a gradient", false, |tape, params, w, _| {
        one_pass(tape, params, w, 1);
        layer(examples(&tape.eval(params), 2), w);
    });
    compare("two losses of one pass", false, |tape, params, w, _| {
        let pass = tape.train(params, 0);
        let y = layer(examples(&pass, 1), w);
        y.square().mean().backward();
        y.sum().backward();
    });
    compare("two layers with the weight", false, |tape, params, w, _| {
        let pass = tape.train(params, 0);
        layer(layer(examples(&pass, 1), w), w).square().mean().backward();
    });
    compare("a penalty on the weight", false, |tape, params, w, _| {
        let pass = tape.train(params, 0);
        (layer(examples(&pass, 1), w).square().mean() + pass.param(w).square().sum()).backward();
    });
    compare("an input that a step changes", false, |tape, params, w, x| {
        let pass = tape.train(params, 0);
        layer(pass.param(x).detach(), w).square().mean().backward();
    });
}

#[test]
fn it_can_be_used_up_in_parts() {
    let (params, w, _) = model();
    let mut tape = Tape::new();
    one_pass(&mut tape, &params, w, 1);
    let expected = tape.gradient(&params, "w").expect("a gradient");
    tape.clear();
    one_pass(&mut tape, &params, w, 1);
    let mut found = vec![0.0; 256 * 256];
    let mut gradients = tape.param_gradients();
    gradients.use_up(w, &mut found[..], |gradient, found| found.copy_from_slice(gradient));
    assert!(found == *expected.as_slice());
    assert!(!gradients.waits(w) && !gradients.reached(w));
    assert_eq!(tape.gradient(&params, "w"), None);
    one_pass(&mut tape, &params, w, 1);
    assert!(tape.gradient(&params, "w") == Some(expected));
}

#[test]
#[should_panic(expected = "use_up: the gradient of parameter 0 does not wait")]
fn what_does_not_wait_is_not_used_up() {
    let (params, w, _) = model();
    let mut tape = Tape::new();
    tape.train(&params, 0).param(w).sum().backward();
    tape.param_gradients().use_up(w, 0..256 * 256, |_, _| ());
}
