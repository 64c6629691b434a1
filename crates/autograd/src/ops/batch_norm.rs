use layerwise_tensor::elementwise;
use layerwise_tensor::threads::for_each_part;

use super::Op;
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId, Values};

/// Columns whose sums run side by side, in f64.
pub(super) const BLOCK: usize = 32;

/// Elements from which on a second thread is worth it, and how many each takes at a time.
const PART: usize = 1 << 13;

/// `y = weight (x - mean) / sqrt(variance + eps) + bias`, column by column.
#[derive(Clone, Copy)]
pub(crate) struct BatchNorm {
    x: NodeId,
    weight: Option<NodeId>,
    bias: Option<NodeId>,
    /// Where mean, variance and `1 / sqrt(variance + eps)` of every column are kept, one after the other.
    saved: usize,
    moments: Moments,
}

/// Where mean and variance come from.
#[derive(Clone, Copy, PartialEq)]
enum Moments {
    /// The batch: they depend on `x`.
    Batch,
    /// Elsewhere: they are constants.
    Given,
}

impl<'p> Var<'p> {
    /// Batch normalisation (Ioffe and Szegedy 2015, algorithm 1) of `x [batch, features]` with the batch's own mean and biased
    /// variance (divided by `batch`): `y = weight (x - mean) / sqrt(variance + eps) + bias`, with `weight [features]` 1 and
    /// `bias [features]` 0 where they are `None`. `seen` is given that mean and that variance, for running statistics.
    ///
    /// The sums run over two passes (the mean, then squares of what remains), in f64.
    ///
    /// # Panics
    /// If the shapes do not fit, or the batch has fewer than two examples: one has no variance.
    #[track_caller]
    pub fn batch_norm(
        self,
        weight: Option<Var<'p>>,
        bias: Option<Var<'p>>,
        eps: f32,
        seen: impl FnOnce(&[f32], &[f32]),
    ) -> Var<'p> {
        let features = self.check_norm("batch_norm", weight, bias);
        let (shape, x) = (self.shape(), self.node);
        assert!(
            shape.dims()[0] >= 2,
            "batch_norm{}: a training batch of shape {shape} has fewer than two examples, and one has no variance; leave it \
             out, or use an evaluation pass",
            label(weight)
        );
        let y = self.record_batch_norm(weight, bias, Moments::Batch, |values, saved| {
            let (mean, rest) = saved.split_at_mut(features);
            let (variance, inverse) = rest.split_at_mut(features);
            moments(values.get(x), mean, variance);
            invert(variance, inverse, eps);
        });
        let graph = self.pass.tape.graph.borrow();
        if let Op::BatchNorm(op) = graph.nodes()[y.node.index()].op {
            let (mean, rest) = graph.workspace.saved(op.saved).split_at(features);
            seen(mean, &rest[..features]);
        }
        y
    }

    /// The same with a mean and a variance from elsewhere, such as running statistics, both `[features]`. No gradient flows into
    /// them.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn batch_norm_with(
        self,
        mean: Var<'p>,
        variance: Var<'p>,
        weight: Option<Var<'p>>,
        bias: Option<Var<'p>>,
        eps: f32,
    ) -> Var<'p> {
        let features = self.check_norm("batch_norm", weight, bias);
        for (name, var) in [("mean", mean), ("variance", variance)] {
            self.check_same_pass(var, "batch_norm");
            let found = var.shape();
            assert!(
                found.dims() == [features],
                "batch_norm{}: a {name} of shape {found}, expected [{features}]",
                label(weight)
            );
        }
        self.record_batch_norm(weight, bias, Moments::Given, |values, saved| {
            let (kept, inverse) = saved.split_at_mut(2 * features);
            kept[..features].copy_from_slice(values.get(mean.node));
            kept[features..].copy_from_slice(values.get(variance.node));
            invert(&kept[features..], inverse, eps);
        })
    }

    fn record_batch_norm(
        self,
        weight: Option<Var<'p>>,
        bias: Option<Var<'p>>,
        moments: Moments,
        save: impl FnOnce(Values<'_>, &mut [f32]),
    ) -> Var<'p> {
        let (shape, x) = (self.shape(), self.node);
        let needs = [Some(self), weight, bias].into_iter().flatten().any(Var::needs_gradient);
        self.pass.record(shape, needs, |Forward { values, out, workspace }| {
            let cols = shape.last();
            let (saved, buffer) = workspace.buffer(3 * cols);
            save(values, buffer);
            let [weight, bias] = [weight, bias].map(|var| var.map(|var| var.node));
            let (mean, inverse) = (&buffer[..cols], &buffer[2 * cols..]);
            if cols == 0 {
                return Op::BatchNorm(BatchNorm { x, weight, bias, saved, moments });
            }
            for_each_part(
                (out, values.get(x)),
                whole_rows(cols),
                #[inline(always)]
                |(out, x)| {
                    for (out, x) in out.chunks_exact_mut(cols).zip(x.chunks_exact(cols)) {
                        for (((out, x), mean), inverse) in out.iter_mut().zip(x).zip(mean).zip(inverse) {
                            *out = (x - mean) * inverse;
                        }
                        affine(out, weight.map(|w| values.get(w)), bias.map(|b| values.get(b)));
                    }
                },
            );
            Op::BatchNorm(BatchNorm { x, weight, bias, saved, moments })
        })
    }

    /// The number of features, where weight and bias fit to `x`. Batch normalisation takes matrices alone.
    #[track_caller]
    pub(super) fn check_norm(self, name: &str, weight: Option<Var<'p>>, bias: Option<Var<'p>>) -> usize {
        let shape = self.shape();
        assert!(
            shape.rank() == 2 || (name == "layer_norm" && shape.rank() > 0),
            "{name}{}: a value of shape {shape} is no [batch, features]",
            label(weight)
        );
        let features = shape.last();
        for (part, var) in [("weight", weight), ("bias", bias)] {
            if let Some(var) = var {
                self.check_same_pass(var, name);
                let found = var.shape();
                assert!(
                    found.dims() == [features],
                    "{name}{}: the input {shape} with a {part} of shape {found}, expected [{features}]",
                    label(weight)
                );
            }
        }
        features
    }
}

