//! INSERT INTO … VALUES: rows checked and typed before any of them is written (dialect 10.8).

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::scalar::ScalarValue;
use sqlparser::ast::{Expr, Value};

use super::expr::literal_value;
use super::relation::unknown_source;
use crate::catalog::{Catalog, Column, Source};
use crate::sql::ast::{InsertValues, Name, SourceKind};
use crate::sql::{SqlError, SqlType, position_of, sqlstate};

/// Rows for a stream or table.
#[derive(Debug)]
pub struct InsertPlan {
    pub source: Arc<Source>,
    /// All columns of the source in their order.
    pub rows: RecordBatch,
    /// Row times (ms) where `ROWTIME` was given; None: now.
    pub times: Vec<Option<i64>>,
}

/// Plans an INSERT. `params` are the values of `$1 …`, which stand for whole values.
pub fn plan_insert(
    insert: &InsertValues,
    catalog: &Catalog,
    params: &[ScalarValue],
) -> Result<InsertPlan, SqlError> {
    let source = insert_target(&insert.name, catalog)?;
    let columns = insert_columns(&source, &insert.columns)?;
    let mut values: Vec<Vec<ScalarValue>> = vec![Vec::with_capacity(insert.rows.len()); source.columns.len()];
    let mut times = Vec::with_capacity(insert.rows.len());
    for row in &insert.rows {
        let here = row.first().and_then(position_of).or(Some(insert.name.position));
        if row.len() != columns.len() {
            return Err(SqlError::new(
                sqlstate::SYNTAX_ERROR,
                format!("INSERT has {} values for {} columns", row.len(), columns.len()),
            )
            .at(here));
        }
        let mut given: Vec<Option<ScalarValue>> = vec![None; source.columns.len()];
        let mut time = None;
        for (target, expr) in columns.iter().zip(row) {
            match target {
                InsertColumn::Column(index) => {
                    given[*index] = Some(value(expr, source.columns[*index].ty.clone(), params)?);
                }
                InsertColumn::RowTime => {
                    time = match value(expr, SqlType::BigInt, params)? {
                        ScalarValue::Int64(Some(ms)) if ms >= 0 => Some(ms),
                        _ => {
                            return Err(SqlError::new(
                                sqlstate::INVALID_PARAMETER,
                                "ROWTIME must be milliseconds since 1970, not negative",
                            )
                            .at(position_of(expr)));
                        }
                    }
                }
            }
        }
        for (i, value) in given.into_iter().enumerate() {
            let column = &source.columns[i];
            let value = match value {
                Some(value) => value,
                None => ScalarValue::try_from(&column.ty.arrow()).map_err(SqlError::internal)?,
            };
            check_null(&source, column, value.is_null()).map_err(|e| e.at(here))?;
            values[i].push(value);
        }
        times.push(time);
    }
    let arrays = values
        .into_iter()
        .map(|v| ScalarValue::iter_to_array(v).map_err(SqlError::internal))
        .collect::<Result<Vec<ArrayRef>, _>>()?;
    let rows = RecordBatch::try_new(insert_schema(&source), arrays).map_err(SqlError::internal)?;
    Ok(InsertPlan { source, rows, times })
}

/// The types of `$1 …` in an INSERT: those of the columns they are for, where the client has not declared others.
pub fn insert_params(
    insert: &InsertValues,
    catalog: &Catalog,
    declared: &[Option<DataType>],
) -> Result<Vec<DataType>, SqlError> {
    let source = insert_target(&insert.name, catalog)?;
    let columns = insert_columns(&source, &insert.columns)?;
    let mut types: Vec<Option<DataType>> = declared.to_vec();
    for row in &insert.rows {
        for (column, expr) in columns.iter().zip(row) {
            let Some(index) = placeholder(expr)? else { continue };
            if types.len() <= index {
                types.resize(index + 1, None);
            }
            let ty = match column {
                InsertColumn::Column(i) => &source.columns[*i].ty.clone(),
                InsertColumn::RowTime => &SqlType::BigInt,
            };
            if let Some(slot) = types.get_mut(index) {
                slot.get_or_insert(ty.arrow());
            }
        }
    }
    Ok(types.into_iter().map(|ty| ty.unwrap_or(DataType::Utf8)).collect())
}

