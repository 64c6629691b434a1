//! The learning-rate range test on a parabola.

use layerwise_autograd::{ParamId, Params, Tensor};
use layerwise_optim::{
    Adam, AdamConfig, Optimizer, PlateauConfig, Progress, RangeCurve, RangeTest, Schedule, Sgd, SgdConfig,
    TrainError, Trainer,
};

fn weight() -> (Params, ParamId) {
    let mut params = Params::new();
    let w = params.root().parameter("w", [1, 1], |w| w[0] = 4.0);
    (params, w)
}

/// The test for the loss `w^2`, with three examples of 1 in batches of one.
fn curve(
    test: RangeTest,
    trainer: Trainer<'_>,
    (params, w): &(Params, ParamId),
    opt: &mut (dyn Optimizer + Send),
) -> RangeCurve {
    let data = Tensor::full([3, 1], 1.0);
    let loss = trainer.batch_size(1).range_test(test, params, opt, &data, |pass, rows| {
        pass.input(rows).matmul(pass.param(*w)).square().mean()
    });
    loss.expect("there are examples")
}

fn sgd(params: &Params) -> Sgd {
    Sgd::new(params, SgdConfig { lr: 0.5, ..Default::default() })
}

#[test]
fn losses_and_rates_by_hand() {
    let problem = weight();
    let test = RangeTest { min_lr: 0.0625, max_lr: 0.5, steps: 4, smoothing: 0.5, ..Default::default() };
    let points = curve(test, Trainer::new(1), &problem, &mut sgd(&problem.0)).points;
    // A step multiplies the weight by 1 - 2 lr: 0.875, 0.75, 0.5.
    let weights = [4.0, 3.5, 2.625, 1.3125];
    let expected = [(0.0625, 16.0), (0.125, 12.25), (0.25, 6.890625), (0.5, 1.72265625)];
    assert_eq!(points.len(), 4);
    for ((point, (lr, loss)), w) in points.iter().zip(expected).zip(weights) {
        assert!((point.lr - lr).abs() < 1e-6 * lr && (point.loss - loss).abs() < 1e-5 * loss, "{point:?}");
        assert!((point.loss - w * w).abs() < 1e-5 * loss);
    }
    assert!((points[1].smoothed - (0.5 * 16.0 + 12.25) / 1.5).abs() < 1e-5);
}

#[test]
fn it_stops_when_the_loss_diverges() {
    let problem = weight();
    // Above a rate of 1 the weight grows.
    let test = RangeTest { min_lr: 0.1, max_lr: 1e6, steps: 40, smoothing: 0.0, ..Default::default() };
    let points = curve(test, Trainer::new(1), &problem, &mut sgd(&problem.0)).points;
    let lowest = points.iter().map(|point| point.loss).fold(f64::INFINITY, f64::min);
    let (last, before) = points.split_last().unwrap();
    assert!(points.len() < 40 && last.loss > 4.0 * lowest && last.lr > 1.0, "{points:?}");
    assert!(before.windows(2).all(|pair| pair[1].lr > pair[0].lr));

    // With a bound that is never reached, the loss becomes infinite, and that point is left out.
    let test = RangeTest { divergence: f32::MAX, min_lr: 1e3, ..test };
    let points = curve(test, Trainer::new(1), &problem, &mut sgd(&problem.0)).points;
    assert!(
        (2..40).contains(&points.len()) && points.iter().all(|point| point.loss.is_finite()),
        "{points:?}"
    );
}

#[test]
fn parameters_and_optimizer_are_as_before() {
    let (mut params, w) = weight();
    let mut opt = Adam::new(&params, AdamConfig { lr: 0.25, ..Default::default() });
    let data = Tensor::full([2, 1], 1.0);
    let run = || Trainer::new(1).progress(Progress::Silent);
    run().fit(&mut params, &mut opt, &data, |pass, _| pass.param(w).square().sum()).unwrap();
    let before = (params.flat().to_vec(), opt.state());
    let problem = (params, w);
    curve(RangeTest::default(), Trainer::new(1), &problem, &mut opt);
    assert_eq!((problem.0.flat().to_vec(), opt.state()), before);
}

#[test]
fn what_belongs_to_the_run_alone_is_left_out() {
    let problem = weight();
    let plain = curve(RangeTest::default(), Trainer::new(1), &problem, &mut sgd(&problem.0));
    let of =
        || Trainer::new(1).steps(1).metric("never", |_| panic!("no metric")).every(1, |_| panic!("no look"));
    let scheduled = of().lr_schedule(Schedule::constant(0.0)).momentum_schedule(Schedule::constant(0.5));
    assert_eq!(curve(RangeTest::default(), scheduled, &problem, &mut sgd(&problem.0)), plain);
    let watching = of().reduce_on_plateau("never", PlateauConfig::default());
    assert_eq!(curve(RangeTest::default(), watching, &problem, &mut sgd(&problem.0)), plain);
}

#[test]
fn the_curve_is_data() {
    let problem = weight();
    let found = curve(RangeTest::default(), Trainer::new(1), &problem, &mut sgd(&problem.0));
    let text = serde_json::to_string(&found).unwrap();
    assert!(text.starts_with(r#"[{"lr":0.000001,"loss":16.0,"smoothed":16.0"#), "{text}");
    assert_eq!(serde_json::from_str::<RangeCurve>(&text).unwrap().suggestion(), found.suggestion());
    // The weight falls for rates between 0 and 1.
    assert!((0.01..1.0).contains(&found.suggestion().unwrap()), "{:?}", found.suggestion());
}

#[test]
fn nothing_to_train_on_is_an_error() {
    let (params, w) = weight();
    let data = Tensor::zeros([0, 1]);
    let none =
        Trainer::new(1).range_test(RangeTest::default(), &params, &mut sgd(&params), &data, |pass, _| {
            pass.param(w).square().sum()
        });
    assert_eq!(none.unwrap_err(), TrainError::NoExamples);
}

#[test]
#[should_panic(expected = "RangeTest: steps must be at least 2, found 0")]
fn a_test_has_steps() {
    let problem = weight();
    let test = RangeTest { steps: 0, ..Default::default() };
    curve(test, Trainer::new(1), &problem, &mut sgd(&problem.0));
}
