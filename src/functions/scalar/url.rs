//! URLs, by the rules of Java's `java.net.URI` (RFC 2396): what it refuses, fails the row.

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;

use super::rows::{primitives, texts};
use super::url_parts::{Uri, decode};
use super::{Args, Overload, ScalarFunction};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "URL_DECODE_PARAM",
        summary: "The text that was encoded as a value in a URL's query",
        overloads: &[Overload::new("(input STRING) -> STRING", |a| {
            let inputs = a.texts(0)?;
            texts(a.rows, |row| inputs.get(row).map(decode_param).transpose())
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "URL_ENCODE_PARAM",
        summary: "The text as a value in a URL's query",
        overloads: &[Overload::new("(input STRING) -> STRING", |a| {
            let inputs = a.texts(0)?;
            texts(a.rows, |row| Ok(inputs.get(row).map(encode_param)))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "URL_EXTRACT_FRAGMENT",
        summary: "The part of a URL behind #, decoded",
        overloads: &[Overload::new("(input STRING) -> STRING", |a| {
            extract(a, |uri| uri.fragment.map(decode))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "URL_EXTRACT_HOST",
        summary: "The host of a URL",
        overloads: &[Overload::new("(input STRING) -> STRING", |a| {
            extract(a, |uri| uri.host.map(str::to_owned))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "URL_EXTRACT_PARAMETER",
        summary: "The value of a parameter in a URL's query, decoded",
        overloads: &[Overload::new("(input STRING, paramToFind STRING) -> STRING", parameter)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "URL_EXTRACT_PATH",
        summary: "The path of a URL, decoded",
        overloads: &[Overload::new("(input STRING) -> STRING", |a| extract(a, |uri| uri.path.map(decode)))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "URL_EXTRACT_PORT",
        summary: "The port that a URL names",
        overloads: &[Overload::new("(input STRING) -> INT", |a| {
            let inputs = a.texts(0)?;
            primitives::<Int32Type>(a.rows, |row| {
                Ok(inputs.get(row).map(Uri::parse).transpose()?.and_then(|uri| uri.port))
            })
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "URL_EXTRACT_PROTOCOL",
        summary: "The scheme of a URL, such as https",
        overloads: &[Overload::new("(input STRING) -> STRING", |a| {
            extract(a, |uri| uri.scheme.map(str::to_owned))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "URL_EXTRACT_QUERY",
        summary: "The query of a URL, decoded",
        overloads: &[Overload::new("(input STRING) -> STRING", |a| extract(a, |uri| uri.query.map(decode)))],
        takes_failures: false,
    },
];

fn extract(args: &Args, part: fn(&Uri<'_>) -> Option<String>) -> Result<ArrayRef, String> {
    let inputs = args.texts(0)?;
    texts(args.rows, |row| Ok(inputs.get(row).map(Uri::parse).transpose()?.and_then(|uri| part(&uri))))
}

/// A parameter without a value is empty.
fn parameter(args: &Args) -> Result<ArrayRef, String> {
    let (inputs, names) = (args.texts(0)?, args.texts(1)?);
    texts(args.rows, |row| {
        let (Some(input), Some(name)) = (inputs.get(row), names.get(row)) else { return Ok(None) };
        let Some(query) = Uri::parse(input)?.query.map(decode) else { return Ok(None) };
        let value = query.split('&').find_map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key == name).then(|| value.to_owned()),
            None => (pair == name).then(String::new),
        });
        Ok(value)
    })
}

/// As forms encode: a blank is a plus.
fn encode_param(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                encoded.push(char::from(byte))
            }
            b' ' => encoded.push('+'),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

fn decode_param(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let byte = digits
                    .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok());
                bytes.push(byte.ok_or("two hexadecimal digits must follow %")?);
                rest = behind.get(2..).unwrap_or_default();
            }
            other => bytes.push(*other),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn parameters() {
        check(
            &[
                "URL_DECODE_PARAM('%3Ffoo+%24bar%C3%BC')",
                "URL_DECODE_PARAM('100%')",
                "URL_DECODE_PARAM('%zz')",
                "URL_ENCODE_PARAM('?foo $bar*ü')",
                "URL_ENCODE_PARAM(NULL)",
                "URL_EXTRACT_PARAMETER('https://a/?x=1&y=2&z&w=%26%20=', 'y')",
                "URL_EXTRACT_PARAMETER('https://a/?x=1&y=2&z&w=a%20=', 'z')",
                "URL_EXTRACT_PARAMETER('https://a/?x=1&y=2&z&w=a%20=', 'w')",
                "URL_EXTRACT_PARAMETER('https://a/?x=1', 'y')",
                "URL_EXTRACT_PARAMETER('https://a/', 'y')",
            ],
            expect![[r#"
                URL_DECODE_PARAM('%3Ffoo+%24bar%C3%BC') -> ?foo $barü
                URL_DECODE_PARAM('100%') -> error: two hexadecimal digits must follow %
                URL_DECODE_PARAM('%zz') -> error: two hexadecimal digits must follow %
                URL_ENCODE_PARAM('?foo $bar*ü') -> %3Ffoo+%24bar*%C3%BC
                URL_ENCODE_PARAM(NULL) -> NULL
                URL_EXTRACT_PARAMETER('https://a/?x=1&y=2&z&w=%26%20=', 'y') -> 2
                URL_EXTRACT_PARAMETER('https://a/?x=1&y=2&z&w=a%20=', 'z') -> 
                URL_EXTRACT_PARAMETER('https://a/?x=1&y=2&z&w=a%20=', 'w') -> a =
                URL_EXTRACT_PARAMETER('https://a/?x=1', 'y') -> NULL
                URL_EXTRACT_PARAMETER('https://a/', 'y') -> NULL"#]],
        );
    }

    #[test]
    fn parts() {
        check(
            &[
                "URL_EXTRACT_FRAGMENT('http://www.test.com/?query#frag%20ment')",
                "URL_EXTRACT_FRAGMENT('http://www.test.com')",
                "URL_EXTRACT_HOST('http://test@rivermill.io:8080')",
                "URL_EXTRACT_HOST('http://[::1]:80/x')",
                "URL_EXTRACT_HOST('http://under_score.com/x')",
                "URL_EXTRACT_HOST('mailto:a@b.c')",
                "URL_EXTRACT_HOST('http://a b/')",
                "URL_EXTRACT_HOST('//a.b/c')",
                "URL_EXTRACT_PATH('http://www.test.com?query')",
                "URL_EXTRACT_PATH('http://test@c.io:8080/nested/p%C3%A4th?q&j')",
                "URL_EXTRACT_PATH('mailto:a@b.c')",
                "URL_EXTRACT_PATH('a/b')",
                "URL_EXTRACT_PORT('http://test@c.io')",
                "URL_EXTRACT_PORT('http://test@c.io:8080/x')",
                "URL_EXTRACT_PORT('http://c.io:99999999999/x')",
                "URL_EXTRACT_PROTOCOL('https://c.io')",
                "URL_EXTRACT_PROTOCOL('www.test.com')",
                "URL_EXTRACT_PROTOCOL('1http://x')",
                "URL_EXTRACT_PROTOCOL('http:')",
                "URL_EXTRACT_QUERY('http://www.test.com/path?q1&q2#x')",
                "URL_EXTRACT_QUERY('http://www.test.com/path')",
                "URL_EXTRACT_QUERY('http://www.test.com/%zz')",
                "URL_EXTRACT_QUERY(NULL)",
            ],
            expect![[r#"
                URL_EXTRACT_FRAGMENT('http://www.test.com/?query#frag%20ment') -> frag ment
                URL_EXTRACT_FRAGMENT('http://www.test.com') -> NULL
                URL_EXTRACT_HOST('http://test@rivermill.io:8080') -> rivermill.io
                URL_EXTRACT_HOST('http://[::1]:80/x') -> [::1]
                URL_EXTRACT_HOST('http://under_score.com/x') -> NULL
                URL_EXTRACT_HOST('mailto:a@b.c') -> NULL
                URL_EXTRACT_HOST('http://a b/') -> error: 'http://a b/' is no URL: it has a character that must be encoded
                URL_EXTRACT_HOST('//a.b/c') -> a.b
                URL_EXTRACT_PATH('http://www.test.com?query') -> 
                URL_EXTRACT_PATH('http://test@c.io:8080/nested/p%C3%A4th?q&j') -> /nested/päth
                URL_EXTRACT_PATH('mailto:a@b.c') -> NULL
                URL_EXTRACT_PATH('a/b') -> a/b
                URL_EXTRACT_PORT('http://test@c.io') -> NULL
                URL_EXTRACT_PORT('http://test@c.io:8080/x') -> 8080
                URL_EXTRACT_PORT('http://c.io:99999999999/x') -> NULL
                URL_EXTRACT_PROTOCOL('https://c.io') -> https
                URL_EXTRACT_PROTOCOL('www.test.com') -> NULL
                URL_EXTRACT_PROTOCOL('1http://x') -> error: '1http://x' is no URL: its scheme has characters that no scheme has
                URL_EXTRACT_PROTOCOL('http:') -> error: 'http:' is no URL: nothing follows its scheme
                URL_EXTRACT_QUERY('http://www.test.com/path?q1&q2#x') -> q1&q2
                URL_EXTRACT_QUERY('http://www.test.com/path') -> NULL
                URL_EXTRACT_QUERY('http://www.test.com/%zz') -> error: 'http://www.test.com/%zz' is no URL: two hexadecimal digits must follow %
                URL_EXTRACT_QUERY(NULL) -> NULL"#]],
        );
    }
}
