//! Records to columns: the first step of every query.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::columns::ColumnBuilder;
use super::debezium::{DebeziumReader, Trouble};
use super::delimited::DelimitedReader;
use super::event_time::EventTime;
use super::headers::{Headers, header_lists, header_values};
use super::java_time::DateTimePattern;
use super::json::{self, Fault, ObjectReader, Top};
use super::protobuf::MessageReader;
use super::support::{check_format, check_timestamp};
use super::window_key::WindowColumns;
use super::{RawRecord, SourceColumn, kafka};
use crate::catalog::{Column, Format, Source};
use crate::sql::ast::SourceKind;
use crate::sql::{SqlError, SqlType, sqlstate};

/// The longest reason of a bad record, and the most of its text that is quoted in it.
const REASON_BYTES_MAX: usize = 400;
const QUOTED_BYTES_MAX: usize = 80;

/// Longer records, key and value together, are bad ones.
pub const RECORD_BYTES_MAX: usize = 8 << 20;

/// Decodes the records of one source for one query. Remembers how records look, so keep one a task.
///
/// - A stream's record without a value is skipped unless [`DecodeOptions`] say otherwise, and so is a table's record without a key; neither is bad.
/// - A table's record without a value is a tombstone: its key columns are filled, the others are null.
/// - JSON's `null` counts as no key and no value.
/// - Only what is wanted is decoded: a key that no wanted column is in is not looked at.
pub struct SourceDecoder {
    schema: SchemaRef,
    is_table: bool,
    /// The source's columns that must be read, each once: key columns, then value columns.
    columns: Vec<ColumnBuilder>,
    key: Reader,
    value: Reader,
    event_time: EventTime,
    /// The windows of keys, where keys are windowed.
    window: Option<WindowColumns>,
    outputs: Vec<Output>,
    /// The names that HEADER columns ask for, by their index in the source; None for all of them.
    header_keys: Vec<Option<String>>,
    options: DecodeOptions,
}

/// What a decoder does beyond its columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecodeOptions {
    /// A stream's records without a value are rows, marked as tombstones, rather than skipped: a projection hands them
    /// on as they are.
    pub null_values: bool,
    /// Headers are kept for the records that will be made of the rows.
    pub headers: bool,
}

/// What [`SourceDecoder::decode`] made of some records. All parts but `bad` have one entry a row.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// Of the decoder's schema.
    pub columns: RecordBatch,
    /// Event times, ms since 1970.
    pub time: ScalarBuffer<i64>,
    /// Where the rows were read.
    pub offsets: ScalarBuffer<i64>,
    /// True where a table's row is a deletion; None where there is none.
    pub tombstones: Option<BooleanBuffer>,
    /// A list a row, as in a HEADERS column; None where they were not asked for, or no record has any.
    pub headers: Option<ArrayRef>,
    /// The records that could not be read, at most one entry a record.
    pub bad: Vec<BadRecord>,
    /// How many records had no value (streams) or no key (tables).
    pub skipped: usize,
}

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    pub offset: i64,
    /// What is wrong with it, such as `column PRICE: cannot read "abc" as BIGINT`; at most 400 bytes.
    pub reason: String,
}

/// How the bytes of a key or a value become columns. Columns by their index in the decoder.
enum Reader {
    /// Nothing of it is wanted.
    Unread(Format),
    Object(ObjectReader),
    /// A bare JSON value.
    Scalar(usize),
    Kafka(usize),
    Delimited(DelimitedReader),
    Protobuf(MessageReader),
    Debezium(DebeziumReader),
}

#[derive(Clone, Copy)]
enum Output {
    Column(usize),
    RowTime,
    RowPartition,
    RowOffset,
    WindowStart,
    WindowEnd,
    Header(usize),
}

/// What became of one record.
enum Row {
    Live(i64),
    Tombstone(i64),
    Skipped,
}

