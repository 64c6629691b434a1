//! The reference networks of the benchmarks, one training step at a time.

use layerwise::prelude::*;

/// A network that is trained step by step on the training images, held in memory and taken in a shuffled order.
pub struct Training {
    params: Params,
    model: Sequential,
    opt: Sgd,
    tape: Tape,
    order: Vec<u32>,
    batch: usize,
    next: usize,
}

/// The networks there are, by the names that the peers use.
pub const NETWORKS: [&str; 1] = ["sigmoid_sgd"];

const WIDTHS: [usize; 4] = [784, 512, 256, 10];

impl Training {
    /// The network `name` with batches of `batch` images. `None` if there is no such network.
    pub fn new(name: &str, batch: usize) -> Option<Self> {
        if name != NETWORKS[0] {
            return None;
        }
        let mut params = Params::new();
        let model =
            Mlp::new(&WIDTHS).activation(Activation::Sigmoid).build(&mut params.root(), &mut Rng::seed(0));
        let opt = Sgd::new(&params, SgdConfig { lr: 0.01, momentum: 0.5, ..Default::default() });
        let order = Rng::seed(1).stream(0).permutation(Mnist::embedded().train.len());
        Some(Training { params, model, opt, tape: Tape::new(), order, batch, next: 0 })
    }

    /// One training step; the loss before it.
    pub fn step(&mut self) -> f32 {
        if self.next + self.batch > self.order.len() {
            self.next = 0;
        }
        let batch = Mnist::embedded().train.batch(&self.order[self.next..self.next + self.batch]);
        self.next += self.batch;
        let pass = self.tape.train(&self.params, self.next as u64);
        let loss = self.model.forward(pass.input(&batch.images)).cross_entropy(&batch.labels);
        loss.backward();
        let value = loss.item();
        self.opt.step(&mut self.params, &mut self.tape);
        value
    }

    /// Floating-point operations of the matrix products of a step: forward, and backward without the gradient of the images.
    pub fn flops(&self) -> f64 {
        let products: usize = WIDTHS.windows(2).map(|w| 3 * w[0] * w[1]).sum();
        2.0 * (self.batch * (products - WIDTHS[0] * WIDTHS[1])) as f64
    }
}
