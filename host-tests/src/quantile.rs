//! Where values lie, rather than what they average.

/// The value below which this part of the values lies, between two of them by proportion.
#[must_use]
pub fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = part * last as f64;
    let low = sorted[place.floor() as usize];
    let high = sorted[place.ceil() as usize];
    low + (high - low) * place.fract()
}

/// The middle one.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The middle one of what items have.
#[must_use]
pub fn median_of<T>(items: &[T], of: impl Fn(&T) -> f64) -> f64 {
    median(&items.iter().map(of).collect::<Vec<_>>())
}

/// The middle one of the ratios of values that were measured within a moment.
#[must_use]
pub fn median_ratio(own: &[f64], other: &[f64]) -> f64 {
    let pairs: Vec<_> = own.iter().zip(other).collect();
    median_of(&pairs, |(own, other)| *own / *other)
}

/// The quarters of the values below and above which the middle half lies.
#[must_use]
pub fn middle_half(values: &[f64]) -> (f64, f64) {
    (quantile(values, 0.25), quantile(values, 0.75))
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_lie_where_they_should() {
        let values = [4.0, 1.0, 3.0, 2.0, 5.0];
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&values, 0.25), 2.0);
        assert_eq!(quantile(&values, 0.5), 3.0);
        assert_eq!(quantile(&values, 1.0), 5.0);
        assert_eq!(quantile(&[1.0, 2.0], 0.5), 1.5);
    }
}
