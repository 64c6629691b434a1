//! What most programs use: `use layerwise::prelude::*;`

pub use layerwise_autograd::{CustomOp, Inputs, Mode, ParamId, Params, Pass, Scope, Tape, Var, gradcheck};
pub use layerwise_mnist_data::{ImageSet, Mnist};
pub use layerwise_nn_layers::{Evaluation, Layer, Linear, Mlp, Module, Sequential, accuracy, evaluate};
pub use layerwise_optim::{EpochRecord, History, Optimizer, Progress, Sgd, SgdConfig, TrainError, Trainer};
pub use layerwise_tensor::data::{Classified, Dataset, Labels, Source, TensorDataset};
pub use layerwise_tensor::{Accum, Activation, Rng, Shape, Stream, Tensor, threads};