/// The value of one cell: a parameter, or an expression of constants.
fn value(expr: &Expr, to: SqlType, params: &[ScalarValue]) -> Result<ScalarValue, SqlError> {
    let Some(index) = placeholder(expr)? else { return literal_value(expr, to) };
    let here = position_of(expr);
    let param = params.get(index).ok_or_else(|| {
        SqlError::new(sqlstate::UNDEFINED_PARAMETER, format!("there is no parameter ${}", index + 1)).at(here)
    })?;
    param.cast_to(&to.arrow()).map_err(|error| {
        SqlError::new(sqlstate::DATATYPE_MISMATCH, format!("parameter ${} is no {to}", index + 1))
            .detail(crate::functions::error_text(&error))
            .at(here)
    })
}

/// The index of `$n`, from 0. Errors: a number out of range.
fn placeholder(expr: &Expr) -> Result<Option<usize>, SqlError> {
    let name = match expr {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) => name,
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    match name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()) {
        Some(n @ 1..=65_535) => Ok(Some(n - 1)),
        _ => Err(SqlError::new(sqlstate::UNDEFINED_PARAMETER, format!("there is no parameter {name}"))
            .at(position_of(expr))),
    }
}

/// The stream or table, if rows can be written to it.
pub fn insert_target(name: &Name, catalog: &Catalog) -> Result<Arc<Source>, SqlError> {
    let here = Some(name.position);
    let source = catalog
        .source(&name.value)
        .cloned()
        .ok_or_else(|| unknown_source(&name.value, catalog.sources().map(|s| s.name.as_str())).at(here))?;
    let refuse = |why: &str| {
        Err(SqlError::new(
            sqlstate::WRONG_OBJECT_TYPE,
            format!("cannot insert into \"{}\": {why}", source.name),
        )
        .at(here))
    };
    if source.internal {
        return refuse("the server writes it");
    }
    if source.read_only {
        return refuse("it was declared with SOURCE, and can be read only");
    }
    if source.window.is_some() {
        return refuse("it is a windowed table");
    }
    if source.kind == SourceKind::Table && source.query.is_some() {
        return refuse("a query maintains it");
    }
    Ok(source)
}

/// A table's key is never null.
pub fn check_null(source: &Source, column: &Column, is_null: bool) -> Result<(), SqlError> {
    if is_null && column.key && source.kind == SourceKind::Table {
        return Err(SqlError::new(
            sqlstate::NOT_NULL_VIOLATION,
            format!(
                "null value in column \"{}\" of table \"{}\", which is its primary key",
                column.name, source.name
            ),
        ));
    }
    Ok(())
}

/// All columns of a source, as rows to be inserted carry them.
pub fn insert_schema(source: &Source) -> SchemaRef {
    Arc::new(Schema::new(
        source.columns.iter().map(|c| Field::new(&c.name, c.ty.arrow(), true)).collect::<Vec<_>>(),
    ))
}

/// What a value of a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertColumn {
    Column(usize),
    RowTime,
}

/// The columns named, or all of them.
pub fn insert_columns(source: &Source, names: &[Name]) -> Result<Vec<InsertColumn>, SqlError> {
    if names.is_empty() {
        return Ok((0..source.columns.len()).map(InsertColumn::Column).collect());
    }
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let column = match source.column(&name.value) {
            Some(index) => InsertColumn::Column(index),
            None if name.value == "ROWTIME" => InsertColumn::RowTime,
            None => {
                return Err(SqlError::new(
                    sqlstate::UNDEFINED_COLUMN,
                    format!("column \"{}\" of \"{}\" does not exist", name.value, source.name),
                )
                .at(Some(name.position)));
            }
        };
        if columns.contains(&column) {
            return Err(SqlError::new(
                sqlstate::DUPLICATE_COLUMN,
                format!("column \"{}\" specified more than once", name.value),
            )
            .at(Some(name.position)));
        }
        columns.push(column);
    }
    Ok(columns)
}
