//! Applying the rules to a table.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use layerwise_tensor::Tensor;

use super::{Feature, NumberTarget, Preprocessing, Target, Unseen};
use crate::table::{Column, NO_TEXT, Table, TableError, TableProblem, Values, shorten};
use crate::{Examples, Targets};

impl Preprocessing {
    /// The rows of a table as examples with their targets. Columns are found by name.
    ///
    /// # Errors
    /// If a column is not there, a value is missing that nothing is to fill, a class is not one of those of the training data, or a category
    /// is not and such are refused.
    pub fn apply(&self, table: &Table) -> Result<Examples, TableError> {
        let attempt = || Ok(Examples { targets: self.targets(table)?, ..self.encode(table)? });
        attempt().map_err(|problem| table.error(problem))
    }

    /// [`Preprocessing::apply`] without the targets, whose columns need not be there.
    ///
    /// # Errors
    /// As there.
    pub fn apply_to_inputs(&self, table: &Table) -> Result<Examples, TableError> {
        self.encode(table).map_err(|problem| table.error(problem))
    }

    fn encode(&self, table: &Table) -> Result<Examples, TableProblem> {
        let (rows, width) = (table.rows(), self.inputs());
        let mut out = vec![0.0; rows * width];
        let mut unseen = BTreeMap::new();
        let mut at = 0;
        for feature in &self.features {
            let column = table.column(feature.column()).map_err(|error| error.problem)?;
            match feature {
                &Feature::Number { fill, shift, scale, .. } => {
                    let slots = out.iter_mut().skip(at).step_by(width);
                    encode_number(table, column, fill, shift, scale, slots)?;
                }
                Feature::Category { names, fill, unseen: rule, .. } => {
                    let codes = category_codes(table, column, names, fill.as_deref(), *rule)?;
                    let strangers = codes.iter().filter(|&&code| code == NO_TEXT).count();
                    if strangers > 0 {
                        unseen.insert(column.name.clone(), strangers);
                    }
                    for (row, &code) in out.chunks_exact_mut(width).zip(&codes) {
                        if code != NO_TEXT {
                            row[at + code as usize] = 1.0;
                        }
                    }
                }
            }
            at += feature.width();
        }
        Ok(Examples { inputs: Tensor::new([rows, width], out), targets: Targets::None, unseen })
    }

    fn targets(&self, table: &Table) -> Result<Targets, TableProblem> {
        let find = |name: &str| {
            let column = table.column(name).map_err(|error| error.problem)?;
            match (0..table.rows()).find(|&row| column.values.is_missing(row)) {
                Some(row) => {
                    let (line, column) = (table.line(row), column.name.clone());
                    Err(TableProblem::MissingTarget { line, column })
                }
                None => Ok(column),
            }
        };
        match &self.target {
            Target::None => Ok(Targets::None),
            Target::Classes { column, names, .. } => {
                category_codes(table, find(column)?, names, None, Unseen::Refuse).map(Targets::Classes)
            }
            Target::Numbers(targets) => {
                let (rows, width) = (table.rows(), targets.len());
                let mut out = vec![0.0; rows * width];
                for (at, NumberTarget { column, shift, scale }) in targets.iter().enumerate() {
                    let slots = out.iter_mut().skip(at).step_by(width);
                    encode_number(table, find(column)?, None, *shift, *scale, slots)?;
                }
                Ok(Targets::Numbers(Tensor::new([rows, width], out)))
            }
        }
    }
}

fn encode_number<'a>(
    table: &Table,
    column: &Column,
    fill: Option<f64>,
    shift: f64,
    scale: f64,
    slots: impl Iterator<Item = &'a mut f32>,
) -> Result<(), TableProblem> {
    for (row, slot) in slots.enumerate().take(table.rows()) {
        let (line, name) = (table.line(row), &column.name);
        let x = match &column.values {
            Values::Numbers(numbers) if !numbers[row].is_nan() => numbers[row],
            Values::Texts { .. } if !column.values.is_missing(row) => {
                let (column, found) = (name.clone(), shorten(&column.values.text(row)));
                return Err(TableProblem::NotANumber { line, column, found });
            }
            _ => fill.ok_or_else(|| TableProblem::Missing { line, column: name.clone() })?,
        };
        *slot = ((x - shift) / scale) as f32;
        if !slot.is_finite() {
            return Err(TableProblem::NotFinite { line, column: name.clone(), found: x.to_string() });
        }
    }
    Ok(())
}

/// The index of each row's category among `names`, or [`NO_TEXT`] if it is not there.
fn category_codes(
    table: &Table,
    column: &Column,
    names: &[String],
    fill: Option<&str>,
    unseen: Unseen,
) -> Result<Vec<u32>, TableProblem> {
    let places: HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
    let code = |row: usize| {
        let line = table.line(row);
        let text = if column.values.is_missing(row) {
            let missing = || TableProblem::Missing { line, column: column.name.clone() };
            Cow::Borrowed(fill.ok_or_else(missing)?)
        } else {
            column.values.text(row)
        };
        match (places.get(&*text), unseen) {
            (Some(&code), _) => Ok(code),
            (None, Unseen::Zeros) => Ok(NO_TEXT),
            (None, Unseen::Refuse) => {
                let (column, found, known) = (column.name.clone(), shorten(&text), names.to_vec());
                Err(TableProblem::Unseen { line, column, found, known })
            }
        }
    };
    (0..table.rows()).map(code).collect()
}
