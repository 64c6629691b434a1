use std::cell::RefCell;

use layerwise_tensor::Tensor;

use crate::gradients::Gradients;
use crate::graph::Graph;
use crate::statistics::Statistics;
use crate::{Mode, ParamId, Params, Pass};

/// The workspace of training: values and gradients of one pass at a time.
///
/// It grows in the first pass and is reused by the following ones, which allocate nothing as long as their shapes do not
/// grow. Gradients of parameters stay here after the pass, until an optimizer's step takes them; those of several passes
/// in between add up.
///
/// ```
/// use layerwise_autograd::{Params, Tape};
/// let mut params = Params::new();
/// let w = params.root().parameter("w", [2], |w| w.copy_from_slice(&[3.0, -1.0]));
/// let mut tape = Tape::new();
/// let pass = tape.train(&params, 0);
/// let loss = pass.param(w).square().sum(); // w0^2 + w1^2
/// loss.backward();
/// assert_eq!(loss.item(), 10.0);
/// assert_eq!(tape.gradient(&params, "w").unwrap().as_slice(), [6.0, -2.0]); // 2 w
/// ```
#[derive(Default)]
pub struct Tape {
    pub(crate) graph: RefCell<Graph>,
    pub(crate) gradients: RefCell<Gradients>,
    pub(crate) statistics: RefCell<Statistics>,
}

impl Tape {
    /// An empty workspace.
    pub fn new() -> Self {
        Tape::default()
    }

    /// Begins a training pass: dropout drops, batch normalisation uses the batch. All its random numbers come from `seed`.
    ///
    /// # Panics
    /// If gradients of parameters with another layout wait for their step.
    #[track_caller]
    pub fn train<'t>(&'t mut self, params: &'t Params, seed: u64) -> Pass<'t> {
        self.begin(params, Mode::Train, seed)
    }

    /// Begins an evaluation pass: dropout does nothing, batch normalisation uses its running statistics. `backward` works as well.
    ///
    /// # Panics
    /// If gradients of parameters with another layout wait for their step.
    #[track_caller]
    pub fn eval<'t>(&'t mut self, params: &'t Params) -> Pass<'t> {
        self.begin(params, Mode::Eval, 0)
    }

    #[track_caller]
    fn begin<'t>(&'t mut self, params: &'t Params, mode: Mode, seed: u64) -> Pass<'t> {
        self.graph.get_mut().clear();
        let gradients = self.gradients.get_mut();
        let pending = gradients.params_written.iter().any(|&written| written);
        assert!(
            !pending
                || gradients.params.len() == params.flat().len()
                    && gradients.params_written.len() == params.len(),
            "the tape holds gradients of other parameters ({} of them, now {}): step or clear first, or use \
             a tape for each model",
            gradients.params_written.len(),
            params.len()
        );
        Pass::new(self, params, mode, seed)
    }

    /// The gradient of a parameter, summed over the passes since the last step. `None` if no pass reached it, or there is no such
    /// parameter.
    pub fn gradient(&self, params: &Params, name: &str) -> Option<Tensor> {
        let id = params.id(name)?;
        self.with_gradient(params, id, |gradient| Tensor::new(params.shape(id), gradient.to_vec()))
    }

    /// Calls `read` with the gradient of a parameter where it lies, summed over the passes since the last step. `None` if no pass
    /// reached it.
    pub fn with_gradient<R>(
        &self,
        params: &Params,
        id: ParamId,
        read: impl FnOnce(&[f32]) -> R,
    ) -> Option<R> {
        let gradients = self.gradients.borrow();
        let reached = gradients.params_written.get(id.index()).copied().unwrap_or(false);
        reached.then(|| read(&gradients.params[params.layout().range(id)]))
    }

    /// The gradients of all parameters, for update rules: laid out like [`Params::flat`].
    pub fn param_gradients(&mut self) -> ParamGradients<'_> {
        let gradients = self.gradients.get_mut();
        ParamGradients { flat: &mut gradients.params, written: &gradients.params_written }
    }

    /// Whether backward passes from now on look at every gradient that an operation writes, for
    /// [`Pass::first_non_finite_gradient`]. Defaults to no: it takes time.
    pub fn check_gradients(&mut self, check: bool) {
        self.gradients.get_mut().check = check;
    }

    /// Ends a step: stores the running statistics that passes have reported, and forgets all gradients.
    pub fn finish_step(&mut self, params: &mut Params) {
        self.statistics.get_mut().store(params);
        self.clear();
    }

    /// Forgets the gradients of all parameters and the running statistics that passes have reported.
    pub fn clear(&mut self) {
        self.gradients.get_mut().params_written.fill(false);
        self.statistics.get_mut().clear();
    }
}

/// The gradients of all parameters since the last step.
pub struct ParamGradients<'a> {
    /// Laid out like [`Params::flat`]; meaningless where no pass has reached the parameter. Empty before the first
    /// backward pass.
    pub flat: &'a mut [f32],
    written: &'a [bool],
}

impl ParamGradients<'_> {
    /// Whether a pass has reached the parameter since the last step. Others are left alone by a step, as in PyTorch.
    pub fn reached(&self, id: ParamId) -> bool {
        self.written.get(id.index()).copied().unwrap_or(false)
    }
}
