//! What the trainer does around its steps, on problems small enough to check by hand.

use layerwise_autograd::{ParamId, Params, Tensor};
use layerwise_optim::{
    Adam, AdamConfig, Clip, Constraint, EpochRecord, History, Optimizer, PlateauConfig, Progress, Schedule,
    Sgd, SgdConfig, TrainError, Trainer,
};
use layerwise_tensor::{Rng, threads};

/// A weight `[1, 1]` of 1, and its optimizer with a learning rate of 1.
fn problem() -> (Params, ParamId, Sgd) {
    let mut params = Params::new();
    let w = params.root().parameter("weight", [1, 1], |w| w[0] = 1.0);
    let opt = Sgd::new(&params, SgdConfig { lr: 1.0, ..Default::default() });
    (params, w, opt)
}

/// Trains on four examples of 1 in batches of two; the loss is the weight, so that a step takes the learning rate away from it.
fn descend(
    trainer: Trainer<'_>,
    params: &mut Params,
    w: ParamId,
    opt: &mut (dyn Optimizer + Send),
) -> History {
    let data = Tensor::full([4, 1], 1.0);
    let trainer = trainer.batch_size(2).in_order().progress(Progress::Silent);
    trainer
        .fit(params, opt, &data, |pass, rows| pass.input(rows).matmul(pass.param(w)).mean())
        .expect("it descends")
}

/// The weights after each step, and the learning rates at the end of each epoch.
fn course(trainer: Trainer<'_>) -> (Vec<f32>, Vec<f32>) {
    let (mut params, w, mut opt) = problem();
    let mut weights = Vec::new();
    let trainer = trainer.every(1, |view| weights.push(view.params[w][0]));
    let history = descend(trainer, &mut params, w, &mut opt);
    (weights, history.epochs.iter().map(|epoch| epoch.lr).collect())
}

#[test]
fn a_schedule_sets_the_learning_rate_before_each_step() {
    let (weights, lrs) = course(Trainer::new(3).lr_schedule(Schedule::multi_step(0.5, [1, 3, 4], 0.5)));
    // 0.5, 0.25, 0.25, 0.125, 0.0625, 0.0625
    assert_eq!(weights, [0.5, 0.25, 0.0, -0.125, -0.1875, -0.25]);
    assert_eq!(lrs, [0.25, 0.125, 0.0625]);
}

#[test]
fn a_schedule_sets_the_momentum_before_each_step() {
    let mut params = Params::new();
    let w = params.root().parameter("weight", [1, 1], |_| ());
    let mut opt = Sgd::new(&params, SgdConfig::with_momentum(1.0, 0.9));
    let trainer = Trainer::new(2).momentum_schedule(Schedule::linear(0.25, 0.75, 2));
    descend(trainer, &mut params, w, &mut opt);
    // Velocities: 1, 1 + 0.5 * 1, 1 + 0.75 * 1.5, 1 + 0.75 * 2.125.
    assert_eq!(params[w][0], -(1.0 + 1.5 + 2.125 + 2.59375));
    assert_eq!(opt.momentum(), Some(0.75));

    let mut opt = Adam::new(&params, AdamConfig::default());
    descend(Trainer::new(1).momentum_schedule(Schedule::constant(0.5)), &mut params, w, &mut opt);
    assert_eq!(opt.config().betas, (0.5, 0.999));
}

#[test]
fn a_plateau_reduces_the_learning_rate_after_an_epoch() {
    let config = PlateauConfig { patience: 1, factor: 0.25, ..Default::default() };
    // The loss goes down by two steps in an epoch: never a plateau.
    let (_, lrs) = course(Trainer::new(4).reduce_on_plateau("loss", config));
    assert_eq!(lrs, [1.0; 4]);
    let (weights, lrs) = course(Trainer::new(5).metric("flat", |_| 2.0).reduce_on_plateau("flat", config));
    // The first is the best; after the third, the fourth epoch has the lower rate.
    assert_eq!(lrs, [1.0, 1.0, 1.0, 0.25, 0.25]);
    assert_eq!(weights[9], 1.0 - 6.0 - 1.0);
}

