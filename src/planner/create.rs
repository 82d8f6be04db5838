//! CREATE STREAM and CREATE TABLE with columns: a meaning for a topic.

use super::with::{Clause, WithClause};
use super::with_window::DeclaredWindow;
use super::{Context, TopicPlan, check_formats};
use crate::catalog::{Column, Format, HeaderColumn, Source, WindowSpec};
use crate::formats::check_timestamp;
use crate::sql::ast::{ColumnDef, ColumnRole, CreateSource, Name, SourceKind};
use crate::sql::{SqlError, SqlType, sqlstate};

/// Names that rows have already.
pub(super) const PSEUDO_COLUMNS: &[&str] =
    &["ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"];

/// A declared stream or table, and the topic it needs.
#[derive(Debug)]
pub struct SourcePlan {
    pub source: Source,
    pub topic: TopicPlan,
}

/// Plans a CREATE with columns. `sql` is the statement's text.
///
/// Errors: 42701 for a column named twice, 42P16 for keys that do not fit the kind, 22023 for properties.
pub fn plan_create(create: &CreateSource, sql: &str, context: &Context<'_>) -> Result<SourcePlan, SqlError> {
    let types = |name: &str| context.catalog.custom_type(name).cloned();
    if create.read_only && create.or_replace {
        return Err(SqlError::new(
            sqlstate::WRONG_OBJECT_TYPE,
            format!("a SOURCE {} cannot be replaced", create.kind),
        )
        .hint("leave OR REPLACE out, and DROP what is there first")
        .at(Some(create.name.position)));
    }
    let with = WithClause::parse(&create.with, Clause::Create)?;
    let position = Some(create.name.position);
    let invalid = |message: String| SqlError::new(sqlstate::INVALID_DEFINITION, message).at(position);
    let mut columns: Vec<Column> = Vec::with_capacity(create.columns.len());
    let mut headers: Vec<HeaderColumn> = Vec::new();
    for column in &create.columns {
        let name = &column.name;
        check_column_name(name, &columns)?;
        if headers.iter().any(|h| h.name == name.value) {
            return Err(SqlError::new(
                sqlstate::DUPLICATE_COLUMN,
                format!("column \"{}\" specified more than once", name.value),
            )
            .at(Some(name.position)));
        }
        let key = match (create.kind, &column.role) {
            (_, ColumnRole::Headers | ColumnRole::Header(_)) => {
                let header = header_column(column, column.ty.resolve(&types)?, &headers)?;
                headers.push(header);
                continue;
            }
            (_, ColumnRole::Value) => false,
            (SourceKind::Stream, ColumnRole::Key) | (SourceKind::Table, ColumnRole::PrimaryKey) => true,
            (SourceKind::Stream, ColumnRole::PrimaryKey) => {
                return Err(SqlError::new(sqlstate::INVALID_DEFINITION, "a stream has no primary key")
                    .hint("write KEY instead of PRIMARY KEY: keys of a stream may repeat")
                    .at(Some(name.position)));
            }
            (SourceKind::Table, ColumnRole::Key) => {
                return Err(SqlError::new(
                    sqlstate::INVALID_DEFINITION,
                    "a key column of a table is a PRIMARY KEY",
                )
                .hint("write PRIMARY KEY instead of KEY")
                .at(Some(name.position)));
            }
        };
        columns.push(Column { name: name.value.clone(), ty: column.ty.resolve(&types)?, key });
    }
    columns.sort_by_key(|c| !c.key);
    let has_key = columns.iter().any(|c| c.key);
    if create.kind == SourceKind::Table && !has_key {
        return Err(invalid("a table needs a primary key".into()).hint("mark a column with PRIMARY KEY"));
    }
    if columns.is_empty() {
        // What the columns are would be found in the schema registry.
        return Err(SqlError::not_supported(format!(
            "a {} without columns, whose schema the schema registry knows",
            create.kind
        ))
        .hint("declare the columns")
        .at(position));
    }
    if with.window.is_some() && !has_key {
        return Err(invalid("a windowed stream or table needs a key column".into())
            .hint("the window stands behind the key"));
    }
    let Some(topic) = with.topic else {
        return Err(invalid("property KAFKA_TOPIC is missing".into())
            .hint("add WITH (KAFKA_TOPIC = 'topic', VALUE_FORMAT = 'JSON')"));
    };
    let Some(value_format) = with.value_format.or(context.defaults.value_format) else {
        return Err(invalid("property VALUE_FORMAT is missing".into()).hint("add VALUE_FORMAT = 'JSON'"));
    };
    let key_format = match with.key_format {
        // Debezium's keys are JSON objects.
        None if value_format == Format::DebeziumJson => Format::Json,
        None if has_key => match context.defaults.key_format {
            Some(Format::None) => {
                return Err(invalid(
                    "the default key format is NONE, which does not fit a key column".into(),
                )
                .hint("add KEY_FORMAT = 'KAFKA'"));
            }
            Some(default) => default,
            None => Format::Kafka,
        },
        None | Some(Format::None) if !has_key => Format::None,
        Some(Format::None) => {
            return Err(invalid("KEY_FORMAT = 'NONE' does not fit a key column".into()));
        }
        Some(format) => format,
        None => Format::None,
    };
    if value_format == Format::DebeziumJson && create.kind != SourceKind::Table {
        return Err(invalid("the format DEBEZIUM_JSON is for tables, not streams".into())
            .hint("its change events are the rows of a table: use CREATE TABLE"));
    }
    let key_format = with.formats.key(key_format)?;
    let values = columns.iter().filter(|c| !c.key).count();
    let (value_format, wrap_single_value) =
        with.formats.value(value_format, values, context.defaults.wrap_single_value)?;
    if let Some(timestamp) = &with.timestamp {
        check_timestamp(&columns, timestamp).map_err(|e| e.at(position))?;
    }
    check_formats(&columns, key_format, value_format).map_err(|e| e.at(position))?;
    let source = Source {
        name: create.name.value.clone(),
        kind: create.kind,
        columns,
        topic: topic.clone(),
        key_format,
        value_format,
        timestamp: with.timestamp,
        window: with.window.map(declared_window),
        query: None,
        sql: sql.to_owned(),
        internal: false,
        headers,
        read_only: create.read_only,
        wrap_single_value,
    };
    let topic = TopicPlan {
        name: topic,
        partitions: with.partitions,
        replicas: with.replicas,
        compact: create.kind == SourceKind::Table,
        retention_ms: with.retention_ms,
    };
    Ok(SourcePlan { source, topic })
}

