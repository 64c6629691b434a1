//! Fitting the rules on the training data.

use super::{Feature, Fill, FillText, NumberTarget, Preprocessing, PreprocessingConfig, Target, Task};
use crate::table::{Column, Interner, NO_TEXT, Table, TableError, TableProblem, Values, shorten};

impl Preprocessing {
    /// Fits the rules on a table: the training part of the data, so that nothing of the other parts is known to the model. All columns but
    /// the targets are inputs.
    ///
    /// # Errors
    /// If the table has no rows or no inputs, a target is not there or missing in a row, a value is missing that nothing is to fill, a column
    /// has no values or too many categories, or there is one class only.
    pub fn fit(table: &Table, config: &PreprocessingConfig) -> Result<Self, TableError> {
        let attempt = || {
            if table.rows() == 0 {
                return Err(TableProblem::NoRows);
            }
            let target = fit_target(table, config)?;
            let inputs = table.columns().iter().filter(|column| !config.targets.contains(&column.name));
            let features = inputs.map(|column| fit_feature(table, column, config));
            let features = features.collect::<Result<Vec<_>, _>>()?;
            if features.is_empty() {
                return Err(TableProblem::NoFeatures);
            }
            Ok(Preprocessing { features, target })
        };
        attempt().map_err(|problem| table.error(problem))
    }
}

fn fit_feature(
    table: &Table,
    column: &Column,
    config: &PreprocessingConfig,
) -> Result<Feature, TableProblem> {
    let name = column.name.clone();
    match &column.values {
        Values::Numbers(numbers) => {
            let fill = fit_fill(table, &name, numbers, config.fill)?;
            // A missing value is filled before the scale is fitted, as everywhere after.
            let filled = numbers.iter().map(|&x| if x.is_nan() { fill.unwrap_or(0.0) } else { x });
            let (shift, scale) = config.scaling.fit(filled);
            Ok(Feature::Number { column: name, fill, shift, scale })
        }
        Values::Texts { names, codes } => fit_category(table, name, names, codes, config),
    }
}

fn fit_fill(table: &Table, column: &str, numbers: &[f64], rule: Fill) -> Result<Option<f64>, TableProblem> {
    let mut there: Vec<f64> = numbers.iter().copied().filter(|x| !x.is_nan()).collect();
    if there.is_empty() && !matches!(rule, Fill::Constant(_)) {
        return Err(TableProblem::NoValues { column: column.to_owned() });
    }
    Ok(match rule {
        Fill::Refuse => match numbers.iter().position(|x| x.is_nan()) {
            None => None,
            Some(row) => {
                let (line, column) = (table.line(row), column.to_owned());
                return Err(TableProblem::Missing { line, column });
            }
        },
        Fill::Mean => Some(there.iter().sum::<f64>() / there.len() as f64),
        Fill::Median => {
            there.sort_unstable_by(f64::total_cmp);
            Some(f64::midpoint(there[(there.len() - 1) / 2], there[there.len() / 2]))
        }
        Fill::MostFrequent => {
            there.sort_unstable_by(f64::total_cmp);
            let runs = there.chunk_by(|a, b| a == b);
            // The first of the longest: `max_by_key` would take the last.
            runs.rev().max_by_key(|run| run.len()).map(|run| run[0])
        }
        Fill::Constant(x) => Some(x),
    })
}

