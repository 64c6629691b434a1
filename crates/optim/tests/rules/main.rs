//! Every rule has every property: the rules are the lines of `table.rs`, the properties the functions below.

mod allocator;
mod table;

use std::ops::Range;

use layerwise_autograd::{ParamId, Params, Tape, Tensor, Var};
use layerwise_optim::{Decay, Group, OptimizerState};
use layerwise_tensor::{Rng, threads};
use table::{Line, Made, SCALE, Setting, rules};

/// Nothing, or what is wrong.
type Checked = Result<(), String>;

type Property = fn(&Line) -> Checked;

const PROPERTIES: [(&str, Property); 14] = [
    ("it allocates nothing in steps 2 to 10", allocates_nothing),
    ("it finds the minimum of a quadratic function", converges),
    ("it goes on from a saved state, bit for bit", goes_on_from_a_state),
    ("without gradient nothing moves but what decay moves", rests_without_gradient),
    ("with a learning rate of 0 nothing moves, whatever has been gathered", rests_at_rate_0),
    ("its steps grow with the gradient as they should", grows_with_the_gradient),
    ("a frozen group stays as it is, with its state", leaves_a_frozen_group_alone),
    ("a parameter no pass has reached stays as it is", leaves_alone_what_is_not_reached),
    ("a running statistic stays as it is", leaves_statistics_alone),
    ("a group with half the learning rate is a rule with half of it", scales_the_rate_of_a_group),
    ("L2 decay is the penalty's gradient", decays_as_the_penalty),
    ("decoupled decay shrinks the parameters before the step", decays_apart),
    ("an element is updated as if it were alone", updates_every_element_by_itself),
    ("1, 2, 3 and 4 threads give the same bits", is_the_same_on_any_threads),
];

