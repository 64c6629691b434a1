//! What goes along with a run, and why a run ends.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use layerwise_autograd::{ParamId, Params, Tensor};
use layerwise_optim::{
    BeginView, Callback, EndView, Ended, EpochView, Halt, History, Progress, Sgd, SgdConfig, StepView,
    TrainError, Trainer,
};

/// Three epochs of two steps; the loss is the weight, from 1 on, so that a step takes 1 away from it.
fn descend(trainer: Trainer<'_>) -> (Result<History, TrainError>, f32) {
    let mut params = Params::new();
    let w: ParamId = params.root().parameter("weight", [1, 1], |w| w[0] = 1.0);
    let mut opt = Sgd::new(&params, SgdConfig { lr: 1.0, ..Default::default() });
    let trainer = trainer.batch_size(2).in_order().progress(Progress::Silent);
    let history = trainer.fit(&mut params, &mut opt, &Tensor::full([4, 1], 1.0), |pass, rows| {
        pass.input(rows).matmul(pass.param(w)).mean()
    });
    (history, params[w][0])
}

/// Writes down what it is told, and halts once.
#[derive(Default)]
struct Diary {
    lines: Vec<String>,
    halt: Option<(&'static str, Halt)>,
}

impl Diary {
    fn note(&mut self, line: String) -> ControlFlow<Halt> {
        self.lines.push(line);
        match self.halt.take_if(|(at, _)| self.lines.last().is_some_and(|line| line.starts_with(*at))) {
            Some((_, halt)) => ControlFlow::Break(halt),
            None => ControlFlow::Continue(()),
        }
    }
}

impl Callback for Diary {
    fn on_begin(&mut self, view: &BeginView<'_>) -> ControlFlow<Halt> {
        self.note(format!("begin {} {} {}", view.step, view.history.epochs.len(), view.params.flat()[0]))
    }
    fn on_step(&mut self, view: &StepView<'_>) -> ControlFlow<Halt> {
        let StepView { step, epoch, loss, examples, lr, params, .. } = view;
        self.note(format!("step {step} {epoch} {loss} {examples} {lr} {}", params.flat()[0]))
    }
    fn on_epoch(&mut self, view: &mut EpochView<'_>) -> ControlFlow<Halt> {
        let half = view.opt.lr() / 2.0;
        view.opt.set_lr(half);
        self.note(format!("epoch {} {} {}", view.step, view.record.loss, view.params.flat()[0]))
    }
    fn on_end(&mut self, view: &mut EndView<'_>) -> ControlFlow<Halt> {
        view.params.flat_mut().1[0] = 7.0;
        self.note(format!("end {} {} {:?}", view.step, view.history.epochs.len(), view.history.ended))
    }
}

#[test]
fn a_callback_is_told_of_everything_in_order() {
    let mut diary = Diary::default();
    let (history, weight) = descend(Trainer::new(2).callback(&mut diary));
    let expected = [
        "begin 0 0 1",
        "step 1 1 1 2 1 0",
        "step 2 1 0 2 1 -1",
        "epoch 2 0.5 -1",
        "step 3 2 -1 2 0.5 -1.5",
        "step 4 2 -1.5 2 0.5 -2",
        "epoch 4 -1.25 -2",
        "end 4 2 Finished",
    ];
    assert_eq!(diary.lines, expected);
    assert_eq!((history.unwrap().ended, weight), (Ended::Finished, 7.0));
}

#[test]
fn a_callback_ends_the_run_wherever_it_is_and_all_others_are_told() {
    let why = || Halt::End(Ended::Callback("enough".into()));
    for (at, lines, epochs) in [("begin", 2, 0), ("step 1", 3, 0), ("step 2", 4, 0), ("epoch 2", 5, 1)] {
        let mut first = Diary { halt: Some((at, why())), ..Diary::default() };
        let mut second = Diary { halt: Some((at, Halt::End(Ended::Stopped))), ..Diary::default() };
        let (history, _) = descend(Trainer::new(2).callback(&mut first).callback(&mut second));
        let history = history.unwrap();
        assert_eq!((first.lines.len(), second.lines.len()), (lines, lines), "{at}: {:?}", first.lines);
        assert_eq!((history.epochs.len(), history.ended), (epochs, Ended::Callback("enough".into())), "{at}");
    }
}

#[test]
fn a_callback_that_fails_is_an_error() {
    for (at, step) in [("begin", 0), ("step 3", 3), ("epoch 4", 4), ("end", 4)] {
        let halt = Some((at, Halt::Fail("the disk is full".into())));
        let (result, _) = descend(Trainer::new(2).callback(Diary { halt, ..Diary::default() }));
        let error = result.unwrap_err();
        assert_eq!(error, TrainError::Callback { step, message: "the disk is full".into() }, "{at}");
        assert_eq!(error.to_string(), format!("after step {step} of the run: the disk is full"));
    }
    assert_eq!(Halt::on_error(Ok::<(), String>(())), ControlFlow::Continue(()));
    assert_eq!(Halt::on_error(Err("x")), ControlFlow::Break(Halt::Fail("x".into())));
}

#[test]
fn a_flag_ends_the_run_after_the_current_step() {
    let flag = AtomicBool::new(false);
    // Raised in step 3, as a signal's handler would do at any time.
    let trainer = Trainer::new(3).every(3, |_| flag.store(true, Ordering::Relaxed)).stop_when(&flag);
    let (history, weight) = descend(trainer);
    let history = history.unwrap();
    assert_eq!((history.epochs.len(), history.ended, weight), (1, Ended::Stopped, -2.0));
}

#[test]
fn histories_of_all_times_are_read() {
    let old = r#"[{"epoch":1,"loss":0.5,"seconds":2.0,"metrics":{}}]"#;
    let history: History = serde_json::from_str(old).unwrap();
    assert_eq!((history.epochs.len(), &history.ended), (1, &Ended::Finished));
    for ended in [Ended::Finished, Ended::Stopped, Ended::Callback("x".into())] {
        let history = History { ended, ..history.clone() };
        let text = serde_json::to_string(&history).unwrap();
        assert!(text.starts_with(r#"{"epochs":[{"epoch":1,"#), "{text}");
        assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history);
    }
}
