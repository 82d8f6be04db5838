//! Masks: texts with characters of a kind replaced, so that data can be shown without being told.

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;

use super::rows::texts;
use super::{Args, Overload, ScalarFunction};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "MASK",
        summary: "The text with upper case letters, lower case letters, digits and the rest masked by X, x, n and -, \
                  or by other characters; a mask of NULL leaves its kind as it is",
        overloads: &[
            Overload::new("(input STRING) -> STRING", |a| mask(a, |_, _| 0..usize::MAX)),
            Overload::new(
                "(input STRING, upper STRING, lower STRING, digit STRING, other STRING) -> STRING",
                |a| mask(a, |_, _| 0..usize::MAX),
            ),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "MASK_KEEP_LEFT",
        summary: "The text masked but for so many characters at its beginning",
        overloads: &[
            Overload::new("(input STRING, numChars INT) -> STRING", |a| mask(a, |n, _| n..usize::MAX)),
            Overload::new(
                "(input STRING, numChars INT, upper STRING, lower STRING, digit STRING, other STRING) -> STRING",
                |a| mask(a, |n, _| n..usize::MAX),
            ),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "MASK_KEEP_RIGHT",
        summary: "The text masked but for so many characters at its end",
        overloads: &[
            Overload::new("(input STRING, numChars INT) -> STRING", |a| {
                mask(a, |n, length| 0..length.saturating_sub(n))
            }),
            Overload::new(
                "(input STRING, numChars INT, upper STRING, lower STRING, digit STRING, other STRING) -> STRING",
                |a| mask(a, |n, length| 0..length.saturating_sub(n)),
            ),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "MASK_LEFT",
        summary: "The text with so many characters at its beginning masked",
        overloads: &[
            Overload::new("(input STRING, numChars INT) -> STRING", |a| mask(a, |n, _| 0..n)),
            Overload::new(
                "(input STRING, numChars INT, upper STRING, lower STRING, digit STRING, other STRING) -> STRING",
                |a| mask(a, |n, _| 0..n),
            ),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "MASK_RIGHT",
        summary: "The text with so many characters at its end masked",
        overloads: &[
            Overload::new("(input STRING, numChars INT) -> STRING", |a| {
                mask(a, |n, length| length.saturating_sub(n)..usize::MAX)
            }),
            Overload::new(
                "(input STRING, numChars INT, upper STRING, lower STRING, digit STRING, other STRING) -> STRING",
                |a| mask(a, |n, length| length.saturating_sub(n)..usize::MAX),
            ),
        ],
        takes_failures: false,
    },
];

/// What stands for upper case letters, lower case letters, digits and the rest.
const DEFAULTS: [Option<char>; 4] = [Some('X'), Some('x'), Some('n'), Some('-')];

/// `masked` gives the characters to mask from the number of characters that the call names and the text's length.
/// The masks are the call's last four arguments, if it has four behind the text and the number.
fn mask(args: &Args, masked: fn(usize, usize) -> std::ops::Range<usize>) -> Result<ArrayRef, String> {
    let inputs = args.texts(0)?;
    let counts = args.columns.len().is_multiple_of(2).then(|| args.numbers::<Int32Type>(1)).transpose()?;
    let first = if counts.is_some() { 2 } else { 1 };
    let masks = (first..args.columns.len()).map(|i| args.texts(i)).collect::<Result<Vec<_>, _>>()?;
    texts(args.rows, |row| {
        let count = match &counts {
            None => Some(0),
            Some(counts) => counts.get(row),
        };
        let (Some(input), Some(count)) = (inputs.get(row), count) else { return Ok(None) };
        let count = usize::try_from(count)
            .map_err(|_| format!("the number of characters must not be negative, but is {count}"))?;
        let mut to = DEFAULTS;
        for (to, mask) in to.iter_mut().zip(&masks) {
            *to = mask.get(row).and_then(|mask| mask.chars().next());
        }
        let [upper, lower, digit, other] = to;
        let masked = masked(count, input.chars().count());
        let one = |(at, c): (usize, char)| {
            let to = match c {
                _ if !masked.contains(&at) => None,
                _ if c.is_uppercase() => upper,
                _ if c.is_lowercase() => lower,
                _ if c.is_numeric() && !c.is_alphabetic() => digit,
                _ => other,
            };
            to.unwrap_or(c)
        };
        Ok(Some(input.chars().enumerate().map(one).collect::<String>()))
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn masks() {
        check(
            &[
                "MASK('AbCd#$123xy Zü')",
                "MASK('My Test $123', '*', NULL, '1', NULL)",
                "MASK(STRING null)",
                "MASK_LEFT('AbCd#$123', 3)",
                "MASK_LEFT('AbCd', 9, 'A', 'b', 'c', 'd')",
                "MASK_RIGHT('AbCd#$123', 4)",
                "MASK_RIGHT('AbC', 9)",
                "MASK_KEEP_LEFT('AbCd#$123', 2)",
                "MASK_KEEP_RIGHT('AbCd#$123', 2, 'Q', NULL, NULL, NULL)",
                "MASK_KEEP_RIGHT('AbC', -1)",
                "MASK_LEFT('AbC', NULL)",
            ],
            expect![[r#"
                MASK('AbCd#$123xy Zü') -> XxXx--nnnxx-Xx
                MASK('My Test $123', '*', NULL, '1', NULL) -> *y *est $111
                MASK(STRING null) -> NULL
                MASK_LEFT('AbCd#$123', 3) -> XxXd#$123
                MASK_LEFT('AbCd', 9, 'A', 'b', 'c', 'd') -> AbAb
                MASK_RIGHT('AbCd#$123', 4) -> AbCd#-nnn
                MASK_RIGHT('AbC', 9) -> XxX
                MASK_KEEP_LEFT('AbCd#$123', 2) -> AbXx--nnn
                MASK_KEEP_RIGHT('AbCd#$123', 2, 'Q', NULL, NULL, NULL) -> QbQd#$123
                MASK_KEEP_RIGHT('AbC', -1) -> error: the number of characters must not be negative, but is -1
                MASK_LEFT('AbC', NULL) -> NULL"#]],
        );
    }
}