#[test]
fn gradients_are_clipped_before_each_step() {
    let (by_value, _) = course(Trainer::new(1).clip(Clip::Value(0.25)));
    assert_eq!(by_value, [0.75, 0.5]);
    let (by_norm, _) = course(Trainer::new(1).clip(Clip::GlobalNorm(0.25)));
    assert!((by_norm[0] - 0.75).abs() < 1e-6 && (by_norm[1] - 0.5).abs() < 1e-6, "{by_norm:?}");
}

#[test]
fn constraints_hold_after_every_step_in_their_order() {
    let trainer = Trainer::new(2)
        .constraint("weight", Constraint::MaxNorm(0.75))
        .constraint("*", Constraint::MaxNorm(0.5));
    // 1 - 1, 0 - 1, -0.5 - 1, ..
    assert_eq!(course(trainer).0, [0.0, -0.5, -0.5, -0.5]);
    assert_eq!(course(Trainer::new(1).constraint("*", Constraint::NonNegative)).0, [0.0, 0.0]);
}

#[test]
fn a_run_can_end_within_an_epoch() {
    for (steps, epochs, made) in [(1, 1, 1), (2, 1, 2), (3, 2, 3), (100, 3, 6)] {
        let (mut params, w, mut opt) = problem();
        let trainer = Trainer::new(3).steps(steps).metric("weight", |params| params[w][0].into());
        let history = descend(trainer, &mut params, w, &mut opt);
        assert_eq!((history.epochs.len(), params[w][0]), (epochs, 1.0 - made as f32), "{steps} steps");
        assert_eq!(history.last("weight"), Some(1.0 - f64::from(made)));
    }
    // The mean over what the last epoch has seen: one batch of loss -1.
    let (mut params, w, mut opt) = problem();
    assert_eq!(descend(Trainer::new(2).steps(3), &mut params, w, &mut opt).epochs[1].loss, -1.0);
}

#[test]
fn looks_show_the_step_the_loss_since_the_last_one_and_the_parameters() {
    let (mut params, w, mut opt) = problem();
    let (mut seen, mut others) = (Vec::new(), 0);
    let trainer = Trainer::new(3)
        .every(4, |view| seen.push((view.step, view.loss, view.params[w][0])))
        .every(3, |_| others += 1);
    descend(trainer, &mut params, w, &mut opt);
    // The losses are 1, 0, -1, -2, ..
    assert_eq!((seen, others), (vec![(4, -0.5, -3.0)], 2));
}

#[test]
fn the_mean_of_a_look_is_over_examples() {
    let mut params = Params::new();
    let w = params.root().parameter("weight", [1, 1], |w| w[0] = 1.0);
    let mut opt = Sgd::new(&params, SgdConfig { lr: 0.0, ..Default::default() });
    let mut losses = Vec::new();
    Trainer::new(1)
        .batch_size(2)
        .in_order()
        .progress(Progress::Silent)
        .every(2, |view| losses.push(view.loss))
        .fit(&mut params, &mut opt, &Tensor::from_fn([3, 1], |i| i as f32), |pass, rows| {
            pass.input(rows).matmul(pass.param(w)).mean()
        })
        .unwrap();
    assert_eq!(losses, [1.0]); // (0 + 1 + 2) / 3, not (0.5 + 2) / 2
}

#[test]
fn an_optimizer_chosen_at_run_time_is_trained_with() {
    for adaptive in [false, true] {
        let (mut params, w, sgd) = problem();
        let mut opt: Box<dyn Optimizer + Send> = match adaptive {
            true => Box::new(Adam::new(&params, AdamConfig { lr: 1.0, ..Default::default() })),
            false => Box::new(sgd),
        };
        descend(Trainer::new(1), &mut params, w, &mut *opt);
        assert!((params[w][0] + 1.0).abs() < 1e-5);
    }
}

