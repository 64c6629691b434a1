//! The pictures of the sections, drawn from what they have measured.

mod autoencoders;
mod classifiers;
mod stacked;

use autoencoders::{codes, restoration};
use classifiers::{covariate_shift, deep_networks, over_fitting, race, vanishing_gradient};
use stacked::{pretraining, stacked_denoising};

use super::{Findings, SECTIONS};
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
        Some(Findings::Codes(found)) => codes(outcome, found),
        Some(Findings::Restoration(found)) => restoration(found),
        Some(Findings::Pretraining(found)) => pretraining(found),
        Some(Findings::StackedDenoising(found)) => stacked_denoising(found),
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
