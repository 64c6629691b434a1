use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Op, unary, unary_backward};
use crate::Var;
use crate::gradients::Backward;
use crate::graph::NodeId;

impl<'p> Var<'p> {
    /// `y = scale x + shift`, for every element: what the operators with a number on one side mean.
    pub fn affine(self, scale: f32, shift: f32) -> Var<'p> {
        unary(self, |x| Op::Affine(x, scale), |x| scale * x + shift)
    }
}

/// `dx = scale dy`
pub(super) fn backward(x: NodeId, scale: f32, pass: Backward<'_, '_>) {
    unary_backward(x, pass, |g, _, _| scale * g);
}

impl<'p> Neg for Var<'p> {
    type Output = Var<'p>;
    fn neg(self) -> Var<'p> {
        self.affine(-1.0, 0.0)
    }
}

impl<'p> Add<f32> for Var<'p> {
    type Output = Var<'p>;
    fn add(self, number: f32) -> Var<'p> {
        self.affine(1.0, number)
    }
}

impl<'p> Sub<f32> for Var<'p> {
    type Output = Var<'p>;
    fn sub(self, number: f32) -> Var<'p> {
        self.affine(1.0, -number)
    }
}

impl<'p> Mul<f32> for Var<'p> {
    type Output = Var<'p>;
    fn mul(self, number: f32) -> Var<'p> {
        self.affine(number, 0.0)
    }
}

impl<'p> Div<f32> for Var<'p> {
    type Output = Var<'p>;
    fn div(self, number: f32) -> Var<'p> {
        self.affine(1.0 / number, 0.0)
    }
}

impl<'p> Add<Var<'p>> for f32 {
    type Output = Var<'p>;
    fn add(self, x: Var<'p>) -> Var<'p> {
        x.affine(1.0, self)
    }
}

impl<'p> Sub<Var<'p>> for f32 {
    type Output = Var<'p>;
    fn sub(self, x: Var<'p>) -> Var<'p> {
        x.affine(-1.0, self)
    }
}

impl<'p> Mul<Var<'p>> for f32 {
    type Output = Var<'p>;
    fn mul(self, x: Var<'p>) -> Var<'p> {
        x.affine(self, 0.0)
    }
}

impl<'p> Div<Var<'p>> for f32 {
    type Output = Var<'p>;
    fn div(self, x: Var<'p>) -> Var<'p> {
        x.powf(-1.0) * self
    }
}

#[cfg(test)]
mod tests {
    use crate::{Params, Tape, gradcheck};
    use layerwise_tensor::Tensor;

    #[test]
    fn gradient() {
        let x = Tensor::from([-2.0, -0.5, 0.3, 0.9, 1.9]);
        gradcheck(&Params::new(), &[x], |_, x| {
            let x = x[0];
            1.0 - (2.0 * x - 0.5) / 3.0 + (-x + 1.0) * 0.7 + 3.0 / x
        })
        .unwrap();
    }

    #[test]
    fn numbers_stand_on_either_side() {
        let (mut tape, params) = (Tape::new(), Params::new());
        let pass = tape.eval(&params);
        let x = pass.scalar(4.0);
        let all = [x + 1.0, 1.0 + x, x - 1.0, 1.0 - x, x * 2.0, 2.0 * x, x / 2.0, 2.0 / x, -x];
        assert_eq!(all.map(|y| y.item()), [5.0, 5.0, 3.0, -3.0, 8.0, 8.0, 2.0, 0.5, -4.0]);
    }
}
