//! The reference networks of the benchmarks, one training step at a time.

use layerwise::prelude::*;

/// A network that is trained step by step on the training images, held in memory and taken in a shuffled order.
pub struct Training {
    params: Params,
    model: Sequential,
    loss: Loss,
    opt: Box<dyn Optimizer + Send>,
    tape: Tape,
    widths: &'static [usize],
    order: Vec<u32>,
    batch: usize,
    next: usize,
}

#[derive(Clone, Copy)]
enum Loss {
    CrossEntropy,
    Reconstruction,
}

/// The networks there are, by the names that the peers use.
pub const NETWORKS: [&str; 4] = ["sigmoid_sgd", "relu_adam", "relu_bn_dropout_adam", "autoencoder_adam"];

const MLP: &[usize] = &[784, 512, 256, 10];
const AUTOENCODER: &[usize] = &[784, 512, 256, 32, 256, 512, 784];

impl Training {
    /// The network `name` with batches of `batch` images. `None` if there is no such network.
    pub fn new(name: &str, batch: usize) -> Option<Self> {
        let mlp = Mlp::new(MLP);
        let adam = AdamConfig::default().into();
        let (network, optimizer): (_, OptimizerConfig) = match name {
            "sigmoid_sgd" => {
                (mlp.activation(Activation::Sigmoid), SgdConfig::with_momentum(0.01, 0.5).into())
            }
            "relu_adam" => (mlp, adam),
            "relu_bn_dropout_adam" => (mlp.batch_norm().dropout(0.5), adam),
            "autoencoder_adam" => return Some(Training::autoencoder(adam, batch)),
            _ => return None,
        };
        let mut params = Params::new();
        let model = network.build(&mut params.root(), &mut Rng::seed(0));
        Some(Training::of(params, model, Loss::CrossEntropy, MLP, optimizer, batch))
    }

    /// Two perceptrons with linear outputs: the code, and the reconstruction.
    fn autoencoder(optimizer: OptimizerConfig, batch: usize) -> Self {
        let (mut params, mut rng) = (Params::new(), Rng::seed(0));
        let (encoder, decoder) = AUTOENCODER.split_at(4);
        let encoder = Mlp::new(encoder).build(&mut params.root().child("encoder"), &mut rng);
        let decoder = Mlp::new(&[&AUTOENCODER[3..4], decoder].concat());
        let decoder = decoder.build(&mut params.root().child("decoder"), &mut rng);
        let model = Sequential::new().then(encoder).then(decoder);
        Training::of(params, model, Loss::Reconstruction, AUTOENCODER, optimizer, batch)
    }

    fn of(
        params: Params,
        model: Sequential,
        loss: Loss,
        widths: &'static [usize],
        optimizer: OptimizerConfig,
        batch: usize,
    ) -> Self {
        let opt = optimizer.build(&params);
        let order = Rng::seed(1).stream(0).permutation(Mnist::embedded().train.len());
        Training { params, model, loss, opt, tape: Tape::new(), widths, order, batch, next: 0 }
    }

    /// One training step; the loss before it.
    pub fn step(&mut self) -> f32 {
        if self.next + self.batch > self.order.len() {
            self.next = 0;
        }
        let batch = Mnist::embedded().train.batch(&self.order[self.next..self.next + self.batch]);
        self.next += self.batch;
        let pass = self.tape.train(&self.params, self.next as u64);
        let images = pass.input(&batch.images);
        let y = self.model.forward(images);
        let loss = match self.loss {
            Loss::CrossEntropy => y.cross_entropy(&batch.labels),
            Loss::Reconstruction => y.mse(images),
        };
        loss.backward();
        let value = loss.item();
        self.opt.step(&mut self.params, &mut self.tape);
        value
    }

    /// Floating-point operations of the matrix products of a step: forward, and backward without the gradient of the images.
    pub fn flops(&self) -> f64 {
        let products: usize = self.widths.windows(2).map(|w| 3 * w[0] * w[1]).sum();
        2.0 * (self.batch * (products - self.widths[0] * self.widths[1])) as f64
    }
}
