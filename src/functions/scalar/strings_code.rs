//! Characters by their codes, capitals, digests.

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;
use md5::{Digest, Md5};

use super::rows::texts;
use super::{Args, Overload, ScalarFunction};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "CHR",
        summary: "The character of a code point, or of a code such as \\u004B",
        overloads: &[
            Overload::new("(decimalCode INT) -> STRING", |a| {
                let codes = a.numbers::<Int32Type>(0)?;
                texts(a.rows, |row| Ok(codes.get(row).and_then(character)))
            }),
            Overload::new("(utf16Code STRING) -> STRING", |a| {
                let codes = a.texts(0)?;
                texts(a.rows, |row| codes.get(row).map_or(Ok(None), unescape))
            }),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "INITCAP",
        summary: "The text with the first letter of each word in upper case and the others in lower case",
        overloads: &[Overload::new("(str STRING) -> STRING", |a| each(a, capitals))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "MD5",
        summary: "The MD5 digest of the text's UTF-8 bytes, in hexadecimal digits",
        overloads: &[Overload::new("(s STRING) -> STRING", |a| each(a, digest))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "REVERSE",
        summary: "The characters of the text from the last to the first",
        overloads: &[Overload::new("(str STRING) -> STRING", |a| {
            each(a, |text| text.chars().rev().collect())
        })],
        takes_failures: false,
    },
];

fn each(args: &Args, f: fn(&str) -> String) -> Result<ArrayRef, String> {
    let inputs = args.texts(0)?;
    texts(args.rows, |row| Ok(inputs.get(row).map(f)))
}

/// Halves of surrogate pairs are no characters here, as they cannot be written in UTF-8.
fn character(code: i32) -> Option<String> {
    u32::try_from(code).ok().and_then(char::from_u32).map(String::from)
}

/// Java's escapes, if the text begins with one of UTF-16; else NULL.
fn unescape(code: &str) -> Result<Option<String>, String> {
    if code.len() < 6 || !code.starts_with("\\u") {
        return Ok(None);
    }
    let mut units: Vec<u16> = Vec::new();
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let digits = rest.strip_prefix("\\u").map(|rest| rest.trim_start_matches('u'));
        match digits {
            Some(digits) => {
                let unit = digits.get(..4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
                units.push(unit.ok_or_else(|| format!("'{code}' is no UTF-16 code"))?);
                rest = digits.get(4..).unwrap_or_default();
            }
            None => {
                units.extend(c.encode_utf16(&mut [0; 2]).iter());
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    String::from_utf16(&units).map(Some).map_err(|_| format!("'{code}' is half a character"))
}

/// Words end at white space.
fn capitals(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut begins = true;
    for c in text.chars() {
        if c.is_whitespace() {
            result.push(c);
        } else if begins {
            result.extend(c.to_uppercase());
        } else {
            result.extend(c.to_lowercase());
        }
        begins = c.is_whitespace();
    }
    result
}

fn digest(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn characters() {
        check(
            &[
                "CHR(75)",
                "CHR(99000)",
                "CHR(-1)",
                "CHR(1114112)",
                "CHR('\\u597d')",
                "CHR('\\ud820\\udeb8')",
                "CHR('\\ud820')",
                "CHR('\\u59')",
                "CHR('\\u59zz')",
                "CHR('K')",
                "CHR(NULL)",
                "INITCAP('the   Quick br0wn fOx-tail')",
                "INITCAP('')",
                "INITCAP(NULL)",
                "MD5('rivermill')",
                "MD5('')",
                "MD5(NULL)",
                "REVERSE('añb')",
            ],
            expect![[r#"
                CHR(75) -> K
                CHR(99000) -> 𘊸
                CHR(-1) -> NULL
                CHR(1114112) -> NULL
                CHR('\u597d') -> 好
                CHR('\ud820\udeb8') -> 𘊸
                CHR('\ud820') -> error: '\ud820' is half a character
                CHR('\u59') -> NULL
                CHR('\u59zz') -> error: '\u59zz' is no UTF-16 code
                CHR('K') -> NULL
                CHR(NULL) -> error: function CHR(NULL) is not unique
                INITCAP('the   Quick br0wn fOx-tail') -> The   Quick Br0wn Fox-tail
                INITCAP('') -> 
                INITCAP(NULL) -> NULL
                MD5('rivermill') -> 11449637233081ded5384750ae74c738
                MD5('') -> d41d8cd98f00b204e9800998ecf8427e
                MD5(NULL) -> NULL
                REVERSE('añb') -> bña"#]],
        );
    }
}
