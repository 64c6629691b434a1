//! Validation, early stopping, accumulated gradients, checked operations: on problems small enough to check by hand.

use layerwise_autograd::{ParamId, Params, Pass, Tensor, Var};
use layerwise_optim::{
    Adam, AdamConfig, Clip, EarlyStopping, Ended, Goal, History, Progress, Sgd, SgdConfig, TrainError,
    Trainer,
};
use layerwise_tensor::data::{Rows, Source};
use layerwise_tensor::threads;

/// A weight of 3 and a running statistic that follows it.
fn descent() -> (Params, ParamId, ParamId, Sgd) {
    let mut params = Params::new();
    let w = params.root().parameter("w", [1], |w| w[0] = 3.0);
    let seen = params.root().statistic("seen", [1], |_| ());
    let opt = Sgd::new(&params, SgdConfig { lr: 1.0, ..Default::default() });
    (params, w, seen, opt)
}

/// An epoch is a step, which takes 1 from the weight: 2, 1, 0, -1, .. after it.
fn descend(trainer: Trainer<'_>) -> (History, [f32; 2]) {
    let (mut params, w, seen, mut opt) = descent();
    let trainer = trainer.batch_size(4).progress(Progress::Silent);
    let history = trainer.fit(&mut params, &mut opt, &Tensor::zeros([4, 1]), |pass, _| {
        pass.report_statistic(seen, |seen| seen[0] += 1.0);
        pass.param(w).sum()
    });
    (history.expect("it descends"), [params[w][0], params[seen][0]])
}

fn early(goal: Goal, patience: u64, min_delta: f64) -> EarlyStopping {
    EarlyStopping { goal, patience, min_delta }
}

#[test]
fn the_run_ends_when_there_is_nothing_better_with_the_best_parameters_and_statistics() {
    // The measured values, what is watched for, epochs made, and the best epoch.
    for (values, config, made, best) in [
        (&[3.0, 2.0, 2.0, 2.5, 1.0, 1.0][..], early(Goal::Min, 2, 0.0), 4, 2),
        (&[3.0, 2.0, 2.0, 2.5, 1.0, 1.0], early(Goal::Min, 3, 0.0), 6, 5),
        (&[3.0, 2.5, 2.1, 1.9, 1.0, 0.5], early(Goal::Min, 3, 1.0), 6, 6),
        (&[3.0, 2.5, 2.1, 1.9, 1.0, 0.5], early(Goal::Min, 2, 2.0), 3, 1),
        (&[0.0, 0.5, 0.5, 0.4, 0.3, 0.9], early(Goal::Max, 2, 0.0), 4, 2),
        (&[f64::NAN, f64::NAN, 0.5, f64::NAN, 0.4, 0.9], early(Goal::Max, 3, 0.0), 6, 6),
    ] {
        let mut epoch = 0;
        let trainer = Trainer::new(6).metric("m", |_| {
            epoch += 1;
            values[epoch - 1]
        });
        let (history, state) = descend(trainer.early_stopping("m", config));
        assert_eq!(history.epochs.len(), made, "{values:?}, {config:?}");
        let ended = match made {
            6 => Ended::Finished,
            _ => Ended::Early { watched: "m".into(), best: values[best - 1], epoch: best },
        };
        assert_eq!(history.ended, ended);
        assert_eq!(state, [3.0 - best as f32, best as f32], "{values:?}, {config:?}");
    }
}

