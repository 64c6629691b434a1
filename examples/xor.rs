//! XOR: the smallest task that needs a hidden layer.
//!
//! `cargo run --release --example xor`, less than a second.

use layerwise::prelude::*;

fn main() {
    let x = Tensor::new([4, 2], vec![0., 0., 0., 1., 1., 0., 1., 1.]);
    let y = Tensor::new([4, 1], vec![0., 1., 1., 0.]);
    let mut params = Params::new();
    let model =
        Mlp::new(&[2, 8, 1]).activation(Activation::Tanh).build(&mut params.root(), &mut Rng::seed(0));
    let (mut opt, mut tape) =
        (Adam::new(&params, AdamConfig { lr: 0.05, ..Default::default() }), Tape::new());
    for step in 0..300 {
        let pass = tape.train(&params, step);
        model.forward(pass.input(&x)).mse(pass.input(&y)).backward();
        opt.step(&mut params, &mut tape);
    }
    let found = model.forward(tape.eval(&params).input(&x)).value();
    println!("{found:.3}");
    assert!((&found - &y).map(f32::abs).max() < Some(0.05), "xor is 0 1 1 0");
}
