//! The pictures of the sections, drawn from what they have measured.

use super::{Findings, SECTIONS};
use crate::activation::VanishingGradient;
use crate::batch_normalization::{CovariateShift, ShiftTrace};
use crate::dropout::{Fit, OverFitting};
use crate::initialization::DeepNetwork;
use crate::optimizer::Run;
use crate::plot::{Curves, Drawing, Figure, Picture, Report, ReportSection, Row, Table};
use crate::recipe::Outcome;

/// A picture of a section.
#[derive(Clone, Debug)]
pub struct Illustration {
    /// What its file is called, without an ending; unique in the course.
    pub name: String,
    /// What it shows, in a sentence.
    pub caption: String,
    /// The picture.
    pub drawing: Drawing,
}

impl Illustration {
    fn new(name: &str, caption: &str, picture: &dyn Picture) -> Self {
        Illustration { name: name.into(), caption: caption.into(), drawing: picture.drawing() }
    }
}

/// The pictures of a section: how its network learned, and what else it has measured.
pub fn illustrations(outcome: &Outcome) -> Vec<Illustration> {
    let mut illustrations = vec![learning(outcome)];
    illustrations.extend(match &outcome.findings {
        None => vec![],
        Some(Findings::OverFitting(found)) => over_fitting(found),
        Some(Findings::VanishingGradient(found)) => vanishing_gradient(found),
        Some(Findings::CovariateShift(found)) => covariate_shift(found),
        Some(Findings::DeepNetworks(found)) => deep_networks(found),
        Some(Findings::Rules(found)) => race(found),
    });
    illustrations
}

/// A page with the table of the course and every picture.
pub fn report(outcomes: &[Outcome]) -> Report {
    let mut table = Table::new(super::TABLE_HEADER);
    for outcome in outcomes {
        table = table.row(super::table_row(outcome));
    }
    let sections = outcomes.iter().map(|outcome| {
        let section = SECTIONS.iter().find(|section| section.name == outcome.section);
        let figures = illustrations(outcome);
        ReportSection {
            heading: section.map_or(outcome.section.as_str(), |section| section.title).to_owned(),
            text: section.map_or("", |section| section.text).to_owned(),
            figures: figures.into_iter().map(|i| Figure::new(i.caption, &i.drawing)).collect(),
        }
    });
    Report {
        title: "Layerwise: the course".into(),
        intro: "Each section changes one thing in the network of the section before it. All networks are trained on the 60 000 \
                training images of MNIST; accuracies and losses are those on the 10 000 test images."
            .into(),
        table,
        sections: sections.collect(),
    }
}

/// The training loss and every metric, epoch by epoch.
fn learning(outcome: &Outcome) -> Illustration {
    let epochs = &outcome.history.epochs;
    let loss = Curves::new("Training loss")
        .x_label("epoch")
        .line("loss", epochs.iter().map(|epoch| (epoch.epoch as f64, epoch.loss)));
    let mut row = Row::new(format!("{}: learning", outcome.section)).picture(&loss.size(480, 360));
    for name in epochs.first().into_iter().flat_map(|epoch| epoch.metrics.keys()) {
        let points = epochs
            .iter()
            .map(|epoch| (epoch.epoch as f64, epoch.metrics.get(name).copied().unwrap_or(f64::NAN)));
        row = row
            .picture(&Curves::new(name.as_str()).x_label("epoch").line(name.as_str(), points).size(480, 360));
    }
    let caption = "The section's network, epoch by epoch.";
    Illustration::new(&format!("{}-learning", outcome.section), caption, &row)
}

fn over_fitting(found: &OverFitting) -> Vec<Illustration> {
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

fn vanishing_gradient(found: &VanishingGradient) -> Vec<Illustration> {
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

/// Numbers of layers, against their place from 1 on.
fn layers(values: &[f64]) -> impl Iterator<Item = (f64, f64)> + use<'_> {
    values.iter().enumerate().map(|(i, &value)| ((i + 1) as f64, value))
}

fn covariate_shift(found: &CovariateShift) -> Vec<Illustration> {
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
        let title = format!("{name}, drift {:.1}", trace.drift);
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

fn deep_networks(found: &[DeepNetwork]) -> Vec<Illustration> {
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

fn race(found: &[Run]) -> Vec<Illustration> {
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
