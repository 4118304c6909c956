//! Text columns: aligned, wrapped to a width, styled after the widths are known.

use anstyle::Style;

/// How a cell stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// One cell: its text and its style.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::new() }
    }

    pub(super) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// A table: headings, then rows of as many cells.
#[derive(Debug)]
pub(super) struct Table {
    headings: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(headings: &[(&'static str, Align)]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Lines of the table within `width` columns: left-aligned columns are wrapped, the widest first.
    pub(super) fn render(&self, width: usize, heading: Style, out: &mut String) {
        let widths = self.widths(width);
        let titles: Vec<Cell> =
            self.headings.iter().map(|(title, _)| Cell::styled(*title, heading)).collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let wrapped: Vec<Vec<String>> =
                row.iter().zip(&widths).map(|(cell, width)| wrap(&cell.text, *width)).collect();
            let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
            for line in 0..height {
                let mut text = String::new();
                for (i, (cell, lines)) in row.iter().zip(&wrapped).enumerate() {
                    let piece = lines.get(line).map_or("", String::as_str);
                    let gap = " ".repeat(widths[i].saturating_sub(columns(piece)));
                    let styled = paint(piece, cell.style);
                    match self.headings[i].1 {
                        Align::Left => text.extend([styled.as_str(), &gap]),
                        Align::Right => text.extend([gap.as_str(), &styled]),
                    }
                    if i + 1 < row.len() {
                        text.push_str("  ");
                    }
                }
                out.push_str(text.trim_end());
                out.push('\n');
            }
        }
    }

    fn widths(&self, total: usize) -> Vec<usize> {
        let natural = |i: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(i)).map(|cell| columns(&cell.text));
            cells.chain([columns(self.headings[i].0)]).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.headings.len()).map(natural).collect();
        let gaps = 2 * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > total {
            let candidates = widths
                .iter()
                .enumerate()
                .filter(|(i, width)| *i > 0 && self.headings[*i].1 == Align::Left && **width > 10);
            let Some(widest) = candidates.max_by_key(|(_, width)| **width).map(|(i, _)| i) else { break };
            widths[widest] -= 1;
        }
        widths
    }
}

/// Columns a text takes: every character we print is one column wide.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Breaks a text into lines of at most `width` columns, at spaces where possible; never at a no-break space.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// The text in a style; the plain style adds nothing.
pub(super) fn paint(text: &str, style: Style) -> String {
    if text.is_empty() || style == Style::new() {
        return text.to_owned();
    }
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_spaces_and_keeps_long_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn stays_within_the_width() {
        let mut table = Table::new(&[("row", Align::Left), ("words", Align::Left), ("n", Align::Right)]);
        table.row(vec![
            Cell::new("a"),
            Cell::new("many words that need more room than there is"),
            Cell::new("1,000"),
        ]);
        let mut out = String::new();
        table.render(40, Style::new(), &mut out);
        assert!(out.lines().all(|line| columns(line) <= 40), "{out}");
        assert!(out.contains("1,000"));
    }
}
