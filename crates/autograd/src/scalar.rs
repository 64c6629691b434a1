//! Reverse-mode differentiation of single numbers: the whole idea of this crate, without tensors.
//!
//! # The idea
//!
//! A program that computes with numbers is a list of small steps. Take `z = x y + ln x` at `x = 2`, `y = 3`:
//!
//! | index | step | value | derivative of the step by its operands |
//! | --- | --- | --- | --- |
//! | 0 | `x` | 2 | |
//! | 1 | `y` | 3 | |
//! | 2 | `p = x y` | 6 | by `x`: y = 3; by `y`: x = 2 |
//! | 3 | `l = ln x` | 0.693 | by `x`: 1 / x = 0.5 |
//! | 4 | `z = p + l` | 6.693 | by `p`: 1; by `l`: 1 |
//!
//! The list is called the tape, and [`Graph`] writes it while the program runs. Each step knows only its own
//! derivative, which is easy, and at that moment even a plain number. The chain rule joins them. For a step `u` that
//! is used by the steps `v1`, `v2`, ..:
//!
//! ```text
//! dz/du = dz/dv1 * dv1/du + dz/dv2 * dv2/du + ..
//! ```
//!
//! Every user of a step stands after it on the tape. So one walk from the end to the beginning, which starts with
//! `dz/dz = 1` and hands `dz/dv * dv/du` from each step to its operands, meets every step when its sum is complete:
//! `dz/dl = 1`, `dz/dp = 1`, then `x` gets `1 * 0.5` from step 3 and `1 * 3` from step 2, and `y` gets `1 * 2`.
//!
//! ```
//! use layerwise_autograd::scalar::Graph;
//!
//! let graph = Graph::new();
//! let (x, y) = (graph.value(2.0), graph.value(3.0));
//! let z = x * y + x.ln();
//! z.backward();
//! assert_eq!((x.grad(), y.grad()), (3.5, 2.0));
//! ```
//!
//! One walk gives the derivative by *every* value, in about the time that it took to compute `z`. That is what makes it
//! possible to train a network with millions of weights.
//!
//! # A network
//!
//! Two inputs, two hidden neurons with ReLU, one output: the smallest network that can compute XOR (Goodfellow,
//! Bengio, Courville, "Deep learning", section 6.1). Its output weights should be 1 and -2; here the second is still
//! -1.5, and the network answers 0.5 where 1 xor 1 is 0.
//!
//! ```
//! use layerwise_autograd::scalar::Graph;
//!
//! let graph = Graph::new();
//! let (x1, x2) = (1.0, 1.0);
//! let [w11, w12, w21, w22] = [1.0; 4].map(|w| graph.value(w));
//! let (b1, b2) = (graph.value(0.0), graph.value(-1.0));
//! let (v1, v2) = (graph.value(1.0), graph.value(-1.5));
//!
//! let h1 = (w11 * x1 + w12 * x2 + b1).relu();
//! let h2 = (w21 * x1 + w22 * x2 + b2).relu();
//! let y = v1 * h1 + v2 * h2;
//! let loss = y.powf(2.0);
//! assert_eq!((h1.data(), h2.data(), y.data(), loss.data()), (2.0, 1.0, 0.5, 0.25));
//!
//! loss.backward();
//! assert_eq!(y.grad(), 1.0); //                        2 y
//! assert_eq!((v1.grad(), v2.grad()), (2.0, 1.0)); //   2 y h1, 2 y h2
//! assert_eq!((b1.grad(), b2.grad()), (1.0, -1.5)); //  2 y v1, 2 y v2: both ReLUs let it through
//! assert_eq!((w11.grad(), w22.grad()), (1.0, -1.5)); // the same times the input
//!
//! // A step against the gradient makes the loss smaller; for v2 alone, with a learning rate of 0.5:
//! assert_eq!(v2.data() - 0.5 * v2.grad(), -2.0);
//! ```
//!
//! The engine for tensors differs in what a step holds (arrays, and a rule rather than a number for its derivative),
//! not in how the walk goes. Its tests use this one as an independent witness.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// The tape: every value in the order in which it was computed. It only grows; a training step starts a new one.
#[derive(Default)]
pub struct Graph {
    nodes: RefCell<Vec<Node>>,
}

