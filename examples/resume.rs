//! A run that is stopped and goes on from its checkpoints: it ends with the same bits as one that was never stopped.
//!
//! `cargo run --release --example resume -- 2` trains for two epochs. A program of your own sets the flag in its handler of Ctrl-C (crate
//! `ctrlc`); the library installs none.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use layerwise::prelude::*;

/// Steps between two interruptions.
const STEPS: u64 = 300;

/// Trains until it is done or, after some steps, stopped. The parameters, and the history.
fn train(mnist: &Mnist, epochs: usize, folder: &Path, is_stopped: bool) -> anyhow::Result<(Params, History)> {
    let mut params = Params::new();
    let network = Mlp::new(&[784, 64, 10]).activation(Activation::Relu).batch_norm().dropout(0.2);
    let model = network.build(&mut params.root(), &mut Rng::seed(42));
    let rule = OptimizerConfig::from(AdamConfig::default());
    let mut opt = rule.build(&params);

    let stop = AtomicBool::new(false);
    let history = Trainer::new(epochs)
        .batch_size(128)
        .seed(42)
        .validation_split(0.1)
        .early_stopping("val_loss", EarlyStopping { patience: 5, ..Default::default() })
        .every(STEPS, |_| stop.store(is_stopped, Ordering::Relaxed)) // in place of Ctrl-C
        .stop_when(&stop)
        // The program begins and goes on with the same lines.
        .checkpoints(Checkpoints::new(folder).every_steps(100).config(&rule).resume())
        .fit(&mut params, &mut opt, &mnist.train, |pass, batch| {
            model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels)
        })?;
    Ok((params, history))
}

fn main() -> anyhow::Result<()> {
    let epochs = std::env::args().nth(1).map_or(Ok(3), |epochs| epochs.parse())?;
    let mnist = Mnist::embedded();
    let folder = tempfile::tempdir()?;
    let (whole, _) = train(mnist, epochs, &folder.path().join("whole"), false)?;

    let interrupted = folder.path().join("interrupted");
    let (mut params, mut history) = train(mnist, epochs, &interrupted, true)?;
    while history.ended == Ended::Stopped {
        (params, history) = train(mnist, epochs, &interrupted, true)?;
    }
    let bits = |params: &Params| params.flat().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert!(bits(&params) == bits(&whole), "the interrupted run should end with the same bits");
    println!("the same {} parameters, {} epochs, {:?}", params.count(), history.epochs.len(), history.ended);
    history.write_csv(std::io::stdout())?;
    Ok(())
}
