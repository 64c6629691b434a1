//! What is computed with each instruction set: loops of all crates at sizes that leave rests of every length, and with what is no number.

use layerwise::autograd::{Reduction, Var};
use layerwise::optim::OptimizerConfig;
use layerwise::prelude::*;

/// How a result depends on the instruction set.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Not at all.
    Plain,
    /// By its multiply-adds: products, and functions made of polynomials.
    Fused,
}

impl Kind {
    /// The kind that a line begins with.
    pub fn of(line: &str) -> Kind {
        if line.starts_with("plain") { Kind::Plain } else { Kind::Fused }
    }
}

/// Calls `print` with a line for each computation: its kind, its name, a mean of its numbers, and a fingerprint of their bits.
pub fn run(mut print: impl FnMut(String)) {
    let mut line = |kind: Kind, name: String, values: &[f32]| {
        let kind = if kind == Kind::Plain { "plain" } else { "fused" };
        print(format!("{kind} {name}: {:e} {:016x}", mean(values), fingerprint(values)));
    };
    operations(&mut line);
    rules(&mut line);
    networks(&mut line);
}

/// The mean of what is finite.
fn mean(values: &[f32]) -> f64 {
    let finite = values.iter().filter(|x| x.is_finite());
    finite.map(|&x| f64::from(x.abs())).sum::<f64>() / values.len().max(1) as f64
}

/// A number that is another one if any bit of the values is. Which NaN it is counts for nothing: that depends on the order of operands.
fn fingerprint(values: &[f32]) -> u64 {
    let bits = values.iter().map(|x| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() });
    bits.fold(0xcbf2_9ce4_8422_2325, |hash: u64, bits| (hash ^ u64::from(bits)).wrapping_mul(0x100_0000_01b3))
}

/// Whether the means of two lines are the same up to rounding.
pub fn is_near(line: &str, other: &str) -> bool {
    let mean = |line: &str| -> f64 {
        let words: Vec<&str> = line.split(' ').collect();
        words[words.len() - 2].parse().expect("a number")
    };
    let (a, b) = (mean(line), mean(other));
    (a - b).abs() <= 1e-4 * (a.abs() + b.abs()) + 1e-7
}

type Line<'a> = &'a mut dyn FnMut(Kind, String, &[f32]);

/// Normal numbers, of which one in `bad` is replaced by one that is not finite (none for 0).
fn noise(shape: &[usize], seed: u64, bad: usize) -> Tensor {
    let mut x = Tensor::zeros(shape);
    Rng::seed(seed).stream(1).fill_normal(0, x.as_mut_slice(), 0.0, 1.5);
    for (i, x) in x.as_mut_slice().iter_mut().enumerate().filter(|(i, _)| bad > 0 && i % bad == bad / 2) {
        *x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][i / bad % 3];
    }
    x
}

/// Normal numbers with zeros in four of five places, as pixels are.
fn sparse(shape: &[usize], seed: u64) -> Tensor {
    noise(shape, seed, 0).zip(&noise(shape, seed + 1, 0), |x, y| if y > 1.2 { x } else { 0.0 })
}

/// The value of an operation and the gradients of its inputs, one after the other.
fn both_ways(inputs: &[Tensor], f: &dyn for<'p> Fn(&[Var<'p>]) -> Var<'p>) -> Vec<f32> {
    let (params, mut tape) = (Params::new(), Tape::new());
    let pass = tape.train(&params, 11);
    let variables: Vec<Var<'_>> = inputs.iter().map(|x| pass.variable(x)).collect();
    let y = f(&variables);
    let mut found = y.value().as_slice().to_vec();
    y.backward_with(&noise(y.shape().dims(), 12, 0));
    for variable in variables {
        found.extend_from_slice(variable.gradient().expect("it is reached").as_slice());
    }
    found
}

const EPS: f32 = 1e-5;

fn operations(line: Line<'_>) {
    for rows in [2, 3, 33, 300] {
        for cols in [1, 7, 15, 16, 17, 31, 33, 70] {
            for bad in [0, 29] {
                let mut of =
                    |kind, name: &str, inputs: &[Tensor], f: &dyn for<'p> Fn(&[Var<'p>]) -> Var<'p>| {
                        line(kind, format!("{name} [{rows}, {cols}] {bad}"), &both_ways(inputs, f));
                    };
                element_by_element(&mut of, [rows, cols], bad);
                products(&mut of, [rows, cols], bad);
            }
        }
    }
}

