use layerwise_autograd::{Activation, ParamId, Scope, Var};
use layerwise_tensor::Rng;

use crate::{Init, Module, init};

/// `y = f(x W^T + b)`: every output is a weighted sum of all inputs, plus a bias, through an activation.
///
/// # Shapes
/// - `x [.., in]`, `y [.., out]`
/// - `weight [out, in]` and `bias [out]`, as PyTorch stores them; both start uniform in `1 / sqrt(in)` on either side of zero, as
///   PyTorch's do ([`init::pytorch_linear`])
///
/// ```
/// use layerwise_autograd::{Params, Tape, Tensor};
/// use layerwise_nn_layers::{Linear, Module};
/// use layerwise_tensor::Rng;
///
/// let mut params = Params::new();
/// let layer = Linear::new(&mut params.root(), 3, 2, &mut Rng::seed(0));
/// params.set("weight", &Tensor::new([2, 3], vec![1.0, 0.0, -1.0, 0.5, 0.5, 0.5]));
/// params.set("bias", &Tensor::from([10.0, 20.0]));
/// let mut tape = Tape::new();
/// let pass = tape.eval(&params);
/// let y = layer.forward(pass.input(&Tensor::new([1, 3], vec![1.0, 2.0, 3.0])));
/// assert_eq!(y.value().as_slice(), [8.0, 23.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    weight: ParamId,
    bias: Option<ParamId>,
    activation: Activation,
}

impl Linear {
    /// A linear map with a bias and no activation. Declares `weight` and `bias`.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new(scope: &mut Scope<'_>, inputs: usize, outputs: usize, rng: &mut Rng) -> Self {
        Linear::with_init(scope, inputs, outputs, Init::PytorchLinear, rng)
    }

    /// A linear map with a bias, whose weights start as `init` says; the bias starts at 0 (but see [`Init::PytorchLinear`]). Declares
    /// `weight` and `bias`.
    ///
    /// # Panics
    /// If the names are taken, or a constant of `init` is out of its range.
    #[track_caller]
    pub fn with_init(
        scope: &mut Scope<'_>,
        inputs: usize,
        outputs: usize,
        init: Init,
        rng: &mut Rng,
    ) -> Self {
        init.check();
        let weight =
            scope.parameter("weight", [outputs, inputs], |values| init.fill(values, inputs, outputs, rng));
        let bias = scope.parameter("bias", [outputs], |values| init.fill_bias(values, inputs, rng));
        Linear { weight, bias: Some(bias), activation: Activation::Identity }
    }

    /// A linear map without a bias and no activation. Declares `weight`.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn without_bias(scope: &mut Scope<'_>, inputs: usize, outputs: usize, rng: &mut Rng) -> Self {
        let weight =
            scope.parameter("weight", [outputs, inputs], |values| init::pytorch_linear(values, inputs, rng));
        Linear { weight, bias: None, activation: Activation::Identity }
    }

    /// The same layer with an activation, fused with the linear map.
    ///
    /// # Panics
    /// If a constant of it is out of its range.
    #[track_caller]
    pub fn with_activation(self, activation: Activation) -> Self {
        activation.check();
        Linear { activation, ..self }
    }

    /// The weight, `[out, in]`.
    pub fn weight(&self) -> ParamId {
        self.weight
    }

    /// The bias, `[out]`.
    pub fn bias(&self) -> Option<ParamId> {
        self.bias
    }

    /// What follows the linear map.
    pub fn activation(&self) -> Activation {
        self.activation
    }
}

impl Module for Linear {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        let pass = x.pass();
        x.linear(pass.param(self.weight), self.bias.map(|bias| pass.param(bias)), self.activation)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use layerwise_autograd::{Params, Tape, Tensor, gradcheck};

    fn layer(build: impl Fn(&mut Scope<'_>, usize, usize, &mut Rng) -> Linear) -> (Params, Linear) {
        let mut params = Params::new();
        let layer = build(&mut params.root(), 4, 3, &mut Rng::seed(3));
        (params, layer)
    }

    #[test]
    fn gradient() {
        let x = [Tensor::from_fn([5, 4], |i| (i as f32 * 0.7).sin())];
        for build in [Linear::new, Linear::without_bias] {
            let (params, layer) = layer(build);
            for activation in [Activation::Identity, Activation::Sigmoid, Activation::Silu] {
                let layer = layer.with_activation(activation);
                gradcheck(&params, &x, |_, x| layer.forward(x[0])).unwrap();
            }
        }
    }

    #[test]
    fn names_and_shapes_are_those_of_pytorch() {
        let (params, _) = layer(Linear::new);
        let all: Vec<_> = params.ids().map(|id| (params.name(id), params.shape(id).to_string())).collect();
        assert_eq!(all, [("weight", "[3, 4]".into()), ("bias", "[3]".into())]);
        assert_eq!(layer(Linear::without_bias).0.len(), 1);
    }

    #[test]
    fn a_wrong_input_is_reported_at_the_callers_line() {
        let (params, layer) = layer(Linear::new);
        let (text, file, line) = panic_of(|| {
            let mut tape = Tape::new();
            layer.forward(tape.eval(&params).input(&Tensor::zeros([2, 5])));
        });
        assert_eq!(text, "linear (weight): the input [2, 5] has 5 features, the weight [3, 4] takes 4");
        assert_eq!((file.as_str(), line), (file!(), line!() - 3));
    }

    /// The text of a panic, and the file and the line it points to.
    pub fn panic_of(body: impl FnOnce()) -> (String, String, u32) {
        use std::cell::RefCell;
        use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
        use std::sync::Once;
        thread_local! {
            static PLACE: RefCell<(String, u32)> = const { RefCell::new((String::new(), 0)) };
        }
        // One hook for all tests of the program, which run side by side: each thread notes its own panics.
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = take_hook();
            set_hook(Box::new(move |info| {
                if let Some(place) = info.location() {
                    PLACE.set((place.file().to_owned(), place.line()));
                }
                before(info);
            }));
        });
        let payload = catch_unwind(AssertUnwindSafe(body)).expect_err("it should panic");
        let (file, line) = PLACE.take();
        (*payload.downcast::<String>().expect("the text has numbers in it"), file, line)
    }
}
