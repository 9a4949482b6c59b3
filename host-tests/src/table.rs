//! Tables as text, and numbers in them.

use std::fmt;

/// Columns of given widths: below 0 what is in them begins at the left, otherwise it ends at the right.
#[derive(Clone, Debug)]
pub struct Table {
    widths: Vec<isize>,
    text: String,
}

impl Table {
    /// With a line that names the columns, and a rule.
    #[must_use]
    pub fn new<const N: usize>(columns: [(&str, isize); N]) -> Self {
        let mut table = Self::without_head(columns);
        table.row(columns.map(|(name, _)| name.to_owned()));
        let width = table.widths.iter().map(|width| width.unsigned_abs() + 1);
        let rule = "-".repeat(width.sum::<usize>() - 1);
        table.text.push_str(&rule);
        table.text.push('\n');
        table
    }

    /// For more rows of a table that was begun before.
    #[must_use]
    pub fn without_head<const N: usize>(columns: [(&str, isize); N]) -> Self {
        Self {
            widths: columns.map(|(_, width)| width).into(),
            text: String::new(),
        }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        let cells = self.widths.iter().zip(cells).map(|(width, cell)| {
            let count = width.unsigned_abs();
            match *width < 0 {
                true => format!("{cell:<count$}"),
                false => format!("{cell:>count$}"),
            }
        });
        let line = cells.collect::<Vec<_>>().join(" ");
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A number with some three digits that matter, and never an exponent.
#[must_use]
pub fn number(value: f64) -> String {
    match value {
        v if v.is_nan() => "-".to_owned(),
        v if v >= 1000.0 => {
            let digits = format!("{v:.0}");
            let mut text = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index) % 3 == 0 {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.01 || v == 0.0 => format!("{v:.2}"),
        v => format!("{v:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Table, number};

    #[test]
    fn numbers_are_short() {
        let texts = [0.0, 0.0003, 0.34, 1.0, 12.34, 123.4, 1234.5, 1_234_567.0].map(number);
        let expected = [
            "0.00",
            "0.0003",
            "0.34",
            "1.00",
            "12.3",
            "123",
            "1,234",
            "1,234,567",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn columns_are_as_wide_as_is_said() {
        let mut table = Table::new([("name", -6), ("time", 5)]);
        table.row(["a".to_owned(), "1.0".to_owned()]);
        table.row(["b".to_owned(), String::new()]);
        let expected = "name    time\n------------\na        1.0\nb\n";
        assert_eq!(table.to_string(), expected);
    }
}
