//! Runs that are interrupted and go on: with the same bits, or not at all.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use layerwise_autograd::{ParamId, Params, Pass, Tensor, Var};
use layerwise_optim::{
    AdamConfig, Checkpoint, CheckpointError, Checkpoints, Clip, Constraint, EarlyStopping, Ended, Goal,
    History, JsonLines, LookaheadConfig, Optimizer, OptimizerConfig, PlateauConfig, Problem, Progress,
    Schedule, SgdConfig, StepView, TrainError, Trainer,
};
use layerwise_tensor::data::Rows;
use tempfile::TempDir;

/// A small network with dropout and a running statistic.
struct Model {
    params: Params,
    ids: [ParamId; 3],
    statistic: ParamId,
}

impl Model {
    fn new() -> Self {
        let mut params = Params::new();
        let mut root = params.root();
        let fill = |w: &mut [f32]| w.iter_mut().enumerate().for_each(|(i, w)| *w = (i as f32 * 1.7).sin());
        let hidden = root.parameter("hidden", [3, 5], fill);
        let statistic = root.statistic("scale", [1], |scale| scale[0] = 1.0);
        let out = root.parameter("out", [5, 1], fill);
        let bias = root.parameter("bias", [1], |_| ());
        Model { params, ids: [hidden, out, bias], statistic }
    }

    fn loss<'p>(&self, pass: &'p Pass<'p>, rows: &Rows<'_>) -> Var<'p> {
        loss(self.ids, self.statistic, pass, rows)
    }

    fn bits(&self) -> Vec<u32> {
        self.params.flat().iter().map(|x| x.to_bits()).collect()
    }
}

fn loss<'p>(
    [hidden, out, bias]: [ParamId; 3],
    statistic: ParamId,
    pass: &'p Pass<'p>,
    rows: &Rows<'_>,
) -> Var<'p> {
    let x = pass.input(rows);
    let h = x.matmul(pass.param(hidden)).tanh().dropout(0.25);
    let seen = h.with_value(|h| h.iter().map(|h| h.abs()).sum::<f32>());
    if pass.mode() == layerwise_autograd::Mode::Train {
        pass.report_statistic(statistic, |scale| scale[0] = 0.9 * scale[0] + 0.1 * seen);
    }
    let y = h.matmul(pass.param(out)) + pass.param(bias);
    (y - 0.5).square().mean()
}

fn data() -> Tensor {
    Tensor::from_fn([23, 3], |i| (i as f32 * 0.61).cos())
}

/// The state of a run: all bits of the model and the optimizer, and the history without seconds.
type Outcome = (Vec<u32>, String, History);

fn outcome(model: &Model, opt: &dyn Optimizer, mut history: History) -> Outcome {
    history.epochs.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
    let state = opt.state();
    let slots = state.parameters.iter().flat_map(|p| p.slots.values().flatten()).map(|x| x.to_bits());
    let slots = slots.collect::<Vec<_>>();
    (model.bits(), format!("{state:?} {slots:?}"), history)
}

/// One way to train.
struct Case {
    rule: OptimizerConfig,
    set: fn(Trainer<'static>) -> Trainer<'static>,
}

impl Case {
    /// Trains from the beginning or from a checkpoint, and stops after `stop` steps of this process.
    fn run(&self, folder: Option<&Path>, stop: u64) -> Outcome {
        let mut model = Model::new();
        let mut opt = self.rule.build(&model.params);
        let mut trainer = (self.set)(Trainer::new(4).batch_size(4).seed(3).progress(Progress::Silent));
        if let Some(folder) = folder {
            trainer = trainer.checkpoints(Checkpoints::new(folder).resume());
        }
        let (flag, mut made) = (AtomicBool::new(false), 0);
        let (data, ids, statistic) = (data(), model.ids, model.statistic);
        let counter = |_: &StepView<'_>| {
            made += 1;
            flag.store(made == stop, Ordering::Relaxed);
        };
        // Its state does not matter: it is called in every step.
        let trainer = trainer.every(1, counter).stop_when(&flag);
        let history = trainer
            .fit(&mut model.params, &mut opt, &data, |pass, rows| loss(ids, statistic, pass, rows))
            .expect("it works");
        outcome(&model, &*opt, history)
    }

