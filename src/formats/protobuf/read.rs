//! Messages into columns.

use chrono::NaiveDate;

use super::wire::{Payload, WireError, next_field, varint};
use crate::catalog::ProtobufNulls;
use crate::formats::columns::{ColumnBuilder, Values};
use crate::sql::SqlType;

const DAY_MS: i64 = 86_400_000;
const EPOCH_FROM_CE: i32 = 719_163;

/// Reads messages into the columns it was made for.
pub struct MessageReader {
    nulls: ProtobufNulls,
    /// For each field, by its number less one, the index of its column where that is wanted.
    fields: Vec<Option<usize>>,
}

impl MessageReader {
    pub fn new(nulls: ProtobufNulls, fields: Vec<Option<usize>>) -> Self {
        Self { nulls, fields }
    }

    /// Reads a message into row `row` of the columns. On an error some have the row and some not.
    pub fn read(
        &mut self,
        mut message: &[u8],
        columns: &mut [ColumnBuilder],
        row: usize,
    ) -> Result<(), String> {
        while let Some((number, payload)) = next_field(&mut message).map_err(text)? {
            let field =
                usize::try_from(number - 1).ok().and_then(|at| self.fields.get(at).copied().flatten());
            if let Some(column) = field.and_then(|at| columns.get_mut(at)) {
                read_field(payload, column, row, self.nulls)?;
            }
        }
        for at in self.fields.iter().copied().flatten() {
            if let Some(column) = columns.get_mut(at) {
                finish_field(column, row, self.nulls)?;
            }
        }
        Ok(())
    }
}

fn text(error: WireError) -> String {
    error.to_string()
}

/// Reads a field of a message that is row `row`. Arrays and maps grow with each; of others the last one counts.
fn read_field(
    payload: Payload<'_>,
    column: &mut ColumnBuilder,
    row: usize,
    nulls: ProtobufNulls,
) -> Result<(), String> {
    match &mut column.values {
        Values::List(rows) => return read_items(payload, &mut rows.items, nulls),
        Values::Map(rows) => {
            let Payload::Bytes(mut entry) = payload else { return Err(wrong_type(column)) };
            let at = rows.keys.len();
            while let Some((number, payload)) = next_field(&mut entry).map_err(text)? {
                match number {
                    1 => read_field(payload, &mut rows.keys, at, ProtobufNulls::Default)?,
                    2 => read_field(payload, &mut rows.values, at, ProtobufNulls::Default)?,
                    _ => {}
                }
            }
            finish_field(&mut rows.keys, at, ProtobufNulls::Default)?;
            return finish_field(&mut rows.values, at, ProtobufNulls::Default);
        }
        _ => {}
    }
    if column.len() > row {
        column.truncate(row);
    }
    if nulls == ProtobufNulls::Wrapper && is_scalar(&column.ty) {
        let Payload::Bytes(mut wrapper) = payload else { return Err(wrong_type(column)) };
        while let Some((number, payload)) = next_field(&mut wrapper).map_err(text)? {
            if number == 1 {
                column.truncate(row);
                read_value(payload, column, nulls)?;
            }
        }
        return finish_field(column, row, ProtobufNulls::Default);
    }
    read_value(payload, column, nulls)
}

/// Reads one element, or all at once where numbers are packed.
fn read_items(payload: Payload<'_>, items: &mut ColumnBuilder, nulls: ProtobufNulls) -> Result<(), String> {
    match (&mut items.values, payload) {
        (Values::Double(values), Payload::Bytes(packed)) => {
            let (chunks, rest) = packed.as_chunks::<8>();
            if !rest.is_empty() {
                return Err(text(WireError::Short));
            }
            values.extend(chunks.iter().map(|bytes| f64::from_le_bytes(*bytes)));
            Ok(())
        }
        (Values::Int(_) | Values::Long(_) | Values::Boolean(_), Payload::Bytes(mut packed))
            if is_scalar(&items.ty) =>
        {
            while !packed.is_empty() {
                read_value(Payload::Varint(varint(&mut packed).map_err(text)?), items, nulls)?;
            }
            Ok(())
        }
        (_, payload) => read_value(payload, items, nulls),
    }
}

