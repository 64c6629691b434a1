//! Lines of the project's own files.

use std::path::Path;

use anyhow::{Context, bail};

/// Puts the lines it names in place of every line `{{from FILE | FIRST}}` or `{{from FILE | FIRST | LAST}}` of a page. `FIRST` and `LAST` are
/// how the first and the last line begin; without `LAST` it is the item that begins there, with its documentation.
pub fn insert(page: &str, repository: &Path) -> anyhow::Result<String> {
    let mut out = String::new();
    for line in page.split_inclusive('\n') {
        match line.trim().strip_prefix("{{from ").and_then(|rest| rest.strip_suffix("}}")) {
            Some(what) => out += &lines(what, repository)?,
            None => out += line,
        }
    }
    Ok(out)
}

fn lines(what: &str, repository: &Path) -> anyhow::Result<String> {
    let [file, first, last @ ..] = &what.split(" | ").map(str::trim).collect::<Vec<_>>()[..] else {
        bail!("{{{{from {what}}}}}: expected FILE | FIRST or FILE | FIRST | LAST")
    };
    let text = std::fs::read_to_string(repository.join(file)).with_context(|| (*file).to_owned())?;
    cut(&text, first, last.first().copied()).with_context(|| format!("in {file}"))
}

fn cut(text: &str, first: &str, last: Option<&str>) -> anyhow::Result<String> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |line: &str, with: &str| line.trim_start().starts_with(with);
    let start = lines.iter().position(|line| begins(line, first));
    let start = start.with_context(|| format!("no line begins with {first:?}"))?;
    let depth = lines[start].len() - lines[start].trim_start().len();
    let head = |line: &&&str| ["///", "#["].iter().any(|mark| begins(line, mark));
    let from = match last {
        Some(_) => start,
        None => start - lines[..start].iter().rev().take_while(head).count(),
    };
    let closes = |line: &str| match last {
        Some(last) => begins(line, last),
        None => line.get(depth..).is_some_and(|rest| rest.starts_with('}')), // as far to the right as the beginning
    };
    let one_line = last.is_none() && lines[start].ends_with([';', ',', '}']);
    let end = if one_line { Some(start) } else { (start..lines.len()).find(|&i| closes(lines[i])) };
    let end = end.with_context(|| format!("{first:?} has no end {last:?}"))?;
    let shifted = lines[from..=end].iter().map(|line| line.get(depth..).unwrap_or_default());
    Ok(shifted.fold(String::new(), |all, line| all + line + "\n"))
}

#[cfg(test)]
mod tests {
    use super::cut;

    const TEXT: &str = "impl A {\n    /// One.\n    fn one(\n        x: u8,\n    ) -> u8 {\n        let y = x;\n        y\n    }\n}\nconst B: u8 = 1;\n";

    #[test]
    fn an_item_comes_with_its_documentation_and_without_its_indentation() {
        let one = "/// One.\nfn one(\n    x: u8,\n) -> u8 {\n    let y = x;\n    y\n}\n";
        assert_eq!(cut(TEXT, "fn one", None).unwrap(), one);
        assert_eq!(cut(TEXT, "const B", None).unwrap(), "const B: u8 = 1;\n");
        assert_eq!(cut(TEXT, "let y", Some("y")).unwrap(), "let y = x;\ny\n");
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        assert!(cut(TEXT, "fn two", None).is_err() && cut(TEXT, "fn one", Some("fn two")).is_err());
    }
}