#[test]
fn without_a_number_there_is_no_best_epoch() {
    let trainer = Trainer::new(6).metric("m", |_| f64::NAN).early_stopping("m", early(Goal::Min, 2, 0.0));
    let (history, state) = descend(trainer);
    assert!(matches!(&history.ended, Ended::Early { epoch: 0, best, .. } if best.is_nan()), "{history:?}");
    assert_eq!(state, [1.0, 2.0]);
    // NaN has a form in JSON and comes back.
    let text = serde_json::to_string(&history).unwrap();
    assert!(text.contains(r#""metrics":{"m":"NaN"}"#), "{text}");
    let back: History = serde_json::from_str(&text).unwrap();
    assert!(back.last("m").unwrap().is_nan() && matches!(back.ended, Ended::Early { .. }));
    assert!(serde_json::from_str::<History>(&text.replace("NaN", "nan?")).is_err());
}

#[test]
fn the_validation_loss_is_the_mean_over_the_examples_in_evaluation_passes() {
    // 300 examples: two passes, 256 and 44.
    let data = Tensor::from_fn([300, 1], |i| if i < 256 { 1.0 } else { 3.0 });
    let (mut params, w, _, mut opt) = descent();
    let history = Trainer::new(1)
        .progress(Progress::Silent)
        .validate(&data, |pass, rows| pass.input(rows).dropout(0.5).mean() * pass.param(w).sum())
        .fit(&mut params, &mut opt, &Tensor::zeros([4, 1]), |pass, _| pass.param(w).sum())
        .unwrap();
    let expected = 2.0 * (256.0 + 3.0 * 44.0) / 300.0;
    assert!((history.last("val_loss").unwrap() - expected).abs() < 1e-6, "{history:?}");
}

#[test]
fn a_validation_split_is_kept_out_of_the_training() {
    let data = Tensor::from_fn([10, 1], |i| i as f32);
    let run = |seed, threads| {
        threads::run_on(threads, || {
            let (mut params, w, _, mut opt) = descent();
            opt = opt.freeze("w");
            let trainer = Trainer::new(3).batch_size(4).seed(seed).progress(Progress::Silent);
            trainer
                .validation_split(0.3)
                .fit(&mut params, &mut opt, &data, |pass, rows| pass.input(rows).mean() * pass.param(w).sum())
                .unwrap()
        })
    };
    let history = run(1, 1);
    for record in &history.epochs {
        let sum = (record.loss * 7.0 + record.metrics["val_loss"] * 3.0) / 3.0; // the weight is 3
        assert!((sum - 45.0).abs() < 1e-4, "{record:?}");
        assert!((record.loss - history.epochs[0].loss).abs() < 1e-5);
    }
    assert_eq!(run(1, 3).last("val_loss"), history.last("val_loss"));
    assert_ne!(run(2, 1).last("val_loss"), history.last("val_loss"));
}

/// `mean((tanh(x w) - 1)^2)`
fn loss<'p>(pass: &'p Pass<'p>, rows: &Rows<'_>, w: ParamId) -> Var<'p> {
    let x = pass.input(rows);
    (x.matmul(pass.param(w)).tanh() - 1.0).square().mean()
}

#[test]
fn accumulated_batches_are_one_large_batch() {
    let data = Tensor::from_fn([22, 3], |i| (i as f32 * 0.37).sin());
    let run = |batch_size, accumulate, clip: Option<Clip>| {
        let mut params = Params::new();
        let w = params.root().parameter("w", [3, 2], |w| {
            w.iter_mut().zip([0.5, -0.25, 1.0, 0.1, 0.2, -0.7]).for_each(|(w, x)| *w = x);
        });
        let mut opt = Adam::new(&params, AdamConfig { lr: 0.05, ..Default::default() });
        let mut steps = Vec::new();
        // Shuffled: the examples of a step are the same, also in later epochs.
        let mut trainer =
            Trainer::new(4).seed(5).batch_size(batch_size).accumulate(accumulate).progress(Progress::Silent);
        if let Some(clip) = clip {
            trainer = trainer.clip(clip);
        }
        let history = trainer
            .every(1, |view| steps.push((view.step, view.examples, view.loss)))
            .fit(&mut params, &mut opt, &data, |pass, rows| loss(pass, rows, w))
            .unwrap();
        (params[w].to_vec(), steps, history.epochs[3].loss)
    };
    for clip in [None, Some(Clip::GlobalNorm(0.01))] {
        let (weights, steps, epoch) = run(8, 1, clip);
        // Groups of 8, 8 and 6 examples; the last one is 4 and 2, or 3 and 3.
        for (batch_size, accumulate) in [(4, 2), (2, 4), (1, 8)] {
            let (other, other_steps, other_epoch) = run(batch_size, accumulate, clip);
            assert_eq!(other_steps.len(), 12);
            for ((a, examples, x), (b, same_examples, y)) in steps.iter().zip(&other_steps) {
                assert_eq!((a, examples), (b, same_examples));
                assert!((x - y).abs() <= 1e-5 * x.abs(), "step {a}: {x} and {y}");
            }
            for (x, y) in weights.iter().zip(&other) {
                assert!((x - y).abs() <= 1e-5 * x.abs(), "{weights:?} and {other:?}");
            }
            assert!((epoch - other_epoch).abs() <= 1e-5 * epoch);
        }
        // Without the weighting of the smaller batch in the last group, this one would differ.
        let (other, ..) = run(5, 2, clip);
        let (large, ..) = run(10, 1, clip);
        for (x, y) in large.iter().zip(&other) {
            assert!((x - y).abs() <= 1e-5 * x.abs(), "{large:?} and {other:?}");
        }
    }
    // As large as a number can be, and nothing overflows.
    assert_eq!(run(8, usize::MAX, None).1.len(), 4);
}

