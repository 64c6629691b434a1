use super::{Op, binary, binary_backward};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::NodeId;

impl<'p> Var<'p> {
    /// `y = x` where `x > 0`, else `slope x` (He et al. 2015, equation 1), for `x [.., features]` and a slope of shape `[features]`,
    /// or `[1]` for all.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn prelu(self, slope: Var<'p>) -> Var<'p> {
        let (x, s) = (self.shape(), slope.shape());
        assert!(
            x.rank() > 0 && (s.dims() == [1] || s.dims() == [x.last()]),
            "prelu: the input {x} with slopes of shape {s}, expected [1] or [{}]",
            x.last()
        );
        binary("prelu", self, slope, Op::Prelu, |x, slope| if x > 0.0 { x } else { slope * x })
    }
}

/// `dx = dy` where `x > 0`, else `slope dy`; `dslope = sum of dy x` where `x <= 0`
pub(super) fn backward(x: NodeId, slope: NodeId, pass: Backward<'_, '_>) {
    binary_backward(
        x,
        slope,
        pass,
        |dy, x, slope| if x > 0.0 { dy } else { dy * slope },
        |dy, _, x| if x > 0.0 { 0.0 } else { dy * x },
    );
}

#[cfg(test)]
mod tests {
    use crate::ops::tests::{noise, panics_with};
    use crate::{Params, gradcheck};
    use layerwise_tensor::Tensor;

    #[test]
    fn gradient() {
        let x = noise([5, 3]).map(|x| x + 0.5 * x.signum());
        for slope in [Tensor::from([0.25]), Tensor::from([0.25, -0.5, 1.5])] {
            gradcheck(&Params::new(), &[x.clone(), slope], |_, x| x[0].prelu(x[1])).unwrap();
        }
    }

    #[test]
    fn wrong_shapes_are_named() {
        panics_with("prelu: the input [2, 3] with slopes of shape [2], expected [1] or [3]", |pass| {
            let slope = pass.input(&noise([2]));
            pass.input(&noise([2, 3])).prelu(slope)
        });
    }
}
