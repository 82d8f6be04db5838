//! Places in texts, and texts made from ends. Positions count characters from 1.

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;

use super::rows::{primitives, texts};
use super::{Args, Overload, ScalarFunction};

/// The largest text that REPEAT makes, in bytes: more fits in no record.
const REPEATED_MAX: usize = 16 << 20;

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "BTRIM",
        summary: "The text without blanks, or without any of the characters, at its ends",
        overloads: &[
            Overload::new("(str STRING) -> STRING", |a| trim(a, true, true)),
            Overload::new("(str STRING, characters STRING) -> STRING", |a| trim(a, true, true)),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "INSTR",
        summary: "The position of a text in another one, 0 where it is not there; from a position on (backwards from \
                  the end where it is negative), its n-th occurrence",
        overloads: &[
            Overload::new("(str STRING, substring STRING) -> INT", instr),
            Overload::new("(str STRING, substring STRING, position INT) -> INT", instr),
            Overload::new("(str STRING, substring STRING, position INT, occurrence INT) -> INT", instr),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "LEFT",
        summary: "The first characters; with a negative number all but the last ones",
        overloads: &[Overload::new("(str STRING, length INT) -> STRING", |a| {
            part(a, |length, n| (0, if n < 0 { length + n } else { n }))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "LTRIM",
        summary: "The text without blanks, or without any of the characters, at its beginning",
        overloads: &[
            Overload::new("(str STRING) -> STRING", |a| trim(a, true, false)),
            Overload::new("(str STRING, characters STRING) -> STRING", |a| trim(a, true, false)),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "OVERLAY",
        summary: "The text with a part replaced, written OVERLAY(str PLACING replacement FROM position FOR length)",
        overloads: &[
            Overload::new("(str STRING, replacement STRING, position INT) -> STRING", overlay),
            Overload::new("(str STRING, replacement STRING, position INT, length INT) -> STRING", overlay),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "REPEAT",
        summary: "The text so many times",
        overloads: &[Overload::new("(str STRING, number INT) -> STRING", repeat)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "RIGHT",
        summary: "The last characters; with a negative number all but the first ones",
        overloads: &[Overload::new("(str STRING, length INT) -> STRING", |a| {
            part(a, |length, n| (if n < 0 { -n } else { length - n }, length))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "RTRIM",
        summary: "The text without blanks, or without any of the characters, at its end",
        overloads: &[
            Overload::new("(str STRING) -> STRING", |a| trim(a, false, true)),
            Overload::new("(str STRING, characters STRING) -> STRING", |a| trim(a, false, true)),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "STRPOS",
        summary: "The position of a text in another one, 0 where it is not there; also POSITION(substring IN str)",
        overloads: &[Overload::new("(str STRING, substring STRING) -> INT", |a| {
            let (inputs, wanted) = (a.texts(0)?, a.texts(1)?);
            primitives::<Int32Type>(a.rows, |row| {
                let (Some(input), Some(wanted)) = (inputs.get(row), wanted.get(row)) else { return Ok(None) };
                Ok(Some(input.find(wanted).map_or(0, |at| characters(input.get(..at)) + 1)))
            })
        })],
        takes_failures: false,
    },
];

fn characters(text: Option<&str>) -> i32 {
    text.map_or(0, |text| i32::try_from(text.chars().count()).unwrap_or(i32::MAX))
}

/// From position 0 nothing is found, nor is an occurrence before the first.
fn instr(args: &Args) -> Result<ArrayRef, String> {
    let (inputs, wanted) = (args.texts(0)?, args.texts(1)?);
    let number = |i| (args.columns.len() > i).then(|| args.numbers::<Int32Type>(i)).transpose();
    let (positions, occurrences) = (number(2)?, number(3)?);
    primitives::<Int32Type>(args.rows, |row| {
        let position = positions.as_ref().map_or(Some(1), |positions| positions.get(row));
        let occurrence = occurrences.as_ref().map_or(Some(1), |occurrences| occurrences.get(row));
        let (Some(input), Some(wanted), Some(position), Some(occurrence)) =
            (inputs.get(row), wanted.get(row), position, occurrence)
        else {
            return Ok(None);
        };
        Ok(Some(find(input, wanted, position, occurrence).unwrap_or(0)))
    })
}

fn find(input: &str, wanted: &str, position: i32, occurrence: i32) -> Option<i32> {
    let skipped = usize::try_from(occurrence).ok()?.checked_sub(1)?;
    let mut starts = input.char_indices().map(|(at, _)| at).chain([input.len()]).enumerate();
    let is_there = |(_, at): &(usize, usize)| input.get(*at..).is_some_and(|rest| rest.starts_with(wanted));
    let distance = usize::try_from(position.unsigned_abs()).ok()?.checked_sub(1)?;
    let found = if position > 0 {
        starts.filter(is_there).filter(|(index, _)| *index >= distance).nth(skipped)?
    } else {
        let last = input.chars().count().checked_sub(distance + 1)?;
        let mut found: Vec<_> = starts.by_ref().take(last + 1).filter(is_there).collect();
        found.len().checked_sub(skipped + 1).map(|at| found.swap_remove(at))?
    };
    i32::try_from(found.0 + 1).ok()
}

/// `f` gives the ends of the part from the text's length and the call's number; they may be out of range.
fn part(args: &Args, f: fn(i64, i64) -> (i64, i64)) -> Result<ArrayRef, String> {
    let (inputs, numbers) = (args.texts(0)?, args.numbers::<Int32Type>(1)?);
    texts(args.rows, |row| {
        let (Some(input), Some(number)) = (inputs.get(row), numbers.get(row)) else { return Ok(None) };
        let length = i64::from(characters(Some(input)));
        let (start, end) = f(length, i64::from(number));
        let (start, end) = (start.clamp(0, length), end.clamp(0, length));
        let count = usize::try_from(end - start).unwrap_or(0);
        Ok(Some(input.chars().skip(usize::try_from(start).unwrap_or(0)).take(count).collect::<String>()))
    })
}

fn trim(args: &Args, start: bool, end: bool) -> Result<ArrayRef, String> {
    let inputs = args.texts(0)?;
    let sets = (args.columns.len() > 1).then(|| args.texts(1)).transpose()?;
    texts(args.rows, |row| {
        let set = sets.as_ref().map_or(Some(" "), |sets| sets.get(row));
        let (Some(mut text), Some(set)) = (inputs.get(row), set) else { return Ok(None) };
        if start {
            text = text.trim_start_matches(|c| set.contains(c));
        }
        if end {
            text = text.trim_end_matches(|c| set.contains(c));
        }
        Ok(Some(text))
    })
}

/// The part is as long as what replaces it, if nothing else is said.
fn overlay(args: &Args) -> Result<ArrayRef, String> {
    let (inputs, news, positions) = (args.texts(0)?, args.texts(1)?, args.numbers::<Int32Type>(2)?);
    let lengths = (args.columns.len() > 3).then(|| args.numbers::<Int32Type>(3)).transpose()?;
    texts(args.rows, |row| {
        let (Some(input), Some(new), Some(position)) = (inputs.get(row), news.get(row), positions.get(row))
        else {
            return Ok(None);
        };
        let length = lengths.as_ref().map_or(Some(characters(Some(new))), |lengths| lengths.get(row));
        let Some(length) = length else { return Ok(None) };
        let before = usize::try_from(i64::from(position) - 1).map_err(|_| "a position must be at least 1")?;
        let after = usize::try_from(i64::from(position) - 1 + i64::from(length)).unwrap_or(0);
        let head = input.chars().take(before);
        Ok(Some(head.chain(new.chars()).chain(input.chars().skip(after)).collect::<String>()))
    })
}

fn repeat(args: &Args) -> Result<ArrayRef, String> {
    let (inputs, numbers) = (args.texts(0)?, args.numbers::<Int32Type>(1)?);
    texts(args.rows, |row| {
        let (Some(input), Some(number)) = (inputs.get(row), numbers.get(row)) else { return Ok(None) };
        let number = usize::try_from(number).unwrap_or(0);
        if input.len().saturating_mul(number) > REPEATED_MAX {
            return Err(format!("the result is too large: at most {REPEATED_MAX} bytes are possible"));
        }
        Ok(Some(input.repeat(if input.is_empty() { 0 } else { number })))
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn places() {
        check(
            &[
                "INSTR('corporate floor', 'or')",
                "INSTR('no substring', 'or')",
                "INSTR('corporate floor', 'or', 4, 2)",
                "INSTR('corporate floor', 'or', -4)",
                "INSTR('corporate floor', 'or', -4, 2)",
                "INSTR('corporate floor', 'or', -4, 3)",
                "INSTR('short', 'or', 0)",
                "INSTR('short', 'or', 1, 0)",
                "INSTR('short', 'or', -99)",
                "INSTR('short', 'or', 99)",
                "INSTR('äöäö', 'ö', 3)",
                "INSTR('short', STRING null)",
                "STRPOS('äöü', 'ü')",
                "STRPOS('äöü', 'x')",
            ],
            expect![[r#"
                INSTR('corporate floor', 'or') -> 2
                INSTR('no substring', 'or') -> 0
                INSTR('corporate floor', 'or', 4, 2) -> 14
                INSTR('corporate floor', 'or', -4) -> 5
                INSTR('corporate floor', 'or', -4, 2) -> 2
                INSTR('corporate floor', 'or', -4, 3) -> 0
                INSTR('short', 'or', 0) -> 0
                INSTR('short', 'or', 1, 0) -> 0
                INSTR('short', 'or', -99) -> 0
                INSTR('short', 'or', 99) -> 0
                INSTR('äöäö', 'ö', 3) -> 4
                INSTR('short', STRING null) -> NULL
                STRPOS('äöü', 'ü') -> 3
                STRPOS('äöü', 'x') -> 0"#]],
        );
    }

    #[test]
    fn ends() {
        check(
            &[
                "LEFT('äöü', 2)",
                "LEFT('äöü', -1)",
                "LEFT('äöü', -9)",
                "RIGHT('äöü', 2)",
                "RIGHT('äöü', -1)",
                "RIGHT('äöü', 9)",
                "LTRIM('  a ')",
                "RTRIM('xyaxy', 'yx')",
                "BTRIM('xyaxy', 'yx')",
                "REPEAT('ab', 3)",
                "REPEAT('ab', -3)",
                "REPEAT('ab', 2147483647)",
                "REPEAT('', 2147483647)",
                "REPEAT('ab', NULL)",
                "OVERLAY('Txxxxas', 'hom', 2, 4)",
                "OVERLAY('äöü', 'x', 2)",
                "OVERLAY('äöü', 'x', 0)",
            ],
            expect![[r#"
                LEFT('äöü', 2) -> äö
                LEFT('äöü', -1) -> äö
                LEFT('äöü', -9) -> 
                RIGHT('äöü', 2) -> öü
                RIGHT('äöü', -1) -> öü
                RIGHT('äöü', 9) -> äöü
                LTRIM('  a ') -> a 
                RTRIM('xyaxy', 'yx') -> xya
                BTRIM('xyaxy', 'yx') -> a
                REPEAT('ab', 3) -> ababab
                REPEAT('ab', -3) -> 
                REPEAT('ab', 2147483647) -> error: the result is too large: at most 16777216 bytes are possible
                REPEAT('', 2147483647) -> 
                REPEAT('ab', NULL) -> NULL
                OVERLAY('Txxxxas', 'hom', 2, 4) -> Thomas
                OVERLAY('äöü', 'x', 2) -> äxü
                OVERLAY('äöü', 'x', 0) -> error: a position must be at least 1"#]],
        );
    }
}
