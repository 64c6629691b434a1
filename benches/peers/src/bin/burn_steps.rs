//! Times burn's training step, and networks in use, on its CPU backends: `--backends flex,ndarray`.

use std::hint::black_box;

use burn::module::Module;
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, Int, Tensor, TensorData};
use layerwise_peers::{
    Data, EXAMPLES, Network, PIXELS, PROBE, Result, SCORED, Settings, Task, Trainer, locked_version, measure,
    measure_calls,
};

#[derive(Module, Debug)]
struct Net {
    dense: Vec<Linear>,
    norms: Vec<BatchNorm>,
    dropout: Option<Dropout>,
}

impl Net {
    fn new(network: Network, device: &Device) -> Self {
        let dims = network.dims();
        let dense = dims.windows(2).map(|d| LinearConfig::new(d[0], d[1]).init(device)).collect();
        let normalised = if network.normalised() { &dims[1..dims.len() - 1] } else { &[] };
        Self {
            dense,
            norms: normalised.iter().map(|&d| BatchNormConfig::new(d).init(device)).collect(),
            dropout: network.normalised().then(|| DropoutConfig::new(0.5).init()),
        }
    }

    fn forward(&self, network: Network, mut x: Tensor<2>) -> Tensor<2> {
        for (i, dense) in self.dense.iter().enumerate() {
            x = dense.forward(x);
            if let Some(norm) = self.norms.get(i) {
                x = norm.forward(x);
            }
            if network.activated(i) {
                x = if network == Network::SigmoidSgd { sigmoid(x) } else { relu(x) };
                if let Some(dropout) = &self.dropout {
                    x = dropout.forward(x);
                }
            }
        }
        x
    }
}

struct Burn {
    network: Network,
    batch: usize,
    /// Taken out for the length of an update: a second owner would force burn to copy every parameter.
    net: Option<Net>,
    optimizer: ModuleOptimizer,
    learning_rate: f64,
    cross_entropy: CrossEntropyLoss,
    images: Tensor<2>,
    labels: Tensor<1, Int>,
    order: Tensor<1, Int>,
}

impl Burn {
    fn new(network: Network, batch: usize, data: &Data, device: &Device) -> Self {
        let (optimizer, learning_rate) = if network == Network::SigmoidSgd {
            // burn's dampening is 0.1 unless told otherwise; PyTorch's is 0.
            let momentum = MomentumConfig::new().with_momentum(0.5).with_dampening(0.0);
            (SgdConfig::new().with_momentum(Some(momentum)).init(), 0.01)
        } else {
            (AdamConfig::new().with_epsilon(1e-8).init(), 1e-3)
        };
        let count = data.labels.len();
        let labels: Vec<i32> = data.labels.iter().map(|&l| i32::from(l)).collect();
        let order: Vec<i32> = data.order.iter().map(|&row| row as i32).collect();
        Self {
            network,
            batch,
            net: Some(Net::new(network, device)),
            optimizer,
            learning_rate,
            cross_entropy: CrossEntropyLossConfig::new().init(device),
            images: Tensor::from_data(TensorData::new(data.images.clone(), [count, PIXELS]), device),
            labels: Tensor::from_data(TensorData::new(labels, [count]), device),
            order: Tensor::from_data(TensorData::new(order, [count]), device),
        }
    }

    fn loss(&self, net: &Net, start: usize, count: usize) -> Tensor<1> {
        let rows = self.order.clone().narrow(0, start, count);
        let x = self.images.clone().select(0, rows.clone());
        if self.network == Network::AutoencoderAdam {
            MseLoss::new().forward(net.forward(self.network, x.clone()), x, Reduction::Mean)
        } else {
            self.cross_entropy.forward(net.forward(self.network, x), self.labels.clone().select(0, rows))
        }
    }
}

impl Trainer for Burn {
    fn step(&mut self, start: usize) -> Result<()> {
        let net = self.net.take().ok_or("an earlier step failed")?;
        let gradients = self.loss(&net, start, self.batch).backward();
        let gradients = GradientsParams::from_grads(gradients, &net);
        self.net = Some(self.optimizer.step(self.learning_rate, net, gradients));
        Ok(())
    }

    fn probe(&mut self) -> Result<f32> {
        let net = self.net.as_ref().ok_or("an earlier step failed")?;
        Ok(self.loss(net, 0, PROBE).into_scalar())
    }
}

/// Times a network in use, on a device without automatic differentiation.
fn infer(name: (&str, &str), task: Task, test: &Data, settings: &Settings, device: &Device) -> Result<()> {
    let dims = task.dims();
    let dense: Vec<Linear> = dims.windows(2).map(|d| LinearConfig::new(d[0], d[1]).init(device)).collect();
    let forward = |x: Tensor<2>| {
        dense.iter().enumerate().fold(x, |x, (i, layer)| {
            let y = layer.forward(x);
            if i + 1 == dense.len() { y } else { relu(y) }
        })
    };
    if task != Task::Scoring {
        let rows = task.examples(test);
        let example = |row: &[f32]| Tensor::from_data(TensorData::new(row.to_vec(), [1, dims[0]]), device);
        let examples: Vec<Tensor<2>> = rows.chunks_exact(dims[0]).map(example).collect();
        return measure_calls(name, (task, 1), settings, |i| {
            black_box(forward(examples[i % EXAMPLES].clone()));
            Ok(())
        });
    }
    let count = test.labels.len();
    let labels: Vec<i32> = test.labels.iter().map(|&l| i32::from(l)).collect();
    let images: Tensor<2> = Tensor::from_data(TensorData::new(test.images.clone(), [count, PIXELS]), device);
    let labels: Tensor<2, Int> = Tensor::from_data(TensorData::new(labels, [count, 1]), device);
    measure_calls(name, (task, count), settings, |_| {
        let mut hits = 0;
        for start in (0..count).step_by(SCORED) {
            let classes = forward(images.clone().narrow(0, start, SCORED)).argmax(1);
            let right = classes.equal(labels.clone().narrow(0, start, SCORED));
            hits += right.int().sum().into_scalar::<i32>();
        }
        black_box(hits);
        Ok(())
    })
}

#[expect(deprecated, reason = "burn recommends flex instead of ndarray, which is what the table is to show")]
fn device(backend: &str) -> Result<(&'static str, Device)> {
    match backend {
        "flex" => Ok(("burn-flex", Device::flex())),
        "ndarray" => Ok(("burn-ndarray", Device::ndarray())),
        _ => Err(format!("--backends {backend}: flex or ndarray").into()),
    }
}

fn main() -> Result<()> {
    let settings = Settings::from_args()?;
    let mut backends = "flex,ndarray";
    for (option, value) in &settings.rest {
        match option.as_str() {
            "--backends" => backends = value,
            _ => return Err(format!("unknown option {option}").into()),
        }
    }
    let threads = settings.threads;
    Settings::limit_threads(&[("RAYON_NUM_THREADS", threads), ("MATMUL_NUM_THREADS", threads)])?;
    let (data, test) = (Data::load(&settings.data)?, Data::load_test(&settings.data)?);
    for backend in backends.split(',') {
        let (peer, device) = device(backend)?;
        device.seed(0);
        for &task in &settings.tasks {
            infer((peer, locked_version("burn")), task, &test, &settings, &device)?;
        }
        let device = device.autodiff();
        for &network in &settings.networks {
            for &batch in &settings.batches {
                let mut trainer = Burn::new(network, batch, &data, &device);
                let name = (peer, locked_version("burn"));
                measure(name, network, batch, data.labels.len(), &settings, &mut trainer)?;
            }
        }
    }
    Ok(())
}
