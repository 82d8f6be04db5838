//! Whether what came out is what was expected, with the tolerance that ksqlDB's own comparison has.
//!
//! - An object has the same fields in any order; a field is looked up by its name, then by its name in upper case.
//! - A whole number is equal to the whole part of the expected one. A number with a fraction counts with its scale:
//!   1.0 is not 1.00. The doubles of the KAFKA format may differ by 10^-6.
//! - BYTES are compared as base64.

use serde_json::Value;

use super::number::BigDecimal;

/// A key, a value or a part of one that came out.
#[derive(Debug, Clone, PartialEq)]
pub enum Actual {
    Null,
    Boolean(bool),
    Int(i64),
    /// The text of a number: JSON's, or that of a DECIMAL.
    Decimal(String),
    Double(f64),
    Text(String),
    Array(Vec<Actual>),
    Object(Vec<(String, Actual)>),
}

impl Actual {
    /// A JSON value as it is, without a schema. `exact`: numbers with a fraction keep their text.
    pub fn of_json(value: &Value, exact: bool) -> Actual {
        match value {
            Value::Null => Actual::Null,
            Value::Bool(value) => Actual::Boolean(*value),
            Value::Number(number) => {
                let text = number.to_string();
                match text.parse::<i64>() {
                    Ok(int) => Actual::Int(int),
                    Err(_) if !exact && text.contains(['.', 'e', 'E']) => {
                        Actual::Double(text.parse().unwrap_or(f64::NAN))
                    }
                    Err(_) => Actual::Decimal(text),
                }
            }
            Value::String(text) => Actual::Text(text.clone()),
            Value::Array(items) => {
                Actual::Array(items.iter().map(|item| Actual::of_json(item, exact)).collect())
            }
            Value::Object(fields) => Actual::Object(
                fields.iter().map(|(name, field)| (name.clone(), Actual::of_json(field, exact))).collect(),
            ),
        }
    }
}

/// For people: JSON.
impl std::fmt::Display for Actual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Actual::Null => f.write_str("null"),
            Actual::Boolean(value) => write!(f, "{value}"),
            Actual::Int(value) => write!(f, "{value}"),
            Actual::Decimal(text) => f.write_str(text),
            Actual::Double(value) => write!(f, "{value:?}"),
            Actual::Text(text) => write!(f, "{}", Value::String(text.clone())),
            Actual::Array(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Actual::Object(fields) => {
                f.write_str("{")?;
                for (i, (name, field)) in fields.iter().enumerate() {
                    let comma = if i > 0 { "," } else { "" };
                    write!(f, "{comma}{}:{field}", Value::String(name.clone()))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// The largest difference of doubles that are equal.
const DOUBLE_TOLERANCE: f64 = 1e-6;

/// Whether a part of a record is as expected.
pub fn matches(actual: &Actual, expected: &Value) -> bool {
    match (actual, expected) {
        (Actual::Null, expected) => expected.is_null(),
        (Actual::Boolean(actual), Value::Bool(expected)) => actual == expected,
        (Actual::Int(actual), Value::Number(expected)) => {
            BigDecimal::parse(&expected.to_string()).and_then(|n| n.trunc()) == Some(*actual)
        }
        (Actual::Double(actual), Value::Number(expected)) => expected
            .to_string()
            .parse::<f64>()
            .is_ok_and(|expected| actual == &expected || (actual - expected).abs() < DOUBLE_TOLERANCE),
        (Actual::Decimal(actual), Value::Number(expected)) => decimal(actual, &expected.to_string(), true),
        (Actual::Decimal(actual), Value::String(expected)) => decimal(actual, expected, false),
        (Actual::Text(actual), Value::String(expected)) => actual == expected,
        // Formats of plain text have no numbers.
        (Actual::Text(actual), Value::Number(expected)) => actual == &expected.to_string(),
        (Actual::Text(actual), Value::Bool(expected)) => actual == &expected.to_string(),
        (Actual::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len() && actual.iter().zip(expected).all(|(a, e)| matches(a, e))
        }
        (Actual::Object(actual), Value::Object(expected)) => {
            let find = |name: &str| actual.iter().find(|(n, _)| n == name).map(|(_, value)| value);
            actual.len() == expected.len()
                && expected.iter().all(|(name, value)| {
                    let actual = find(name).or_else(|| find(&name.to_uppercase()));
                    // To ksqlDB a field that is not there is one that is null.
                    matches(actual.unwrap_or(&Actual::Null), value)
                })
        }
        _ => false,
    }
}

/// An expected whole number has no scale that could count, unless the actual one has a fraction.
fn decimal(actual: &str, expected: &str, whole_allowed: bool) -> bool {
    let (Some(actual), Some(number)) = (BigDecimal::parse(actual), BigDecimal::parse(expected)) else {
        return false;
    };
    let whole = whole_allowed && !expected.contains(['.', 'e', 'E']);
    actual == number || (whole && actual.scale <= 0 && actual.same_number(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(actual: &str, expected: &str, equal: bool) {
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(matches(&Actual::of_json(&parse(actual), true), &parse(expected)), equal);
    }

    #[test]
    fn json() {
        check("1", "1.0", true);
        check("1.0", "1", false);
        check("1.0", "1.00", false);
        check("1.0", "1.0", true);
        check("1.0E10", "10000000000", true);
        check("null", "0", false);
        check("0", "null", false);
        check("123456789012345678901234567890", "123456789012345678901234567890", true);
        check("1.50", r#""1.50""#, true);
        check(r#""1.50""#, "1.50", true);
        check(r#"{"A":1,"B":[1,"x"]}"#, r#"{"b":[1,"x"],"a":1}"#, true);
        check(r#"{"A":1,"B":null}"#, r#"{"A":1}"#, false);
        check(r#"{"A":null}"#, r#"{"B":null}"#, true);
        check(r#"[1,2]"#, r#"[2,1]"#, false);
        check(r#"true"#, r#""true""#, false);
    }

    #[test]
    fn doubles_may_differ_a_little() {
        let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert!(matches(&Actual::Double(0.1 + 0.2), &number("0.3")));
        assert!(!matches(&Actual::Double(0.1), &number("0.11")));
        assert!(matches(&Actual::of_json(&number("10.0"), false), &number("10")));
    }
}