impl SourceDecoder {
    /// A decoder of the `wanted` columns, in that order; a column may be wanted twice.
    ///
    /// Errors: the source's columns are nothing its formats can carry, or its timestamp column is of a wrong type.
    pub fn new(source: &Source, wanted: &[SourceColumn]) -> Result<Self, SqlError> {
        let (key_columns, value_columns): (Vec<Column>, Vec<Column>) =
            source.columns.iter().cloned().partition(|column| column.key);
        check_format(&key_columns, source.key_format)?;
        check_format(&value_columns, source.value_format)?;

        let timestamp = match &source.timestamp {
            Some(timestamp) => {
                check_timestamp(&source.columns, timestamp)?;
                source.column(&timestamp.column)
            }
            None => None,
        };
        let mut read: Vec<usize> = wanted
            .iter()
            .filter_map(|column| match column {
                SourceColumn::Column(at) => Some(*at),
                _ => None,
            })
            .chain(timestamp)
            .collect();
        read.sort_unstable_by_key(|at| (source.columns.get(*at).is_some_and(|c| !c.key), *at));
        read.dedup();
        let columns = read
            .iter()
            .map(|at| source.columns.get(*at))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| SqlError::internal(format!("{} has no such column", source.name)))?;

        let place = |at: usize| read.iter().position(|r| *r == at);
        let event_time = match (&source.timestamp, timestamp.and_then(place)) {
            (Some(timestamp), Some(place)) => match &timestamp.format {
                None => EventTime::Millis(place),
                Some(pattern) => EventTime::Text(
                    place,
                    DateTimePattern::parse(pattern)
                        .map_err(|error| SqlError::new(sqlstate::INVALID_PARAMETER, error.to_string()))?,
                ),
            },
            _ => EventTime::Record,
        };
        let keys_read = columns.iter().filter(|column| column.key).count();
        let (keys, values) = columns.split_at_checked(keys_read).unwrap_or_default();
        let (outputs, fields) = outputs(source, wanted, place)?;

        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            is_table: source.kind == SourceKind::Table,
            columns: columns.iter().map(|c| ColumnBuilder::new(&c.name, c.ty.clone())).collect(),
            key: match source.key_format {
                Format::Json if source.value_format == Format::DebeziumJson && !keys.is_empty() => {
                    Reader::Debezium(DebeziumReader::new(named(0, keys), true))
                }
                Format::Json | Format::JsonUnwrapped if key_columns.len() == 1 => {
                    Reader::new(Format::JsonUnwrapped, &key_columns, 0, keys)
                }
                format => Reader::new(format, &key_columns, 0, keys),
            },
            // A value is always looked at, so that a query that needs no column of it still leaves out what is not JSON.
            value: match source.value_format {
                Format::Json => Reader::Object(ObjectReader::new(named(keys_read, values))),
                Format::DebeziumJson => {
                    Reader::Debezium(DebeziumReader::new(named(keys_read, values), false))
                }
                format => Reader::new(format, &value_columns, keys_read, values),
            },
            event_time,
            window: source.window.map(WindowColumns::new),
            outputs,
            header_keys: source.headers.iter().map(|header| header.key.clone()).collect(),
            options: DecodeOptions::default(),
        })
    }

    pub fn with(mut self, options: DecodeOptions) -> Self {
        self.options = options;
        self
    }

    /// One nullable field a wanted column, in the order asked.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Decodes records of one partition. Never fails: what cannot be read is reported in `bad`.
    pub fn decode(&mut self, partition: i32, records: &[RawRecord<'_>]) -> Decoded {
        for column in &mut self.columns {
            column.reserve(records.len());
        }
        let mut times = Vec::with_capacity(records.len());
        let mut offsets = Vec::with_capacity(records.len());
        let mut tombstones = Vec::new();
        let mut bad = Vec::new();
        let mut skipped = 0;
        let shown = self.outputs.iter().any(|output| matches!(output, Output::Header(_)));
        let carried = self.options.headers && records.iter().any(|record| !record.headers.is_empty());
        let mut headers: Vec<Headers<'_>> = Vec::new();
        for record in records {
            let row = times.len();
            match self.decode_row(record, row) {
                Ok(Row::Live(time)) => times.push(time),
                Ok(Row::Tombstone(time)) => {
                    tombstones.push(row);
                    times.push(time);
                }
                Ok(Row::Skipped) => {
                    self.truncate(row);
                    skipped += 1;
                    continue;
                }
                Err(reason) => {
                    self.truncate(row);
                    bad.push(BadRecord { offset: record.offset, reason: shorten(reason, REASON_BYTES_MAX) });
                    continue;
                }
            }
            offsets.push(record.offset);
            if shown || carried {
                headers.push(record.headers);
            }
        }
        let time = ScalarBuffer::from(times);
        let offsets = ScalarBuffer::from(offsets);
        match self.finish(partition, &time, &offsets, &headers) {
            Ok(columns) => {
                let tombstones = (!tombstones.is_empty()).then(|| {
                    let mut marks = vec![false; time.len()];
                    for row in tombstones {
                        if let Some(mark) = marks.get_mut(row) {
                            *mark = true;
                        }
                    }
                    BooleanBuffer::from(marks)
                });
                let headers = carried.then(|| header_lists(&headers));
                Decoded { columns, time, offsets, tombstones, headers, bad, skipped }
            }
            // What the readers wrote is no array: an error of ours, which costs these records and not the query.
            Err(error) => {
                self.truncate(0);
                let reason = shorten(format!("internal error: {error}"), REASON_BYTES_MAX);
                let lost = offsets.iter().map(|offset| BadRecord { offset: *offset, reason: reason.clone() });
                bad.extend(lost);
                bad.sort_by_key(|record| record.offset);
                let none = ScalarBuffer::from(Vec::new());
                let columns = RecordBatch::new_empty(self.schema());
                Decoded {
                    columns,
                    time: none.clone(),
                    offsets: none,
                    tombstones: None,
                    headers: None,
                    bad,
                    skipped,
                }
            }
        }
    }

    /// Reads one record as row `row`. Unless it is live or a tombstone the columns must be cut back to `row`.
    #[inline]
    fn decode_row(&mut self, record: &RawRecord<'_>, row: usize) -> Result<Row, String> {
        let length = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        if length > RECORD_BYTES_MAX {
            return Err(format!(
                "the record has {length} bytes, more than the {RECORD_BYTES_MAX} that are read"
            ));
        }
        let key = self.read_key(record.key, row)?;
        if self.is_table && key == Top::Null {
            return Ok(Row::Skipped);
        }
        let value = match record.value {
            Some(bytes) => self.value.read("value", bytes, &mut self.columns, row)?,
            None => Top::Null,
        };
        let gone = value == Top::Null;
        if gone && !self.is_table && !self.options.null_values {
            return Ok(Row::Skipped);
        }
        for column in &mut self.columns {
            if column.len() == row {
                column.push_null();
            }
        }
        if gone {
            // A deletion has no columns to take its time from.
            let time = EventTime::Record.of_last_row(&self.columns, record.timestamp)?;
            return Ok(Row::Tombstone(time));
        }
        self.event_time.of_last_row(&self.columns, record.timestamp).map(Row::Live)
    }

    fn read_key(&mut self, key: Option<&[u8]>, row: usize) -> Result<Top, String> {
        let Some(mut key) = key else {
            if let Some(window) = &mut self.window {
                window.truncate(row);
                window.push_null();
            }
            return Ok(Top::Null);
        };
        if let Some(window) = &mut self.window {
            key = window.split(key, row)?;
        }
        self.key.read("key", key, &mut self.columns, row)
    }

    fn truncate(&mut self, rows: usize) {
        for column in &mut self.columns {
            column.truncate(rows);
        }
        if let Some(window) = &mut self.window {
            window.truncate(rows);
        }
    }

    fn finish(
        &mut self,
        partition: i32,
        time: &ScalarBuffer<i64>,
        offsets: &ScalarBuffer<i64>,
        headers: &[Headers<'_>],
    ) -> Result<RecordBatch, ArrowError> {
        let read = self.columns.iter_mut().map(ColumnBuilder::finish).collect::<Result<Vec<_>, _>>()?;
        let window = self.window.as_mut().map(WindowColumns::finish);
        let long = |values: &ScalarBuffer<i64>| Arc::new(Int64Array::new(values.clone(), None)) as ArrayRef;
        let missing = || ArrowError::InvalidArgumentError("a column is missing".to_owned());
        let arrays = self.outputs.iter().map(|output| match (output, &window) {
            (Output::Column(at), _) => read.get(*at).cloned().ok_or_else(missing),
            (Output::RowTime, _) => Ok(long(time)),
            (Output::RowOffset, _) => Ok(long(offsets)),
            (Output::RowPartition, _) => {
                Ok(Arc::new(Int32Array::from(vec![partition; time.len()])) as ArrayRef)
            }
            (Output::WindowStart, Some((starts, _))) => Ok(starts.clone()),
            (Output::WindowEnd, Some((_, ends))) => Ok(ends.clone()),
            (Output::WindowStart | Output::WindowEnd, None) => Err(missing()),
            (Output::Header(at), _) => match self.header_keys.get(*at).ok_or_else(missing)? {
                Some(key) => Ok(header_values(headers, key)),
                None => Ok(header_lists(headers)),
            },
        });
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(time.len()));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
    }
}

