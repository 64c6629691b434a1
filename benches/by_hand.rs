//! The forward pass of a perceptron as one would write it without a library: what an abstraction costs is measured against it.

use layerwise::prelude::*;

/// Linear layers with ReLU in between, for one example at a time. Nothing is allocated after it is made.
pub struct ByHand {
    layers: Vec<Layer>,
}

struct Layer {
    /// `[in, out]`: the inner loop runs over the outputs, side by side, which the compiler can vectorise.
    weight: Vec<f32>,
    bias: Vec<f32>,
    output: Vec<f32>,
}

impl ByHand {
    /// The network with the weights of an [`Mlp`] of these widths.
    pub fn new(widths: &[usize], params: &Params) -> Self {
        let layer = |(i, widths): (usize, &[usize])| {
            let [inputs, outputs] = [widths[0], widths[1]];
            let part = |name| &params[params.id(&format!("{}.{name}", 2 * i)).expect("an MLP has it")];
            let weight = part("weight");
            let turned =
                (0..inputs * outputs).map(|at| weight[at % outputs * inputs + at / outputs]).collect();
            Layer { weight: turned, bias: part("bias").to_vec(), output: vec![0.0; outputs] }
        };
        ByHand { layers: widths.windows(2).enumerate().map(layer).collect() }
    }

    /// The logits of one example.
    pub fn forward(&mut self, x: &[f32]) -> &[f32] {
        for at in 0..self.layers.len() {
            let (before, rest) = self.layers.split_at_mut(at);
            let x = before.last().map_or(x, |layer| &layer.output);
            let is_last = rest.len() == 1;
            let Layer { weight, bias, output } = &mut rest[0];
            output.copy_from_slice(bias);
            for (&x, weights) in x.iter().zip(weight.chunks_exact(output.len())) {
                output.iter_mut().zip(weights).for_each(|(sum, &weight)| *sum += x * weight);
            }
            if !is_last {
                output.iter_mut().for_each(|y| *y = y.max(0.0));
            }
        }
        &self.layers[self.layers.len() - 1].output
    }
}
