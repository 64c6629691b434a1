//! A page that needs nothing else: text, a table and pictures in one HTML file.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::escape::escape;
use super::{Picture, PlotError};

/// The style sheet. Pictures keep their white ground in the dark, and on a narrow screen they scroll rather than shrink to nothing.
const STYLE: &str = include_str!("report.css");

/// A report on training runs. Its text is plain: an empty line begins a new paragraph, and nothing is markup.
///
/// ```
/// use layerwise::plot::{Curves, Figure, Report, ReportSection, Table};
///
/// let losses = Curves::new("Training loss").line("Adam", [(1.0, 0.3), (2.0, 0.1)]);
/// let report = Report {
///     title: "Two epochs".to_owned(),
///     intro: "A network on MNIST.".to_owned(),
///     table: Table::new(["section", "accuracy"]).row(["mlp", "90.3 %"]),
///     sections: vec![ReportSection {
///         heading: "Optimizers".to_owned(),
///         text: "The loss falls.".to_owned(),
///         figures: vec![Figure::new("Adam", &losses)],
///     }],
/// };
/// assert!(report.to_html().contains("<svg"));
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Report {
    /// The heading of the page.
    pub title: String,
    /// What stands before everything else.
    pub intro: String,
    /// The results at a glance; left out if it has neither header nor rows.
    pub table: Table,
    /// The parts of the report, in order.
    pub sections: Vec<ReportSection>,
}

/// A table of text. A column of numbers is aligned to the right, every other one to the left.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Table {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The cells. A row may be shorter or longer than the header.
    pub rows: Vec<Vec<String>>,
}

/// A part of a [`Report`].
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ReportSection {
    /// Its heading.
    pub heading: String,
    /// What stands before its pictures.
    pub text: String,
    /// Its pictures.
    pub figures: Vec<Figure>,
}

/// A picture of a [`Report`] with the text below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Figure {
    caption: String,
    /// The element that shows it, and how wide it is.
    html: String,
    width: u32,
}

impl Table {
    /// A table without rows yet.
    pub fn new<S: ToString>(header: impl IntoIterator<Item = S>) -> Self {
        Table { header: header.into_iter().map(|name| name.to_string()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<S: ToString>(mut self, cells: impl IntoIterator<Item = S>) -> Self {
        self.rows.push(cells.into_iter().map(|cell| cell.to_string()).collect());
        self
    }

    fn html(&self) -> String {
        if self.header.is_empty() && self.rows.is_empty() {
            return String::new();
        }
        let row = |cells: &[String], tag: &str| {
            let cell = |(column, cell): (usize, &String)| {
                let class = if self.is_numeric(column) { " class=\"number\"" } else { "" };
                format!("<{tag}{class}>{}</{tag}>", escape(cell))
            };
            let cells: String = cells.iter().enumerate().map(cell).collect();
            format!("<tr>{cells}</tr>\n")
        };
        let head = row(&self.header, "th");
        let body: String = self.rows.iter().map(|cells| row(cells, "td")).collect();
        format!(
            "<div class=\"wide\"><table>\n<thead>{head}</thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
        )
    }

    /// Whether all cells of a column that are not empty begin as numbers do.
    fn is_numeric(&self, column: usize) -> bool {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.is_empty());
        let begins = |cell: &String| {
            cell.trim_start_matches(['+', '-', '−']).starts_with(|c: char| c.is_ascii_digit())
        };
        cells.clone().count() > 0 && cells.clone().all(begins)
    }
}

impl Figure {
    /// A picture as SVG: sharp at any size, and its text can be searched.
    pub fn new(caption: impl Into<String>, picture: &dyn Picture) -> Self {
        let drawing = picture.drawing();
        Figure { caption: caption.into(), html: drawing.svg(), width: drawing.width }
    }

    /// A picture as PNG: smaller if it has tens of thousands of shapes. It has twice the pixels, for screens that can show them.
    ///
    /// # Errors
    /// If there is not enough memory for its pixels.
    pub fn png(caption: impl Into<String>, picture: &dyn Picture) -> Result<Self, PlotError> {
        let drawing = picture.drawing();
        let (width, height) = drawing.size();
        let (data, title) = (STANDARD.encode(drawing.png(2)?), escape(&drawing.title));
        let html = format!(
            "<img src=\"data:image/png;base64,{data}\" width=\"{width}\" height=\"{height}\" alt=\"{title}\">\n"
        );
        Ok(Figure { caption: caption.into(), html, width })
    }

    fn html(&self) -> String {
        let caption = escape(&self.caption);
        let caption =
            if caption.is_empty() { caption } else { format!("<figcaption>{caption}</figcaption>\n") };
        format!(
            "<figure style=\"--width:{}px\">\n<div class=\"wide\">\n{}</div>\n{caption}</figure>\n",
            self.width, self.html
        )
    }
}

impl ReportSection {
    fn html(&self) -> String {
        let figures: String = self.figures.iter().map(Figure::html).collect();
        format!(
            "<section>\n<h2>{}</h2>\n{}{figures}</section>\n",
            escape(&self.heading),
            paragraphs(&self.text)
        )
    }
}

impl Report {
    /// The page, complete with style and pictures.
    pub fn to_html(&self) -> String {
        let (title, intro, table) = (escape(&self.title), paragraphs(&self.intro), self.table.html());
        let sections: String = self.sections.iter().map(ReportSection::html).collect();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{intro}{table}{sections}\
             </main>\n</body>\n</html>\n"
        )
    }

    /// Writes the page to a file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        let path = path.as_ref();
        fs::write(path, self.to_html()).map_err(|source| PlotError::Io { path: path.to_owned(), source })
    }
}

