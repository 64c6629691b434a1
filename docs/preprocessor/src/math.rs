//! Formulas.

use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};

use crate::text::between;

pub struct Math(LatexToMathML);

impl Math {
    pub fn new() -> Self {
        Math(LatexToMathML::new(MathCoreConfig::default()).expect("there are no macros that could be wrong"))
    }

    /// Puts MathML in place of `$$..$$`, which stands in a line of its own, and of `$..$`.
    pub fn rewrite(&self, prose: &str) -> anyhow::Result<String> {
        let blocks = between(prose, "$$", "$$", |latex| {
            // What a wide space parts may stand in lines of its own, on a narrow screen.
            let parts = latex.split("\\qquad").map(|part| self.mathml(part, MathDisplay::Block));
            Ok(format!("<div class=\"formula\">{}</div>", parts.collect::<anyhow::Result<String>>()?))
        })?;
        between(&blocks, "$", "$", |latex| self.mathml(latex, MathDisplay::Inline))
    }

    fn mathml(&self, latex: &str, display: MathDisplay) -> anyhow::Result<String> {
        let converted = self.0.convert_with_local_state(latex.trim(), display);
        let converted = converted.map_err(|error| anyhow::anyhow!("the formula {latex:?}: {error:?}"))?;
        Ok(shielded(&converted.mathml))
    }
}

/// Characters that Markdown would take for marks, as entities; everything in one line.
fn shielded(mathml: &str) -> String {
    let (mut out, mut in_tag) = (String::new(), false);
    for character in mathml.chars() {
        match character {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ => {}
        }
        match character {
            '\n' => out.push(' '),
            '*' | '_' | '`' | '[' | ']' | '\\' | '~' | '|' if !in_tag => {
                out += &format!("&#{};", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_mathml_in_one_line() {
        let page = Math::new().rewrite("so $x_1$ and\n\n$$\ny = a * |b|\n$$\n").unwrap();
        assert!(page.starts_with("so <math><msub><mi>x</mi><mn>1</mn></msub></math> and\n\n<div"), "{page}");
        assert!(!page.contains(['$', '*', '|']), "{page}");
        assert_eq!(page.lines().count(), 3, "{page}");
    }

    #[test]
    fn what_is_no_formula_is_an_error() {
        let math = Math::new();
        assert!(math.rewrite(r"$\frac{1}$").is_err());
        assert!(math.rewrite(r"$\nothing$").is_err());
        assert!(math.rewrite("one $ alone").is_err());
    }
}