#[derive(Clone, Copy)]
struct Node {
    value: f64,
    grad: f64,
    /// The operands: index, and derivative of this value by that one.
    parents: [Option<(usize, f64)>; 2],
}

impl Graph {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// A number to start from: an input, a weight, or a constant.
    pub fn value(&self, value: f64) -> Value<'_> {
        self.push(value, [None; 2])
    }

    fn push(&self, value: f64, parents: [Option<(usize, f64)>; 2]) -> Value<'_> {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { value, grad: 0.0, parents });
        Value { graph: self, index: nodes.len() - 1 }
    }
}

/// A number on a [`Graph`]: a handle that is copied freely, and that the borrow checker keeps from outliving its tape.
///
/// `+`, `-`, `*`, `/` take two values or a value and an `f64`.
///
/// # Panics
/// Operations on two values panic if these belong to different graphs.
#[derive(Clone, Copy)]
pub struct Value<'g> {
    graph: &'g Graph,
    index: usize,
}

impl<'g> Value<'g> {
    /// The number.
    pub fn data(self) -> f64 {
        self.node().value
    }

    /// The derivative of the value that [`backward`](Value::backward) was last called on by this one; 0 before.
    pub fn grad(self) -> f64 {
        self.node().grad
    }

    /// Computes the derivatives of this value by all values of the graph, in place of any that were there.
    pub fn backward(self) {
        let mut nodes = self.graph.nodes.borrow_mut();
        nodes.iter_mut().for_each(|node| node.grad = 0.0);
        nodes[self.index].grad = 1.0;
        for i in (0..=self.index).rev() {
            let Node { grad, parents, .. } = nodes[i];
            for (parent, derivative) in parents.into_iter().flatten() {
                nodes[parent].grad += grad * derivative;
            }
        }
    }

    /// `x^p` with a constant `p`; derivative `p x^(p-1)`. A negative `x` needs a whole `p`.
    pub fn powf(self, p: f64) -> Self {
        let x = self.data();
        // x^0 is 1 everywhere, but 0 * 0^-1 would be NaN.
        self.unary(x.powf(p), if p == 0.0 { 0.0 } else { p * x.powf(p - 1.0) })
    }

    /// `e^x`; its own derivative.
    pub fn exp(self) -> Self {
        let y = self.data().exp();
        self.unary(y, y)
    }

    /// `ln x`; derivative `1 / x`.
    pub fn ln(self) -> Self {
        self.unary(self.data().ln(), 1.0 / self.data())
    }

    /// `sqrt(x)`; derivative `1 / (2 sqrt(x))`.
    pub fn sqrt(self) -> Self {
        let y = self.data().sqrt();
        self.unary(y, 0.5 / y)
    }

    /// `tanh x`; derivative `1 - tanh^2 x`.
    pub fn tanh(self) -> Self {
        let y = self.data().tanh();
        self.unary(y, 1.0 - y * y)
    }

    /// `y = 1 / (1 + e^-x)`; derivative `y (1 - y)`.
    pub fn sigmoid(self) -> Self {
        let y = 1.0 / (1.0 + (-self.data()).exp());
        self.unary(y, y * (1.0 - y))
    }

    /// `max(x, 0)`; derivative 1 for `x > 0`, else 0 (at 0 too).
    pub fn relu(self) -> Self {
        let x = self.data();
        if x <= 0.0 { self.unary(0.0, 0.0) } else { self.unary(x, 1.0) }
    }

