//! Times candle's training step, and networks in use, on the CPU.
//!
//! candle has two pools: products run in rayon's, element-wise operations in one of its own, whose threads spin at a
//! barrier. Where the scheduler puts two of them on one core, a step takes ten times as long, in some runs and not in
//! others. Element-wise operations run on one thread here therefore, and on `--threads` of them with `--spin on`.

use std::hint::black_box;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{AdamW, BatchNorm, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap};
use layerwise_peers::{
    Data, EXAMPLES, Network, PIXELS, PROBE, Result, SCORED, Settings, Task, Trainer, locked_version, measure,
    measure_calls,
};

/// `AdamW` without weight decay is Adam, up to one multiplication by 1 that candle does not leave out.
enum Update {
    Momentum(SgdMomentum),
    Adam(AdamW),
}

/// SGD with momentum as in PyTorch, in candle's own operations: candle's `SGD` has no momentum.
struct SgdMomentum {
    learning_rate: f64,
    momentum: f64,
    parameters: Vec<(Var, Tensor)>,
}

impl SgdMomentum {
    fn new(variables: Vec<Var>, learning_rate: f64, momentum: f64) -> candle_core::Result<Self> {
        let with_velocity = |v: Var| v.zeros_like().map(|velocity| (v, velocity));
        let parameters = variables.into_iter().map(with_velocity).collect::<candle_core::Result<_>>()?;
        Ok(Self { learning_rate, momentum, parameters })
    }

    fn backward_step(&mut self, loss: &Tensor) -> candle_core::Result<()> {
        let gradients = loss.backward()?;
        for (variable, velocity) in &mut self.parameters {
            if let Some(gradient) = gradients.get(variable) {
                // A gradient remembers how it was computed; kept in a velocity it would keep every past step alive.
                *velocity = ((&*velocity * self.momentum)? + gradient.detach())?;
                variable.set(&variable.sub(&(&*velocity * self.learning_rate)?)?)?;
            }
        }
        Ok(())
    }
}

struct Candle {
    network: Network,
    batch: usize,
    layers: Vec<(Linear, Option<BatchNorm>)>,
    update: Update,
    images: Tensor,
    labels: Tensor,
    order: Tensor,
}

impl Candle {
    fn new(network: Network, batch: usize, data: &Data) -> candle_core::Result<Self> {
        let cpu = &Device::Cpu;
        let variables = VarMap::new();
        let names = VarBuilder::from_varmap(&variables, DType::F32, cpu);
        let mut layers = Vec::new();
        for (i, dims) in network.dims().windows(2).enumerate() {
            let dense = candle_nn::linear(dims[0], dims[1], names.pp(format!("dense{i}")))?;
            let norm = (network.normalised() && network.activated(i))
                .then(|| candle_nn::batch_norm(dims[1], 1e-5, names.pp(format!("norm{i}"))))
                .transpose()?;
            layers.push((dense, norm));
        }
        let update = if network == Network::SigmoidSgd {
            Update::Momentum(SgdMomentum::new(variables.all_vars(), 0.01, 0.5)?)
        } else {
            let params = ParamsAdamW { lr: 1e-3, weight_decay: 0.0, ..Default::default() };
            Update::Adam(AdamW::new(variables.all_vars(), params)?)
        };
        let labels: Vec<u32> = data.labels.iter().map(|&l| u32::from(l)).collect();
        Ok(Self {
            network,
            batch,
            layers,
            update,
            images: Tensor::from_slice(&data.images, (data.labels.len(), PIXELS), cpu)?,
            labels: Tensor::new(labels, cpu)?,
            order: Tensor::new(data.order.as_slice(), cpu)?,
        })
    }

    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let mut x = x.clone();
        for (i, (dense, norm)) in self.layers.iter().enumerate() {
            x = dense.forward(&x)?;
            if let Some(norm) = norm {
                x = norm.forward_train(&x)?;
            }
            if self.network.activated(i) {
                x = if self.network == Network::SigmoidSgd {
                    candle_nn::ops::sigmoid(&x)?
                } else {
                    x.relu()?
                };
            }
            if norm.is_some() {
                x = candle_nn::ops::dropout(&x, 0.5)?;
            }
        }
        Ok(x)
    }

    fn loss(&self, start: usize, count: usize) -> candle_core::Result<Tensor> {
        let rows = self.order.narrow(0, start, count)?;
        let x = self.images.index_select(&rows, 0)?;
        let y = self.forward(&x)?;
        if self.network == Network::AutoencoderAdam {
            candle_nn::loss::mse(&y, &x)
        } else {
            candle_nn::loss::cross_entropy(&y, &self.labels.index_select(&rows, 0)?)
        }
    }
}