#[test]
fn checked_operations_name_the_first_that_is_not_finite() {
    let run = |trainer: Trainer<'_>, loss: for<'p> fn(Var<'p>) -> Var<'p>| {
        let (mut params, w, _, mut opt) = descent();
        params[w][0] = 0.0;
        let trainer = trainer.progress(Progress::Silent);
        let result =
            trainer.fit(&mut params, &mut opt, &Tensor::zeros([1, 1]), |pass, _| loss(pass.param(w)));
        (result.map(|_| ()), params[w][0])
    };
    let trainer = || Trainer::new(1);
    // 1 / (1 / 0) is 0: the loss is finite.
    let by_infinity: for<'p> fn(Var<'p>) -> Var<'p> = |w| (w.exp() / (w.exp() / w)).sum();
    assert!(run(trainer(), by_infinity).0.is_ok());
    let error = run(trainer().check_operations(), by_infinity).0.unwrap_err();
    let text =
        "div of shape [1] (operation 3 of the pass) has inf in epoch 1, step 1 of the run; the loss is 0";
    assert_eq!(error.to_string(), text);
    // The slope of the root is infinite at 0.
    let root: for<'p> fn(Var<'p>) -> Var<'p> = |w| (w * 2.0).sqrt().sum() + 3.0;
    let (error, weight) = run(trainer().check_operations(), root);
    let text = "the gradient of affine, from sqrt of shape [1] (operation 2 of the pass), has inf in epoch 1, step 1 of the \
                run; the loss is 3";
    assert_eq!((error.unwrap_err().to_string().as_str(), weight), (text, 0.0));
    assert!(run(trainer(), root).0.is_ok());
    // Nothing is wrong, and everything is as without the check.
    assert_eq!(run(trainer().check_operations(), |w| w.square().sum()), (Ok(()), 0.0));
    let root_without_check = run(trainer().steps(1), root).1;
    assert!(!root_without_check.is_finite());
}

#[test]
fn a_parameter_that_is_lost_is_found_at_its_next_use() {
    let (mut params, w, _, mut opt) = descent();
    params[w][0] = 0.0;
    let trainer = Trainer::new(2).progress(Progress::Silent);
    let result =
        trainer.fit(&mut params, &mut opt, &Tensor::zeros([1, 1]), |pass, _| pass.param(w).sqrt().sum());
    let TrainError::Diverged { step: 2, cause, .. } = result.unwrap_err() else { panic!() };
    assert_eq!(cause, "the parameter w of shape [1] (operation 0 of the pass) has -inf");
}

#[test]
fn histories_are_written_as_csv_and_json_lines() {
    let mut epoch = 0.0;
    let (mut history, _) = descend(Trainer::new(2).metric("a \"b\", c", |_| {
        epoch += 1.0;
        epoch / 2.0
    }));
    history.epochs.iter_mut().for_each(|record| record.seconds = 0.25);
    history.epochs[1].metrics.insert("x".into(), f64::NAN);
    let mut csv = Vec::new();
    history.write_csv(&mut csv).unwrap();
    let expected = "epoch,loss,lr,seconds,\"a \"\"b\"\", c\",x\n1,3,1,0.25,0.5,\n2,2,1,0.25,1,NaN\n";
    assert_eq!(String::from_utf8(csv).unwrap(), expected);
    let mut lines = Vec::new();
    history.write_json_lines(&mut lines).unwrap();
    let text = String::from_utf8(lines).unwrap();
    let back = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let back = History { epochs: back, ..History::default() };
    assert_eq!((format!("{back:?}"), back.epochs.len()), (format!("{history:?}"), 2));
}

#[test]
fn a_source_is_read_in_batches_of_the_given_size() {
    let sizes = std::sync::Mutex::new(Vec::new());
    let (mut params, w, _, mut opt) = descent();
    let trainer = Trainer::new(1).batch_size(3).accumulate(2).drop_last().progress(Progress::Silent);
    trainer
        .fit(&mut params, &mut opt, &Tensor::zeros([11, 1]), |pass, rows| {
            sizes.lock().expect("no test panics inside").push(rows.shape().len());
            pass.param(w).sum()
        })
        .unwrap();
    // Three whole batches; two of them are a step, and the third one.
    assert_eq!((sizes.into_inner().unwrap(), params[w][0]), (vec![3; 3], 1.0));
}

#[test]
#[should_panic(expected = "early stopping of \"val_loss\", which is not measured; there is \"loss\", \"m\"")]
fn what_is_watched_is_measured() {
    descend(Trainer::new(1).metric("m", |_| 0.0).early_stopping("val_loss", EarlyStopping::default()));
}

#[test]
#[should_panic(expected = "EarlyStopping: patience must be at least 1, found 0")]
fn patience_is_checked() {
    let _ = Trainer::new(1).early_stopping("loss", early(Goal::Min, 0, 0.0));
}

#[test]
#[should_panic(expected = "there is a metric \"val_loss\" already: validate with one set of examples")]
fn there_is_one_validation() {
    let _ = Trainer::new(1).metric("val_loss", |_| 0.0).validation_split(0.5);
}

#[test]
#[should_panic(expected = "the share of a validation split must be in (0, 1), found 0")]
fn a_split_has_two_parts() {
    let _ = Trainer::new(1).validation_split(0.0);
}

#[test]
#[should_panic(expected = "the number of batches in a step must be at least 1, found 0")]
fn a_step_has_a_batch() {
    let _ = Trainer::new(1).accumulate(0);
}
