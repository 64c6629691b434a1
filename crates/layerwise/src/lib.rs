#![doc = include_str!("../README.md")]

pub mod activation;
pub mod autoencoder;
pub mod autoencoder_recipe;
pub mod batch_normalization;
pub mod course;
pub mod denoising_autoencoder;
pub mod dropout;
pub mod initialization;
pub mod mlp;
pub mod optimizer;
#[cfg(feature = "plot")]
pub mod plot;
pub mod prelude;
pub mod recipe;
pub mod stacked_autoencoder;
pub mod stacked_denoising_autoencoder;

pub use layerwise_autoencoders as autoencoders;
pub use layerwise_autograd as autograd;
#[cfg(feature = "data")]
pub use layerwise_data as data;
#[cfg(any(feature = "onnx", feature = "tensorboard"))]
pub use layerwise_interchange as interchange;
pub use layerwise_mnist_data as mnist_data;
pub use layerwise_nn_layers as nn_layers;
pub use layerwise_optim as optim;
pub use layerwise_tensor as tensor;

/// The program in the repository's README is a test as well. Only then is the file read: packages do not contain it.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct RepositoryReadme;

/// The code of the book that is not taken from other files is compiled and run as well.
#[cfg(doctest)]
mod book {
    macro_rules! pages {
        ($($page:ident)*) => {
            $(#[doc = include_str!(concat!("../../../docs/src/", stringify!($page), ".md"))] mod $page {})*
        };
    }
    pages!(
        introduction network mlp dropout activation batch_normalization initialization optimizer autoencoder stacked_autoencoder
        denoising_autoencoder stacked_denoising_autoencoder training_step extending determinism performance pytorch single_crate faq
    );
}
