//! Pictures of sections 8 and 10.

use super::Illustration;
use super::classifiers::layers;
use crate::plot::{Curves, ImageGrid, Row, Shades};
use crate::stacked_autoencoder::{Pretraining, Stacking};
use crate::stacked_denoising_autoencoder::StackedDenoising;

pub(super) fn pretraining(found: &Pretraining) -> Vec<Illustration> {
    let Pretraining { labels, stacking, random } = found;
    let accuracy = few_labels(*labels)
        .line("pre-trained", layers(&stacking.few_labels))
        .line("random weights", layers(random));
    vec![
        Illustration::new(
            "stacked_autoencoder-layers",
            "Pre-training: every autoencoder learns what the one before makes of the images.",
            &losses("Pre-training, layer by layer", stacking),
        ),
        Illustration::new(
            "stacked_autoencoder-few-labels",
            "What the layers know from 60 000 images without labels, when there are few with them.",
            &accuracy,
        ),
        Illustration::new(
            "stacked_autoencoder-filters",
            "The weights of the first layer after pre-training: what its units look for. Grey is zero.",
            &filters("Weights of the first layer", &[("", stacking)]),
        ),
    ]
}

pub(super) fn stacked_denoising(found: &StackedDenoising) -> Vec<Illustration> {
    let StackedDenoising { labels, denoising, plain } = found;
    let [left, right] = Curves::share_y([
        losses("masking 25 %", denoising).size(480, 360),
        losses("nothing masked", plain).size(480, 360),
    ]);
    let both = Row::new("Pre-training, layer by layer").picture(&left).picture(&right);
    let accuracy = few_labels(*labels)
        .line("denoising", layers(&denoising.few_labels))
        .line("plain", layers(&plain.few_labels));
    vec![
        Illustration::new(
            "stacked_denoising_autoencoder-layers",
            "Pre-training. The task is harder where a quarter of the input is missing.",
            &both,
        ),
        Illustration::new(
            "stacked_denoising_autoencoder-few-labels",
            "Both stacks, fine-tuned on few labels.",
            &accuracy,
        ),
        Illustration::new(
            "stacked_denoising_autoencoder-filters",
            "The weights of the first layer of both stacks, which started from the same values. Grey is zero.",
            &filters("Weights of the first layer", &[("denoising", denoising), ("plain", plain)]),
        ),
    ]
}

fn few_labels(labels: usize) -> Curves {
    Curves::new(format!("Fine-tuning on {labels} labels")).x_label("epoch").y_label("test accuracy")
}

/// The losses of every layer, epoch by epoch.
fn losses(title: &str, stacking: &Stacking) -> Curves {
    let curves = Curves::new(title).x_label("epoch").y_label("cross-entropy of an element");
    stacking.layers.iter().fold(curves, |curves, layer| {
        curves.line(format!("{} to {}", layer.inputs, layer.code), layers(&layer.losses))
    })
}

fn filters(title: &str, stacks: &[(&str, &Stacking)]) -> ImageGrid {
    let grid = ImageGrid::new(title, 28, 28).shades(Shades::Symmetric);
    stacks.iter().fold(grid, |grid, (name, stacking)| grid.row(*name, &stacking.filters))
}
