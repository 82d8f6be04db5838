//! What text and bytes have in common: joining with a separator, padding and splitting. Text counts characters.

use std::sync::Arc;

use arrow::array::builder::{BinaryBuilder, NullBufferBuilder, StringBuilder};
use arrow::array::{ArrayBuilder, ArrayRef};
use arrow::datatypes::Int32Type;

use super::args::{append_bytes, append_text};
use super::nested::{list_of, too_large};
use super::{Args, Overload, ScalarFunction};

/// The largest number of characters or bytes that padding makes: a value larger than this fits in no record, and a few
/// rows of them would take all memory.
const PADDED_MAX: usize = 16 << 20;

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "CONCAT_WS",
        summary: "The values joined with a separator, which comes first; NULLs are left out",
        overloads: &[
            Overload::new("(separator STRING, inputs STRING...) -> STRING", concat_texts),
            Overload::new("(separator BYTES, inputs BYTES...) -> BYTES", concat_bytes),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "LPAD",
        summary: "The value padded at its beginning, or cut off at its end, to a length",
        overloads: &[
            Overload::new("(input STRING, targetLen INT, padding STRING) -> STRING", |a| pad_texts(a, true)),
            Overload::new("(input BYTES, targetLen INT, padding BYTES) -> BYTES", |a| pad_bytes(a, true)),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "RPAD",
        summary: "The value padded or cut off at its end to a length",
        overloads: &[
            Overload::new("(input STRING, targetLen INT, padding STRING) -> STRING", |a| pad_texts(a, false)),
            Overload::new("(input BYTES, targetLen INT, padding BYTES) -> BYTES", |a| pad_bytes(a, false)),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "SPLIT",
        summary: "The parts between delimiters; the single characters or bytes if the delimiter is empty",
        overloads: &[
            Overload::new("(string STRING, delimiter STRING) -> ARRAY<STRING>", split_texts),
            Overload::new("(bytes BYTES, delimiter BYTES) -> ARRAY<BYTES>", split_bytes),
        ],
        takes_failures: false,
    },
];

fn concat_texts(args: &Args) -> Result<ArrayRef, String> {
    let separators = args.texts(0)?;
    let parts = (1..args.columns.len()).map(|i| args.texts(i)).collect::<Result<Vec<_>, _>>()?;
    let mut joined = StringBuilder::new();
    let mut text = String::new();
    for row in 0..args.rows {
        let Some(separator) = separators.get(row) else {
            joined.append_null();
            continue;
        };
        text.clear();
        for (i, part) in parts.iter().filter_map(|part| part.get(row)).enumerate() {
            text.push_str(if i > 0 { separator } else { "" });
            text.push_str(part);
        }
        append_text(&mut joined, &text)?;
    }
    Ok(Arc::new(joined.finish()))
}

fn concat_bytes(args: &Args) -> Result<ArrayRef, String> {
    let separators = args.bytes(0)?;
    let parts = (1..args.columns.len()).map(|i| args.bytes(i)).collect::<Result<Vec<_>, _>>()?;
    let mut joined = BinaryBuilder::new();
    for row in 0..args.rows {
        match separators.get(row) {
            Some(separator) => {
                let parts: Vec<_> = parts.iter().filter_map(|part| part.get(row)).collect();
                append_bytes(&mut joined, &parts.join(separator))?;
            }
            None => joined.append_null(),
        }
    }
    Ok(Arc::new(joined.finish()))
}

/// The length to pad to; None where it is negative. Errors: it is too large.
fn target(length: i32) -> Result<Option<usize>, String> {
    match usize::try_from(length) {
        Ok(length) if length > PADDED_MAX => {
            Err(format!("a length of {length} is too large: at most {PADDED_MAX} is possible"))
        }
        length => Ok(length.ok()),
    }
}

fn pad_texts(args: &Args, left: bool) -> Result<ArrayRef, String> {
    let (inputs, lengths, paddings) = (args.texts(0)?, args.numbers::<Int32Type>(1)?, args.texts(2)?);
    let mut result = StringBuilder::new();
    for row in 0..args.rows {
        let length = lengths.get(row).map_or(Ok(None), target)?;
        let padding = paddings.get(row).filter(|padding| !padding.is_empty());
        let (Some(input), Some(length), Some(padding)) = (inputs.get(row), length, padding) else {
            result.append_null();
            continue;
        };
        let missing = length.saturating_sub(input.chars().count());
        let padding = padding.chars().cycle().take(missing);
        let text: String = if missing == 0 {
            input.chars().take(length).collect()
        } else if left {
            padding.chain(input.chars()).collect()
        } else {
            input.chars().chain(padding).collect()
        };
        append_text(&mut result, &text)?;
    }
    Ok(Arc::new(result.finish()))
}

fn pad_bytes(args: &Args, left: bool) -> Result<ArrayRef, String> {
    let (inputs, lengths, paddings) = (args.bytes(0)?, args.numbers::<Int32Type>(1)?, args.bytes(2)?);
    let mut result = BinaryBuilder::new();
    for row in 0..args.rows {
        let length = lengths.get(row).map_or(Ok(None), target)?;
        let padding = paddings.get(row).filter(|padding| !padding.is_empty());
        let (Some(input), Some(length), Some(padding)) = (inputs.get(row), length, padding) else {
            result.append_null();
            continue;
        };
        let padding = padding.iter().cycle().take(length.saturating_sub(input.len()));
        let kept = input.iter().take(length);
        let bytes: Vec<u8> = if left {
            padding.chain(kept).copied().collect()
        } else {
            kept.chain(padding).copied().collect()
        };
        append_bytes(&mut result, &bytes)?;
    }
    Ok(Arc::new(result.finish()))
}

fn split_texts(args: &Args) -> Result<ArrayRef, String> {
    let (texts, delimiters) = (args.texts(0)?, args.texts(1)?);
    let mut items = StringBuilder::new();
    let (mut offsets, mut nulls) = (vec![0], NullBufferBuilder::new(args.rows));
    for row in 0..args.rows {
        let both = texts.get(row).zip(delimiters.get(row));
        match both {
            Some((text, "")) if !text.is_empty() => {
                text.chars().for_each(|c| items.append_value(c.encode_utf8(&mut [0; 4])));
            }
            Some((text, "")) => items.append_value(text),
            Some((text, delimiter)) => text.split(delimiter).for_each(|part| items.append_value(part)),
            None => {}
        }
        nulls.append(both.is_some());
        offsets.push(i32::try_from(items.len()).map_err(|_| too_large())?);
    }
    list_of(Arc::new(items.finish()), offsets, nulls)
}

fn split_bytes(args: &Args) -> Result<ArrayRef, String> {
    let (values, delimiters) = (args.bytes(0)?, args.bytes(1)?);
    let mut items = BinaryBuilder::new();
    let (mut offsets, mut nulls) = (vec![0], NullBufferBuilder::new(args.rows));
    for row in 0..args.rows {
        let both = values.get(row).zip(delimiters.get(row));
        match both {
            Some((value, [])) if !value.is_empty() => {
                value.chunks(1).for_each(|byte| items.append_value(byte));
            }
            Some((value, [])) => items.append_value(value),
            Some((mut value, delimiter)) => {
                while let Some(at) = memchr::memmem::find(value, delimiter) {
                    items.append_value(value.get(..at).unwrap_or_default());
                    value = value.get(at + delimiter.len()..).unwrap_or_default();
                }
                items.append_value(value);
            }
            None => {}
        }
        nulls.append(both.is_some());
        offsets.push(i32::try_from(items.len()).map_err(|_| too_large())?);
    }
    list_of(Arc::new(items.finish()), offsets, nulls)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn texts() {
        check(
            &[
                "CONCAT_WS('-', 'a', NULL, '', 'b')",
                "CONCAT_WS('-', NULL)",
                "CONCAT_WS('-')",
                "CONCAT_WS(STRING null, 'a')",
                "LPAD('foo', 7, 'Bär')",
                "LPAD('föo', 2, 'Bar')",
                "LPAD('foo', 0, 'Bar')",
                "LPAD('foo', -1, 'Bar')",
                "LPAD('foo', 5, '')",
                "LPAD('foo', NULL, 'Bar')",
                "LPAD('foo', 2147483647, 'Bar')",
                "RPAD('foo', 7, 'Bär')",
                "RPAD('', 2, 'Bar')",
                "RPAD('foo', 3, STRING null)",
                "SPLIT('..a..', '.')",
                "SPLIT('a$$b', '$$')",
                "SPLIT('aé', '')",
                "SPLIT('', '')",
                "SPLIT('', ',')",
                "SPLIT('a', STRING null)",
            ],
            expect![[r#"
                CONCAT_WS('-', 'a', NULL, '', 'b') -> a--b
                CONCAT_WS('-', NULL) -> 
                CONCAT_WS('-') -> 
                CONCAT_WS(STRING null, 'a') -> NULL
                LPAD('foo', 7, 'Bär') -> BärBfoo
                LPAD('föo', 2, 'Bar') -> fö
                LPAD('foo', 0, 'Bar') -> 
                LPAD('foo', -1, 'Bar') -> NULL
                LPAD('foo', 5, '') -> NULL
                LPAD('foo', NULL, 'Bar') -> NULL
                LPAD('foo', 2147483647, 'Bar') -> error: a length of 2147483647 is too large: at most 16777216 is possible
                RPAD('foo', 7, 'Bär') -> fooBärB
                RPAD('', 2, 'Bar') -> Ba
                RPAD('foo', 3, STRING null) -> NULL
                SPLIT('..a..', '.') -> [, , a, , ]
                SPLIT('a$$b', '$$') -> [a, b]
                SPLIT('aé', '') -> [a, é]
                SPLIT('', '') -> []
                SPLIT('', ',') -> []
                SPLIT('a', STRING null) -> NULL"#]],
        );
    }

    #[test]
    fn bytes() {
        check(
            &[
                "CONCAT_WS(BYTES \"-\", BYTES \"a\", NULL, BYTES \"b\")",
                "CONCAT_WS(BYTES \"-\", NULL)",
                "CONCAT_WS(BYTES null, BYTES \"a\")",
                "LPAD(BYTES \"yes\", 6, BYTES \"no\")",
                "LPAD(BYTES \"yes\", 2, BYTES \"no\")",
                "LPAD(BYTES \"yes\", 4, BYTES \"\")",
                "RPAD(BYTES \"yes\", 6, BYTES \"no\")",
                "RPAD(BYTES \"yes\", 0, BYTES \"no\")",
                "RPAD(BYTES \"yes\", -1, BYTES \"no\")",
                "RPAD(BYTES \"yes\", 2147483647, BYTES \"no\")",
                "SPLIT(BYTES \".a..\", BYTES \".\")",
                "SPLIT(BYTES \"a$$b\", BYTES \"$$\")",
                "SPLIT(BYTES \"ab\", BYTES \"\")",
                "SPLIT(BYTES \"\", BYTES \"\")",
                "SPLIT(BYTES null, BYTES \"\")",
            ],
            expect![[r#"
                CONCAT_WS(BYTES "-", BYTES "a", NULL, BYTES "b") -> 612d62
                CONCAT_WS(BYTES "-", NULL) -> 
                CONCAT_WS(BYTES null, BYTES "a") -> NULL
                LPAD(BYTES "yes", 6, BYTES "no") -> 6e6f6e796573
                LPAD(BYTES "yes", 2, BYTES "no") -> 7965
                LPAD(BYTES "yes", 4, BYTES "") -> NULL
                RPAD(BYTES "yes", 6, BYTES "no") -> 7965736e6f6e
                RPAD(BYTES "yes", 0, BYTES "no") -> 
                RPAD(BYTES "yes", -1, BYTES "no") -> NULL
                RPAD(BYTES "yes", 2147483647, BYTES "no") -> error: a length of 2147483647 is too large: at most 16777216 is possible
                SPLIT(BYTES ".a..", BYTES ".") -> [, 61, , ]
                SPLIT(BYTES "a$$b", BYTES "$$") -> [61, 62]
                SPLIT(BYTES "ab", BYTES "") -> [61, 62]
                SPLIT(BYTES "", BYTES "") -> []
                SPLIT(BYTES null, BYTES "") -> NULL"#]],
        );
    }
}
