//! Text of bytes: hexadecimal, UTF-8, ASCII and base64, as Java's library reads and writes them.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Like Java's decoder, which takes base64 with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Hex,
    Utf8,
    Ascii,
    Base64,
}

impl Encoding {
    /// The encoding of a name in any case. Errors: there is none.
    pub fn named(name: &str) -> Result<Self, String> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "hex" => Encoding::Hex,
            "utf8" => Encoding::Utf8,
            "ascii" => Encoding::Ascii,
            "base64" => Encoding::Base64,
            _ => {
                return Err(format!(
                    "unknown encoding '{}': hex, utf8, ascii and base64 are known",
                    cut(name)
                ));
            }
        })
    }

    /// The bytes that a text stands for. In ASCII every other character is a question mark.
    pub fn decode(self, text: &str) -> Result<Cow<'_, [u8]>, String> {
        Ok(match self {
            Encoding::Utf8 => Cow::Borrowed(text.as_bytes()),
            Encoding::Ascii if text.is_ascii() => Cow::Borrowed(text.as_bytes()),
            Encoding::Ascii => {
                text.chars().map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?')).collect()
            }
            Encoding::Hex => {
                let invalid = || format!("'{}' is not hexadecimal", cut(text));
                Cow::Owned(hex_bytes(text).ok_or_else(invalid)?)
            }
            Encoding::Base64 => {
                let invalid = |_| format!("'{}' is not base64", cut(text));
                Cow::Owned(BASE64.decode(text).map_err(invalid)?)
            }
        })
    }

    /// What is no character of the encoding becomes U+FFFD.
    pub fn encode(self, bytes: &[u8]) -> String {
        match self {
            Encoding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Encoding::Ascii => bytes
                .iter()
                .map(|b| if b.is_ascii() { char::from(*b) } else { char::REPLACEMENT_CHARACTER })
                .collect(),
            Encoding::Hex => hex_text(bytes),
            Encoding::Base64 => BASE64.encode(bytes),
        }
    }
}

/// `6162`, `0x6162`, `X'6162'` or `x'6162'`. Behind `0x` the first digit may be left out where it is 0.
pub fn hex_literal(text: &str) -> Option<Vec<u8>> {
    if let Some(digits) = text.strip_prefix("0x") {
        return if digits.len() % 2 == 1 { hex_bytes(&format!("0{digits}")) } else { hex_bytes(digits) };
    }
    match text.strip_prefix("X'").or_else(|| text.strip_prefix("x'")) {
        Some(quoted) => hex_bytes(quoted.strip_suffix('\'')?),
        None => hex_bytes(text),
    }
}

/// Two digits a byte, in upper or lower case.
fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn hex_text(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The start of a text, for errors.
pub fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}
