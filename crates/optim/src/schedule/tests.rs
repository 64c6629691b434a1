use super::*;

#[test]
fn values_by_hand() {
    for (schedule, expected) in [
        (Schedule::constant(0.3), [0.3, 0.3, 0.3, 0.3, 0.3, 0.3]),
        (Schedule::step(0.8, 2, 0.5), [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]),
        (Schedule::multi_step(0.8, [1, 4], 0.5), [0.8, 0.4, 0.4, 0.4, 0.2, 0.2]),
        (Schedule::exponential(0.8, 0.5), [0.8, 0.4, 0.2, 0.1, 0.05, 0.025]),
        (Schedule::linear(0.1, 0.5, 4), [0.1, 0.2, 0.3, 0.4, 0.5, 0.5]),
        (Schedule::polynomial(0.9, 0.1, 4, 2.0), [0.9, 0.55, 0.3, 0.15, 0.1, 0.1]),
        (Schedule::cosine(0.9, 0.1, 3), [0.9, 0.7, 0.3, 0.1, 0.1, 0.1]),
        (Schedule::warm_restarts(0.9, 0.1, 2, 1), [0.9, 0.5, 0.9, 0.5, 0.9, 0.5]),
        (Schedule::warm_restarts(0.9, 0.1, 1, 3), [0.9, 0.9, 0.7, 0.3, 0.9, 0.875877]),
        (Schedule::constant(0.5).then_at(2, Schedule::exponential(0.8, 0.5)), [0.5, 0.5, 0.8, 0.4, 0.2, 0.1]),
        (Schedule::linear(0.1, 0.3, 2).then(Schedule::cosine(0.3, 0.1, 2)), [0.1, 0.2, 0.3, 0.2, 0.1, 0.1]),
        (Schedule::linear(1.0, 3.0, 2).times(Schedule::step(2.0, 3, 0.5)), [2.0, 4.0, 6.0, 3.0, 3.0, 3.0]),
        (Schedule::linear(1.0, 3.0, 2).scaled(0.5), [0.5, 1.0, 1.5, 1.5, 1.5, 1.5]),
    ] {
        for (step, expected) in expected.into_iter().enumerate() {
            let found = schedule.at(step as u64);
            assert!(
                (found - expected).abs() < 1e-6 * expected,
                "{schedule:?} at {step}: {found}, not {expected}"
            );
        }
    }
}

