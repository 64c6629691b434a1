//! Where code is in a page, and what is between two marks.

/// Applies `rewrite` to what is not in a block of code.
pub fn outside_blocks(
    page: &str,
    rewrite: impl Fn(&str) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let (mut out, mut prose) = (String::new(), String::new());
    let mut fence: Option<&str> = None;
    for line in page.split_inclusive('\n') {
        let marks = line.trim_start();
        let opens = ["```", "~~~"].into_iter().find(|mark| marks.starts_with(mark));
        match (fence, opens) {
            (None, Some(mark)) => {
                out += &rewrite(&std::mem::take(&mut prose))?;
                fence = Some(mark);
                out += line;
            }
            (Some(mark), _) => {
                if marks.trim_end() == mark {
                    fence = None;
                }
                out += line;
            }
            (None, None) => prose += line,
        }
    }
    Ok(out + &rewrite(&prose)?)
}

/// The same where code in a line is left alone as well.
pub fn outside_code(page: &str, rewrite: impl Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<String> {
    outside_blocks(page, |prose| {
        let mut out = String::new();
        for (i, part) in prose.split('`').enumerate() {
            out += &if i % 2 == 0 { rewrite(part)? } else { format!("`{part}`") };
        }
        Ok(out)
    })
}

/// Puts `replace` of what is between the two marks in its place, marks included.
pub fn between(
    text: &str,
    open: &str,
    close: &str,
    replace: impl Fn(&str) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(open) {
        let (inner, after) =
            after.split_once(close).ok_or_else(|| anyhow::anyhow!("{open} without {close}: {after:.60}"))?;
        out += before;
        out += &replace(inner)?;
        rest = after;
    }
    Ok(out + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_as_it_is() {
        let page = "a `a` a\n```rust\na ``` a\n```\na\n";
        let found = outside_code(page, |prose| Ok(prose.replace('a', "b"))).unwrap();
        assert_eq!(found, "b `a` b\n```rust\na ``` a\n```\nb\n");
    }

    #[test]
    fn an_open_mark_is_an_error() {
        assert_eq!(between("1 {{x}} 2", "{{", "}}", |key| Ok(key.repeat(2))).unwrap(), "1 xx 2");
        assert!(between("1 {{x 2", "{{", "}}", |_| Ok(String::new())).is_err());
    }
}