/// ` (1.weight)` for a weight that is a parameter, nothing for another.
pub(super) fn label(weight: Option<Var<'_>>) -> String {
    let name = |w: Var<'_>| w.as_param().map(|id| format!(" ({})", w.pass.params().name(id)));
    weight.and_then(name).unwrap_or_default()
}

/// Compiles `body` for the widest instructions of the machine, as one part. Mark the closure `#[inline(always)]`.
#[inline(always)]
pub(super) fn at_once<S: layerwise_tensor::threads::Slices + Send>(slices: S, body: impl Fn(S) + Sync) {
    for_each_part(slices, usize::MAX, body);
}

/// `out = weight out + bias`
#[inline(always)]
pub(super) fn affine(out: &mut [f32], weight: Option<&[f32]>, bias: Option<&[f32]>) {
    if let Some(weight) = weight {
        out.iter_mut().zip(weight).for_each(|(out, w)| *out *= w);
    }
    if let Some(bias) = bias {
        out.iter_mut().zip(bias).for_each(|(out, b)| *out += b);
    }
}

/// Mean and biased variance of every column, on all threads.
fn moments(x: &[f32], mean: &mut [f32], variance: &mut [f32]) {
    let cols = mean.len();
    for_each_block(
        (mean, variance),
        x.len(),
        #[inline(always)]
        |first, (mean, variance)| {
            let columns = first..first + mean.len();
            let rows = (x.len() / cols) as f64;
            let (mut centre, mut squares) = ([0.0_f64; BLOCK], [0.0_f64; BLOCK]);
            for row in x.chunks_exact(cols) {
                for (sum, &x) in centre.iter_mut().zip(&row[columns.clone()]) {
                    *sum += f64::from(x);
                }
            }
            centre.iter_mut().for_each(|sum| *sum /= rows);
            for row in x.chunks_exact(cols) {
                for ((sum, centre), &x) in squares.iter_mut().zip(&centre).zip(&row[columns.clone()]) {
                    let d = f64::from(x) - centre;
                    *sum += d * d;
                }
            }
            mean.iter_mut().zip(centre).for_each(|(mean, centre)| *mean = centre as f32);
            variance.iter_mut().zip(squares).for_each(|(variance, sum)| *variance = (sum / rows) as f32);
        },
    );
}

fn invert(variance: &[f32], inverse: &mut [f32], eps: f32) {
    for (inverse, &variance) in inverse.iter_mut().zip(variance) {
        *inverse = (1.0 / (f64::from(variance) + f64::from(eps)).sqrt()) as f32;
    }
}

