//! Pictures of sections 1 to 6.

use super::Illustration;
use crate::activation::VanishingGradient;
use crate::batch_normalization::{CovariateShift, ShiftTrace};
use crate::dropout::{Fit, OverFitting};
use crate::initialization::DeepNetwork;
use crate::optimizer::Run;
use crate::plot::{Curves, Row};

pub(super) fn over_fitting(found: &OverFitting) -> Vec<Illustration> {
    let points = |fits: &[Fit], of: fn(&Fit) -> f64| {
        fits.iter().map(|fit| (fit.epoch as f64, of(fit))).collect::<Vec<_>>()
    };
    let losses = Curves::new(format!("Loss on {} training images, and on the test images", found.images))
        .x_label("epoch")
        .y_label("cross-entropy")
        .log_y()
        .line("training, without dropout", points(&found.without, |fit| fit.train_loss))
        .line("test, without dropout", points(&found.without, |fit| fit.test_loss))
        .line("training, dropout 0.5", points(&found.with, |fit| fit.train_loss))
        .line("test, dropout 0.5", points(&found.with, |fit| fit.test_loss));
    let accuracy = Curves::new("Test accuracy")
        .x_label("epoch")
        .line("without dropout", points(&found.without, |fit| fit.test_accuracy))
        .line("dropout 0.5", points(&found.with, |fit| fit.test_accuracy));
    let caption = "Over-fitting: both networks learn their thousand images by heart. Without dropout the test loss rises meanwhile.";
    let accuracy_caption = "What the network with dropout gains on images it has not seen.";
    vec![
        Illustration::new("dropout-over-fitting", caption, &losses),
        Illustration::new("dropout-accuracy", accuracy_caption, &accuracy),
    ]
}

pub(super) fn vanishing_gradient(found: &VanishingGradient) -> Vec<Illustration> {
    let mut ratios = Curves::new("Gradient of the first layer over that of the last")
        .x_label("hidden layers")
        .y_label("ratio of the norms")
        .log_y();
    let mut norms = Curves::new("Gradient of every layer of the deepest network")
        .x_label("layer, from the input on")
        .y_label("norm of the weight's gradient")
        .log_y();
    for network in &found.networks {
        let name = format!("{:?}, {:?}", network.activation, network.init);
        ratios =
            ratios.line(name.as_str(), network.ratios.iter().map(|&(depth, ratio)| (depth as f64, ratio)));
        norms = norms.line(name, layers(&network.norms));
    }
    vec![
        Illustration::new(
            "activation-vanishing-gradient",
            "The vanishing gradient: with every layer, the sigmoid takes a constant factor away from what reaches the first one.",
            &ratios,
        ),
        Illustration::new("activation-gradient-by-layer", "The same in one network, layer by layer.", &norms),
    ]
}

/// Numbers of layers or epochs, against their place from 1 on.
pub(super) fn layers(values: &[f64]) -> impl Iterator<Item = (f64, f64)> + use<'_> {
    values.iter().enumerate().map(|(i, &value)| ((i + 1) as f64, value))
}

pub(super) fn covariate_shift(found: &CovariateShift) -> Vec<Illustration> {
    let traces = [("without", &found.without), ("with batch normalisation", &found.with)];
    let mut accuracy = Curves::new("Three hidden layers of 100 sigmoid units")
        .x_label("step")
        .y_label("test accuracy")
        .y_range(0.8, 1.0);
    for (name, trace) in traces {
        accuracy = accuracy.line(name, trace.points.iter().map(|at| (at.step as f64, at.test_accuracy)));
    }
    let band = |(name, trace): (&str, &ShiftTrace)| {
        let points = trace.points.iter().map(|at| (at.step as f64, at.percentiles));
        let title = format!("{name}: the range grows {:.1}-fold", trace.growth);
        Curves::new(title)
            .x_label("step")
            .y_label("input of a sigmoid")
            .band("15/50/85 percentile", points)
            .size(480, 360)
    };
    let [without, with] = Curves::share_y(traces.map(band));
    let inputs = Row::new("What enters a sigmoid of the last hidden layer").picture(&without).picture(&with);
    let accuracy_caption =
        "Test accuracy over 50 000 steps of 60 images (Ioffe and Szegedy 2015, figure 1a).";
    let caption = "The distribution of one sigmoid's input over the test images, while the layers below learn (figures 1b and 1c).";
    vec![
        Illustration::new("batch_normalization-accuracy", accuracy_caption, &accuracy),
        Illustration::new("batch_normalization-inputs", caption, &inputs),
    ]
}

pub(super) fn deep_networks(found: &[DeepNetwork]) -> Vec<Illustration> {
    let mut variance = Curves::new("Variance of the activations before training")
        .x_label("hidden layer, from the input on")
        .y_label("variance")
        .log_y();
    let mut accuracy = Curves::new("Thirty hidden layers of 100 ReLU")
        .x_label("epoch")
        .y_label("test accuracy")
        .y_range(0.0, 1.0);
    for network in found {
        let name = format!("{:?}", network.init);
        variance = variance.line(name.as_str(), layers(&network.activation_variance));
        if !network.test_accuracy.is_empty() {
            accuracy = accuracy.line(name, layers(&network.test_accuracy));
        }
    }
    let caption =
        "With He's weights the signal keeps its variance; with the others half of it is lost in every layer.";
    vec![
        Illustration::new("initialization-variance", caption, &variance),
        Illustration::new("initialization-accuracy", "With He's weights the deep network learns.", &accuracy),
    ]
}

pub(super) fn race(found: &[Run]) -> Vec<Illustration> {
    let mut losses = Curves::new("Eight rules, the same weights and batches")
        .x_label("step")
        .y_label("training loss")
        .log_y();
    for run in found {
        losses = losses.line(run.name.as_str(), run.losses.iter().map(|&(step, loss)| (step as f64, loss)));
    }
    vec![Illustration::new(
        "optimizer-race",
        "The training loss of eight rules on the section's network.",
        &losses,
    )]
}
