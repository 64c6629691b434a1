use layerwise_nn_layers::ConfusionMatrix;

use super::drawing::{Anchor, Drawing, Item, Rect, Text};
use super::font;
use super::frame::{EDGE, Frame, LABEL_SIZE, TICK_SIZE, draw_title};
use super::palette::{DEEP, FAINT_INK, INK, WHITE};
use super::picture::{Picture, frame_settings};

/// A confusion matrix: a row for each class, a column for each prediction, darker the larger the share of its row (by its square
/// root, so that rare mistakes are seen).
#[derive(Clone, PartialEq, Debug)]
pub struct ConfusionTable {
    frame: Frame,
    names: Vec<String>,
    matrix: ConfusionMatrix,
}

impl ConfusionTable {
    /// The picture of a matrix. The classes are named by their numbers.
    pub fn new(title: impl Into<String>, matrix: &ConfusionMatrix) -> Self {
        let mut frame = Frame::new(title);
        (frame.width, frame.height) = (560, 580);
        let names = (0..matrix.classes()).map(|class| class.to_string()).collect();
        ConfusionTable { frame, names, matrix: matrix.clone() }
    }

    frame_settings!(size 560 580);

    /// Names the classes.
    ///
    /// # Panics
    /// If there are not as many names as classes.
    #[track_caller]
    pub fn names<S: ToString>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
        let (expected, found) = (self.matrix.classes(), names.len());
        assert!(
            expected == found,
            "a confusion matrix of {expected} classes needs as many names, found {found}"
        );
        self.names = names;
        self
    }

    fn draw_cell(&self, label: usize, predicted: usize, at: Rect) -> Vec<Item> {
        let count = self.matrix.count(label, predicted);
        let share = count as f64 / self.matrix.support(label).max(1) as f64;
        let mut items = vec![Item::Block { at, color: WHITE.towards(DEEP, share.sqrt()) }];
        let text = count.to_string();
        let size = (0.4 * at.height).min(TICK_SIZE + 1.0);
        if size > 5.0 && font::width(&text, size) < at.width - 2.0 {
            let color = match count {
                0 => WHITE.towards(FAINT_INK, 0.5),
                _ if share.sqrt() > 0.5 => WHITE,
                _ => INK,
            };
            let middle = (at.x + at.width / 2.0, at.y + at.height / 2.0 + 0.36 * size);
            items.push(Text::new(middle, text, size, color).anchored(Anchor::Middle).into());
        }
        items
    }

    /// How much room the names of the classes need: to the left of the table, and below it.
    fn room_for_names(&self, room: f64) -> (f64, f64) {
        let longest =
            self.names.iter().map(|name| font::width(name, TICK_SIZE)).fold(0.0, f64::max).min(room);
        (longest, if self.upright() { TICK_SIZE } else { longest })
    }

    /// Whether the names of the columns stand upright beside each other.
    fn upright(&self) -> bool {
        self.names.iter().all(|name| name.chars().count() <= 2)
    }

    fn draw_names(&self, drawing: &mut Drawing, table: Rect, cell: (f64, f64), room: f64) {
        // Fewer names where they do not fit.
        let every = ((TICK_SIZE + 2.0) / cell.0.min(cell.1)).ceil().max(1.0) as usize;
        for (i, name) in self.names.iter().enumerate().step_by(every) {
            let name = font::fit(name, TICK_SIZE, room);
            let row = (table.x - 6.0, table.y + (i as f64 + 0.5) * cell.1 + 0.36 * TICK_SIZE);
            drawing.push(Text::new(row, name.as_str(), TICK_SIZE, FAINT_INK).anchored(Anchor::End).into());
            let middle = table.x + (i as f64 + 0.5) * cell.0;
            let (column, anchor) = match self.upright() {
                true => ((middle, table.bottom() + 6.0 + 0.73 * TICK_SIZE), Anchor::Middle),
                false => ((middle + 0.36 * TICK_SIZE, table.bottom() + 6.0), Anchor::End),
            };
            let text = Text::new(column, name, TICK_SIZE, FAINT_INK).anchored(anchor);
            drawing.push(Text { turned: !self.upright(), ..text }.into());
        }
    }
}

impl Picture for ConfusionTable {
    fn drawing(&self) -> Drawing {
        let mut drawing = Drawing::new(self.frame.width, self.frame.height, &self.frame.title);
        let (width, height) = (f64::from(self.frame.width), f64::from(self.frame.height));
        let top = draw_title(&mut drawing, &self.frame.title) + 8.0;
        let room = 0.25 * width.min(height);
        let (beside, below) = self.room_for_names(room);
        let left = EDGE + LABEL_SIZE + 8.0 + beside + 6.0;
        let bottom = height - EDGE - LABEL_SIZE - 6.0 - below - 6.0;
        let (left, top) = (left.round(), top.round());
        let table = Rect { x: left, y: top, width: width - EDGE - left, height: (bottom - top).max(10.0) };

        let classes = self.matrix.classes();
        let cell = (table.width / classes as f64, table.height / classes as f64);
        drawing.push(Item::Block { at: table, color: WHITE.towards(FAINT_INK, 0.25) });
        for label in 0..classes {
            for predicted in 0..classes {
                let (x, y) = (table.x + predicted as f64 * cell.0, table.y + label as f64 * cell.1);
                let at = Rect {
                    x: x + 0.5,
                    y: y + 0.5,
                    width: (cell.0 - 1.0).max(0.5),
                    height: (cell.1 - 1.0).max(0.5),
                };
                self.draw_cell(label, predicted, at).into_iter().for_each(|item| drawing.push(item));
            }
        }
        self.draw_names(&mut drawing, table, cell, room);
        let below = (table.x + table.width / 2.0, height - EDGE);
        drawing.push(Text::new(below, "predicted", LABEL_SIZE, INK).anchored(Anchor::Middle).into());
        let beside = (EDGE + LABEL_SIZE - 3.0, table.y + table.height / 2.0);
        let text = Text::new(beside, "label", LABEL_SIZE, INK).anchored(Anchor::Middle);
        drawing.push(Text { turned: true, ..text }.into());
        drawing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_is_written_in_its_row() {
        let mut matrix = ConfusionMatrix::new(2);
        for (label, predicted, times) in [(0, 0, 31), (0, 1, 42), (1, 1, 53)] {
            (0..times).for_each(|_| matrix.add(label, predicted));
        }
        let svg = ConfusionTable::new("", &matrix).names(["cat", "dog"]).svg();
        let written: Vec<&str> = ["31", "42", "53", "cat", "dog"]
            .into_iter()
            .filter(|n| svg.contains(&format!(">{n}<")))
            .collect();
        assert_eq!(written.len(), 5, "{written:?}");
        let line = |n: &str| svg.lines().find(|line| line.contains(&format!(">{n}<"))).unwrap();
        let y = |n: &str| line(n).split("y=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert!(y("31") == y("42") && y("42") != y("53"));
    }

    #[test]
    #[should_panic(expected = "a confusion matrix of 2 classes needs as many names, found 1")]
    fn every_class_has_a_name() {
        let _ = ConfusionTable::new("", &ConfusionMatrix::new(2)).names(["cat"]);
    }
}