    /// That a run stopped after any step, and one that is stopped again and again, ends like one that is not.
    fn check(&self, steps: impl Iterator<Item = u64>, name: &str) {
        let expected = self.run(None, u64::MAX);
        for stop in steps {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let stopped = self.run(Some(folder.path()), stop);
            assert_eq!(stopped.2.ended, Ended::Stopped, "{name}, step {stop}");
            assert_eq!(
                self.run(Some(folder.path()), u64::MAX),
                expected,
                "{name}, stopped after step {stop}"
            );
            // It is complete: nothing is left to do, and its parameters are still there.
            let again = self.run(Some(folder.path()), u64::MAX);
            assert_eq!(again.0, expected.0, "{name}, resumed when it was complete");
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut last = self.run(Some(folder.path()), 1);
        while last.2.ended == Ended::Stopped {
            last = self.run(Some(folder.path()), 1);
        }
        assert_eq!(last, expected, "{name}, stopped after every step");
    }
}

fn adam() -> OptimizerConfig {
    AdamConfig { lr: 0.05, ..Default::default() }.into()
}

#[test]
fn a_run_with_everything_on_goes_on_from_any_step() {
    let set: fn(Trainer<'static>) -> Trainer<'static> = |trainer| {
        trainer
            .accumulate(2)
            .validation_split(0.2)
            .momentum_schedule(Schedule::linear(0.8, 0.9, 9))
            .clip(Clip::GlobalNorm(0.5))
            .constraint("hidden", Constraint::MaxNorm(2.0))
            .reduce_on_plateau("val_loss", PlateauConfig { patience: 0, factor: 0.5, ..Default::default() })
            .early_stopping("val_loss", EarlyStopping { patience: 1, ..Default::default() })
            .every(4, |_| ())
    };
    // Three steps in an epoch, and an early end after some epochs.
    Case { rule: adam(), set }.check(1..=4, "everything");
    // The same without the early end.
    let set: fn(Trainer<'static>) -> Trainer<'static> = |trainer| {
        trainer.early_stopping("loss", EarlyStopping { goal: Goal::Max, patience: 100, ..Default::default() })
    };
    Case { rule: adam(), set }.check([1, 5, 6, 7, 12, 23, 24].into_iter(), "the best epoch is the first");
}

#[test]
fn every_rule_goes_on() {
    let lookahead = |inner: OptimizerConfig| OptimizerConfig::Lookahead {
        config: LookaheadConfig { k: 4, alpha: 0.5 },
        inner: Box::new(inner),
    };
    for rule in [
        SgdConfig { lr: 0.1, ..Default::default() }.into(),
        SgdConfig::with_momentum(0.1, 0.9).into(),
        OptimizerConfig::Adagrad(Default::default()),
        OptimizerConfig::RmsProp(Default::default()),
        OptimizerConfig::Adadelta(Default::default()),
        OptimizerConfig::Adam(AdamConfig { amsgrad: true, ..Default::default() }),
        OptimizerConfig::AdamW(Default::default()),
        OptimizerConfig::RAdam(Default::default()),
        OptimizerConfig::NAdam(Default::default()),
        OptimizerConfig::Adamax(Default::default()),
        OptimizerConfig::Lion(Default::default()),
        OptimizerConfig::Lamb(Default::default()),
        lookahead(adam()),
        lookahead(SgdConfig::with_momentum(0.1, 0.9).into()),
    ] {
        let name = format!("{rule:?}");
        let set: fn(Trainer<'static>) -> Trainer<'static> =
            |trainer| trainer.lr_schedule(Schedule::cosine(0.05, 0.0, 24));
        Case { rule, set }.check([2, 13].into_iter(), &name);
    }
}

/// A run of eight steps in two epochs, with a checkpoint after every step.
fn run(
    folder: &Path,
    set: impl FnOnce(Trainer<'_>, Checkpoints) -> Trainer<'_>,
) -> (Result<History, TrainError>, Model) {
    let mut model = Model::new();
    let mut opt = adam().build(&model.params);
    let checkpoints = Checkpoints::new(folder).every_steps(1).resume();
    let trainer = set(Trainer::new(2).batch_size(6).seed(1).progress(Progress::Silent), checkpoints);
    let (ids, statistic) = (model.ids, model.statistic);
    let result =
        trainer.fit(&mut model.params, &mut opt, &data(), |pass, rows| loss(ids, statistic, pass, rows));
    (result, model)
}

fn complete() -> (TempDir, Vec<u32>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (history, model) = run(folder.path(), |trainer, checkpoints| trainer.checkpoints(checkpoints));
    assert_eq!(history.expect("it works").epochs.len(), 2);
    (folder, model.bits())
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder)
        .expect("it works")
        .map(|entry| entry.expect("it works").file_name().into_string().expect("it works"));
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn the_last_ones_are_kept() {
    let (folder, _) = complete();
    assert_eq!(names(folder.path()), [6, 7, 8].map(|step| format!("step-{step:010}.checkpoint")));
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), |trainer, checkpoints| trainer.checkpoints(checkpoints.keep(1))).0.unwrap();
    assert_eq!(names(folder.path()), ["step-0000000008.checkpoint"]);
    // Without steps, one after each epoch.
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), |trainer, _| trainer.checkpoints(Checkpoints::new(folder.path()))).0.unwrap();
    assert_eq!(names(folder.path()), [4, 8].map(|step| format!("step-{step:010}.checkpoint")));
}

#[test]
fn what_is_damaged_is_passed_over_and_said() {
    for damage in ["cut", "flipped", "empty", "other"] {
        let (folder, bits) = complete();
        let newest = folder.path().join("step-0000000008.checkpoint");
        let mut bytes = fs::read(&newest).unwrap();
        match damage {
            "cut" => bytes.truncate(bytes.len() - 1),
            "flipped" => *bytes.last_mut().unwrap() ^= 4,
            "empty" => bytes.clear(),
            _ => bytes = b"something else".to_vec(),
        }
        fs::write(&newest, bytes).unwrap();
        let left = folder.path().join(".step-0000000009.checkpoint.12345.tmp");
        fs::write(&left, "half a check").unwrap();
        let (history, model) = run(folder.path(), |trainer, checkpoints| trainer.checkpoints(checkpoints));
        let warnings = history.unwrap().warnings;
        assert_eq!(warnings.len(), 1, "{damage}");
        assert!(warnings[0].starts_with(newest.to_str().unwrap()), "{warnings:?}");
        assert!(
            warnings[0].contains("; an earlier checkpoint serves instead, this one is put aside"),
            "{warnings:?}"
        );
        assert_eq!(model.bits(), bits, "{damage}");
        assert!(!left.exists());
        assert!(names(folder.path()).contains(&"step-0000000008.checkpoint.damaged".to_owned()));
        // The warning stays with the run.
        assert_eq!(Checkpoint::latest(folder.path()).unwrap().unwrap().history().warnings, warnings);
    }
}

#[test]
fn where_nothing_is_whole_the_newest_is_named() {
    let (folder, _) = complete();
    for name in names(folder.path()) {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let error = run(folder.path(), |trainer, checkpoints| trainer.checkpoints(checkpoints)).0.unwrap_err();
    let path = folder.path().join("step-0000000008.checkpoint");
    assert_eq!(error.to_string(), format!("{}: it has 0 bytes, expected 40", path.display()));
}

/// The problem that a run meets which is set up in another way.
fn problem(folder: &Path, set: impl FnOnce(Trainer<'_>, Checkpoints) -> Trainer<'_>) -> String {
    let (result, model) = run(folder, set);
    assert_eq!(model.bits(), Model::new().bits(), "nothing has been changed");
    let TrainError::Checkpoint(CheckpointError { path, problem }) = result.expect_err("it is refused") else {
        panic!()
    };
    assert!(path.starts_with(folder));
    problem.to_string()
}

#[test]
fn a_run_that_is_set_up_in_another_way_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = [("width", 5)];
    run(folder.path(), |trainer, checkpoints| trainer.checkpoints(checkpoints.config(&config))).0.unwrap();
    let checkpoint = Checkpoint::latest(folder.path()).unwrap().unwrap();
    assert_eq!(checkpoint.config::<Vec<(String, i32)>>().unwrap(), [("width".to_owned(), 5)]);
    type Set = fn(Trainer<'_>, Checkpoints) -> Trainer<'_>;
    let cases: [(Set, &str); 8] = [
        (|t, c| t.seed(2).checkpoints(c), "it was saved with seed 1, this run has 2"),
        (|t, c| t.batch_size(7).checkpoints(c), "it was saved with batch_size 6, this run has 7"),
        (|t, c| t.accumulate(2).checkpoints(c), "it was saved with accumulate 1, this run has 2"),
        (|t, c| t.in_order().checkpoints(c), "it was saved with shuffle true, this run has false"),
        (
            |t, c| t.clip(Clip::Value(0.5)).checkpoints(c),
            r#"it was saved with clip null, this run has {"value":0.5}"#,
        ),
        (
            |t, c| t.lr_schedule(Schedule::constant(0.5)).checkpoints(c),
            r#"it was saved with lr_schedule null, this run has {"constant":0.5}"#,
        ),
        (
            |t, c| t.checkpoints(c.config(&[("width", 6)])),
            r#"it was saved with config [["width",5]], this run has [["width",6]]"#,
        ),
        (
            |t, c| t.every(7, |_| ()).checkpoints(c.config(&[("width", 5)])),
            r#"it was saved with the callbacks [], this run has ["every 7 steps"]"#,
        ),
    ];
    for (set, text) in cases {
        assert_eq!(problem(folder.path(), set), text);
    }
    let occupied = problem(folder.path(), |t, _| t.checkpoints(Checkpoints::new(folder.path())));
    let text = "there are checkpoints of a run in this folder, the latest after step 8: resume it, or take another folder";
    assert_eq!(occupied, text);
}

#[test]
fn another_model_or_rule_is_refused() {
    let (folder, _) = complete();
    let resume = |params: &mut Params, rule: OptimizerConfig, id: ParamId| {
        let mut opt = rule.build(params);
        let trainer = Trainer::new(2).batch_size(6).seed(1).progress(Progress::Silent);
        let trainer = trainer.checkpoints(Checkpoints::new(folder.path()).resume());
        let result = trainer.fit(params, &mut opt, &data(), |pass, _| pass.param(id).square().sum());
        let TrainError::Checkpoint(error) = result.unwrap_err() else { panic!() };
        error.problem.to_string()
    };
    let mut params = Params::new();
    let id = params.root().parameter("hidden", [3, 4], |_| ());
    assert_eq!(
        resume(&mut params, adam(), id),
        "parameter 0 is hidden [3, 4] here and hidden [3, 5] in the checkpoint: it is of another model"
    );
    let mut params = Params::new();
    let id = params.root().parameter("hidden", [3, 5], |_| ());
    assert_eq!(
        resume(&mut params, adam(), id),
        "parameter 1 is missing here and scale [1] (a running statistic) in the checkpoint: it is of another model"
    );
    let mut model = Model::new();
    let id = model.ids[0];
    assert_eq!(
        resume(&mut model.params, SgdConfig::default().into(), id),
        "its optimizer: the state is one of Adam, the optimizer is Sgd"
    );
}

#[test]
fn a_run_can_be_made_longer() {
    let long = |folder| run(folder, |trainer, c| trainer.checkpoints(c).steps(7)).1.bits();
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = long(one.path());
    // Its last epoch is cut off, in its history; the run that goes on does not see that.
    let (history, _) = run(two.path(), |trainer, c| trainer.checkpoints(c).steps(5));
    assert_eq!(history.unwrap().epochs.len(), 2);
    assert_eq!(long(two.path()), whole);
}

#[test]
fn a_folder_that_cannot_be_written_to_is_an_error_before_the_first_step() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let inside = file.join("checkpoints");
    let (result, model) = run(&inside, |trainer, checkpoints| trainer.checkpoints(checkpoints));
    let TrainError::Checkpoint(error) = result.unwrap_err() else { panic!() };
    assert_eq!(error.path, inside);
    assert!(error.to_string().contains(": cannot make it: "), "{error}");
    assert_eq!(model.bits(), Model::new().bits());
}

#[test]
fn a_checkpoint_that_cannot_be_written_ends_the_run_and_the_others_stay() {
    // A folder stands where the file would be renamed to; that stops every user, the administrator too.
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("step-0000000005.checkpoint/x");
    let (result, _) = run(folder.path(), |t, c| {
        let place = move |_: &StepView<'_>| fs::create_dir_all(&in_the_way).unwrap();
        t.every(4, place).checkpoints(c)
    });
    let TrainError::Checkpoint(error) = result.unwrap_err() else { panic!() };
    assert_eq!(error.path, folder.path().join("step-0000000005.checkpoint"));
    assert!(matches!(error.problem, Problem::Io { doing: "write", .. }), "{error}");
    assert!(names(folder.path()).contains(&"step-0000000004.checkpoint".to_owned()));
    assert!(!names(folder.path()).iter().any(|name| name.ends_with(".tmp")));
}

#[test]
fn a_run_that_is_lost_leaves_the_last_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = Params::new();
    let w = params.root().parameter("w", [1], |w| w[0] = 2.0);
    let mut opt = OptimizerConfig::Sgd(SgdConfig { lr: 1.0, ..Default::default() }).build(&params);
    let trainer = Trainer::new(9).progress(Progress::Silent).checkpoints(Checkpoints::new(folder.path()));
    // The weight is 2, 1, 0; then the slope of the root is infinite.
    let result = trainer.fit(&mut params, &mut opt, &Tensor::zeros([1, 1]), |pass, _| {
        let w = pass.param(w);
        if w.item() == 0.0 { w.sqrt().sum() } else { w.sum() }
    });
    let error = result.unwrap_err();
    let text = "the parameter w has -inf after step 3 of the run; no checkpoint of it is written";
    assert_eq!(error.to_string(), text);
    let last = Checkpoint::latest(folder.path()).unwrap().unwrap();
    assert_eq!(last.step(), 2);
    last.load_params(&mut params).unwrap();
    assert_eq!(params[w][0], 0.0);
}

#[test]
fn json_lines_go_on_where_the_checkpoint_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let lines = |path: &Path| -> Vec<u64> {
        let epoch =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["epoch"].as_u64().unwrap();
        fs::read_to_string(path).unwrap().lines().map(epoch).collect()
    };
    let checkpoints = folder.path().join("checkpoints");
    let first =
        run(&checkpoints, |t, c| t.steps(6).callback(JsonLines::new(&path)).checkpoints(c)).0.unwrap();
    // The second epoch has two of its four steps; the checkpoint is within it.
    assert_eq!((lines(&path), first.epochs.len()), (vec![1, 2], 2));
    run(&checkpoints, |t, c| t.callback(JsonLines::new(&path)).checkpoints(c)).0.unwrap();
    assert_eq!(lines(&path), [1, 2]);
    let history = Checkpoint::latest(&checkpoints).unwrap().unwrap().history().clone();
    let last =
        fs::read_to_string(&path).unwrap().lines().last().map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(last.as_ref(), history.epochs.last());
    let missing = folder.path().join("missing/history.jsonl");
    let error = run(&folder.path().join("other"), |t, _| t.callback(JsonLines::new(&missing))).0.unwrap_err();
    assert!(error.to_string().contains(&format!("writing {}: ", missing.display())), "{error}");
}

#[test]
fn the_model_in_these_tests_depends_on_its_random_numbers() {
    let run = |seed| run(Path::new("/"), |trainer, _| trainer.seed(seed)).1.bits();
    assert_ne!(run(1), run(2));
    let model = Model::new();
    let mut tape = layerwise_autograd::Tape::new();
    let (x, rows) = (data(), [0, 1]);
    let rows = Rows::new(&x, &rows);
    assert_ne!(model.loss(&tape.train(&model.params, 1), &rows).item().to_bits(), 0);
}