/// The windows of a topic that others write: grace and retention are theirs.
fn declared_window(window: DeclaredWindow) -> WindowSpec {
    let (size_ms, session) = match window {
        DeclaredWindow::Tumbling { size_ms } | DeclaredWindow::Hopping { size_ms } => (size_ms, false),
        DeclaredWindow::Session => (0, true),
    };
    WindowSpec { size_ms, advance_ms: size_ms, grace_ms: 0, retention_ms: size_ms, session }
}

/// Refuses a column's name that is a system column's or taken.
pub(super) fn check_column_name(name: &Name, columns: &[Column]) -> Result<(), SqlError> {
    let duplicate =
        |message: String| SqlError::new(sqlstate::DUPLICATE_COLUMN, message).at(Some(name.position));
    if PSEUDO_COLUMNS.contains(&name.value.as_str()) {
        return Err(duplicate(format!("\"{}\" is a system column", name.value))
            .hint("choose another name for the column"));
    }
    if columns.iter().any(|c| c.name == name.value) {
        return Err(duplicate(format!("column \"{}\" specified more than once", name.value)));
    }
    Ok(())
}

/// A HEADERS or HEADER('key') column of the type `ty`. `before` are those declared before it.
///
/// Errors: 42804 for another type than headers have, 42701 where the same headers are asked for twice.
fn header_column(column: &ColumnDef, ty: SqlType, before: &[HeaderColumn]) -> Result<HeaderColumn, SqlError> {
    let key = match &column.role {
        ColumnRole::Header(key) => Some(key.clone()),
        _ => None,
    };
    let header = HeaderColumn { name: column.name.value.clone(), key };
    let here = Some(column.name.position);
    if ty != header.ty() {
        return Err(SqlError::new(
            sqlstate::DATATYPE_MISMATCH,
            format!("header column {} must be {}, not {}", header.name, header.ty(), ty),
        )
        .at(here));
    }
    if before.iter().any(|other| other.key == header.key) {
        let what = match &header.key {
            Some(key) => format!("HEADER('{key}')"),
            None => "HEADERS".to_owned(),
        };
        return Err(
            SqlError::new(sqlstate::DUPLICATE_COLUMN, format!("{what} can be declared once")).at(here)
        );
    }
    if before.iter().any(|other| other.key.is_none()) || (header.key.is_none() && !before.is_empty()) {
        return Err(SqlError::new(
            sqlstate::INVALID_DEFINITION,
            "a HEADERS column cannot be declared together with HEADER columns",
        )
        .at(here));
    }
    Ok(header)
}