type Of<'a> = &'a mut dyn FnMut(Kind, &str, &[Tensor], &dyn for<'p> Fn(&[Var<'p>]) -> Var<'p>);

fn element_by_element(of: Of<'_>, shape: [usize; 2], bad: usize) {
    use Kind::{Fused, Plain};
    let (x, y) = (noise(&shape, 1, bad), noise(&shape, 2, 0));
    let (weight, bias) = (noise(&shape[1..], 3, 0), noise(&shape[1..], 4, 0));
    let [one, two, three] = [&[x.clone()][..], &[x.clone(), y.clone()], &[x.clone(), weight.clone(), bias]];
    of(Plain, "batch_norm", three, &|x| x[0].batch_norm(Some(x[1]), Some(x[2]), EPS, |_, _| ()));
    of(Plain, "batch_norm, plain", one, &|x| x[0].batch_norm(None, None, EPS, |_, _| ()));
    of(Plain, "batch_norm_with", three, &|x| {
        let [mean, variance] =
            [-0.5, 2.0].map(|at| x[0].pass().input(&Tensor::full([x[0].shape().last()], at)));
        x[0].batch_norm_with(mean, variance, Some(x[1]), Some(x[2]), EPS)
    });
    of(Plain, "layer_norm", three, &|x| x[0].layer_norm(Some(x[1]), Some(x[2]), EPS));
    of(Plain, "layer_norm, plain", one, &|x| x[0].layer_norm(None, None, EPS));
    of(Plain, "prelu", &[x.clone(), weight], &|x| x[0].prelu(x[1]));
    of(Plain, "dropout", one, &|x| x[0].dropout(0.3));
    of(Plain, "gaussian_dropout", one, &|x| x[0].gaussian_dropout(0.3));
    of(Plain, "alpha_dropout", one, &|x| x[0].alpha_dropout(0.3));
    of(Plain, "gaussian_noise", one, &|x| x[0].gaussian_noise(0.3));
    of(Plain, "arithmetic", two, &|x| ((x[0] + x[1]) * x[1] - x[0] * 3.0) / (x[1].square() + 1.0));
    for (name, reduction) in [("mean", Reduction::Mean), ("sum", Reduction::Sum), ("none", Reduction::None)] {
        of(Plain, &format!("mse, {name}"), one, &|x| x[0].mse_with(x[0].pass().input(&y), reduction));
        of(Plain, &format!("mae, {name}"), one, &|x| x[0].mae(x[0].pass().input(&y), reduction));
        of(Plain, &format!("huber, {name}"), one, &|x| x[0].huber(x[0].pass().input(&y), 0.8, reduction));
        of(Fused, &format!("bce_with_logits, {name}"), one, &|x| {
            x[0].bce_with_logits(x[0].pass().input(&y.map(|y| y.clamp(0.0, 1.0))), None, reduction)
        });
    }
    for activation in Activation::EACH {
        of(Fused, &format!("{activation:?}"), one, &|x| x[0].activation(activation));
    }
    of(Fused, "softmax", one, &|x| x[0].softmax());
    of(Fused, "log_softmax", one, &|x| x[0].log_softmax());
    let labels: Vec<u32> = (0..shape[0]).map(|row| (row % shape[1]) as u32).collect();
    of(Fused, "cross_entropy", one, &|x| x[0].cross_entropy(&labels));
}

fn products(of: Of<'_>, [rows, cols]: [usize; 2], bad: usize) {
    let outputs = 19;
    let (weight, bias) = (noise(&[outputs, cols], 5, 0), noise(&[outputs], 6, 0));
    for (name, x) in [("dense", noise(&[rows, cols], 7, bad)), ("sparse", sparse(&[rows, cols], 8))] {
        let inputs = [x, weight.clone(), bias.clone()];
        of(Kind::Fused, &format!("linear, {name}"), &inputs, &|x| {
            x[0].linear(x[1], Some(x[2]), Activation::Tanh)
        });
        of(Kind::Fused, &format!("matmul, {name}"), &inputs[..2], &|x| x[0].matmul_transposed(x[1]));
    }
}