/// Appends a value that is no array or map.
fn read_value(payload: Payload<'_>, column: &mut ColumnBuilder, nulls: ProtobufNulls) -> Result<(), String> {
    let read = match (&mut column.values, payload) {
        (Values::Boolean(values), Payload::Varint(value)) => {
            values.push(value != 0);
            Some(())
        }
        // Longer numbers lose their upper bits, as proto3 says.
        (Values::Int(values), Payload::Varint(value)) if column.ty == SqlType::Int => {
            values.push(value as i32);
            Some(())
        }
        (Values::Long(values), Payload::Varint(value)) if column.ty == SqlType::BigInt => {
            values.push(value as i64);
            Some(())
        }
        (Values::Double(values), Payload::Fixed64(bytes)) => {
            values.push(f64::from_le_bytes(bytes));
            Some(())
        }
        (Values::Bytes(rows), Payload::Bytes(bytes)) => {
            if column.ty == SqlType::String && std::str::from_utf8(bytes).is_err() {
                return Err(format!("the text of column {} is not UTF-8", column.name));
            }
            return rows
                .push(bytes)
                .map_err(|_| format!("column {}: too much text for one batch", column.name));
        }
        (Values::Decimal(values), Payload::Bytes(bytes)) => match column.ty {
            SqlType::Decimal { precision, scale } => {
                decimal(bytes, precision, scale)?.map(|units| values.push(units))
            }
            _ => None,
        },
        (Values::Int(values), Payload::Bytes(bytes)) if column.ty == SqlType::Date => {
            let [year, month, day, _] = numbers(bytes)?;
            let date = u32::try_from(month).ok().zip(u32::try_from(day).ok()).zip(i32::try_from(year).ok());
            let date = date.and_then(|((month, day), year)| NaiveDate::from_ymd_opt(year, month, day));
            date.map(|date| values.push(chrono::Datelike::num_days_from_ce(&date) - EPOCH_FROM_CE))
        }
        (Values::Int(values), Payload::Bytes(bytes)) if column.ty == SqlType::Time => {
            let [hours, minutes, seconds, nanos] = numbers(bytes)?;
            let in_range = (0..24).contains(&hours) && (0..60).contains(&minutes);
            let in_range = in_range && (0..60).contains(&seconds) && (0..1_000_000_000).contains(&nanos);
            let ms = in_range.then(|| ((hours * 60 + minutes) * 60 + seconds) * 1000 + nanos / 1_000_000);
            ms.filter(|ms| *ms < DAY_MS).and_then(|ms| i32::try_from(ms).ok()).map(|ms| values.push(ms))
        }
        (Values::Long(values), Payload::Bytes(bytes)) if column.ty == SqlType::Timestamp => {
            let [seconds, nanos, _, _] = numbers(bytes)?;
            let ms = seconds.checked_mul(1000).and_then(|ms| ms.checked_add(nanos / 1_000_000));
            ms.map(|ms| values.push(ms))
        }
        (Values::Struct(rows), Payload::Bytes(mut message)) => {
            let row = rows.len();
            while let Some((number, payload)) = next_field(&mut message).map_err(text)? {
                if let Some(field) = usize::try_from(number - 1).ok().and_then(|at| rows.fields.get_mut(at)) {
                    read_field(payload, field, row, nulls)?;
                }
            }
            for field in &mut rows.fields {
                finish_field(field, row, nulls)?;
            }
            rows.finish_row();
            Some(())
        }
        _ => None,
    };
    read.ok_or_else(|| wrong_type(column))
}

/// Ends row `row` of a column: where nothing was on the wire, with what that means.
fn finish_field(column: &mut ColumnBuilder, row: usize, nulls: ProtobufNulls) -> Result<(), String> {
    if column.len() > row {
        return Ok(());
    }
    let too_large = |_| "too many values for one batch".to_owned();
    let scalar = nulls == ProtobufNulls::Default;
    match &mut column.values {
        Values::List(rows) => return rows.finish_row().map_err(too_large),
        Values::Map(rows) => return rows.finish_row().map_err(too_large),
        Values::Boolean(values) if scalar => values.push(false),
        Values::Int(values) if scalar && column.ty == SqlType::Int => values.push(0),
        Values::Long(values) if scalar && column.ty == SqlType::BigInt => values.push(0),
        Values::Double(values) if scalar => values.push(0.0),
        Values::Bytes(rows) if scalar => return rows.push(b"").map_err(too_large),
        _ => column.push_null(),
    }
    Ok(())
}

/// Whether a type is a field of its own on the wire, rather than a message.
pub fn is_scalar(ty: &SqlType) -> bool {
    use SqlType::*;
    matches!(ty, Boolean | Int | BigInt | Double | String | Bytes)
}

/// The numbers of the fields 1 to 4 of a message.
fn numbers(mut message: &[u8]) -> Result<[i64; 4], String> {
    let mut numbers = [0; 4];
    while let Some((number, payload)) = next_field(&mut message).map_err(text)? {
        let place = usize::try_from(number - 1).ok().and_then(|at| numbers.get_mut(at));
        if let (Some(place), Payload::Varint(value)) = (place, payload) {
            *place = value as i64;
        }
    }
    Ok(numbers)
}

/// A decimal in units of 10^-`scale`; None where it does not fit.
fn decimal(mut message: &[u8], precision: u8, scale: u8) -> Result<Option<i128>, String> {
    let (mut bytes, mut written_scale) = (&[][..], 0);
    while let Some((number, payload)) = next_field(&mut message).map_err(text)? {
        match (number, payload) {
            (1, Payload::Bytes(value)) => bytes = value,
            (3, Payload::Varint(value)) => written_scale = value as i32,
            _ => {}
        }
    }
    Ok(super::super::decimal::from_big_endian(bytes, written_scale, precision, scale))
}

#[cold]
fn wrong_type(column: &ColumnBuilder) -> String {
    format!("the field of column {} is no {}", column.name, column.ty)
}
