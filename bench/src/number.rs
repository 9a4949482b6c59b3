//! Numbers in tables.

/// A number with some three digits that matter, and never an exponent.
pub(crate) fn number(value: f64) -> String {
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
    use super::number;

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
}