fn fit_category(
    table: &Table,
    column: String,
    names: &[String],
    codes: &[u32],
    config: &PreprocessingConfig,
) -> Result<Feature, TableProblem> {
    // A part of a table knows the texts of the whole; what does not occur in it is not fitted.
    let mut counts = vec![0_usize; names.len()];
    codes.iter().filter(|&&code| code != NO_TEXT).for_each(|&code| counts[code as usize] += 1);
    let mut there: Vec<(&str, usize)> = names
        .iter()
        .zip(&counts)
        .filter(|&(_, &count)| count > 0)
        .map(|(name, &count)| (name.as_str(), count))
        .collect();
    sort(&mut there, |&(name, _)| name);
    let fill = match &config.fill_text {
        FillText::Refuse => match codes.iter().position(|&code| code == NO_TEXT) {
            None => None,
            Some(row) => return Err(TableProblem::Missing { line: table.line(row), column }),
        },
        FillText::MostFrequent => {
            there.iter().rev().max_by_key(|(_, count)| *count).map(|&(name, _)| name.to_owned())
        }
        FillText::Constant(text) => Some(text.clone()),
    };
    let mut categories: Vec<String> = there.iter().map(|&(name, _)| name.to_owned()).collect();
    if let FillText::Constant(text) = &config.fill_text
        && !categories.contains(text)
    {
        categories.push(text.clone());
        sort(&mut categories, |name| name);
    }
    if categories.is_empty() {
        return Err(TableProblem::NoValues { column });
    }
    if categories.len() > config.max_categories {
        let (most, example) = (config.max_categories, shorten(&categories[0]));
        return Err(TableProblem::TooManyCategories { column, most, example });
    }
    Ok(Feature::Category { column, names: categories, fill, unseen: config.unseen })
}

/// By value if all names are numbers, else by code points.
fn sort<T>(items: &mut [T], name: impl Fn(&T) -> &str) {
    let number = |item: &T| name(item).parse::<f64>().ok();
    if items.iter().all(|item| number(item).is_some()) {
        items.sort_by(|a, b| {
            let order = number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal);
            order.then_with(|| name(a).cmp(name(b)))
        });
    } else {
        items.sort_by(|a, b| name(a).cmp(name(b)));
    }
}

fn fit_target(table: &Table, config: &PreprocessingConfig) -> Result<Target, TableProblem> {
    let columns: Vec<&Column> = config
        .targets
        .iter()
        .map(|name| table.column(name).map_err(|error| error.problem))
        .collect::<Result<_, _>>()?;
    crate::table::check_names(config.targets.iter().map(String::as_str))?;
    for column in &columns {
        if let Some(row) = (0..table.rows()).find(|&row| column.values.is_missing(row)) {
            let (line, column) = (table.line(row), column.name.clone());
            return Err(TableProblem::MissingTarget { line, column });
        }
    }
    match (config.task, &columns[..]) {
        (_, []) => Ok(Target::None),
        (Task::Classification, [column]) => fit_classes(column),
        (Task::Classification, _) => Err(TableProblem::SeveralTargets { columns: config.targets.clone() }),
        (Task::Auto, [column]) if looks_like_classes(&column.values) => fit_classes(column),
        _ => Ok(Target::Numbers(
            columns.iter().map(|column| fit_number(column, config)).collect::<Result<_, _>>()?,
        )),
    }
}

fn looks_like_classes(values: &Values) -> bool {
    let Values::Numbers(numbers) = values else { return true };
    Task::Auto.is_classification(numbers)
}

fn fit_classes(column: &Column) -> Result<Target, TableProblem> {
    let mut interner = Interner::default();
    for row in 0..column.values.len() {
        interner.code(&column.values.text(row));
    }
    let mut names = interner.names;
    sort(&mut names, |name| name);
    let is_numeric = matches!(column.values, Values::Numbers(_));
    let column = column.name.clone();
    if let [class] = &names[..] {
        return Err(TableProblem::OneClass { column, class: shorten(class) });
    }
    Ok(Target::Classes { column, names, is_numeric })
}

fn fit_number(column: &Column, config: &PreprocessingConfig) -> Result<NumberTarget, TableProblem> {
    match &column.values {
        Values::Numbers(numbers) => {
            let (shift, scale) = config.target_scaling.fit(numbers.iter().copied());
            Ok(NumberTarget { column: column.name.clone(), shift, scale })
        }
        Values::Texts { .. } => {
            let (column, example) = (column.name.clone(), shorten(&column.values.text(0)));
            Err(TableProblem::TextTarget { column, example })
        }
    }
}
