//! Text and bytes. Positions and lengths of text count characters, those of bytes count bytes.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int32Array, StringArray};
use arrow::datatypes::Int32Type;

use super::{Args, Overload, ScalarFunction};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "CONCAT",
        summary: "The values joined; NULLs are left out",
        overloads: &[
            Overload::new("(inputs STRING...) -> STRING", concat),
            Overload::new("(inputs BYTES...) -> BYTES", concat_bytes),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "LCASE",
        summary: "The text in lower case",
        overloads: &[Overload::new("(input STRING) -> STRING", |a| map(a, str::to_lowercase))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "LEN",
        summary: "The number of characters of a text, or of bytes",
        overloads: &[
            Overload::new("(input STRING) -> INT", |a| {
                let texts = a.texts(0)?;
                let length = |row| texts.get(row).map(|text| text.chars().count() as i32);
                Ok(Arc::new((0..a.rows).map(length).collect::<Int32Array>()))
            }),
            Overload::new("(input BYTES) -> INT", |a| {
                let bytes = a.bytes(0)?;
                let length = |row| bytes.get(row).map(|bytes| bytes.len() as i32);
                Ok(Arc::new((0..a.rows).map(length).collect::<Int32Array>()))
            }),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "REPLACE",
        summary: "The text with every occurrence of the second text replaced by the third",
        overloads: &[Overload::new("(str STRING, oldStr STRING, newStr STRING) -> STRING", replace)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "SUBSTRING",
        summary: "The part from a position, 1 being the first and -1 the last one, of a length or to the end",
        overloads: &[
            Overload::new("(str STRING, pos INT) -> STRING", substring),
            Overload::new("(str STRING, pos INT, length INT) -> STRING", substring),
            Overload::new("(bytes BYTES, pos INT) -> BYTES", substring_bytes),
            Overload::new("(bytes BYTES, pos INT, length INT) -> BYTES", substring_bytes),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TRIM",
        summary: "The text without white space at its ends",
        overloads: &[Overload::new("(input STRING) -> STRING", |a| {
            // As Java's String.trim: everything up to the blank.
            map(a, |text| text.trim_matches(|c| c <= ' ').to_owned())
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "UCASE",
        summary: "The text in upper case",
        overloads: &[Overload::new("(input STRING) -> STRING", |a| map(a, str::to_uppercase))],
        takes_failures: false,
    },
];

fn map(args: &Args, f: impl Fn(&str) -> String) -> Result<ArrayRef, String> {
    let texts = args.texts(0)?;
    Ok(Arc::new((0..args.rows).map(|row| texts.get(row).map(&f)).collect::<StringArray>()))
}

fn concat(args: &Args) -> Result<ArrayRef, String> {
    let parts = (0..args.columns.len()).map(|i| args.texts(i)).collect::<Result<Vec<_>, _>>()?;
    let join = |row| Some(parts.iter().filter_map(|part| part.get(row)).collect::<String>());
    Ok(Arc::new((0..args.rows).map(join).collect::<StringArray>()))
}

fn concat_bytes(args: &Args) -> Result<ArrayRef, String> {
    let parts = (0..args.columns.len()).map(|i| args.bytes(i)).collect::<Result<Vec<_>, _>>()?;
    let join =
        |row| Some(parts.iter().filter_map(|part| part.get(row)).flatten().copied().collect::<Vec<u8>>());
    Ok(Arc::new((0..args.rows).map(join).collect::<BinaryArray>()))
}

fn replace(args: &Args) -> Result<ArrayRef, String> {
    let (texts, old, new) = (args.texts(0)?, args.texts(1)?, args.texts(2)?);
    let one = |row| Some(texts.get(row)?.replace(old.get(row)?, new.get(row)?));
    Ok(Arc::new((0..args.rows).map(one).collect::<StringArray>()))
}

fn substring(args: &Args) -> Result<ArrayRef, String> {
    let (texts, range) = (args.texts(0)?, Range::of(args)?);
    let one = |row| {
        let text = texts.get(row)?;
        let length = if text.is_ascii() { text.len() } else { text.chars().count() };
        let (start, end) = range.get(row, length)?;
        if text.is_ascii() {
            return text.get(start..end);
        }
        let byte = |index: usize| text.char_indices().nth(index).map_or(text.len(), |(byte, _)| byte);
        text.get(byte(start)..byte(end))
    };
    Ok(Arc::new((0..args.rows).map(one).collect::<StringArray>()))
}

fn substring_bytes(args: &Args) -> Result<ArrayRef, String> {
    let (bytes, range) = (args.bytes(0)?, Range::of(args)?);
    let one = |row| {
        let bytes = bytes.get(row)?;
        let (start, end) = range.get(row, bytes.len())?;
        bytes.get(start..end)
    };
    Ok(Arc::new((0..args.rows).map(one).collect::<BinaryArray>()))
}

/// The position and length of SUBSTRING.
struct Range<'a> {
    position: super::args::Values<'a, Int32Array>,
    length: Option<super::args::Values<'a, Int32Array>>,
}

impl<'a> Range<'a> {
    fn of(args: &'a Args) -> Result<Self, String> {
        let length = (args.columns.len() > 2).then(|| args.numbers::<Int32Type>(2)).transpose()?;
        Ok(Self { position: args.numbers::<Int32Type>(1)?, length })
    }

    /// Start and end within `length` units; None for NULL.
    fn get(&self, row: usize, length: usize) -> Option<(usize, usize)> {
        let total = i64::try_from(length).ok()?;
        let position = i64::from(self.position.get(row)?);
        let start = if position < 0 { (total + position).max(0) } else { (position - 1).clamp(0, total) };
        let end = match &self.length {
            Some(length) => (start + i64::from(length.get(row)?)).clamp(start, total),
            None => total,
        };
        Some((usize::try_from(start).ok()?, usize::try_from(end).ok()?))
    }
}