/// What is handed out, and its fields. `key_columns` of the decoder come first.
fn outputs(
    source: &Source,
    wanted: &[SourceColumn],
    place: impl Fn(usize) -> Option<usize>,
) -> Result<(Vec<Output>, Vec<Field>), SqlError> {
    let of_windowed = |output| match source.window {
        Some(_) => Ok(output),
        None => Err(SqlError::internal(format!("{} is not windowed", source.name))),
    };
    let mut outputs = Vec::with_capacity(wanted.len());
    let mut fields = Vec::with_capacity(wanted.len());
    for column in wanted {
        let (output, name, ty) = match *column {
            SourceColumn::Column(at) => match (place(at), source.columns.get(at)) {
                (Some(place), Some(column)) => {
                    (Output::Column(place), column.name.as_str(), column.ty.arrow())
                }
                _ => return Err(SqlError::internal(format!("{} has no column {at}", source.name))),
            },
            SourceColumn::RowTime => (Output::RowTime, "ROWTIME", DataType::Int64),
            SourceColumn::RowPartition => (Output::RowPartition, "ROWPARTITION", DataType::Int32),
            SourceColumn::RowOffset => (Output::RowOffset, "ROWOFFSET", DataType::Int64),
            SourceColumn::WindowStart => (of_windowed(Output::WindowStart)?, "WINDOWSTART", DataType::Int64),
            SourceColumn::WindowEnd => (of_windowed(Output::WindowEnd)?, "WINDOWEND", DataType::Int64),
            SourceColumn::Header(at) => match source.headers.get(at) {
                Some(column) => (Output::Header(at), column.name.as_str(), column.ty().arrow()),
                None => return Err(SqlError::internal(format!("{} has no header column {at}", source.name))),
            },
        };
        outputs.push(output);
        fields.push(Field::new(name, ty, true));
    }
    Ok((outputs, fields))
}

