//! Running statistics between the pass that has seen them and the step that stores them.

use layerwise_tensor::Buffer;

use crate::{ParamId, Params};

/// The next values of running statistics.
#[derive(Default)]
pub(crate) struct Statistics {
    /// Laid out like the parameters.
    next: Buffer,
    reported: Vec<bool>,
}

impl Statistics {
    pub fn report(&mut self, params: &Params, id: ParamId, write: impl FnOnce(&mut [f32])) {
        if self.next.len() != params.flat().len() || self.reported.len() != params.len() {
            self.next.resize(params.flat().len());
            self.reported.clear();
            self.reported.resize(params.len(), false);
        }
        let next = &mut self.next[params.layout().range(id)];
        if !std::mem::replace(&mut self.reported[id.index()], true) {
            next.copy_from_slice(&params[id]);
        }
        write(next);
    }

    /// Writes what was reported to the parameters.
    pub fn store(&mut self, params: &mut Params) {
        for id in params.ids().take(self.reported.len()) {
            if std::mem::take(&mut self.reported[id.index()]) {
                let range = params.layout().range(id);
                params[id].copy_from_slice(&self.next[range]);
            }
        }
    }

    pub fn clear(&mut self) {
        self.reported.fill(false);
    }
}
