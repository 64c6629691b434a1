//! A preprocessor of mdBook for what Markdown has no words for. In every chapter:
//!
//! - `{{from FILE | FIRST | LAST}}`, in a line of its own, stands for lines of a file of the repository: code in the book is the code that
//!   runs, and nothing in the sources has to mark it.
//!
//! and outside of code:
//!
//! - `$..$` and `$$..$$` are formulas in LaTeX's notation. They become MathML, so a page needs neither a script nor the network.
//! - `{{key}}` is a figure of `src/generated/numbers.json`, which `docs/regenerate` writes: no number is typed into the text.
//! - Links to files of the repository keep their names. mdBook would take `.md` for a chapter.
//!
//! Lines that are not found, a formula that cannot be read, a key that is not there and a link to nothing end the build.

mod links;
mod math;
mod source;
mod text;

use std::io::{Read, stdin};
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value;

fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("supports") {
        return Ok(()); // every kind of output
    }
    let mut input = String::new();
    stdin().read_to_string(&mut input)?;
    let [context, mut book]: [Value; 2] = serde_json::from_str(&input).context("what mdBook sends")?;
    let root = context["root"].as_str().context("the folder of the book")?;
    let root = Path::new(root);
    let numbers = std::fs::read_to_string(root.join("src/generated/numbers.json"))?;
    let numbers: Value = serde_json::from_str(&numbers).context("src/generated/numbers.json")?;
    let writer = Writer { root, numbers, math: math::Math::new() };
    writer.visit(&mut book)?;
    println!("{book}");
    Ok(())
}

struct Writer<'a> {
    root: &'a Path,
    numbers: Value,
    math: math::Math,
}

impl Writer<'_> {
    /// Rewrites every chapter in a part of the book.
    fn visit(&self, value: &mut Value) -> anyhow::Result<()> {
        match value {
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.visit(item)),
            Value::Object(fields) => {
                if let Some(Value::String(path)) = fields.get("source_path").cloned()
                    && let Some(Value::String(content)) = fields.get_mut("content")
                {
                    *content = self.chapter(content).with_context(|| format!("in {path}"))?;
                }
                fields.values_mut().try_for_each(|field| self.visit(field))
            }
            _ => Ok(()),
        }
    }

    fn chapter(&self, content: &str) -> anyhow::Result<String> {
        let repository = self.root.parent().context("the book lies in a repository")?;
        let with_lines = source::insert(content, repository)?;
        let with_numbers = text::outside_code(&with_lines, |prose| self.numbers(prose))?;
        let with_links = text::outside_blocks(&with_numbers, |prose| links::rewrite(prose, self.root))?;
        text::outside_code(&with_links, |prose| self.math.rewrite(prose))
    }

    /// Puts figures in place of their keys.
    fn numbers(&self, prose: &str) -> anyhow::Result<String> {
        text::between(prose, "{{", "}}", |key| match &self.numbers[key.trim()] {
            Value::String(number) => Ok(number.replace(' ', "\u{a0}")), // no line ends inside of it
            _ => bail!("no number {key:?} in src/generated/numbers.json"),
        })
    }
}
