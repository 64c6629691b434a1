//! What most programs use: `use layerwise::prelude::*;`

pub use layerwise_autoencoders::{
    AnomalyDetector, Autoencoder, AutoencoderModel, Corruption, Emphasis, FitError, Likelihood, Loss, Pca,
    ReconstructionError, Stack, Stacked, StackedModel, Vae, VaeModel, auroc,
};
pub use layerwise_autograd::{CustomOp, Inputs, Mode, ParamId, Params, Pass, Scope, Tape, Var, gradcheck};
pub use layerwise_mnist_data::{ImageSet, Mnist, Variant};
pub use layerwise_nn_layers::{
    AlphaDropout, BatchNorm, BatchNormConfig, ConfusionMatrix, Dropout, Evaluation, GaussianDropout,
    GaussianNoise, Init, Layer, LayerNorm, Linear, Mlp, Module, Observer, PRelu, Sequential, Summary,
    accuracy, evaluate, gradient_norms, top_k_accuracy,
};
pub use layerwise_optim::{
    Adadelta, AdadeltaConfig, Adagrad, AdagradConfig, Adam, AdamConfig, AdamW, AdamWConfig, Adamax,
    AdamaxConfig, Callback, Checkpoint, CheckpointError, Checkpoints, Clip, Constraint, Decay, EarlyStopping,
    Ended, EpochRecord, Group, History, JsonLines, Lamb, LambConfig, Lion, LionConfig, Lookahead,
    LookaheadConfig, NAdam, NAdamConfig, OneCycle, Optimizer, OptimizerConfig, OptimizerState, PlateauConfig,
    Progress, RAdam, RAdamConfig, RangeTest, ReduceOnPlateau, RmsProp, RmsPropConfig, Schedule, Sgd,
    SgdConfig, TrainError, Trainer, clip_grad_norm, clip_grad_value,
};
pub use layerwise_tensor::data::{Classified, Dataset, Labels, Source, TensorDataset};
pub use layerwise_tensor::{Accum, Activation, Rng, Shape, Stream, Tensor, threads};
