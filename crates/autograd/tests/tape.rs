//! What the tape promises beyond single operations.

use layerwise_autograd::{Mode, ParamId, Params, Pass, Tape, Tensor, Var};

/// `w [2]` at (3, -1) and `b [2]` at (0.5, 2)
fn two() -> (Params, ParamId, ParamId) {
    let mut params = Params::new();
    let w = params.root().parameter("w", [2], |w| w.copy_from_slice(&[3.0, -1.0]));
    let b = params.root().parameter("b", [2], |b| b.copy_from_slice(&[0.5, 2.0]));
    (params, w, b)
}

fn gradient(tape: &Tape, params: &Params, name: &str) -> Option<Vec<f32>> {
    tape.gradient(params, name).map(|gradient| gradient.as_slice().to_vec())
}

#[test]
fn gradients_are_read_by_name_and_only_where_a_pass_has_been() {
    let (params, w, _) = two();
    let mut tape = Tape::new();
    tape.train(&params, 0).param(w).square().sum().backward();
    assert_eq!(gradient(&tape, &params, "w"), Some(vec![6.0, -2.0]));
    assert_eq!(gradient(&tape, &params, "b"), None);
    assert_eq!(gradient(&tape, &params, "c"), None);
}

#[test]
fn gradients_of_several_passes_add_up_until_they_are_cleared() {
    let (params, w, b) = two();
    let mut tape = Tape::new();
    tape.train(&params, 0).param(w).square().sum().backward();
    let pass = tape.train(&params, 1);
    (pass.param(w) * pass.param(b)).sum().backward();
    assert_eq!(gradient(&tape, &params, "w"), Some(vec![6.5, 0.0]));
    assert_eq!(gradient(&tape, &params, "b"), Some(vec![3.0, -1.0]));
    tape.clear();
    assert_eq!(gradient(&tape, &params, "w"), None);
    tape.train(&params, 2).param(w).sum().backward();
    assert_eq!(gradient(&tape, &params, "w"), Some(vec![1.0, 1.0]));
}

#[test]
fn a_pass_can_go_backward_more_than_once() {
    let (params, w, _) = two();
    let mut tape = Tape::new();
    let pass = tape.train(&params, 0);
    let x = pass.variable(&Tensor::from([1.0, 2.0]));
    let y = pass.param(w) * x;
    y.sum().backward();
    y.square().sum().backward();
    // Of the parameter: the sum of both; of the variable: the last.
    assert_eq!(x.gradient().unwrap().as_slice(), [2.0 * 9.0, 2.0 * 2.0]);
    assert_eq!(gradient(&tape, &params, "w"), Some(vec![1.0 + 2.0 * 3.0, 2.0 - 2.0 * 4.0]));
}

#[test]
fn a_parameter_read_twice_receives_both_gradients() {
    let (params, w, _) = two();
    let mut tape = Tape::new();
    let pass = tape.train(&params, 0);
    (pass.param(w) * pass.param(w)).sum().backward();
    assert_eq!(gradient(&tape, &params, "w"), Some(vec![6.0, -2.0]));
}

#[test]
fn detach_stops_the_gradient_and_keeps_the_value() {
    let (params, w, _) = two();
    let mut tape = Tape::new();
    let pass = tape.train(&params, 0);
    let y = pass.param(w).square();
    assert_eq!(y.detach().value(), y.value());
    (y.detach() * pass.param(w)).sum().backward();
    assert_eq!(gradient(&tape, &params, "w"), Some(vec![9.0, 1.0]));
}

#[test]
fn backward_with_weights_differentiates_the_weighted_sum() {
    let (params, w, _) = two();
    let mut tape = Tape::new();
    let pass = tape.train(&params, 0);
    pass.param(w).square().backward_with(&Tensor::from([0.5, 10.0]));
    assert_eq!(gradient(&tape, &params, "w"), Some(vec![3.0, -20.0]));
}

#[test]
fn the_mode_is_what_the_pass_was_begun_with_and_backward_works_in_both() {
    let (params, w, _) = two();
    let mut tape = Tape::new();
    assert_eq!(tape.train(&params, 0).mode(), Mode::Train);
    let pass = tape.eval(&params);
    assert_eq!(pass.mode(), Mode::Eval);
    pass.param(w).sum().backward();
    assert_eq!(gradient(&tape, &params, "w"), Some(vec![1.0, 1.0]));
}

#[test]
fn streams_depend_on_the_seed_and_on_their_number_in_the_pass() {
    let (params, ..) = two();
    let mut tape = Tape::new();
    let mut draw = |seed: u64| {
        let pass = tape.train(&params, seed);
        [pass.stream().uint(5), pass.stream().uint(5)]
    };
    let first = draw(1);
    assert_eq!(draw(1), first);
    assert_ne!(first[0], first[1]);
    assert_ne!(draw(2), first);
}