/// Cuts two rows of numbers, one for each column of a matrix of `elements`, into blocks, and calls `body` with the first column of each
/// and the two parts. A small matrix is not worth a thread.
#[inline(always)]
fn for_each_block(
    (a, b): (&mut [f32], &mut [f32]),
    elements: usize,
    body: impl Fn(usize, (&mut [f32], &mut [f32])) + Sync,
) {
    let part = if elements < PART { usize::MAX } else { 2 * BLOCK };
    for_each_part(
        (0..a.len(), (a, b)),
        part,
        #[inline(always)]
        |(columns, (a, b))| {
            for (first, blocks) in columns.step_by(BLOCK).zip(a.chunks_mut(BLOCK).zip(b.chunks_mut(BLOCK))) {
                body(first, blocks);
            }
        },
    );
}

/// How many elements of a matrix one thread takes at a time: whole rows.
fn whole_rows(cols: usize) -> usize {
    PART.div_ceil(cols) * cols
}

impl BatchNorm {
    pub(crate) fn input_node(self) -> NodeId {
        self.x
    }

    /// With `n = (x - mean) / sqrt(variance + eps)`: `dbias = sum dy`, `dweight = sum dy n`, both over the batch, and
    /// `dx = weight / sqrt(variance + eps) (dy - dbias / batch - n dweight / batch)`; without the last two terms where mean and
    /// variance are constants.
    pub(super) fn backward(self, pass: Backward<'_, '_>) {
        let Backward { values, workspace, gradient, scratch, sink, .. } = pass;
        let cols = values.shape(self.x).last();
        if cols == 0 {
            return;
        }
        let saved = workspace.saved(self.saved);
        let columns = Columns { x: values.get(self.x), mean: &saved[..cols], inverse: &saved[2 * cols..] };
        scratch.resize(3 * cols);
        let (plain, rest) = scratch.split_at_mut(cols);
        let (products, scale) = rest.split_at_mut(cols);
        columns.sums(gradient, plain, products);
        for (node, sums) in [(self.bias, &plain), (self.weight, &products)] {
            if let Some(node) = node {
                sink.add(node, |out, accum| elementwise::map(sums, out, accum, |sum| sum));
            }
        }
        scale.copy_from_slice(columns.inverse);
        if let Some(weight) = self.weight {
            scale.iter_mut().zip(values.get(weight)).for_each(|(scale, weight)| *scale *= weight);
        }
        let batch = (gradient.len() / cols) as f32;
        let sums = plain.iter_mut().chain(products.iter_mut());
        match self.moments {
            Moments::Batch => sums.for_each(|sum| *sum /= batch),
            Moments::Given => sums.for_each(|sum| *sum = 0.0),
        }
        columns.input(gradient, plain, products, scale);
        sink.hand_on(self.x, gradient);
    }
}

/// What the backward pass reads beside the gradient.
struct Columns<'a> {
    x: &'a [f32],
    mean: &'a [f32],
    inverse: &'a [f32],
}

