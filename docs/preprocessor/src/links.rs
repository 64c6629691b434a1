//! Links to files of the repository that are no chapters.

use std::path::Path;

use anyhow::bail;

/// Where the path of a link is taken from, and what leads there from a page of the book, which lies in a folder as deep.
const FROM: [(&str, &str); 2] = [("src", ""), (".", "../")];

/// Writes links that lead out of the book as HTML.
pub fn rewrite(prose: &str, root: &Path) -> anyhow::Result<String> {
    let (mut out, mut rest) = (String::new(), prose);
    while let Some((before, after)) = rest.split_once("](") {
        let Some((target, after)) = after.split_once(')') else { break };
        let (start, text) = match before.rfind('[') {
            Some(start) => (start, &before[start + 1..]),
            None => bail!("a link without a text to {target}"),
        };
        let is_image = before[..start].ends_with('!');
        match place(target, root)? {
            Some(href) if !is_image => {
                out += &before[..start];
                out += &format!("<a href=\"{href}\">{text}</a>");
            }
            Some(href) => out += &format!("{before}]({href})"),
            None => {
                out += before;
                out += &format!("]({target})");
            }
        }
        rest = after;
    }
    Ok(out + rest)
}

/// From a page of the book to a file outside of it; `None` for a page or a picture of the book and for other places.
fn place(target: &str, root: &Path) -> anyhow::Result<Option<String>> {
    let path = target.split('#').next().unwrap_or_default();
    if path.is_empty()
        || path.contains("://")
        || root.join("src").join(path).exists() && !path.starts_with("..")
    {
        return Ok(None);
    }
    for (folder, up) in FROM {
        if root.join(folder).join(path).exists() {
            // With one letter in another spelling, which means the same: mdBook makes `.html` of every `.md`.
            return Ok(Some(format!("{up}{target}").replace(".md", ".%6Dd")));
        }
    }
    bail!("a link to {target}, which is not there")
}
