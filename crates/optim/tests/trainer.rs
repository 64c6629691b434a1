//! The training loop on problems small enough to check by hand.

use std::sync::Mutex;

use layerwise_autograd::{ParamGradients, ParamId, Params, Tensor};
use layerwise_optim::{
    History, Optimizer, OptimizerState, Progress, Sgd, SgdConfig, StateError, TrainError, Trainer,
};
use layerwise_tensor::data::{Dataset, Source};

/// An optimizer that only counts.
#[derive(Default)]
struct Counting {
    steps: usize,
}

impl Optimizer for Counting {
    fn update(&mut self, _params: &mut Params, _gradients: &mut ParamGradients<'_>) {
        self.steps += 1;
    }
    fn lr(&self) -> f32 {
        0.0
    }
    fn set_lr(&mut self, _lr: f32) {}
    fn momentum(&self) -> Option<f32> {
        None
    }
    fn set_momentum(&mut self, _momentum: f32) {}
    fn state(&self) -> OptimizerState {
        unreachable!("nobody saves it")
    }
    fn load_state(&mut self, _state: &OptimizerState) -> Result<(), StateError> {
        unreachable!("nobody restores it")
    }
}

fn weight() -> (Params, ParamId) {
    let mut params = Params::new();
    let w = params.root().parameter("w", [1, 1], |w| w[0] = 1.0);
    (params, w)
}

/// `n` examples with the values 0, 1, 2, ..
fn examples(n: usize) -> Tensor {
    Tensor::from_fn([n, 1], |i| i as f32)
}

/// The batches a trainer forms, as lists of examples, and its result.
fn batches(trainer: Trainer<'_>, n: usize) -> (Vec<Vec<f32>>, Result<History, TrainError>, usize) {
    let (mut params, w) = weight();
    let mut opt = Counting::default();
    let seen = Mutex::new(Vec::new());
    let result = trainer.progress(Progress::Silent).fit(&mut params, &mut opt, &examples(n), |pass, rows| {
        let mut batch = vec![0.0; rows.shape().len()];
        rows.write_to(&mut batch);
        seen.lock().expect("no test panics inside").push(batch);
        pass.input(rows).matmul(pass.param(w)).mean()
    });
    (seen.into_inner().expect("no test panics inside"), result, opt.steps)
}

#[test]
fn every_example_is_seen_once_per_epoch_in_another_order_each_time() {
    let (batches, history, steps) = batches(Trainer::new(2).batch_size(4).seed(5), 10);
    assert_eq!((batches.len(), steps), (6, 6));
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2, 4, 4, 2]);
    let epoch = |i: usize| batches[3 * i..3 * i + 3].concat();
    for i in 0..2 {
        let mut sorted = epoch(i);
        sorted.sort_by(f32::total_cmp);
        assert_eq!(sorted, examples(10).as_slice());
    }
    assert_ne!(epoch(0), epoch(1));
    assert_ne!(epoch(0), examples(10).as_slice());
    // The mean over the examples, not over the batches.
    for record in history.unwrap().epochs {
        assert!((record.loss - 4.5).abs() < 1e-6, "{}", record.loss);
    }
}

#[test]
fn a_seed_decides_the_order() {
    let order = |seed| batches(Trainer::new(1).batch_size(3).seed(seed), 10).0;
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
    let in_order = batches(Trainer::new(1).batch_size(3).in_order(), 10).0.concat();
    assert_eq!(in_order, examples(10).as_slice());
}

#[test]
fn the_last_smaller_batch_can_be_dropped() {
    let (batches, history, _) = batches(Trainer::new(1).batch_size(4).in_order().drop_last(), 10);
    assert_eq!(batches.concat(), examples(8).as_slice());
    assert_eq!(history.unwrap().epochs[0].loss, 3.5);
}

#[test]
fn nothing_to_train_on_is_an_error() {
    let none = batches(Trainer::new(1), 0).1.unwrap_err();
    assert_eq!((none.to_string().as_str(), none), ("the data set has no examples", TrainError::NoExamples));
    let few = batches(Trainer::new(1).batch_size(8).drop_last(), 7).1.unwrap_err();
    let text = "the data set has 7 examples, fewer than a batch of 8, and smaller batches are dropped";
    assert_eq!(few.to_string(), text);
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run_before_the_step() {
    let (mut params, w) = weight();
    let mut opt = Sgd::new(&params, SgdConfig { lr: 1.0, ..Default::default() });
    let trainer = Trainer::new(3).batch_size(2).in_order().progress(Progress::Silent);
    // Every step multiplies the weight by -1e20 or so: finite after one, not after two.
    let error = trainer.fit(&mut params, &mut opt, &examples(4), |pass, rows| {
        let y = pass.input(rows).matmul(pass.param(w)) * 1e10;
        y.square().sum()
    });
    let error = error.unwrap_err();
    let TrainError::Diverged { epoch, step, loss, cause } = &error else { panic!("{error}") };
    assert_eq!((*epoch, *step, *loss), (1, 2, f32::INFINITY));
    assert_eq!(cause, "square of shape [2, 1] (operation 4 of the pass) has inf");
    let text = "the loss is inf in epoch 1, step 2 of the run; square of shape [2, 1] (operation 4 of the pass) has inf";
    assert_eq!(error.to_string(), text);
    assert!(params[w][0].is_finite());
}

#[test]
fn metrics_are_measured_after_every_epoch_and_the_history_is_data() {
    let (mut params, w) = weight();
    let mut opt = Sgd::new(&params, SgdConfig { lr: 0.5, ..Default::default() });
    let mut calls = 0.0;
    let data = Tensor::full([4, 1], 1.0);
    assert_eq!(Dataset::len(&data), 4);
    let history = Trainer::new(2)
        .batch_size(4)
        .progress(Progress::Silent)
        .metric("w", |params| f64::from(params[w][0]))
        .metric("calls", |_| {
            calls += 1.0;
            calls
        })
        .fit(&mut params, &mut opt, &data, |pass, rows| pass.input(rows).matmul(pass.param(w)).mean())
        .unwrap();
    assert_eq!((history.epochs[0].metrics["w"], history.epochs[1].metrics["w"]), (0.5, 0.0));
    assert_eq!(
        (history.last("calls"), history.last("w"), history.last("other")),
        (Some(2.0), Some(0.0), None)
    );
    let text = serde_json::to_string(&history).unwrap();
    assert!(text.starts_with(r#"{"epochs":[{"epoch":1,"loss":1.0,"lr":0.5,"seconds":"#), "{text}");
    assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history);
}

#[test]
#[should_panic(expected = "the batch size must be at least 1, found 0")]
fn a_batch_has_an_example() {
    let _ = Trainer::new(1).batch_size(0);
}