impl Columns<'_> {
    /// The sums of `dy` and of `dy n` over the batch.
    fn sums(&self, dy: &[f32], plain: &mut [f32], products: &mut [f32]) {
        let cols = self.mean.len();
        for_each_block(
            (plain, products),
            dy.len(),
            #[inline(always)]
            |first, (plain, products)| {
                let columns = first..first + plain.len();
                let (mean, inverse) = (&self.mean[columns.clone()], &self.inverse[columns.clone()]);
                let mut sums = [[0.0_f64; BLOCK]; 2];
                for (dy, x) in dy.chunks_exact(cols).zip(self.x.chunks_exact(cols)) {
                    let (dy, x) = (&dy[columns.clone()], &x[columns.clone()]);
                    for i in 0..dy.len() {
                        sums[0][i] += f64::from(dy[i]);
                        sums[1][i] += f64::from(dy[i]) * f64::from((x[i] - mean[i]) * inverse[i]);
                    }
                }
                plain.iter_mut().zip(sums[0]).for_each(|(plain, sum)| *plain = sum as f32);
                products.iter_mut().zip(sums[1]).for_each(|(product, sum)| *product = sum as f32);
            },
        );
    }

    /// `dy = scale (dy - plain - n products)`
    fn input(&self, dy: &mut [f32], plain: &[f32], products: &[f32], scale: &[f32]) {
        let cols = self.mean.len();
        for_each_part(
            (dy, self.x),
            whole_rows(cols),
            #[inline(always)]
            |(dy, x)| {
                for (dy, x) in dy.chunks_exact_mut(cols).zip(x.chunks_exact(cols)) {
                    // Slices of one length each, so that the loop needs no checks.
                    let (x, mean, inverse) = (&x[..cols], &self.mean[..cols], &self.inverse[..cols]);
                    let (plain, products, scale) = (&plain[..cols], &products[..cols], &scale[..cols]);
                    for i in 0..cols {
                        let n = (x[i] - mean[i]) * inverse[i];
                        dy[i] = scale[i] * (dy[i] - plain[i] - n * products[i]);
                    }
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, Tape, Var, gradcheck};
    use layerwise_tensor::Tensor;

    const EPS: f32 = 1e-5;

    fn normed<'p>(x: Var<'p>) -> Var<'p> {
        x.batch_norm(None, None, EPS, |_, _| ())
    }

    #[test]
    fn gradient() {
        // One block of columns, and more than one.
        for features in [3, 35] {
            let of = |shape: &[usize], salt: f32| noise(shape).map(|x| x + salt);
            let inputs =
                [noise([5, features]), of(&[features], 1.5), of(&[features], 0.0), of(&[features], 2.0)];
            gradcheck(&Params::new(), &inputs[..3], |_, x| {
                x[0].batch_norm(Some(x[1]), Some(x[2]), EPS, |_, _| ())
            })
            .unwrap();
            gradcheck(&Params::new(), &inputs[..1], |_, x| normed(x[0])).unwrap();
            gradcheck(&Params::new(), &inputs[..3], |pass, x| {
                let [mean, variance] = [&inputs[2], &inputs[3]].map(|t| pass.input(t));
                x[0].batch_norm_with(mean, variance, Some(x[1]), Some(x[2]), EPS)
            })
            .unwrap();
        }
    }

    #[test]
    fn an_offset_of_thousands_costs_no_digits_of_the_variance() {
        let x = noise([64, 40]);
        let far = x.map(|x| (x * 64.0).round() / 64.0 + 4096.0);
        let near = far.map(|x| x - 4096.0);
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let mut found = [vec![], vec![]];
        for (found, x) in found.iter_mut().zip([&near, &far]) {
            pass.input(x).batch_norm(None, None, EPS, |_, variance| found.extend_from_slice(variance));
        }
        for (near, far) in found[0].iter().zip(&found[1]) {
            assert!((near / far - 1.0).abs() < 1e-6, "{near} {far}");
        }
    }

    #[test]
    fn scale_and_offset_of_the_input_do_not_matter_and_its_gradient_sums_to_nothing() {
        let x = noise([16, 6]);
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.train(&params, 0);
        let u = pass.variable(&x);
        let (y, scaled) = (normed(u), normed(u * 64.0 + 3.0));
        for (a, b) in y.value().as_slice().iter().zip(scaled.value().as_slice()) {
            assert!((a - b).abs() < 1e-3, "{a} {b}"); // eps does not scale along
        }
        (y * y * pass.input(&noise([6]))).sigmoid().backward_with(&noise([16, 6]));
        let gradient = u.gradient().unwrap();
        for feature in 0..6 {
            let column: Vec<f32> = gradient.as_slice().iter().skip(feature).step_by(6).copied().collect();
            let size: f32 = column.iter().map(|g| g.abs()).sum();
            assert!(size > 1e-3 && column.iter().sum::<f32>().abs() < 1e-6 * size.max(1.0));
        }
    }

    #[test]
    fn wrong_shapes_are_named() {
        let one = "batch_norm: a training batch of shape [1, 3] has fewer than two examples, and one has no variance; leave \
                   it out, or use an evaluation pass";
        panics_with(one, |pass| normed(pass.input(&noise([1, 3]))));
        panics_with("batch_norm: a value of shape [2, 2, 3] is no [batch, features]", |pass| {
            normed(pass.input(&noise([2, 2, 3])))
        });
        panics_with("batch_norm: the input [2, 3] with a bias of shape [4], expected [3]", |pass| {
            let bias = pass.input(&Tensor::zeros([4]));
            pass.input(&noise([2, 3])).batch_norm(None, Some(bias), EPS, |_, _| ())
        });
    }
}
