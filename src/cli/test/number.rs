//! Numbers as Java's BigDecimal has them: digits and a scale, so that 1.0 and 1.00 are different.

/// `digits` · 10^-`scale`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BigDecimal {
    negative: bool,
    /// Without zeros in front; "0" for zero.
    digits: String,
    pub scale: i64,
}

impl BigDecimal {
    /// Reads what `new BigDecimal(text)` reads: digits with a point and an exponent.
    pub fn parse(text: &str) -> Option<BigDecimal> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: String = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits = digits.trim_start_matches('0');
        let zero = digits.is_empty();
        let digits = if zero { "0" } else { digits }.to_owned();
        Some(BigDecimal { negative: negative && !zero, digits, scale: fraction.len() as i64 - exponent })
    }

    /// Whether both are the same number, whatever their scales.
    pub fn same_number(&self, other: &BigDecimal) -> bool {
        self.negative == other.negative && self.reduced() == other.reduced()
    }

    /// The part before the point, as an i64; None where it does not fit.
    pub fn trunc(&self) -> Option<i64> {
        let text = match self.scale {
            scale if scale > 0 => {
                let whole = self.digits.len().saturating_sub(usize::try_from(scale).ok()?);
                self.digits.get(..whole)?.to_owned()
            }
            scale => match usize::try_from(-scale).ok().filter(|zeros| *zeros <= 19) {
                Some(zeros) => self.digits.clone() + &"0".repeat(zeros),
                None if self.digits == "0" => "0".to_owned(),
                None => return None,
            },
        };
        let sign = if self.negative { "-" } else { "" };
        if text.is_empty() { Some(0) } else { format!("{sign}{text}").parse().ok() }
    }

    fn reduced(&self) -> (&str, i64) {
        if self.digits == "0" {
            return ("0", 0);
        }
        let digits = self.digits.trim_end_matches('0');
        (digits, self.scale - (self.digits.len() - digits.len()) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_counts() {
        let parse = |text| BigDecimal::parse(text).unwrap();
        assert_ne!(parse("1.0"), parse("1.00"));
        assert_eq!(parse("1.0E10"), parse("10e9"));
        assert!(parse("1.0").same_number(&parse("1.00")));
        assert!(parse("-0").same_number(&parse("0.0")));
        assert!(!parse("-1").same_number(&parse("1")));
        assert!(parse("1E+3").same_number(&parse("1000.0")));
        assert_eq!(parse("-12.9").trunc(), Some(-12));
        assert_eq!(parse("0.001").trunc(), Some(0));
        assert_eq!(parse("1e3").trunc(), Some(1000));
        assert_eq!(parse("1e99").trunc(), None);
        assert_eq!(parse("0e99").trunc(), Some(0));
        for text in ["", ".", "1.2.3", "abc", "1e", "--1", "NaN"] {
            assert_eq!(BigDecimal::parse(text), None, "{text}");
        }
    }
}
