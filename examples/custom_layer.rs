//! A layer and an operation from outside of the library.
//!
//! The operation is `y = x sin x`, with its derivative; the layer is a residual block around it. Together they learn digits from 6 000
//! images.
//!
//! `cargo run --release --example custom_layer`, about two seconds on two cores.

use std::sync::Arc;

use layerwise::prelude::*;

/// An operation is a value: its name, the shape of its result, and the two directions.
struct Wave;

impl CustomOp for Wave {
    fn name(&self) -> &str {
        "wave"
    }
    fn shape(&self, inputs: &[Shape]) -> Shape {
        inputs[0]
    }
    /// `y = x sin x`
    fn forward(&self, inputs: Inputs<'_>, y: &mut [f32]) {
        y.iter_mut().zip(inputs.get(0)).for_each(|(y, x)| *y = x * x.sin());
    }
    /// `dx = dy (sin x + x cos x)`
    fn backward(
        &self,
        inputs: Inputs<'_>,
        _: &[f32],
        dy: &[f32],
        _: usize,
        (dx, accum): (&mut [f32], Accum),
    ) {
        for ((dx, dy), x) in dx.iter_mut().zip(dy).zip(inputs.get(0)) {
            accum.apply(dx, dy * (x.sin() + x * x.cos())); // replaces or adds, as it is told
        }
    }
}

/// A layer is ids of parameters and a function: `y = x + f(x W^T + b)`.
struct Residual {
    linear: Linear,
    wave: Arc<dyn CustomOp>,
}

impl Residual {
    fn new(scope: &mut Scope<'_>, width: usize, rng: &mut Rng) -> Self {
        Residual { linear: Linear::new(scope, width, width, rng), wave: Arc::new(Wave) }
    }
}

impl Module for Residual {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        x + x.pass().apply(&self.wave, &[self.linear.forward(x)])
    }
}

fn main() -> anyhow::Result<()> {
    let wave: Arc<dyn CustomOp> = Arc::new(Wave);
    let points = Tensor::from([0.3, -1.2, 2.5]);
    gradcheck(&Params::new(), &[points], |pass, x| pass.apply(&wave, x))?; // the derivative is right

    let (mut params, mut rng) = (Params::new(), Rng::seed(42));
    let mut root = params.root();
    let model = Sequential::new()
        .then(Linear::new(&mut root.child("first"), 784, 64, &mut rng))
        .then(Layer::custom(Residual::new(&mut root.child("block"), 64, &mut rng)))
        .then(Linear::new(&mut root.child("last"), 64, 10, &mut rng));
    println!("{params}");

    let mnist = Mnist::embedded();
    let mut opt = Adam::new(&params, AdamConfig::default());
    Trainer::new(5).batch_size(32).seed(42).fit(
        &mut params,
        &mut opt,
        &mnist.train.take(6000),
        |pass, batch| model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels),
    )?;
    let accuracy = accuracy(&model, &params, &mnist.test);
    println!("test accuracy {:.2} %", 100.0 * accuracy);
    anyhow::ensure!(accuracy > 0.88, "{accuracy} is not above 0.88");
    Ok(())
}
