//! What a model is, for people and for programs.

use std::fmt;
use std::io::{Write, stdout};
use std::path::Path;

use layerwise::data::{Feature, Target};
use layerwise::prelude::OptimizerConfig;
use serde_json::json;

use crate::arrays::Learned;
use crate::model::{Architecture, Description, Input, Training};

/// A model and its file.
pub struct Report<'a> {
    pub description: &'a Description,
    pub parameters: usize,
    pub path: &'a Path,
}

impl Report<'_> {
    pub fn print(&self, as_json: bool) -> anyhow::Result<()> {
        if as_json {
            let mut value = serde_json::to_value(self.description)?;
            value["model"] = json!(self.path.display().to_string());
            value["parameters"] = json!(self.parameters);
            writeln!(stdout(), "{value}")?;
        } else {
            write!(stdout(), "{self}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Description { architecture, input, training } = self.description;
        writeln!(f, "{:12} {}", "model", self.path.display())?;
        writeln!(f, "{:12} {}, {} parameters", "layers", layers(architecture), self.parameters)?;
        match input {
            Input::Table { preprocessing, .. } => {
                for feature in preprocessing.features() {
                    writeln!(f, "{:12} {}", "input", show_feature(feature))?;
                }
                for line in show_target(preprocessing.target()) {
                    writeln!(f, "{:12} {line}", "target")?;
                }
            }
            Input::Images { size: [rows, cols], class_names, .. } => {
                writeln!(f, "{:12} grey images, {rows} x {cols} (rows x columns)", "input")?;
                if !class_names.is_empty() {
                    writeln!(f, "{:12} classes {}", "target", shorten(class_names))?;
                }
            }
            Input::Array { scaler, learned, .. } => {
                writeln!(f, "{:12} arrays, {} numbers an example", "input", scaler.width())?;
                match learned {
                    Some(Learned::Classes { names }) => {
                        writeln!(f, "{:12} classes {}", "target", shorten(names))?;
                    }
                    Some(Learned::Numbers { scaler }) => {
                        writeln!(f, "{:12} arrays, {} numbers an example", "target", scaler.width())?;
                    }
                    None => {}
                }
            }
        }
        show_training(f, training)
    }
}

/// The widths, and what is between them.
pub fn layers(architecture: &Architecture) -> String {
    let join = |widths: &[usize]| widths.iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
    match architecture {
        Architecture::Network(network) => {
            let norm = if network.batch_norm { ", batch normalisation" } else { "" };
            let dropout = match network.dropout {
                0.0 => String::new(),
                p => format!(", dropout {p}"),
            };
            format!("{}, {}{norm}{dropout}", join(&network.widths), network.activation)
        }
        Architecture::Autoencoder(config) => {
            format!("autoencoder {}, {}", join(config.encoder_widths()), join(config.decoder_widths()))
        }
    }
}

fn show_feature(feature: &Feature) -> String {
    match feature {
        Feature::Number { column, fill, shift, scale } => {
            let fill =
                fill.map_or("missing values refused".into(), |fill| format!("missing values {fill:.6}"));
            format!("'{column}': number, (x - {shift:.6}) / {scale:.6}, {fill}")
        }
        Feature::Category { column, names, fill, .. } => {
            let fill = fill
                .as_ref()
                .map_or("missing values refused".into(), |fill| format!("missing values '{fill}'"));
            format!("'{column}': categories {}, {fill}", shorten(names))
        }
        _ => format!("'{}'", feature.column()),
    }
}

fn show_target(target: &Target) -> Vec<String> {
    match target {
        Target::Classes { column, names, .. } => vec![format!("'{column}': classes {}", shorten(names))],
        Target::Numbers(targets) => targets
            .iter()
            .map(|t| format!("'{}': number, (y - {:.6}) / {:.6}", t.column, t.shift, t.scale))
            .collect(),
        _ => Vec::new(),
    }
}

fn show_training(f: &mut fmt::Formatter<'_>, training: &Training) -> fmt::Result {
    let Training { data, examples, epochs, batch_size, optimizer, seed, seconds, is_interrupted, metrics } =
        training;
    let rule = optimizer.as_ref().map_or(String::new(), |config: &OptimizerConfig| {
        format!(", {} with learning rate {}", config.name(), config.lr())
    });
    let cut = if *is_interrupted { " (interrupted)" } else { "" };
    writeln!(
        f,
        "{:12} {data}: {examples} examples, {epochs} epochs{cut}, batches of {batch_size}{rule}, seed {seed}, {seconds:.1} s",
        "training"
    )?;
    for (name, value) in metrics {
        writeln!(f, "{:12} {} {value:.4}", "", name.replace('_', " "))?;
    }
    Ok(())
}

fn shorten(names: &[String]) -> String {
    const MOST: usize = 12;
    let text = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(MOST) {
        Some(more @ 1..) => format!("{text} and {more} more"),
        _ => text,
    }
}