#[test]
fn passes_of_different_sizes_share_a_tape() {
    let (params, w, _) = two();
    let mut tape = Tape::new();
    for rows in [1, 7, 3, 0, 7] {
        let pass = tape.train(&params, 0);
        let x = pass.input(&Tensor::full([rows, 2], 2.0));
        (x * pass.param(w)).sum().backward();
        assert_eq!(gradient(&tape, &params, "w"), Some(vec![2.0 * rows as f32; 2]));
        tape.clear();
    }
}

#[test]
fn the_first_operation_that_is_not_finite_is_named() {
    let mut params = Params::new();
    let w = params.root().child("0").parameter("weight", [1, 2], |w| w.fill(1e30));
    let mut tape = Tape::new();
    let pass = tape.train(&params, 0);
    let x = pass.input(&Tensor::full([3, 2], 1e30));
    assert_eq!(pass.first_non_finite(), None);
    let y = x.linear(pass.param(w), None, Default::default());
    let _ = y.exp().mean();
    let expected = "linear (0.weight) of shape [3, 1] (operation 2 of the pass) has inf";
    assert_eq!(pass.first_non_finite().as_deref(), Some(expected));
    // A shorter pass has nothing of it.
    let pass = tape.eval(&params);
    pass.input(&Tensor::full([3, 2], 1.0));
    assert_eq!(pass.first_non_finite(), None);
}

#[test]
fn running_statistics_change_with_the_step_and_are_not_trained() {
    let mut params = Params::new();
    let mut root = params.root();
    let w = root.parameter("w", [2], |w| w.fill(1.0));
    let mean = root.statistic("running_mean", [2], |mean| mean.fill(10.0));
    let mut tape = Tape::new();
    let pass = tape.train(&params, 0);
    (pass.param(w) * pass.param(mean)).sum().backward();
    pass.report_statistic(mean, |mean| mean.iter_mut().for_each(|x| *x *= 0.5));
    // A second report before the step goes on from the first.
    pass.report_statistic(mean, |mean| mean[1] += 1.0);
    assert_eq!(gradient(&tape, &params, "running_mean"), None);
    assert_eq!(params[mean], [10.0, 10.0]);
    tape.finish_step(&mut params);
    assert_eq!(params[mean], [5.0, 6.0]);
    assert_eq!(gradient(&tape, &params, "w"), None);
    // What is cleared is not stored.
    tape.train(&params, 1).report_statistic(mean, |mean| mean.fill(0.0));
    tape.clear();
    tape.finish_step(&mut params);
    assert_eq!(params[mean], [5.0, 6.0]);
}

#[test]
#[should_panic(expected = "the parameter \"w\" is trained, it is no running statistic")]
fn a_trained_parameter_is_no_statistic() {
    let (params, w, _) = two();
    Tape::new().train(&params, 0).report_statistic(w, |_| ());
}

/// A closure type that a training loop takes.
fn run(params: &Params, f: impl for<'p> Fn(&'p Pass<'p>) -> Var<'p>) -> f32 {
    let mut tape = Tape::new();
    let pass = tape.eval(params);
    f(&pass).item()
}

#[test]
fn a_closure_may_return_what_it_made_in_the_pass() {
    let (params, w, _) = two();
    assert_eq!(run(&params, |pass| pass.param(w).sum()), 2.0);
}

#[test]
#[should_panic(
    expected = "backward of a value of shape [2]: a loss is a single number; reduce it with mean or sum"
)]
fn a_loss_is_a_single_number() {
    let (params, w, _) = two();
    Tape::new().train(&params, 0).param(w).backward();
}

#[test]
#[should_panic(expected = "backward of a value that depends on no parameter and no variable")]
fn a_constant_has_no_gradient() {
    Tape::new().train(&Params::new(), 0).scalar(1.0).backward();
}

#[test]
#[should_panic(expected = "add: the two values belong to passes over different tapes")]
fn values_of_two_tapes_do_not_mix() {
    let params = Params::new();
    let (mut one, mut other) = (Tape::new(), Tape::new());
    let (one, other) = (one.eval(&params), other.eval(&params));
    let _ = one.scalar(1.0) + other.scalar(1.0);
}

#[test]
#[should_panic(expected = "the tape holds gradients of other parameters (2 of them, now 0)")]
fn waiting_gradients_are_not_mixed_with_those_of_another_model() {
    let (params, w, _) = two();
    let mut tape = Tape::new();
    tape.train(&params, 0).param(w).sum().backward();
    tape.eval(&Params::new());
}
