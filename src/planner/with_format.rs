//! The properties of formats in a WITH clause: delimiters, wrapping, NULLs of protobuf.

use super::with::wrong;
use crate::catalog::{Format, ProtobufNulls};
use crate::sql::ast::{Property, PropertyValue};
use crate::sql::{Position, SqlError, sqlstate};

/// What was given, with its place.
#[derive(Debug, Default)]
pub struct FormatProperties {
    key: OfSide,
    value: OfSide,
    wrap: Option<(bool, Position)>,
}

#[derive(Debug, Default)]
struct OfSide {
    delimiter: Option<(char, Position)>,
    nulls: Option<(ProtobufNulls, Position)>,
}

impl FormatProperties {
    /// Takes a property; false where it is about something else. Errors: 22023 for a value that does not fit.
    pub fn set(&mut self, property: &Property) -> Result<bool, SqlError> {
        let here = property.name.position;
        match property.name.value.as_str() {
            "KEY_DELIMITER" => self.key.delimiter = Some((delimiter(property)?, here)),
            "VALUE_DELIMITER" => self.value.delimiter = Some((delimiter(property)?, here)),
            "KEY_PROTOBUF_NULLABLE_REPRESENTATION" => self.key.nulls = Some((nulls(property)?, here)),
            "VALUE_PROTOBUF_NULLABLE_REPRESENTATION" => self.value.nulls = Some((nulls(property)?, here)),
            "WRAP_SINGLE_VALUE" => self.wrap = Some((boolean(property)?, here)),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The format of keys with the properties given for them. Errors: 22023 for properties of another format.
    pub fn key(&self, format: Format) -> Result<Format, SqlError> {
        self.key.apply("KEY", format)
    }

    /// The format of values with the properties given for them, and whether a single column is wrapped where that was
    /// asked for. `wrap` is the setting.
    ///
    /// Errors: 22023 for properties of another format, or a wrapping that the format or the columns do not have.
    pub fn value(
        &self,
        format: Format,
        columns: usize,
        wrap: Option<bool>,
    ) -> Result<(Format, Option<bool>), SqlError> {
        let format = self.value.apply("VALUE", format)?;
        let wrap = match (self.wrap, wrap) {
            (Some((_, here)), _) if columns != 1 => {
                return Err(SqlError::new(
                    sqlstate::INVALID_PARAMETER,
                    format!("WRAP_SINGLE_VALUE is for a single value column, and there are {columns}"),
                )
                .at(Some(here)));
            }
            (Some((wrap, here)), _) if !wraps(format, wrap) => {
                let wrap = if wrap { "true" } else { "false" };
                return Err(SqlError::new(
                    sqlstate::INVALID_PARAMETER,
                    format!("the {format} format does not support WRAP_SINGLE_VALUE = {wrap}"),
                )
                .at(Some(here)));
            }
            (Some((wrap, _)), _) => Some(wrap),
            (None, wrap) => wrap.filter(|wrap| columns == 1 && wraps(format, *wrap)),
        };
        match (format, wrap) {
            (Format::Json, Some(false)) => Ok((Format::JsonUnwrapped, wrap)),
            _ => Ok((format, wrap)),
        }
    }
}

/// The format of a result's values: as given, or as its source's. Properties are taken over where the name is the same,
/// but for the wrapping; what can only be read becomes JSON.
pub fn inherited(given: Option<Format>, reads: Format) -> Format {
    match given {
        Some(given) if !given.same_name(reads) => given,
        _ => match reads {
            Format::JsonUnwrapped | Format::DebeziumJson => Format::Json,
            reads => reads,
        },
    }
}

impl OfSide {
    fn apply(&self, side: &str, format: Format) -> Result<Format, SqlError> {
        let misplaced = |name: &str, of: &str, here: Position| {
            Err(SqlError::new(
                sqlstate::INVALID_PARAMETER,
                format!("{side}_{name} is for the format {of}, not {format}"),
            )
            .at(Some(here)))
        };
        let format = match (format, self.delimiter) {
            (Format::Delimited(_), Some((delimiter, _))) => Format::Delimited(delimiter),
            (_, Some((_, here))) => return misplaced("DELIMITER", "DELIMITED", here),
            (format, None) => format,
        };
        match (format, self.nulls) {
            (Format::ProtobufNosr(_), Some((nulls, _))) => Ok(Format::ProtobufNosr(nulls)),
            (_, Some((_, here))) => misplaced("PROTOBUF_NULLABLE_REPRESENTATION", "PROTOBUF_NOSR", here),
            (format, None) => Ok(format),
        }
    }
}

/// Whether a format can have a single value column wrapped, or not wrapped.
fn wraps(format: Format, wrap: bool) -> bool {
    match format {
        Format::Json | Format::JsonUnwrapped => true,
        Format::Kafka | Format::None | Format::Delimited(_) => !wrap,
        Format::ProtobufNosr(_) => wrap,
        Format::DebeziumJson => false,
    }
}

fn delimiter(property: &Property) -> Result<char, SqlError> {
    let text = match &property.value {
        PropertyValue::String(text) => text.as_str(),
        _ => "",
    };
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("SPACE", ..) => Ok(' '),
        ("TAB", ..) => Ok('\t'),
        (_, Some(char), None) if !char.is_whitespace() && char != '"' => Ok(char),
        _ => Err(wrong(property, "one character that is no quote, or SPACE, or TAB")),
    }
}

fn nulls(property: &Property) -> Result<ProtobufNulls, SqlError> {
    let text = match &property.value {
        PropertyValue::String(text) => text.to_uppercase(),
        _ => String::new(),
    };
    match text.as_str() {
        "OPTIONAL" => Ok(ProtobufNulls::Optional),
        "WRAPPER" => Ok(ProtobufNulls::Wrapper),
        _ => Err(wrong(property, "OPTIONAL or WRAPPER")),
    }
}

fn boolean(property: &Property) -> Result<bool, SqlError> {
    match &property.value {
        PropertyValue::Boolean(value) => Ok(*value),
        PropertyValue::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        PropertyValue::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(wrong(property, "true or false")),
    }
}