impl Trainer for Candle {
    fn step(&mut self, start: usize) -> Result<()> {
        let loss = self.loss(start, self.batch)?;
        match &mut self.update {
            Update::Momentum(sgd) => sgd.backward_step(&loss)?,
            Update::Adam(adam) => adam.backward_step(&loss)?,
        }
        Ok(())
    }

    fn probe(&mut self) -> Result<f32> {
        Ok(self.loss(0, PROBE)?.to_scalar()?)
    }
}

/// Times a network in use. Its weights are no variables, so that nothing is recorded.
fn infer(name: (&str, &str), task: Task, test: &Data, settings: &Settings) -> Result<()> {
    let (cpu, dims) = (&Device::Cpu, task.dims());
    let layer = |d: &[usize]| -> candle_core::Result<Linear> {
        let bound = 1.0 / (d[0] as f32).sqrt();
        let weight = Tensor::rand(-bound, bound, (d[1], d[0]), cpu)?;
        Ok(Linear::new(weight, Some(Tensor::rand(-bound, bound, d[1], cpu)?)))
    };
    let layers = dims.windows(2).map(layer).collect::<candle_core::Result<Vec<_>>>()?;
    let forward = |x: &Tensor| -> candle_core::Result<Tensor> {
        let mut x = layers[0].forward(x)?;
        for layer in &layers[1..] {
            x = layer.forward(&x.relu()?)?;
        }
        Ok(x)
    };
    if task != Task::Scoring {
        let rows = task.examples(test);
        let example = |row: &[f32]| Tensor::from_slice(row, (1, dims[0]), cpu);
        let examples = rows.chunks_exact(dims[0]).map(example).collect::<candle_core::Result<Vec<_>>>()?;
        return measure_calls(name, (task, 1), settings, |i| {
            black_box(forward(&examples[i % EXAMPLES])?);
            Ok(())
        });
    }
    let count = test.labels.len();
    let labels: Vec<u32> = test.labels.iter().map(|&l| u32::from(l)).collect();
    let (images, labels) =
        (Tensor::from_slice(&test.images, (count, PIXELS), cpu)?, Tensor::new(labels, cpu)?);
    measure_calls(name, (task, count), settings, |_| {
        let mut hits = 0.0;
        for start in (0..count).step_by(SCORED) {
            let classes = forward(&images.narrow(0, start, SCORED)?)?.argmax(1)?;
            let right = classes.eq(&labels.narrow(0, start, SCORED)?)?;
            hits += right.to_dtype(DType::F32)?.sum_all()?.to_scalar::<f32>()?;
        }
        black_box(hits);
        Ok(())
    })
}

fn main() -> Result<()> {
    let settings = Settings::from_args()?;
    let (mut peer, mut spinning) = ("candle", 1);
    for (option, value) in &settings.rest {
        match (option.as_str(), value.as_str()) {
            ("--spin", "on") => (peer, spinning) = ("candle-spin", settings.threads),
            ("--spin", "off") => {}
            _ => return Err(format!("unknown option {option} {value}").into()),
        }
    }
    Settings::limit_threads(&[("RAYON_NUM_THREADS", settings.threads), ("CANDLE_NUM_THREADS", spinning)])?;
    let (data, test) = (Data::load(&settings.data)?, Data::load_test(&settings.data)?);
    let name = (peer, locked_version("candle-core"));
    for &task in &settings.tasks {
        infer(name, task, &test, &settings)?;
    }
    for &network in &settings.networks {
        for &batch in &settings.batches {
            let mut trainer = Candle::new(network, batch, &data)?;
            measure(name, network, batch, data.labels.len(), &settings, &mut trainer)?;
        }
    }
    Ok(())
}
