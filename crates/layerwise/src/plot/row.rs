use super::drawing::{Drawing, Item};
use super::frame::draw_title;
use super::picture::Picture;

/// The free space between pictures.
const GAP: u32 = 8;

/// Pictures side by side under one title. Each has its own size; see [`Curves::share_y`](super::Curves::share_y) for a common axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    title: String,
    pictures: Vec<Drawing>,
}

impl Row {
    /// A row without pictures yet.
    pub fn new(title: impl Into<String>) -> Self {
        Row { title: title.into(), pictures: Vec::new() }
    }

    /// Adds a picture to the right of the others.
    pub fn picture(mut self, picture: &dyn Picture) -> Self {
        self.pictures.push(picture.drawing());
        self
    }
}

impl Picture for Row {
    fn drawing(&self) -> Drawing {
        let gaps = GAP * (self.pictures.len() as u32).saturating_sub(1);
        let width = self.pictures.iter().map(|picture| picture.width).sum::<u32>() + gaps;
        let mut drawing = Drawing::new(width.max(160), 0, &self.title);
        let top = draw_title(&mut drawing, &self.title).ceil();
        let height = self.pictures.iter().map(|picture| picture.height).max().unwrap_or(40);
        drawing.height = top as u32 + height;
        let mut x = 0;
        for picture in &self.pictures {
            drawing.push(Item::Moved { by: (f64::from(x), top), items: picture.items.clone() });
            x += picture.width + GAP;
        }
        drawing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Curves;

    #[test]
    fn pictures_stand_side_by_side() {
        let picture = Curves::new("").size(240, 180);
        let row = Row::new("").picture(&picture).picture(&picture).drawing();
        assert_eq!(row.size(), (240 + GAP + 240, 180 + 8));
        assert_eq!(row.items.iter().filter(|item| matches!(item, Item::Moved { .. })).count(), 2);
    }
}