#[test]
fn gradients_that_are_not_finite_end_the_run_before_the_step() {
    let (mut params, w, mut opt) = problem();
    let trainer = Trainer::new(1).progress(Progress::Silent).clip(Clip::GlobalNorm(1.0));
    // The root of 0 is 0, and its slope is infinite.
    let error = trainer.fit(&mut params, &mut opt, &Tensor::zeros([1, 1]), |pass, rows| {
        (pass.param(w) * pass.input(rows)).sqrt().sum() + 3.0
    });
    let error = error.unwrap_err();
    assert!(matches!(error, TrainError::Gradients { epoch: 1, step: 1, loss: 3.0, .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "the norm of the gradients is NaN in epoch 1, step 1 of the run; the loss is 3"
    );
    assert_eq!(params[w], [1.0]);
}

#[test]
fn the_result_has_the_same_bits_on_any_number_of_threads() {
    let run = |count| {
        threads::run_on(count, || {
            let mut params = Params::new();
            let mut root = params.root();
            let rng = Rng::seed(1);
            let a = root.parameter("a.weight", [300, 200], |w| rng.stream(0).fill_uniform(0, w, -0.1, 0.1));
            let b = root.parameter("b.weight", [200, 300], |w| rng.stream(1).fill_uniform(0, w, -0.1, 0.1));
            let mut opt = Sgd::new(&params, SgdConfig::with_momentum(0.1, 0.9));
            let data = Tensor::from_fn([64, 200], |i| (i as f32 * 0.11).sin());
            let history = Trainer::new(5)
                .progress(Progress::Silent)
                .lr_schedule(Schedule::linear(0.0, 2.0, 3).then(Schedule::cosine(2.0, 0.1, 7)))
                .momentum_schedule(Schedule::linear(0.95, 0.85, 3))
                .clip(Clip::GlobalNorm(0.01))
                .constraint("*.weight", Constraint::MaxNorm(0.8))
                .fit(&mut params, &mut opt, &data, |pass, rows| {
                    let x = pass.input(rows);
                    let hidden = x.matmul(pass.param(a).transpose()).tanh();
                    hidden.matmul(pass.param(b).transpose()).mse(x)
                })
                .unwrap();
            (params.flat().to_vec(), history.epochs.iter().map(|epoch| epoch.loss).collect::<Vec<_>>())
        })
    };
    let one = run(1);
    assert!(one.1[4] < 0.9 * one.1[0], "{:?}", one.1);
    for count in [2, 3, 4] {
        assert_eq!(run(count), one, "{count} threads");
    }
}

#[test]
fn a_history_without_learning_rates_is_still_read() {
    let text = r#"[{"epoch":1,"loss":0.5,"seconds":2.0,"metrics":{}}]"#;
    let expected = EpochRecord { epoch: 1, loss: 0.5, lr: 0.0, seconds: 2.0, metrics: Default::default() };
    assert_eq!(serde_json::from_str::<History>(text).unwrap().epochs, [expected]);
}

#[test]
#[should_panic(expected = "the number of steps must be at least 1, found 0")]
fn a_run_has_a_step() {
    let _ = Trainer::new(1).steps(0);
}

#[test]
#[should_panic(expected = "the number of steps between two calls must be at least 1, found 0")]
fn looks_are_steps_apart() {
    let _ = Trainer::new(1).every(0, |_| ());
}

#[test]
#[should_panic(expected = "the learning rate follows a schedule or is reduced on plateaus, not both")]
fn the_learning_rate_has_one_master() {
    let _ = Trainer::new(1)
        .reduce_on_plateau("loss", PlateauConfig::default())
        .lr_schedule(Schedule::constant(0.1));
}

#[test]
#[should_panic(expected = "Schedule: period must be at least 1, found 0")]
fn a_schedule_from_a_file_is_checked() {
    let read = r#"{"warm_restarts":{"start":0.1,"end":0.0,"period":0,"growth":2}}"#;
    let _ = Trainer::new(1).lr_schedule(serde_json::from_str(read).unwrap());
}

#[test]
#[should_panic(expected = "GlobalNorm(-1.0): max_norm must be finite and at least 0, found -1")]
fn a_norm_to_clip_to_is_not_negative() {
    let _ = Trainer::new(1).clip(Clip::GlobalNorm(-1.0));
}

#[test]
#[should_panic(expected = "a plateau of \"accuracy\", which is not measured; there is \"loss\", \"weight\"")]
fn a_plateau_watches_what_is_measured() {
    course(Trainer::new(1).metric("weight", |_| 0.0).reduce_on_plateau("accuracy", PlateauConfig::default()));
}

#[test]
#[should_panic(
    expected = "MaxNorm(3.0): no trainable parameter of two or more dimensions matches \"*.weight\"; the parameters \
                           are weight"
)]
fn a_constraint_matches_a_parameter() {
    course(Trainer::new(1).constraint("*.weight", Constraint::MaxNorm(3.0)));
}
