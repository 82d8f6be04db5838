//! Bytes as numbers and as text in an encoding, and text from one encoding to another.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, BinaryArray, PrimitiveArray, StringArray};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use uuid::Uuid;

use super::encoding::{Encoding, cut, hex_literal};
use super::{Args, Overload, ScalarFunction};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "BIGINT_FROM_BYTES",
        summary: "The BIGINT of 8 bytes, in the order 'BIG_ENDIAN' or 'LITTLE_ENDIAN'",
        overloads: &[
            Overload::new("(value BYTES) -> BIGINT", bigint),
            Overload::new("(value BYTES, byteOrder STRING) -> BIGINT", bigint),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "DOUBLE_FROM_BYTES",
        summary: "The DOUBLE of 8 bytes, in the order 'BIG_ENDIAN' or 'LITTLE_ENDIAN'",
        overloads: &[
            Overload::new("(value BYTES) -> DOUBLE", double),
            Overload::new("(value BYTES, byteOrder STRING) -> DOUBLE", double),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ENCODE",
        summary: "The text in another encoding: hex, utf8, ascii or base64",
        overloads: &[Overload::new(
            "(str STRING, inputEncoding STRING, outputEncoding STRING) -> STRING",
            encode,
        )],
        takes_failures: false,
    },
    ScalarFunction {
        name: "FROM_BYTES",
        summary: "The bytes as text in an encoding: hex, utf8, ascii or base64",
        overloads: &[Overload::new("(value BYTES, encoding STRING) -> STRING", from_bytes)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "INT_FROM_BYTES",
        summary: "The INT of 4 bytes, in the order 'BIG_ENDIAN' or 'LITTLE_ENDIAN'",
        overloads: &[
            Overload::new("(value BYTES) -> INT", int),
            Overload::new("(value BYTES, byteOrder STRING) -> INT", int),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TO_BYTES",
        summary: "The bytes of a text in an encoding: hex, utf8, ascii or base64",
        overloads: &[Overload::new("(value STRING, encoding STRING) -> BYTES", to_bytes)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "UUID",
        summary: "A random UUID, or that of 16 bytes",
        overloads: &[
            Overload::new("() -> STRING", |a| {
                let random = |_| Some(Uuid::new_v4().to_string());
                Ok(Arc::new((0..a.rows).map(random).collect::<StringArray>()))
            }),
            Overload::new("(bytes BYTES) -> STRING", |a| {
                let values = a.bytes(0)?;
                let uuid = |row| Some(Uuid::from_slice(values.get(row)?).ok()?.to_string());
                Ok(Arc::new((0..a.rows).map(uuid).collect::<StringArray>()))
            }),
        ],
        takes_failures: false,
    },
];

fn from_bytes(args: &Args) -> Result<ArrayRef, String> {
    let (values, encodings) = (args.bytes(0)?, args.texts(1)?);
    let one = |row| {
        let (Some(value), Some(encoding)) = (values.get(row), encodings.get(row)) else { return Ok(None) };
        let text = Encoding::named(encoding)?.encode(value);
        // Java's library writes these digits in upper case here, and in lower case in ENCODE.
        Ok(Some(if encoding.eq_ignore_ascii_case("hex") { text.to_ascii_uppercase() } else { text }))
    };
    Ok(Arc::new((0..args.rows).map(one).collect::<Result<StringArray, String>>()?))
}

fn to_bytes(args: &Args) -> Result<ArrayRef, String> {
    let (values, encodings) = (args.texts(0)?, args.texts(1)?);
    let one = |row| {
        let (Some(value), Some(encoding)) = (values.get(row), encodings.get(row)) else { return Ok(None) };
        Encoding::named(encoding)?.decode(value).map(Some)
    };
    let values: Vec<_> = (0..args.rows).map(one).collect::<Result<_, String>>()?;
    Ok(Arc::new(values.into_iter().collect::<BinaryArray>()))
}

fn encode(args: &Args) -> Result<ArrayRef, String> {
    let (values, from, to) = (args.texts(0)?, args.texts(1)?, args.texts(2)?);
    let one = |row| {
        let (Some(value), Some(from), Some(to)) = (values.get(row), from.get(row), to.get(row)) else {
            return Ok(None);
        };
        let (from, to) = (Encoding::named(from)?, Encoding::named(to)?);
        if from == Encoding::Hex {
            let invalid = || format!("'{}' is not hexadecimal", cut(value));
            let bytes = hex_literal(value).ok_or_else(invalid)?;
            return Ok(Some(to.encode(&bytes)));
        }
        Ok(Some(to.encode(&from.decode(value)?)))
    };
    Ok(Arc::new((0..args.rows).map(one).collect::<Result<StringArray, String>>()?))
}

fn int(args: &Args) -> Result<ArrayRef, String> {
    number::<Int32Type, 4>(args, i32::from_be_bytes)
}

fn bigint(args: &Args) -> Result<ArrayRef, String> {
    number::<Int64Type, 8>(args, i64::from_be_bytes)
}

fn double(args: &Args) -> Result<ArrayRef, String> {
    number::<Float64Type, 8>(args, f64::from_be_bytes)
}

fn number<P: ArrowPrimitiveType, const N: usize>(
    args: &Args,
    read: impl Fn([u8; N]) -> P::Native,
) -> Result<ArrayRef, String> {
    let values = args.bytes(0)?;
    let orders = (args.columns.len() > 1).then(|| args.texts(1)).transpose()?;
    let one = |row| {
        let Some(value) = values.get(row) else { return Ok(None) };
        let little = match &orders {
            None => false,
            Some(orders) => match orders.get(row) {
                Some(order) if order.eq_ignore_ascii_case("BIG_ENDIAN") => false,
                Some(order) if order.eq_ignore_ascii_case("LITTLE_ENDIAN") => true,
                Some(order) => {
                    return Err(format!(
                        "unknown byte order '{}': use BIG_ENDIAN or LITTLE_ENDIAN",
                        cut(order)
                    ));
                }
                None => return Ok(None),
            },
        };
        let wrong = |_| format!("{N} bytes are needed, not {}", value.len());
        let mut bytes: [u8; N] = value.try_into().map_err(wrong)?;
        if little {
            bytes.reverse();
        }
        Ok(Some(read(bytes)))
    };
    Ok(Arc::new((0..args.rows).map(one).collect::<Result<PrimitiveArray<P>, String>>()?))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn encodings() {
        check(
            &[
                "FROM_BYTES(BYTES \"é!\", 'utf8')",
                "FROM_BYTES(BYTES \"é!\", 'ASCII')",
                "FROM_BYTES(BYTES \"é!\", 'hex')",
                "FROM_BYTES(BYTES \"é!\", 'base64')",
                "FROM_BYTES(BYTES \"é!\", 'utf16')",
                "FROM_BYTES(TO_BYTES('ff41', 'hex'), 'utf8')",
                "FROM_BYTES(NULL, 'hex')",
                "TO_BYTES('é!', 'utf8')",
                "TO_BYTES('é!', 'ascii')",
                "TO_BYTES('C3a9', 'hex')",
                "TO_BYTES('C3a', 'hex')",
                "TO_BYTES('w6kh', 'base64')",
                "TO_BYTES('w6k', 'base64')",
                "TO_BYTES('*', 'base64')",
                "TO_BYTES('a', NULL)",
            ],
            expect![[r#"
                FROM_BYTES(BYTES "é!", 'utf8') -> é!
                FROM_BYTES(BYTES "é!", 'ASCII') -> ��!
                FROM_BYTES(BYTES "é!", 'hex') -> C3A921
                FROM_BYTES(BYTES "é!", 'base64') -> w6kh
                FROM_BYTES(BYTES "é!", 'utf16') -> error: unknown encoding 'utf16': hex, utf8, ascii and base64 are known
                FROM_BYTES(TO_BYTES('ff41', 'hex'), 'utf8') -> �A
                FROM_BYTES(NULL, 'hex') -> NULL
                TO_BYTES('é!', 'utf8') -> c3a921
                TO_BYTES('é!', 'ascii') -> 3f21
                TO_BYTES('C3a9', 'hex') -> c3a9
                TO_BYTES('C3a', 'hex') -> error: 'C3a' is not hexadecimal
                TO_BYTES('w6kh', 'base64') -> c3a921
                TO_BYTES('w6k', 'base64') -> c3a9
                TO_BYTES('*', 'base64') -> error: '*' is not base64
                TO_BYTES('a', NULL) -> NULL"#]],
        );
    }

    #[test]
    fn encode() {
        check(
            &[
                "ENCODE('4578616d706C6521', 'hex', 'ascii')",
                "ENCODE('0x4578616d706C6521', 'HEX', 'utf8')",
                "ENCODE('X''c39c62''', 'hex', 'ascii')",
                "ENCODE('x''c39c62''', 'hex', 'base64')",
                "ENCODE('0x', 'hex', 'utf8')",
                "ENCODE('0x541', 'hex', 'utf8')",
                "ENCODE('541', 'hex', 'utf8')",
                "ENCODE('x''41', 'hex', 'utf8')",
                "ENCODE('Ελ', 'ascii', 'hex')",
                "ENCODE('Ελ', 'utf8', 'hex')",
                "ENCODE('zpXOuw==', 'base64', 'utf8')",
                "ENCODE('a', 'utf8', 'null')",
                "ENCODE(NULL, 'utf8', 'hex')",
            ],
            expect![[r#"
                ENCODE('4578616d706C6521', 'hex', 'ascii') -> Example!
                ENCODE('0x4578616d706C6521', 'HEX', 'utf8') -> Example!
                ENCODE('X''c39c62''', 'hex', 'ascii') -> ��b
                ENCODE('x''c39c62''', 'hex', 'base64') -> w5xi
                ENCODE('0x', 'hex', 'utf8') -> 
                ENCODE('0x541', 'hex', 'utf8') -> A
                ENCODE('541', 'hex', 'utf8') -> error: '541' is not hexadecimal
                ENCODE('x''41', 'hex', 'utf8') -> error: 'x'41' is not hexadecimal
                ENCODE('Ελ', 'ascii', 'hex') -> 3f3f
                ENCODE('Ελ', 'utf8', 'hex') -> ce95cebb
                ENCODE('zpXOuw==', 'base64', 'utf8') -> Ελ
                ENCODE('a', 'utf8', 'null') -> error: unknown encoding 'null': hex, utf8, ascii and base64 are known
                ENCODE(NULL, 'utf8', 'hex') -> NULL"#]],
        );
    }

    #[test]
    fn uuids() {
        check(
            &[
                "UUID(TO_BYTES('00112233445566778899aabbccddeeff', 'hex'))",
                "UUID(TO_BYTES('0011', 'hex'))",
                "UUID(BYTES null)",
                "LEN(UUID())",
            ],
            expect![[r#"
                UUID(TO_BYTES('00112233445566778899aabbccddeeff', 'hex')) -> 00112233-4455-6677-8899-aabbccddeeff
                UUID(TO_BYTES('0011', 'hex')) -> NULL
                UUID(BYTES null) -> NULL
                LEN(UUID()) -> 36"#]],
        );
    }

    #[test]
    fn numbers() {
        check(
            &[
                "INT_FROM_BYTES(TO_BYTES('000007e5', 'hex'))",
                "INT_FROM_BYTES(TO_BYTES('e5070000', 'hex'), 'LITTLE_ENDIAN')",
                "INT_FROM_BYTES(TO_BYTES('07e5', 'hex'))",
                "INT_FROM_BYTES(TO_BYTES('000007e5', 'hex'), 'MIDDLE')",
                "BIGINT_FROM_BYTES(TO_BYTES('AAAAASoF8gA=', 'base64'), 'big_endian')",
                "DOUBLE_FROM_BYTES(TO_BYTES('gvXJm/2mgEA=', 'base64'), 'LITTLE_ENDIAN')",
                "BIGINT_FROM_BYTES(NULL)",
            ],
            expect![[r#"
                INT_FROM_BYTES(TO_BYTES('000007e5', 'hex')) -> 2021
                INT_FROM_BYTES(TO_BYTES('e5070000', 'hex'), 'LITTLE_ENDIAN') -> 2021
                INT_FROM_BYTES(TO_BYTES('07e5', 'hex')) -> error: 4 bytes are needed, not 2
                INT_FROM_BYTES(TO_BYTES('000007e5', 'hex'), 'MIDDLE') -> error: unknown byte order 'MIDDLE': use BIG_ENDIAN or LITTLE_ENDIAN
                BIGINT_FROM_BYTES(TO_BYTES('AAAAASoF8gA=', 'base64'), 'big_endian') -> 5000000000
                DOUBLE_FROM_BYTES(TO_BYTES('gvXJm/2mgEA=', 'base64'), 'LITTLE_ENDIAN') -> 532.8738323
                BIGINT_FROM_BYTES(NULL) -> NULL"#]],
        );
    }
}
