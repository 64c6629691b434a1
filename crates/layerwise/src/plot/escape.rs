//! Text for XML and HTML.

/// The text with the characters replaced that mean something there. Characters that XML 1.0 forbids become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(character),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escape("<b a=\"1\" c='2'>R&D</b>"),
            "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;R&amp;D&lt;/b&gt;"
        );
        assert_eq!(escape("a\u{0}b\u{1b}c\n\u{ffff}"), "a\u{fffd}b\u{fffd}c\n\u{fffd}");
        assert_eq!(escape("grün ≤ 1"), "grün ≤ 1");
    }
}