fn paragraphs(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>\n", escape(paragraph))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Curves;

    fn report() -> Report {
        let picture = Curves::new("a < b").line("x & y", [(0.0, 1.0), (1.0, 2.0)]);
        Report {
            title: "Loss <of> \"all\"".to_owned(),
            intro: "First & foremost.\n\nSecond.".to_owned(),
            table: Table::new(["name", "<b>"]).row(["a & b", "1"]),
            sections: vec![ReportSection {
                heading: "</h2><script>".to_owned(),
                text: "a < b".to_owned(),
                figures: vec![Figure::new("<i>", &picture), Figure::png("png", &picture).unwrap()],
            }],
        }
    }

    #[test]
    fn a_page_stands_alone_and_its_text_is_escaped() {
        let html = report().to_html();
        assert_eq!(html, report().to_html());
        assert!(!html.contains("<script>") && !html.contains("<i>") && !html.contains("<b>"), "{html}");
        assert!(
            html.contains("<td>a &amp; b</td>")
                && html.contains("<td class=\"number\">1</td>")
                && html.contains("<p>Second.</p>")
        );
        // The SVG namespace is a name; nothing is fetched.
        let links = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!links.contains("http") && !links.contains("<link"), "{links}");
    }

    #[test]
    fn tags_are_closed_in_order() {
        let html = report().to_html();
        // Void elements are the difference between this page and XML.
        let body = &html[html.find("<body>").unwrap()..html.find("</html>").unwrap()];
        let start = body.find("<img").unwrap();
        let end = start + body[start..].find('>').unwrap();
        let xml = format!("{}/{}", &body[..end], &body[end..]);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let count = |name: &str| document.descendants().filter(|node| node.tag_name().name() == name).count();
        assert_eq!(["figure", "svg", "img", "th", "td", "section"].map(count), [2, 2, 1, 2, 2, 1]);
    }

    #[test]
    fn an_empty_report_has_no_table() {
        let html = Report::default().to_html();
        assert!(!html.contains("<table") && !html.contains("<p>") && html.ends_with("</html>\n"));
    }
}