#[test]
fn a_one_cycle_by_hand() {
    let linear = OneCycle { anneal: Anneal::Linear, pct_start: 0.4, ..OneCycle::new(1.0, 10) };
    let of = OneCycle { div_factor: 10.0, final_div_factor: 100.0, ..linear };
    // Up in the steps 0 to 3, down in 4 to 9.
    let two: Vec<f32> = (0..11).map(|step| of.lr().at(step)).collect();
    let expected = [0.1, 0.4, 0.7, 1.0, 0.8335, 0.667, 0.5005, 0.334, 0.1675, 0.001, 0.001];
    two.iter().zip(expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{two:?}"));
    // Up in 0 to 3, back in 4 to 6, out in 7 to 9.
    let three = OneCycle { three_phase: true, ..of };
    let three: Vec<f32> = (0..11).map(|step| three.lr().at(step)).collect();
    let expected = [0.1, 0.4, 0.7, 1.0, 0.7, 0.4, 0.1, 0.067, 0.034, 0.001, 0.001];
    three.iter().zip(expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{three:?}"));
}

#[test]
fn phases_of_one_step_have_values() {
    for (pct_start, total_steps) in [(0.0, 1), (0.0, 5), (0.25, 4), (1.0, 5), (1.0, 1)] {
        let cycle = OneCycle { pct_start, ..OneCycle::new(1.0, total_steps) };
        for step in 0..8 {
            let (lr, momentum) = (cycle.lr().at(step), cycle.momentum().at(step));
            assert!(
                (3e-6..=1.0).contains(&lr) && (0.84..=0.96).contains(&momentum),
                "{cycle:?} at {step}: {lr}"
            );
        }
    }
    assert_eq!(OneCycle { pct_start: 0.25, ..OneCycle::new(1.0, 4) }.lr().at(0), 1.0);
}

#[test]
fn an_end_is_where_the_value_stays() {
    let cosine = Schedule::cosine(0.3, 0.1, 20);
    for (schedule, steps) in [
        (Schedule::constant(0.1), Some(0)),
        (Schedule::step(0.1, 2, 0.5), None),
        (Schedule::multi_step(0.1, [], 0.5), Some(0)),
        (Schedule::multi_step(0.1, [3, 7], 0.5), Some(7)),
        (Schedule::linear(0.1, 0.3, 10).then(cosine.clone()), Some(30)),
        (cosine.clone().scaled(2.0), Some(20)),
        (cosine.times(Schedule::exponential(1.0, 0.9)), None),
        (OneCycle::new(0.1, 50).lr(), Some(50)),
        (Schedule::constant(0.1).then_at(u64::MAX, Schedule::linear(0.0, 1.0, 2)), Some(u64::MAX)),
    ] {
        assert_eq!(schedule.steps(), steps, "{schedule:?}");
        if let Some(steps) = steps {
            let last = schedule.at(steps);
            assert_eq!(
                (schedule.at(steps.saturating_add(1)), schedule.at(u64::MAX)),
                (last, last),
                "{schedule:?}"
            );
        }
    }
}

#[test]
fn large_steps_and_values_stay_finite() {
    for schedule in [
        Schedule::exponential(1.0, 10.0),
        Schedule::exponential(0.0, 10.0),
        Schedule::exponential(1.0, 10.0).times(Schedule::constant(0.0)),
        Schedule::warm_restarts(1.0, 0.0, 3, 2),
        Schedule::warm_restarts(1.0, 0.0, 3, u64::MAX),
        Schedule::step(1.0, 1, 0.5),
    ] {
        for step in [400, 1 << 40, u64::MAX] {
            assert!(schedule.at(step).is_finite(), "{schedule:?} at {step}: {}", schedule.at(step));
        }
    }
}

#[test]
fn numbers_outside_their_range_are_refused() {
    let constant = || Box::new(Schedule::Constant(1.0));
    let cycle = OneCycle::new(0.1, 10);
    for (schedule, text) in [
        (Schedule::Constant(-1.0), "value must be finite and at least 0, found -1"),
        (Schedule::Step { start: 0.1, every: 0, factor: 0.5 }, "every must be at least 1, found 0"),
        (
            Schedule::Step { start: f32::NAN, every: 1, factor: 0.5 },
            "start must be finite and at least 0, found NaN",
        ),
        (
            Schedule::MultiStep { start: 0.1, milestones: vec![5, 5], factor: 0.5 },
            "milestones must be in ascending order, found 5",
        ),
        (Schedule::Exponential { start: 0.1, factor: 0.0 }, "factor must be finite and above 0, found 0"),
        (Schedule::Linear { start: 0.1, end: 1.0, steps: 0 }, "steps must be at least 1, found 0"),
        (
            Schedule::Cosine { start: 0.1, end: f32::INFINITY, steps: 3 },
            "end must be finite and at least 0, found inf",
        ),
        (
            Schedule::Polynomial { start: 0.1, end: 0.0, steps: 3, power: -1.0 },
            "power must be finite and above 0, found -1",
        ),
        (
            Schedule::WarmRestarts { start: 0.1, end: 0.0, period: 0, growth: 1 },
            "period must be at least 1, found 0",
        ),
        (
            Schedule::WarmRestarts { start: 0.1, end: 0.0, period: 3, growth: 0 },
            "growth must be at least 1, found 0",
        ),
        (Schedule::Then { first: constant(), at: 0, then: constant() }, "at must be at least 1, found 0"),
        (
            Schedule::Product(constant(), Box::new(Schedule::Constant(f32::NAN))),
            "value must be finite and at least 0, found NaN",
        ),
        (
            Schedule::OneCycleLr(OneCycle { total_steps: 0, ..cycle }),
            "total_steps must be at least 1, found 0",
        ),
        (
            Schedule::OneCycleLr(OneCycle { max_lr: 0.0, ..cycle }),
            "max_lr must be finite and above 0, found 0",
        ),
        (
            Schedule::OneCycleLr(OneCycle { pct_start: 1.5, ..cycle }),
            "pct_start must be in [0, 1], found 1.5",
        ),
        (
            Schedule::OneCycleLr(OneCycle { pct_start: 0.6, three_phase: true, ..cycle }),
            "pct_start must be in [0, 0.5] with three_phase, found 0.6",
        ),
        (
            Schedule::OneCycleMomentum(OneCycle { max_momentum: 1.0, ..cycle }),
            "max_momentum must be in [0, 1), found 1",
        ),
        (
            Schedule::OneCycleMomentum(OneCycle { div_factor: 0.0, ..cycle }),
            "div_factor must be finite and above 0, found 0",
        ),
    ] {
        assert_eq!(schedule.validate().unwrap_err().to_string(), text);
    }
}

#[test]
#[should_panic(expected = "Schedule: steps must be at least 1, found 0")]
fn a_schedule_of_no_steps_is_refused_when_made() {
    let _ = Schedule::cosine(0.1, 0.0, 0);
}

#[test]
#[should_panic(expected = "has no end; say with then_at when the next begins")]
fn nothing_follows_a_schedule_without_an_end() {
    let _ = Schedule::step(0.1, 30, 0.1).then(Schedule::constant(0.1));
}

#[test]
fn schedules_are_data() {
    let schedule = Schedule::linear(0.25, 0.5, 10).then(OneCycle::new(0.5, 20).lr()).scaled(0.5);
    let text = serde_json::to_string(&schedule).unwrap();
    assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), schedule);
    let cycle: OneCycle = serde_json::from_str(r#"{"max_lr":0.5,"total_steps":20}"#).unwrap();
    assert_eq!(cycle, OneCycle::new(0.5, 20));
    let nothing: OneCycle = serde_json::from_str("{}").unwrap();
    assert_eq!(nothing.validate().unwrap_err().to_string(), "max_lr must be finite and above 0, found 0");
}