/// Every rule over parameters with rests of every length, one larger than what a thread takes at a time; with decay, clipping and constraints.
fn rules(line: Line<'_>) {
    let shapes: [&[usize]; 7] = [&[1], &[7], &[15], &[16], &[17, 1], &[33, 31], &[257, 131]];
    for config in configurations() {
        for bad in [0, 500] {
            let (mut params, mut tape) = (Params::new(), Tape::new());
            let ids: Vec<_> = (0..)
                .zip(shapes)
                .map(|(i, shape)| {
                    let start = noise(shape, 20 + i, 0);
                    params.root().parameter(&format!("p{i}"), shape, |p| p.copy_from_slice(start.as_slice()))
                })
                .collect();
            let mut opt = config.build(&params);
            for step in 0..10 {
                let pass = tape.train(&params, 0);
                let parts = (0..).zip(&ids).map(|(i, &id)| {
                    let slope = noise(shapes[i], 30 + step, if step == 6 { bad } else { 0 });
                    (pass.param(id) * pass.input(&slope)).sum()
                });
                parts.reduce(|a, b| a + b).expect("some").backward();
                match step % 3 {
                    0 => drop(clip_grad_norm(&params, &mut tape, 100.0)),
                    1 => clip_grad_value(&params, &mut tape, 1.5),
                    _ => {}
                }
                opt.step(&mut params, &mut tape);
                Constraint::MaxNorm(6.0).apply(&mut params, "p5");
                Constraint::UnitNorm.apply(&mut params, "p4");
                Constraint::NonNegative.apply(&mut params, "p3");
            }
            line(Kind::Plain, format!("{} {bad}", config.name()), params.flat());
        }
    }
}

/// Each rule with all of its terms.
fn configurations() -> Vec<OptimizerConfig> {
    let weight_decay = 0.01;
    let adam = AdamConfig { weight_decay, ..Default::default() };
    vec![
        SgdConfig { weight_decay, ..SgdConfig::with_nesterov(0.05, 0.9) }.into(),
        AdagradConfig { weight_decay, ..Default::default() }.into(),
        RmsPropConfig { weight_decay, centered: true, momentum: 0.5, ..Default::default() }.into(),
        AdadeltaConfig { weight_decay, ..Default::default() }.into(),
        adam.into(),
        AdamConfig { amsgrad: true, ..adam }.into(),
        AdamWConfig { weight_decay, ..Default::default() }.into(),
        RAdamConfig { weight_decay, ..Default::default() }.into(),
        NAdamConfig { weight_decay, ..Default::default() }.into(),
        AdamaxConfig { weight_decay, ..Default::default() }.into(),
        LionConfig { weight_decay, ..Default::default() }.into(),
        LambConfig { weight_decay, ..Default::default() }.into(),
        OptimizerConfig::Lookahead {
            config: LookaheadConfig { k: 3, alpha: 0.5 },
            inner: Box::new(adam.into()),
        },
    ]
}

/// Networks after some steps, with batches that take each way through a product.
fn networks(line: Line<'_>) {
    for batch in [2, 4, 5, 33, 128] {
        for activation in [Activation::Relu, Activation::Tanh] {
            let mut params = Params::new();
            let network = Mlp::new(&[301, 70, 33, 10]).activation(activation).batch_norm().dropout(0.2);
            let model = network.build(&mut params.root(), &mut Rng::seed(5));
            let mut opt = Adam::new(&params, AdamConfig { lr: 1e-3, ..Default::default() });
            let labels: Vec<u32> = (0..batch as u32).map(|i| i % 10).collect();
            let mut tape = Tape::new();
            for step in 0..5 {
                let pass = tape.train(&params, step);
                model
                    .forward(pass.input(&sparse(&[batch, 301], 40 + step)))
                    .cross_entropy(&labels)
                    .backward();
                opt.step(&mut params, &mut tape);
            }
            line(Kind::Fused, format!("{activation:?} network, batch {batch}"), params.flat());
        }
    }
}
