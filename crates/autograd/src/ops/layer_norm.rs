use layerwise_tensor::{Accum, reduce};

use super::Op;
use super::batch_norm::{BLOCK, affine, at_once};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId};

/// `y = weight (x - mean) / sqrt(variance + eps) + bias`, row by row.
#[derive(Clone, Copy)]
pub(crate) struct LayerNorm {
    x: NodeId,
    weight: Option<NodeId>,
    bias: Option<NodeId>,
    /// Where mean and `1 / sqrt(variance + eps)` of every row are kept, in pairs.
    saved: usize,
}

impl<'p> Var<'p> {
    /// Layer normalisation (Ba et al. 2016) of `x [.., features]` over its last dimension, with the biased variance:
    /// `y = weight (x - mean) / sqrt(variance + eps) + bias`, with `weight [features]` 1 and `bias [features]` 0 where they are
    /// `None`. Sums run in f64, the variance's over squares of what remains after the mean.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn layer_norm(self, weight: Option<Var<'p>>, bias: Option<Var<'p>>, eps: f32) -> Var<'p> {
        let cols = self.check_norm("layer_norm", weight, bias);
        let (shape, x) = (self.shape(), self.node);
        let needs = [Some(self), weight, bias].into_iter().flatten().any(Var::needs_gradient);
        self.pass.record(shape, needs, |Forward { values, out, workspace }| {
            let (saved, pairs) = workspace.buffer(2 * shape.rows());
            let [weight, bias] = [weight, bias].map(|var| var.map(|var| var.node));
            if cols > 0 {
                for (x, pair) in values.get(x).chunks_exact(cols).zip(pairs.chunks_exact_mut(2)) {
                    let mean = reduce::sum(x) / cols as f64;
                    let squares: f64 = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
                    pair[0] = mean as f32;
                    pair[1] = (1.0 / (squares / cols as f64 + f64::from(eps)).sqrt()) as f32;
                }
                let pairs: &[f32] = pairs;
                at_once(
                    (out, values.get(x)),
                    #[inline(always)]
                    |(out, x)| {
                        let rows = x.chunks_exact(cols).zip(pairs.chunks_exact(2));
                        for (out, (x, pair)) in out.chunks_exact_mut(cols).zip(rows) {
                            out.iter_mut().zip(x).for_each(|(out, x)| *out = (x - pair[0]) * pair[1]);
                            affine(out, weight.map(|w| values.get(w)), bias.map(|b| values.get(b)));
                        }
                    },
                );
            }
            Op::LayerNorm(LayerNorm { x, weight, bias, saved })
        })
    }
}

impl LayerNorm {
    pub(crate) fn input_node(self) -> NodeId {
        self.x
    }

    /// With `n = (x - mean) / sqrt(variance + eps)` and `g = weight dy`: `dbias = sum dy` and `dweight = sum dy n` over the rows, and
    /// `dx = (g - mean(g) - n mean(g n)) / sqrt(variance + eps)` with means over the features.
    pub(super) fn backward(self, pass: Backward<'_, '_>) {
        let Backward { values, workspace, gradient, sink, .. } = pass;
        let (x, cols) = (values.get(self.x), values.shape(self.x).last());
        if cols == 0 {
            return;
        }
        let pairs = workspace.saved(self.saved);
        if let Some(bias) = self.bias {
            sink.add(bias, |out, accum| reduce::sum_rows(gradient, out, accum));
        }
        if let Some(weight) = self.weight {
            sink.add(weight, |out, accum| weight_gradient(gradient, x, pairs, (out, accum)));
        }
        let weight = self.weight.map(|weight| values.get(weight));
        if let Some(weight) = weight {
            for dy in gradient.chunks_exact_mut(cols) {
                dy.iter_mut().zip(weight).for_each(|(dy, w)| *dy *= w);
            }
        }
        for (g, (x, pair)) in
            gradient.chunks_exact_mut(cols).zip(x.chunks_exact(cols).zip(pairs.chunks_exact(2)))
        {
            let n = |x: f32| (x - pair[0]) * pair[1];
            let plain = (reduce::sum(g) / cols as f64) as f32;
            let products: f64 = g.iter().zip(x).map(|(&g, &x)| f64::from(g) * f64::from(n(x))).sum();
            let products = (products / cols as f64) as f32;
            for (g, &x) in g.iter_mut().zip(x) {
                *g = pair[1] * (*g - plain - n(x) * products);
            }
        }
        sink.hand_on(self.x, gradient);
    }
}

fn weight_gradient(dy: &[f32], x: &[f32], pairs: &[f32], (out, accum): (&mut [f32], Accum)) {
    let cols = out.len();
    for first in (0..cols).step_by(BLOCK) {
        let end = cols.min(first + BLOCK);
        let mut sums = [0.0_f64; BLOCK];
        let rows = dy.chunks_exact(cols).zip(x.chunks_exact(cols));
        for ((dy, x), pair) in rows.zip(pairs.chunks_exact(2)) {
            for ((sum, &dy), &x) in sums.iter_mut().zip(&dy[first..end]).zip(&x[first..end]) {
                *sum += f64::from(dy) * f64::from((x - pair[0]) * pair[1]);
            }
        }
        for (out, sum) in out[first..end].iter_mut().zip(sums) {
            accum.apply(out, sum as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, gradcheck};

    #[test]
    fn gradient() {
        for features in [4, 35] {
            for shape in [&[3, features][..], &[features], &[2, 2, features]] {
                let inputs = [noise(shape), noise([features]).map(|w| w + 1.5), noise([features])];
                gradcheck(&Params::new(), &inputs, |_, x| x[0].layer_norm(Some(x[1]), Some(x[2]), 1e-5))
                    .unwrap();
                gradcheck(&Params::new(), &inputs[..1], |_, x| x[0].layer_norm(None, None, 1e-5)).unwrap();
            }
        }
    }

    #[test]
    fn wrong_shapes_are_named() {
        panics_with("layer_norm: the input [2, 3] with a weight of shape [2], expected [3]", |pass| {
            let weight = pass.input(&noise([2]));
            pass.input(&noise([2, 3])).layer_norm(Some(weight), None, 1e-5)
        });
    }
}