    /// `|x|`; derivative the sign of `x`, and 0 at 0.
    pub fn abs(self) -> Self {
        let x = self.data();
        self.unary(x.abs(), if x == 0.0 { 0.0 } else { x.signum() })
    }

    fn unary(self, value: f64, derivative: f64) -> Self {
        self.graph.push(value, [Some((self.index, derivative)), None])
    }

    #[track_caller]
    fn binary(self, other: Self, value: f64, derivatives: [f64; 2]) -> Self {
        assert!(
            std::ptr::eq(self.graph, other.graph),
            "values {self:?} and {other:?} belong to different graphs; compute both on one"
        );
        self.graph.push(value, [Some((self.index, derivatives[0])), Some((other.index, derivatives[1]))])
    }

    fn node(self) -> Node {
        self.graph.nodes.borrow()[self.index]
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (grad {})", self.data(), self.grad())
    }
}

impl<'g> Neg for Value<'g> {
    type Output = Value<'g>;
    fn neg(self) -> Value<'g> {
        self.unary(-self.data(), -1.0)
    }
}

/// A binary operator: its value and its two derivatives, for operands `a` and `b` of either kind.
macro_rules! operator {
    ($Trait:ident, $method:ident, |$a:ident, $b:ident| $value:expr, $derivatives:expr) => {
        impl<'g> $Trait for Value<'g> {
            type Output = Value<'g>;
            #[track_caller]
            fn $method(self, other: Value<'g>) -> Value<'g> {
                let ($a, $b) = (self.data(), other.data());
                self.binary(other, $value, $derivatives)
            }
        }
        impl<'g> $Trait<f64> for Value<'g> {
            type Output = Value<'g>;
            fn $method(self, constant: f64) -> Value<'g> {
                self.$method(self.graph.value(constant))
            }
        }
        impl<'g> $Trait<Value<'g>> for f64 {
            type Output = Value<'g>;
            fn $method(self, value: Value<'g>) -> Value<'g> {
                value.graph.value(self).$method(value)
            }
        }
    };
}

operator!(Add, add, |a, b| a + b, [1.0, 1.0]);
operator!(Sub, sub, |a, b| a - b, [1.0, -1.0]);
operator!(Mul, mul, |a, b| a * b, [b, a]);
operator!(Div, div, |a, b| a / b, [1.0 / b, -a / (b * b)]);

#[cfg(test)]
mod tests {
    use super::*;

    type Function = for<'g> fn(Value<'g>, Value<'g>) -> Value<'g>;

    /// Every operation, as a function of two values.
    const OPERATIONS: [(&str, Function); 20] = [
        ("x + y", |x, y| x + y),
        ("x - y", |x, y| x - y),
        ("x * y", |x, y| x * y),
        ("x / y", |x, y| x / y),
        ("x + c", |x, y| (x + 2.0) * y),
        ("c + x", |x, y| (2.0 + x) * y),
        ("x - c", |x, y| (x - 2.0) * y),
        ("c - x", |x, y| (2.0 - x) * y),
        ("x * c", |x, y| x * 3.0 * y),
        ("c * x", |x, y| 3.0 * x * y),
        ("x / c", |x, y| x / 3.0 * y),
        ("c / x", |x, y| 3.0 / x * y),
        ("-x", |x, y| -x * y),
        ("powf", |x, y| x.powf(3.0) * y),
        ("exp", |x, y| x.exp() * y),
        ("tanh", |x, y| x.tanh() * y),
        ("sigmoid", |x, y| x.sigmoid() * y),
        ("relu", |x, y| x.relu() * y),
        ("abs", |x, y| x.abs() * y),
        ("ln, sqrt and powf of a positive", |x, y| x.abs().ln() + x.abs().sqrt() * y.powf(2.0).powf(-0.3)),
    ];

    fn value_and_gradient(f: Function, x: f64, y: f64) -> (f64, [f64; 2]) {
        let graph = Graph::new();
        let (x, y) = (graph.value(x), graph.value(y));
        let z = f(x, y);
        z.backward();
        (z.data(), [x.grad(), y.grad()])
    }

    #[test]
    fn every_operation_agrees_with_central_differences() {
        let h = 1e-5;
        for (name, f) in OPERATIONS {
            let at = |x, y| value_and_gradient(f, x, y).0;
            for (x, y) in [(0.7, 1.3), (-0.4, 0.9), (1.9, -2.1), (-1.2, -0.6)] {
                let expected =
                    [(at(x + h, y) - at(x - h, y)) / (2.0 * h), (at(x, y + h) - at(x, y - h)) / (2.0 * h)];
                let found = value_and_gradient(f, x, y).1;
                for (found, expected) in found.into_iter().zip(expected) {
                    let error = (found - expected).abs() / expected.abs().max(1.0);
                    assert!(error < 1e-8, "{name} at {x}, {y}: {found}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn closed_forms() {
        let softplus: Function = |x, y| (x.exp() + 1.0).ln() * y;
        let sigmoid = 1.0 / (1.0 + f64::exp(-0.3));
        assert!((value_and_gradient(softplus, 0.3, 1.0).1[0] - sigmoid).abs() < 1e-15);
        let norm: Function = |x, y| (x * x + y * y).sqrt();
        let (length, [by_x, by_y]) = value_and_gradient(norm, 3.0, 4.0);
        assert_eq!(length, 5.0);
        assert!((by_x - 0.6).abs() < 1e-15 && (by_y - 0.8).abs() < 1e-15);
        let quotient: Function = |x, y| (x - y) / (x + y);
        assert_eq!(value_and_gradient(quotient, 3.0, 1.0), (0.5, [0.125, -0.375]));
    }

    #[test]
    fn a_value_used_twice_sums_its_contributions() {
        let square: Function = |x, _| x * x;
        assert_eq!(value_and_gradient(square, 3.0, 0.0).1, [6.0, 0.0]);
        // A diamond: a = x y reaches the end on two ways, d/da (a^2 + 3 a) = 2 a + 3.
        let diamond: Function = |x, y| {
            let a = x * y;
            a.powf(2.0) + 3.0 * a
        };
        assert_eq!(value_and_gradient(diamond, 2.0, 5.0), (130.0, [23.0 * 5.0, 23.0 * 2.0]));
        let doubled: Function = |x, _| (0..10).fold(x, |sum, _| sum + sum);
        assert_eq!(value_and_gradient(doubled, 1.5, 0.0), (1536.0, [1024.0, 0.0]));
    }

    #[test]
    fn kinks_have_derivative_zero() {
        for f in [|x, _| Value::relu(x), |x, _| Value::abs(x), |x, _| Value::powf(x, 0.0)] as [Function; 3] {
            assert_eq!(value_and_gradient(f, 0.0, 1.0).1, [0.0, 0.0]);
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for (name, f) in OPERATIONS {
            assert!(value_and_gradient(f, f64::NAN, 1.5).0.is_nan(), "{name}");
        }
    }

    #[test]
    fn backward_replaces_what_was_there() {
        let graph = Graph::new();
        let x = graph.value(2.0);
        let (y, z) = (x * x, x * 7.0);
        assert_eq!(x.grad(), 0.0);
        y.backward();
        y.backward();
        assert_eq!((x.grad(), y.grad(), z.grad()), (4.0, 1.0, 0.0));
        z.backward();
        assert_eq!((x.grad(), y.grad(), z.grad()), (7.0, 0.0, 1.0));
        assert_eq!(format!("{x:?}"), "2 (grad 7)");
    }

    #[test]
    #[should_panic(expected = "values 1 (grad 0) and 2 (grad 0) belong to different graphs")]
    fn values_of_two_graphs_are_refused() {
        let (one, other) = (Graph::new(), Graph::new());
        let _ = one.value(1.0) + other.value(2.0);
    }
}
