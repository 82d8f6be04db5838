//! Events and keys into columns.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

use super::convert::{Written, read_value, written_fields};
use crate::formats::columns::ColumnBuilder;
use crate::formats::json::{Cursor, Fault, Top, unescape};

/// A schema that is longer is not looked at: the row is read as if it had none.
const SCHEMA_BYTES_MAX: usize = 1 << 20;

/// Reads the values, or the keys, of one topic.
pub struct DebeziumReader {
    /// Name to index among the columns.
    names: HashMap<Box<[u8]>, usize>,
    is_key: bool,
    /// The schema that was last seen, as written, and what it says of fields. It hardly ever changes.
    schema: Vec<u8>,
    written: HashMap<Box<[u8]>, Written>,
    /// Columns found by their exact name in the row being read, not by their name in upper case.
    exact: Vec<usize>,
}

/// Why a record could not be read.
pub enum Trouble {
    Fault(Fault),
    /// It is JSON, but no event that can be read.
    Event(String),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble::Fault(fault)
    }
}

impl DebeziumReader {
    /// A reader of the columns with these indices and names.
    pub fn new<'a>(columns: impl Iterator<Item = (usize, &'a str)>, is_key: bool) -> Self {
        let names = columns.map(|(at, name)| (name.as_bytes().into(), at)).collect();
        Self { names, is_key, schema: Vec::new(), written: HashMap::new(), exact: Vec::new() }
    }

    /// Reads a record's value, or key, into row `row` of the columns. [`Top::Null`] is a deletion; columns without a
    /// field are left a row short.
    pub fn read(&mut self, bytes: &[u8], columns: &mut [ColumnBuilder], row: usize) -> Result<Top, Trouble> {
        let mut cursor = Cursor::new(bytes);
        cursor.skip_space();
        let mut start = cursor.pos;
        let mut schema = None;
        if cursor.peek() == b'{' {
            let [described, payload] = members(&mut cursor, ["schema", "payload"])?;
            if let (Some(described), Some(payload)) = (described, payload) {
                schema = bytes.get(described).filter(|schema| schema.len() <= SCHEMA_BYTES_MAX);
                start = payload.start;
            }
        } else {
            cursor.skip_value()?;
        }
        cursor.end()?;
        cursor.pos = start;
        match cursor.peek() {
            b'n' => return Ok(Top::Null),
            b'{' => {}
            _ if self.is_key => return self.read_bare_key(&mut cursor, columns, row),
            _ => return Err(Fault::NotAnObject.into()),
        }
        if self.is_key {
            self.learn(schema, false);
            self.read_row(&mut cursor, columns, row)?;
            let missing = self.names.values().filter_map(|at| columns.get(*at)).find(|c| c.len() == row);
            return match missing {
                Some(column) => Err(Trouble::Event(format!("the key has no field {}", column.name))),
                None => Ok(Top::Value),
            };
        }
        let [op, before, after, deleted] = members(&mut cursor, ["op", "before", "after", "__deleted"])?;
        let text = |range: Option<Range<usize>>| range.and_then(|range| bytes.get(range));
        let (event, at) = match op {
            Some(op) if before.is_some() || after.is_some() => match bytes.get(op).unwrap_or_default() {
                b"\"c\"" | b"\"r\"" | b"\"u\"" => match after {
                    Some(after) if bytes.get(after.start) == Some(&b'{') => (true, after.start),
                    _ => return Err(Trouble::Event("the change event has no row in \"after\"".to_owned())),
                },
                b"\"d\"" => return Ok(Top::Null),
                other => {
                    let other: String = String::from_utf8_lossy(other).chars().take(40).collect();
                    return Err(Trouble::Event(format!(
                        "change events of the operation {other} say nothing of a row"
                    )));
                }
            },
            _ if matches!(text(deleted), Some(b"true" | b"\"true\"")) => return Ok(Top::Null),
            _ => (false, start),
        };
        self.learn(schema, event);
        cursor.pos = at;
        self.read_row(&mut cursor, columns, row)?;
        Ok(Top::Value)
    }

    /// A key that is the value of the only column.
    fn read_bare_key(
        &mut self,
        cursor: &mut Cursor<'_>,
        columns: &mut [ColumnBuilder],
        row: usize,
    ) -> Result<Top, Trouble> {
        let mut indices = self.names.values();
        match (indices.next(), indices.next()) {
            (Some(at), None) => {
                if let Some(column) = columns.get_mut(*at).filter(|column| column.len() == row) {
                    read_value(cursor, column, *at, None)?;
                }
                Ok(Top::Value)
            }
            _ => Err(Fault::NotAnObject.into()),
        }
    }

    /// Reads the object at the cursor. Of fields with the same name the last one counts, but for those that match in
    /// upper case only.
    fn read_row(
        &mut self,
        cursor: &mut Cursor<'_>,
        columns: &mut [ColumnBuilder],
        row: usize,
    ) -> Result<(), Fault> {
        self.exact.clear();
        let mut name = Vec::new();
        each_member(cursor, |cursor, raw, escaped| {
            name.clear();
            // Half a character is no column's name.
            if !escaped {
                name.extend_from_slice(raw);
            } else if unescape(raw, &mut name).is_err() {
                return cursor.skip_value();
            }
            let upper = || std::str::from_utf8(&name).unwrap_or_default().to_uppercase();
            let at = match self.names.get(name.as_slice()) {
                Some(at) => {
                    self.exact.push(*at);
                    Some(*at)
                }
                None => self.names.get(upper().as_bytes()).copied().filter(|at| !self.exact.contains(at)),
            };
            match at.and_then(|at| Some((at, columns.get_mut(at)?))) {
                Some((at, column)) => {
                    column.truncate(row);
                    read_value(cursor, column, at, self.written.get(name.as_slice()).copied())
                }
                None => cursor.skip_value(),
            }
        })
    }

    /// Remembers what a schema says of the rows: `event` where they stand within events.
    fn learn(&mut self, schema: Option<&[u8]>, event: bool) {
        let text = schema.unwrap_or_default();
        if text == self.schema {
            return;
        }
        self.schema = text.to_vec();
        let schema: Value = serde_json::from_slice(text).unwrap_or_default();
        let rows = match event {
            false => Some(&schema),
            true => {
                let fields = schema.get("fields").and_then(Value::as_array);
                fields.and_then(|fields| {
                    fields.iter().find(|f| f.get("field").and_then(Value::as_str) == Some("after"))
                })
            }
        };
        self.written = rows.map(written_fields).unwrap_or_default();
    }
}

