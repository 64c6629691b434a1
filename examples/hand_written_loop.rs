//! The training loop, written out: what `Trainer` does, for a loop of one's own.
//!
//! One epoch of section 5's network with what loops usually have: a seed, a schedule, clipping, a running loss, and the best parameters
//! so far. Then `Trainer` with the same seed: it ends with the same bits.
//!
//! `cargo run --release --example hand_written_loop`, about five seconds on two cores.

use layerwise::prelude::*;

const STEPS: u64 = 938; // 60 000 images, 64 at a time

fn main() -> anyhow::Result<()> {
    let mnist = Mnist::embedded();
    let build = || {
        let mut params = Params::new();
        let mlp = Mlp::new(&[784, 128, 10]).batch_norm().init(Init::HeUniform);
        (mlp.build(&mut params.root(), &mut Rng::seed(42)), params)
    };
    let schedule = || Schedule::cosine(0.1, 0.0, STEPS);

    let (model, mut params) = build();
    let mut opt = Sgd::new(&params, SgdConfig::with_momentum(0.1, 0.9));
    let (mut rng, mut best) = (Rng::seed(42), (0.0, params.clone()));
    // Enters the worker threads once, not in every step.
    threads::run(|| {
        let mut tape = Tape::new(); // the workspace: it grows in the first step, and never again
        let mut order: Vec<u32> = (0..mnist.train.len() as u32).collect();
        rng.split().stream(0).permute_into(&mut order);
        let mut sum = 0.0;
        for (step, rows) in order.chunks(64).enumerate() {
            let batch = mnist.train.batch(rows);
            opt.set_lr(schedule().at(step as u64));

            let pass = tape.train(&params, rng.next_u64()); // mode and seed of everything random in this pass
            let loss = model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels);
            sum += f64::from(loss.item());
            loss.backward(); // gradients lie in the tape; the parameters are as before
            let norm = clip_grad_norm(&params, &mut tape, 1.0);
            opt.step(&mut params, &mut tape); // the one place where parameters change

            if (step + 1) % 200 == 0 {
                let accuracy = accuracy(&model, &params, &mnist.test);
                println!(
                    "step {:4}  loss {:.4}  norm {norm:.2}  accuracy {accuracy:.4}",
                    step + 1,
                    sum / 200.0
                );
                sum = 0.0;
                if accuracy > best.0 {
                    best = (accuracy, params.clone()); // parameters are plain data
                }
            }
        }
    });
    assert!(accuracy(&model, &best.1, &mnist.test) == best.0 && best.0 > 0.95);

    let (model, mut by_trainer) = build();
    let mut opt = Sgd::new(&by_trainer, SgdConfig::with_momentum(0.1, 0.9));
    Trainer::new(1).batch_size(64).seed(42).lr_schedule(schedule()).clip(Clip::GlobalNorm(1.0)).fit(
        &mut by_trainer,
        &mut opt,
        &mnist.train,
        |pass, batch| model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels),
    )?;
    assert!(params.flat() == by_trainer.flat(), "the loop differs from the trainer's");
    println!("the trainer ends with the same {} numbers", params.count());
    Ok(())
}