fn named<'a>(from: usize, columns: &'a [&Column]) -> impl Iterator<Item = (usize, &'a str)> {
    columns.iter().enumerate().map(move |(at, column)| (from + at, column.name.as_str()))
}

impl Reader {
    /// `all` are the columns of the key or value, and `columns` those to be read, which stand in the decoder from
    /// index `from` on.
    fn new(format: Format, all: &[Column], from: usize, columns: &[&Column]) -> Self {
        let targets = || {
            let place = |column: &Column| columns.iter().position(|read| read.name == column.name);
            all.iter().map(|column| place(column).map(|at| from + at)).collect::<Vec<_>>()
        };
        match format {
            _ if columns.is_empty() => Reader::Unread(format),
            Format::None => Reader::Unread(format),
            Format::Kafka => Reader::Kafka(from),
            Format::JsonUnwrapped => Reader::Scalar(from),
            Format::Json => Reader::Object(ObjectReader::new(named(from, columns))),
            Format::Delimited(delimiter) => Reader::Delimited(DelimitedReader::new(delimiter, targets())),
            Format::ProtobufNosr(nulls) => Reader::Protobuf(MessageReader::new(nulls, targets())),
            Format::DebeziumJson => Reader::Unread(format),
        }
    }

    /// Reads a key or value (`what`) as row `row`. The error says why not.
    #[inline]
    fn read(
        &mut self,
        what: &str,
        bytes: &[u8],
        columns: &mut [ColumnBuilder],
        row: usize,
    ) -> Result<Top, String> {
        let read = match self {
            Reader::Kafka(at) => {
                if let Some(column) = columns.get_mut(*at) {
                    kafka::read(bytes, column)?;
                }
                return Ok(Top::Value);
            }
            Reader::Delimited(_) if !is_utf8(bytes) => return Err(format!("{what} is not UTF-8")),
            Reader::Delimited(reader) => {
                return match reader.read(bytes, columns) {
                    Ok(()) => Ok(Top::Value),
                    Err(reason) => Err(format!("{what} is not DELIMITED: {reason}")),
                };
            }
            Reader::Protobuf(reader) => {
                return match reader.read(bytes, columns, row) {
                    Ok(()) => Ok(Top::Value),
                    Err(reason) => Err(format!("{what} is not PROTOBUF: {reason}")),
                };
            }
            Reader::Unread(Format::Json | Format::JsonUnwrapped) if bytes.trim_ascii() == b"null" => {
                return Ok(Top::Null);
            }
            Reader::Unread(_) => return Ok(Top::Value),
            Reader::Object(_) | Reader::Scalar(_) | Reader::Debezium(_) if !is_utf8(bytes) => {
                return Err(format!("{what} is not JSON: it is not UTF-8"));
            }
            Reader::Debezium(reader) => match reader.read(bytes, columns, row) {
                Ok(top) => return Ok(top),
                Err(Trouble::Event(reason)) => return Err(reason),
                Err(Trouble::Fault(fault)) => Err(fault),
            },
            Reader::Object(reader) => reader.read(bytes, columns, row),
            Reader::Scalar(at) => json::read_scalar(bytes, columns, *at),
        };
        read.map_err(|fault| describe(fault, what, bytes, columns))
    }
}

#[inline(always)]
fn is_utf8(bytes: &[u8]) -> bool {
    bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()
}

#[cold]
fn describe(fault: Fault, what: &str, bytes: &[u8], columns: &[ColumnBuilder]) -> String {
    let column =
        |at: usize| columns.get(at).map_or(("?", SqlType::String), |c| (c.name.as_str(), c.ty.clone()));
    match fault {
        Fault::Syntax { at, expected } => {
            format!("{what} is not JSON: expected {expected} at byte {at} of {}", bytes.len())
        }
        Fault::Unreadable { column: at, start, end } => {
            let (name, ty) = column(at);
            let text = String::from_utf8_lossy(bytes.get(start..end).unwrap_or_default());
            format!("column {name}: cannot read {} as {ty}", shorten(text.into_owned(), QUOTED_BYTES_MAX))
        }
        Fault::TooLarge { column: at } => format!("column {}: too much text for one batch", column(at).0),
        Fault::NotAnObject => format!("{what} is not a JSON object"),
    }
}

/// Cuts a text to `max` bytes, at a character's border.
fn shorten(mut text: String, max: usize) -> String {
    if text.len() > max {
        let mut end = max.saturating_sub('…'.len_utf8());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