/// Where the values of the members with these names stand. The cursor is on the object, and then behind it.
pub fn members<const N: usize>(
    cursor: &mut Cursor<'_>,
    names: [&str; N],
) -> Result<[Option<Range<usize>>; N], Fault> {
    let mut found = [const { None }; N];
    each_member(cursor, |cursor, name, _| {
        let start = cursor.pos;
        cursor.skip_value()?;
        let wanted = names.iter().position(|wanted| wanted.as_bytes() == name);
        if let Some(place) = wanted.and_then(|at| found.get_mut(at)) {
            *place = Some(start..cursor.pos);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Calls `each` for the members of the object at the cursor with the name as written and whether it has escapes; it
/// must step over the value.
fn each_member<'a>(
    cursor: &mut Cursor<'a>,
    mut each: impl FnMut(&mut Cursor<'a>, &'a [u8], bool) -> Result<(), Fault>,
) -> Result<(), Fault> {
    cursor.pos += 1;
    cursor.skip_space();
    if cursor.peek() == b'}' {
        cursor.pos += 1;
        return Ok(());
    }
    loop {
        let name = cursor.member_name()?;
        each(cursor, name.raw, name.escaped)?;
        cursor.skip_space();
        match cursor.peek() {
            b',' => {
                cursor.pos += 1;
                cursor.skip_space();
            }
            b'}' => {
                cursor.pos += 1;
                return Ok(());
            }
            _ => return Err(cursor.fault("',' or '}'")),
        }
    }
}