fn main() {
    let mut wrong = Vec::new();
    for line in rules() {
        for (property, check) in PROPERTIES {
            wrong.extend(check(&line).err().map(|found| format!("{}: {property}: {found}", line.name)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Two parameters with a running statistic between them; their targets and curvatures.
struct Problem {
    params: Params,
    ids: [ParamId; 2],
    target: [Tensor; 2],
    curvature: [Tensor; 2],
}

impl Problem {
    fn new(shapes: [[usize; 2]; 2]) -> Self {
        let mut rng = Rng::seed(7);
        let mut random = |shape: [usize; 2], low: f32, high: f32| {
            Tensor::from_fn(shape, |_| low + (high - low) * (rng.next_u64() >> 40) as f32 / (1 << 24) as f32)
        };
        let target = shapes.map(|shape| random(shape, -1.0, 1.0));
        let curvature = shapes.map(|shape| random(shape, 0.5, 2.0));
        let start = shapes.map(|shape| random(shape, -1.0, 1.0));
        let mut params = Params::new();
        let mut root = params.root();
        let a = root.parameter("a", shapes[0], |p| p.copy_from_slice(start[0].as_slice()));
        root.statistic("mean", [3], |mean| mean.copy_from_slice(&[0.5, -0.5, 2.0]));
        let b = root.parameter("b", shapes[1], |p| p.copy_from_slice(start[1].as_slice()));
        Problem { params, ids: [a, b], target, curvature }
    }

    fn small() -> Self {
        Problem::new([[5, 7], [3, 4]])
    }

    /// Sets both parameters to 0.
    fn starting_at_0(mut self) -> Self {
        self.ids.iter().for_each(|&id| self.params[id].fill(0.0));
        self
    }

    /// `sum(0.5 c (p - t)^2)` of one parameter.
    fn bowl<'p>(&self, which: usize, p: Var<'p>) -> Var<'p> {
        let [target, curvature] = [&self.target, &self.curvature].map(|x| p.pass().input(&x[which]));
        (curvature * (p - target).square() * 0.5).sum()
    }

    /// The loss of both.
    fn loss(&self) -> f32 {
        let mut tape = Tape::new();
        let pass = tape.eval(&self.params);
        (self.bowl(0, pass.param(self.ids[0])) + self.bowl(1, pass.param(self.ids[1]))).item()
    }

    /// Steps along the gradient of the loss over the parameters from `which` on.
    fn steps(&mut self, opt: &mut Made, steps: usize, which: usize) {
        self.steps_of(opt, steps, |problem, at, p| (at >= which).then(|| problem.bowl(at, p)));
    }

    /// Steps along the gradient of another loss, the sum over both parameters.
    fn steps_of(
        &mut self,
        opt: &mut Made,
        steps: usize,
        loss: impl for<'p> Fn(&Problem, usize, Var<'p>) -> Option<Var<'p>>,
    ) {
        let mut tape = Tape::new();
        for _ in 0..steps {
            self.pass(&mut tape, &loss);
            opt.step(&mut self.params, &mut tape);
        }
    }

    fn pass(&self, tape: &mut Tape, loss: &impl for<'p> Fn(&Problem, usize, Var<'p>) -> Option<Var<'p>>) {
        let pass = tape.train(&self.params, 0);
        let [a, b] = [0, 1].map(|at| loss(self, at, pass.param(self.ids[at])));
        match (a, b) {
            (Some(a), Some(b)) => (a + b).backward(),
            (one, other) => one.or(other).expect("a loss of at least one parameter").backward(),
        }
    }

    fn values(&self) -> Vec<f32> {
        self.ids.iter().flat_map(|&id| self.params[id].to_vec()).collect()
    }
}

/// The parameters after some steps with a setting.
fn after(line: &Line, steps: usize, setting: Setting) -> Vec<f32> {
    let mut problem = Problem::small();
    let mut opt = line.make(&problem.params, setting);
    problem.steps(&mut opt, steps, 0);
    problem.values()
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn same_bits(found: &[f32], expected: &[f32]) -> Checked {
    let differ = |(x, y): (&f32, &f32)| x.to_bits() != y.to_bits();
    let first = found.iter().zip(expected).position(differ);
    check(first.is_none() && found.len() == expected.len(), || {
        let at = first.unwrap_or_default();
        format!("element {at} is {:?}, expected {:?}", found[at], expected[at])
    })
}

fn close(found: &[f32], expected: &[f32], tolerance: f32) -> Checked {
    let far =
        |(x, y): (&f32, &f32)| (x - y).abs().partial_cmp(&(tolerance * y.abs())).is_none_or(|o| o.is_gt());
    let first = found.iter().zip(expected).position(far);
    check(first.is_none() && found.len() == expected.len(), || {
        let at = first.unwrap_or_default();
        format!("element {at} is {:?}, expected {:?}", found[at], expected[at])
    })
}

fn allocates_nothing(line: &Line) -> Checked {
    for threads in [1, 2, 4] {
        let counts = threads::run_on(threads, || {
            let mut problem = Problem::new([[300, 200], [200, 250]]);
            let setting = Setting { weight_decay: 0.01, ..Setting::default() };
            let (mut opt, mut tape) = (line.make(&problem.params, setting), Tape::new());
            let mut counts = Vec::with_capacity(10);
            for _ in 0..10 {
                problem.pass(&mut tape, &|problem, at, p| Some(problem.bowl(at, p)));
                let before = allocator::count();
                opt.step(&mut problem.params, &mut tape);
                counts.push(allocator::count() - before);
            }
            counts
        });
        check(counts[1..] == [0; 9], || format!("{counts:?} allocations on {threads} threads"))?;
    }
    Ok(())
}

fn converges(line: &Line) -> Checked {
    let mut problem = Problem::small();
    let before = problem.loss();
    let mut opt = line.make(&problem.params, Setting::default());
    problem.steps(&mut opt, 1500, 0);
    // Rules whose steps do not shrink with the gradient go round the minimum.
    opt.set_lr(0.1 * opt.lr());
    problem.steps(&mut opt, 500, 0);
    let after = problem.loss();
    check(after < 1e-3 * before, || format!("the loss went from {before} to {after}"))
}

fn goes_on_from_a_state(line: &Line) -> Checked {
    let setting = Setting { weight_decay: 0.01, ..Setting::default() };
    let mut problem = Problem::small();
    let mut opt = line.make(&problem.params, setting);
    problem.steps(&mut opt, 5, 0);
    // `b` alone, so that the clocks differ.
    problem.steps(&mut opt, 2, 1);
    opt.set_lr(0.5 * opt.lr());
    let state = opt.state();
    let text = serde_json::to_string(&state).map_err(|error| error.to_string())?;
    let read: OptimizerState = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    check(read == state, || format!("read {read:?}, saved {state:?}"))?;

    let mut other = Problem { params: problem.params.clone(), ..Problem::small() };
    let mut fresh = line.make(&other.params, setting);
    fresh.load_state(&read).map_err(|error| error.to_string())?;
    check(fresh.state() == state, || "the state that was loaded is another".to_owned())?;
    problem.steps(&mut opt, 5, 0);
    other.steps(&mut fresh, 5, 0);
    same_bits(&other.values(), &problem.values())
}

fn rests_without_gradient(line: &Line) -> Checked {
    let step = |weight_decay: f32| {
        let mut problem = Problem::small();
        let setting = Setting { weight_decay, ..Setting::default() };
        let mut opt = line.make(&problem.params, setting);
        problem.steps_of(&mut opt, 1, |_, _, p| Some((p * 0.0).sum()));
        problem.values()
    };
    let before = Problem::small().values();
    same_bits(&step(0.0), &before)?;
    let decayed = step(0.5);
    if line.decay == Decay::Decoupled {
        let shrink = (1.0 - f64::from(line.lr) * 0.5) as f32;
        return same_bits(&decayed, &before.iter().map(|p| p * shrink).collect::<Vec<_>>());
    }
    let nearer_to_0 = decayed.iter().zip(&before).all(|(now, before)| (now - before) * before < 0.0);
    check(nearer_to_0, || format!("{decayed:?} after {before:?}"))
}

fn rests_at_rate_0(line: &Line) -> Checked {
    let mut problem = Problem::small();
    let setting = Setting { weight_decay: 0.1, ..Setting::default() };
    let mut opt = line.make(&problem.params, setting);
    // As many steps as slow weights wait for.
    problem.steps(&mut opt, 3, 0);
    let before = problem.values();
    opt.set_lr(0.0);
    problem.steps(&mut opt, 3, 0);
    same_bits(&problem.values(), &before)
}

fn grows_with_the_gradient(line: &Line) -> Checked {
    // The gradient is the curvature in all steps, so it does not depend on where a step led.
    let path = |scale: f32| -> Vec<Vec<f32>> {
        let mut problem = Problem::small().starting_at_0();
        let mut opt = line.make(&problem.params, Setting::default());
        let mut step = || {
            problem.steps_of(&mut opt, 1, |problem, at, p| {
                Some((p.pass().input(&problem.curvature[at]) * p * scale).sum())
            });
            problem.values()
        };
        (0..10).map(|_| step()).collect()
    };
    let (large, small) = (path(SCALE), path(1.0));
    if line.name == "Lion" {
        return same_bits(&large[9], &small[9]);
    }
    let start = vec![0.0; small[0].len()];
    let moved = |path: &[Vec<f32>], step: usize, element: usize| {
        let before = if step == 1 { &start } else { &path[step - 2] };
        path[step - 1][element] - before[element]
    };
    for (step, element) in (1..=10).flat_map(|step| (0..start.len()).map(move |element| (step, element))) {
        let found = moved(&large, step, element);
        let expected = moved(&small, step, element) * (line.growth)(step);
        // The share of `eps` in the divisors, and the rounding of the parameters.
        let tolerance = 1e-4 * expected.abs() + 2.0 * f32::EPSILON * large[step - 1][element].abs();
        check((found - expected).abs() <= tolerance, || {
            format!("in step {step}, element {element} moves by {found}, expected {expected}")
        })?;
    }
    Ok(())
}

/// Five steps after which `a` has to be as before, with its state.
fn leaves_a_alone(line: &Line, setting: Setting, which: usize) -> Checked {
    let mut problem = Problem::small();
    let [a, b] = problem.ids.map(|id| problem.params[id].to_vec());
    let mut opt = line.make(&problem.params, setting);
    let of_a = |opt: &Made| opt.state().parameters.swap_remove(0);
    let state = of_a(&opt);
    problem.steps(&mut opt, 5, which);
    same_bits(&problem.params[problem.ids[0]], &a)?;
    check(problem.params[problem.ids[1]] != b, || "the other one does not move".to_owned())?;
    check(of_a(&opt) == state, || format!("its state is {:?}", of_a(&opt)))
}

fn leaves_a_frozen_group_alone(line: &Line) -> Checked {
    let frozen = Group { frozen: true, ..Group::default() };
    leaves_a_alone(line, Setting { weight_decay: 0.1, group: Some(("a", frozen)), ..Setting::default() }, 0)
}

fn leaves_alone_what_is_not_reached(line: &Line) -> Checked {
    leaves_a_alone(line, Setting { weight_decay: 0.1, ..Setting::default() }, 1)
}

fn leaves_statistics_alone(line: &Line) -> Checked {
    let mut problem = Problem::small();
    let mut opt = line.make(&problem.params, Setting { weight_decay: 0.1, ..Setting::default() });
    problem.steps(&mut opt, 7, 0);
    let mean = problem.params.get("mean").expect("declared");
    same_bits(mean.as_slice(), &[0.5, -0.5, 2.0])
}

fn scales_the_rate_of_a_group(line: &Line) -> Checked {
    let half = Group { lr_scale: 0.5, ..Group::default() };
    let grouped = Setting { weight_decay: 0.1, group: Some(("*", half)), ..Setting::default() };
    let slower = Setting { weight_decay: 0.1, faster: -0.5, ..Setting::default() };
    same_bits(&after(line, 10, grouped), &after(line, 10, slower))
}

fn decays_as_the_penalty(line: &Line) -> Checked {
    if line.decay == Decay::Own {
        return Ok(());
    }
    let penalty = 0.125;
    let decay = Some(Decay::L2);
    let found = after(line, 10, Setting { weight_decay: penalty, decay, ..Setting::default() });
    let mut problem = Problem::small();
    let mut opt = line.make(&problem.params, Setting { decay, ..Setting::default() });
    problem.steps_of(&mut opt, 10, |problem, at, p| {
        Some(problem.bowl(at, p) + (p.square() * (0.5 * penalty)).sum())
    });
    close(&found, &problem.values(), 1e-5)
}

fn decays_apart(line: &Line) -> Checked {
    // Slow weights would take a shrinking from outside for a step.
    if line.decay == Decay::Own || line.name == "Lookahead" {
        return Ok(());
    }
    let decay = Some(Decay::Decoupled);
    let found = after(line, 10, Setting { weight_decay: 0.1, decay, ..Setting::default() });
    let (mut problem, mut tape) = (Problem::small(), Tape::new());
    let mut opt = line.make(&problem.params, Setting { decay, ..Setting::default() });
    let shrink = (1.0 - f64::from(line.lr) * f64::from(0.1_f32)) as f32;
    for _ in 0..10 {
        problem.pass(&mut tape, &|problem, at, p| Some(problem.bowl(at, p)));
        for id in problem.ids {
            problem.params[id].iter_mut().for_each(|p| *p *= shrink);
        }
        opt.step(&mut problem.params, &mut tape);
    }
    same_bits(&found, &problem.values())
}

fn updates_every_element_by_itself(line: &Line) -> Checked {
    // The trust ratio belongs to a whole parameter.
    if line.name == "LAMB" {
        return Ok(());
    }
    // What fills vectors is updated by another loop than the rest, and what is alone is always a rest.
    for len in [1, 7, 15, 16, 17, 33, 1000] {
        let together = after_given_gradients(line, 0..len);
        let some = (0..len).filter(|&at| at < 33 || at + 17 > len);
        for at in some {
            same_bits(&after_given_gradients(line, at..at + 1), &together[at..=at])
                .map_err(|error| format!("{at} of {len}: {error}"))?;
        }
    }
    Ok(())
}

/// A parameter after some steps along gradients that depend on the step and the place alone. At place 5 one is NaN, at 20 infinite.
fn after_given_gradients(line: &Line, places: Range<usize>) -> Vec<f32> {
    let number = |step: u64, at: usize| Rng::seed(step).stream(0).uniform(at as u64) * 4.0 - 2.0;
    let mut params = Params::new();
    let id = params.root().parameter("p", [places.len()], |p| {
        p.iter_mut().zip(places.clone()).for_each(|(p, at)| *p = number(0, at));
    });
    let mut opt = line.make(&params, Setting { weight_decay: 0.01, ..Setting::default() });
    let mut tape = Tape::new();
    // As many as a rule can have different phases: RAdam's begins in the sixth step.
    for step in 1..=8 {
        let gradient = places.clone().map(|at| match (step, at) {
            (7, 5) => f32::NAN,
            (7, 20) => f32::INFINITY,
            _ => number(step, at),
        });
        let gradient = Tensor::new([places.len()], gradient.collect());
        tape.train(&params, 0).param(id).backward_with(&gradient);
        opt.step(&mut params, &mut tape);
    }
    // Which NaN it is depends on the order of operands.
    params[id].iter().map(|&p| if p.is_nan() { f32::NAN } else { p }).collect()
}

fn is_the_same_on_any_threads(line: &Line) -> Checked {
    let run = |threads| {
        threads::run_on(threads, || {
            // `a` has four parts and a piece, `b` less than one.
            let mut problem = Problem::new([[401, 350], [7, 5]]);
            let setting = Setting { weight_decay: 0.01, ..Setting::default() };
            let mut opt = line.make(&problem.params, setting);
            problem.steps(&mut opt, 4, 0);
            problem.values()
        })
    };
    let one = run(1);
    (2..=4)
        .try_for_each(|threads| same_bits(&run(threads), &one).map_err(|e| format!("{threads} threads: {e}")))
}
