//! What the losses that compare a value with a target, element by element, have in common.

use layerwise_tensor::{Accum, Shape, bce::bce_with_logits_backward, reduce};

use super::{Op, bce, huber, kl_div, mae, mse};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::{Forward, NodeId, Workspace};

/// What becomes of the losses of single elements or examples.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Reduction {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// They stay as they are.
    None,
}

/// A loss of each element `x` with its target `t`.
#[derive(Clone, Copy)]
pub(crate) struct PairLoss {
    kind: Kind,
    x: NodeId,
    target: NodeId,
    reduction: Reduction,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Bce,
    /// With the place of the weights of positive targets, one or one for each column.
    BceWithLogits(Option<usize>),
    Mae,
    Mse,
    Huber(f32),
    KlDiv,
}

/// The loss of an element, and its derivatives by `x` and by the target. All take `x`, `t` and the weight of a positive target.
pub(super) struct Formula {
    pub value: fn(f32, f32, f32) -> f32,
    pub by_x: fn(f32, f32, f32) -> f32,
    pub by_target: fn(f32, f32, f32) -> f32,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bce => "bce",
            Kind::BceWithLogits(_) => "bce_with_logits",
            Kind::Mae => "mae",
            Kind::Mse => "mse",
            Kind::Huber(_) => "huber",
            Kind::KlDiv => "kl_div",
        }
    }

    fn formula(self) -> Formula {
        match self {
            Kind::Bce => bce::OF_PROBABILITIES,
            Kind::BceWithLogits(_) => bce::OF_LOGITS,
            Kind::Mae => mae::FORMULA,
            Kind::Mse => mse::FORMULA,
            Kind::Huber(_) => huber::FORMULA,
            Kind::KlDiv => kl_div::FORMULA,
        }
    }

    /// The loss of every element.
    fn losses(self, (xs, ts): (&[f32], &[f32]), workspace: &Workspace, out: &mut [f32]) {
        if let Kind::BceWithLogits(None) = self {
            return layerwise_tensor::bce::bce_with_logits(xs, ts, 1.0, out);
        }
        let (value, constant) = (self.formula().value, self.constant(workspace));
        for (i, (out, (&x, &t))) in out.iter_mut().zip(xs.iter().zip(ts)).enumerate() {
            *out = value(x, t, constant(i));
        }
    }

    /// The sum of the losses of all elements, in f64.
    fn total(self, pairs: (&[f32], &[f32]), workspace: &mut Workspace) -> f64 {
        if let Kind::BceWithLogits(None) = self {
            let (_, losses) = workspace.buffer(pairs.0.len());
            layerwise_tensor::bce::bce_with_logits(pairs.0, pairs.1, 1.0, losses);
            return reduce::sum(losses);
        }
        let (value, constant) = (self.formula().value, self.constant(workspace));
        let pairs = pairs.0.iter().zip(pairs.1).enumerate();
        pairs.map(|(i, (&x, &t))| f64::from(value(x, t, constant(i)))).sum()
    }

    /// The third argument of the formulas for element `i`.
    fn constant(self, workspace: &Workspace) -> impl Fn(usize) -> f32 {
        let (one, many): (f32, &[f32]) = match self {
            Kind::Huber(delta) => (delta, &[]),
            Kind::BceWithLogits(Some(slot)) => (1.0, workspace.saved(slot)),
            _ => (1.0, &[]),
        };
        move |i| if many.is_empty() { one } else { many[i % many.len()] }
    }
}

impl<'p> Var<'p> {
    /// Records a loss. `kind` may store what it needs in the workspace.
    #[track_caller]
    pub(super) fn pair_loss(
        self,
        name: &str,
        target: Var<'p>,
        reduction: Reduction,
        kind: impl FnOnce(&mut Workspace) -> Kind,
    ) -> Var<'p> {
        self.check_same_pass(target, name);
        let (shape, other) = (self.shape(), target.shape());
        assert!(shape == other, "{name}: a value of shape {shape} with a target of shape {other}");
        let (x, t) = (self.node, target.node);
        let result = if reduction == Reduction::None { shape } else { Shape::SCALAR };
        let needs_gradient = self.needs_gradient() || target.needs_gradient();
        self.pass.record(result, needs_gradient, |Forward { values, out, workspace }| {
            let kind = kind(workspace);
            let pairs = (values.get(x), values.get(t));
            if reduction == Reduction::None {
                kind.losses(pairs, workspace, out);
            } else {
                let scale = if reduction == Reduction::Mean { 1.0 / shape.len() as f64 } else { 1.0 };
                out[0] = (kind.total(pairs, workspace) * scale) as f32;
            }
            Op::PairLoss(PairLoss { kind, x, target: t, reduction })
        })
    }

    /// The reduction of losses that have been computed one by one.
    pub(super) fn reduced(self, reduction: Reduction) -> Var<'p> {
        match reduction {
            Reduction::Mean => self.mean(),
            Reduction::Sum => self.sum(),
            Reduction::None => self,
        }
    }
}

impl PairLoss {
    pub(super) fn name(self) -> &'static str {
        self.kind.name()
    }

    /// `dx = dy dl/dx`, `dt = dy dl/dt`; `dy / n` for a mean
    pub(super) fn backward(self, pass: Backward<'_, '_>) {
        let Backward { values, workspace, gradient, sink, .. } = pass;
        let (xs, ts) = (values.get(self.x), values.get(self.target));
        let scale = if self.reduction == Reduction::Mean { 1.0 / xs.len() as f32 } else { 1.0 };
        let constant = self.kind.constant(workspace);
        let write = |out: &mut [f32], accum: Accum, derivative: fn(f32, f32, f32) -> f32| {
            for (i, (out, (&x, &t))) in out.iter_mut().zip(xs.iter().zip(ts)).enumerate() {
                let g = gradient[if self.reduction == Reduction::None { i } else { 0 }];
                accum.apply(out, scale * g * derivative(x, t, constant(i)));
            }
        };
        let Formula { by_x, by_target, .. } = self.kind.formula();
        sink.add(self.x, |out, accum| match (self.kind, self.reduction) {
            (Kind::BceWithLogits(None), Reduction::Mean | Reduction::Sum) => {
                bce_with_logits_backward(xs, ts, (1.0, scale * gradient[0]), (out, accum));
            }
            _ => write(out, accum, by_x),
        });
        sink.add(self.target, |out, accum| write(out, accum, by_target));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::Reduction;
    use crate::{Params, Tape, Var, gradcheck};
    use layerwise_tensor::Tensor;

    /// Checks the gradients by both inputs with every reduction, and that the reductions belong together.
    pub fn check(x: &Tensor, target: &Tensor, loss: impl for<'p> Fn(Var<'p>, Var<'p>, Reduction) -> Var<'p>) {
        let (mut tape, params) = (Tape::new(), Params::new());
        for reduction in [Reduction::Mean, Reduction::Sum, Reduction::None] {
            gradcheck(&params, &[x.clone(), target.clone()], |_, x| loss(x[0], x[1], reduction)).unwrap();
        }
        let pass = tape.eval(&params);
        let of = |reduction| loss(pass.input(x), pass.input(target), reduction).value();
        let (mean, sum, all) = (of(Reduction::Mean), of(Reduction::Sum), of(Reduction::None));
        assert!((all.sum() - sum.item()).abs() < 1e-5 * sum.item().abs());
        assert!((all.mean() - mean.item()).abs() < 1e-5 * mean.item().abs());
    }
}
