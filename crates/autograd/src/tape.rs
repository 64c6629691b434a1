use std::cell::RefCell;

use layerwise_tensor::Tensor;
use layerwise_tensor::threads::Slices;

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
        let (graph, gradients) = (self.graph.get_mut(), self.gradients.get_mut());
        gradients.settle(graph);
        graph.clear();
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
        let mut gradients = self.gradients.borrow_mut();
        gradients.settle(&self.graph.borrow());
        let reached = gradients.params_written.get(id.index()).copied().unwrap_or(false);
        reached.then(|| read(&gradients.params[params.layout().range(id)]))
    }

    /// The gradients of all parameters, for update rules: laid out like [`Params::flat`].
    pub fn param_gradients(&mut self) -> ParamGradients<'_> {
        ParamGradients { graph: self.graph.get_mut(), gradients: self.gradients.get_mut() }
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
        self.gradients.get_mut().clear_params();
        self.statistics.get_mut().clear();
    }
}

/// The gradients of all parameters since the last step.
pub struct ParamGradients<'a> {
    graph: &'a Graph,
    gradients: &'a mut Gradients,
}

impl ParamGradients<'_> {
    /// Whether a pass has reached the parameter since the last step. Others are left alone by a step, as in PyTorch.
    pub fn reached(&self, id: ParamId) -> bool {
        self.gradients.params_written.get(id.index()).copied().unwrap_or(false)
    }

    /// All of them, laid out like [`Params::flat`]; meaningless where no pass has reached the parameter. Empty before the first
    /// backward pass.
    pub fn flat(&mut self) -> &mut [f32] {
        self.gradients.settle(self.graph);
        &mut self.gradients.params
    }

    /// Whether the parameter's gradient has not been computed yet, but [`flat`](ParamGradients::flat) would do it. That of a linear layer's large weight waits, as
    /// far as nothing has been added to it.
    pub fn waits(&self, id: ParamId) -> bool {
        self.gradients.waits(id)
    }

    /// Those that do not wait, as [`flat`](ParamGradients::flat); meaningless for the others.
    pub fn computed(&mut self) -> &mut [f32] {
        &mut self.gradients.params
    }

    /// Computes a gradient that [`waits`](ParamGradients::waits) and calls `body` with a part of it after the other, on any thread, and with the part of `slices`,
    /// which have as many elements, that belongs to it: faster than to have all of it first. It is gone afterwards, as if no pass had reached the parameter. See
    /// [`matmul_in_parts`](layerwise_tensor::matmul_in_parts).
    ///
    /// # Panics
    /// If the gradient does not wait, or the slices have another length.
    #[track_caller]
    pub fn use_up<S: Slices + Send>(&mut self, id: ParamId, slices: S, body: impl Fn(&mut [f32], S) + Sync) {
        self.gradients.use_up(self.graph, id, slices, body);
    }
}
