//! The extended protocol: prepared statements, portals, parameters, results in text or binary.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ScalarValue;
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete, PortalSuspended};

use super::decode;
use super::error::Stop;
use super::frontend::{Bind, Target};
use super::rows::{Formats, Rows, Sent, check_width, put_description, text_schema};
use super::session::{Session, Started};
use super::types::{arrow_type, null_of, pg_type};
use super::{copy_in, copy_out};
use crate::server::session::{Description, Plan, Transaction};
use crate::sql::ast::{Copy, SessionStatement, Show, Statement, StatementKind};
use crate::sql::{SqlError, sqlstate};

/// A prepared statement.
pub struct Prepared {
    /// The text that error positions refer to.
    text: String,
    /// None for an empty text.
    statement: Option<Statement>,
    /// The types of the parameters: as clients send them, and as the statement takes them.
    oids: Vec<u32>,
    types: Vec<DataType>,
    columns: Option<SchemaRef>,
    plan: Option<Plan>,
}

/// A prepared statement with its parameters, on its way to the end of its rows.
pub struct Portal {
    prepared: Arc<Prepared>,
    params: Vec<ScalarValue>,
    formats: Formats,
    progress: Progress,
}

enum Progress {
    Fresh,
    Running(Rows),
    Done,
}

impl Portal {
    pub fn text(&self) -> &str {
        &self.prepared.text
    }
}

impl Session {
    pub async fn parse(&mut self, name: String, text: &str, oids: Vec<u32>) -> Result<(), Stop> {
        if !name.is_empty() {
            if self.prepared.contains_key(&name) {
                let message = format!("prepared statement \"{name}\" already exists");
                return Err(SqlError::new("42P05", message).into());
            }
            if self.prepared.len() >= self.limits.max_prepared {
                return Err(too_many("prepared statements", self.limits.max_prepared).into());
            }
        }
        let mut statements = crate::sql::parse(text, &self.state.variables)?;
        if statements.len() > 1 {
            return Err(SqlError::new(
                sqlstate::SYNTAX_ERROR,
                "cannot insert multiple commands into a prepared statement",
            )
            .into());
        }
        let statement = statements.pop();
        let declared: Vec<Option<DataType>> = oids.iter().map(|oid| arrow_type(*oid)).collect();
        let description = match &statement {
            Some(statement) => self.describe_statement(statement, &declared).await?,
            None => Description::default(),
        };
        if let Some(columns) = &description.columns {
            check_width(columns)?;
        }
        let own = description.params.iter().enumerate().map(|(i, ty)| match oids.get(i) {
            Some(oid) if arrow_type(*oid).is_some() => *oid,
            _ => pg_type(ty).oid(),
        });
        let prepared = Prepared {
            text: text.to_owned(),
            oids: own.collect(),
            statement,
            types: description.params,
            columns: description.columns,
            plan: description.plan,
        };
        self.prepared.insert(name, Arc::new(prepared));
        self.wire.put(Out::ParseComplete(ParseComplete::new()));
        Ok(())
    }

    pub fn bind(&mut self, bind: Bind) -> Result<(), Stop> {
        let prepared =
            self.prepared.get(&bind.statement).ok_or_else(|| unknown_statement(&bind.statement))?.clone();
        if !bind.portal.is_empty() && self.portals.contains_key(&bind.portal) {
            let message = format!("cursor \"{}\" already exists", bind.portal);
            return Err(SqlError::new("42P03", message).into());
        }
        if self.portals.len() >= self.limits.max_portals {
            return Err(too_many("portals", self.limits.max_portals).into());
        }
        let (given, needed) = (bind.values.len(), prepared.types.len());
        if given != needed {
            return Err(SqlError::new(
                "08P01",
                format!(
                    "bind message supplies {given} parameters, but prepared statement \"{}\" requires {needed}",
                    bind.statement
                ),
            )
            .into());
        }
        if bind.formats.len() > 1 && bind.formats.len() != given {
            return Err(SqlError::new(
                "08P01",
                format!("bind message has {} parameter formats but {given} parameters", bind.formats.len()),
            )
            .into());
        }
        let codes = Formats::new(bind.formats)?;
        let mut params = Vec::with_capacity(given);
        for (i, value) in bind.values.iter().enumerate() {
            let ty = prepared.types.get(i).unwrap_or(&DataType::Null);
            let oid = prepared.oids.get(i).copied().unwrap_or(0);
            let value = value.as_deref();
            params.push(parameter(value, codes.code(i) == 1, oid, ty).map_err(|e| at_parameter(e, i))?);
        }
        let formats = Formats::new(bind.result_formats)?;
        if let Some(columns) = &prepared.columns {
            formats.check(columns.fields().len())?;
        }
        self.portals.insert(bind.portal, Portal { prepared, params, formats, progress: Progress::Fresh });
        self.wire.put(Out::BindComplete(BindComplete::new()));
        Ok(())
    }

    pub fn describe(&mut self, target: Target) -> Result<(), Stop> {
        match target {
            Target::Statement(name) => {
                let prepared = self.prepared.get(&name).ok_or_else(|| unknown_statement(&name))?.clone();
                self.wire.put(Out::ParameterDescription(ParameterDescription::new(prepared.oids.clone())));
                self.describe_columns(prepared.columns.as_ref(), &Formats::text());
            }
            Target::Portal(name) => {
                if let Some(portal) = self.portals.get(&name) {
                    let (columns, formats) = (portal.prepared.columns.clone(), portal.formats.clone());
                    self.describe_columns(columns.as_ref(), &formats);
                } else if let Some(cursor) = self.cursors.get(&name) {
                    let schema = cursor.rows.schema().clone();
                    self.describe_columns(Some(&schema), &Formats::text());
                } else {
                    return Err(unknown_portal(&name).into());
                }
            }
        }
        Ok(())
    }

    pub async fn execute(&mut self, name: String, max_rows: i32) -> Result<(), Stop> {
        let mut portal = self.portals.remove(&name).ok_or_else(|| unknown_portal(&name))?;
        let max = u64::try_from(max_rows).ok().filter(|n| *n > 0);
        let prepared = portal.prepared.clone();
        let Some(statement) = &prepared.statement else {
            self.empty();
            self.portals.insert(name, portal);
            return Ok(());
        };
        let mut rows = match std::mem::replace(&mut portal.progress, Progress::Done) {
            Progress::Running(rows) => rows,
            Progress::Done => {
                // Rows that have ended end again, with none; a command runs once.
                if prepared.columns.is_none() {
                    let message = format!("portal \"{name}\" cannot be run");
                    return Err(SqlError::new("55000", message).into());
                }
                self.complete("SELECT 0");
                self.portals.insert(name, portal);
                return Ok(());
            }
            Progress::Fresh => match self.start(statement, &portal.params, prepared.plan.as_ref()).await? {
                Started::Rows(rows) => rows,
                Started::Done(tag) => {
                    self.complete(tag);
                    self.portals.insert(name, portal);
                    return Ok(());
                }
                Started::Fetch(cursor, count) => {
                    return self.fetch(&cursor, count, &portal.formats).await;
                }
                Started::CopyOut(rows, options) => {
                    let tag = copy_out::run(&mut self.wire, rows, &options).await?;
                    self.complete(tag);
                    return Ok(());
                }
                Started::CopyIn(sink, options) => {
                    let tag = copy_in::run(&mut self.wire, sink, &options).await?;
                    self.complete(tag);
                    return Ok(());
                }
            },
        };
        // The client has been told the columns; what came may not be others.
        let told = prepared.columns.as_ref().map_or(0, |c| c.fields().len());
        if told != rows.schema().fields().len() {
            return Err(SqlError::new(sqlstate::NOT_SUPPORTED, "cached plan must not change result type")
                .hint("prepare the statement again")
                .into());
        }
        let suspend_after = Some(self.limits.suspend_after);
        match rows.send(&mut self.wire, &portal.formats, max, suspend_after).await? {
            Sent::All(n) => {
                let tag = rows.tag().text(n);
                self.complete(tag);
            }
            Sent::Some(_) => {
                portal.progress = Progress::Running(rows);
                self.wire.put(Out::PortalSuspended(PortalSuspended::new()));
            }
        }
        self.portals.insert(name, portal);
        Ok(())
    }

    pub fn close(&mut self, target: Target) {
        match target {
            Target::Statement(name) => drop(self.prepared.remove(&name)),
            Target::Portal(name) => drop(self.portals.remove(&name)),
        }
        self.wire.put(Out::CloseComplete(CloseComplete::new()));
    }

    async fn fetch(&mut self, name: &str, count: Option<u64>, formats: &Formats) -> Result<(), Stop> {
        let mut cursor = self.take_cursor(name)?;
        formats.check(cursor.rows.schema().fields().len())?;
        let (Sent::All(n) | Sent::Some(n)) = cursor.rows.send(&mut self.wire, formats, count, None).await?;
        self.cursors.insert(name.to_owned(), cursor);
        self.complete(format!("FETCH {n}"));
        Ok(())
    }

    async fn describe_statement(
        &mut self,
        statement: &Statement,
        declared: &[Option<DataType>],
    ) -> Result<Description, Stop> {
        let columns = |columns| Ok(Description { columns, ..Description::default() });
        match &statement.kind {
            StatementKind::Session(SessionStatement::Fetch { name, .. }) => match self.cursors.get(name) {
                Some(cursor) => columns(Some(cursor.rows.schema().clone())),
                None => Err(super::cursor::unknown(name).into()),
            },
            StatementKind::Show(Show::Parameter(name)) if name.eq_ignore_ascii_case("all") => {
                columns(Some(text_schema(&["name", "setting"])))
            }
            StatementKind::Show(Show::Parameter(name)) => {
                let (column, _) = self.state.parameters.show(name)?;
                columns(Some(text_schema(&[&column])))
            }
            StatementKind::Copy(Copy::To { query, .. }) => {
                // COPY has no columns of its own; its parameters are those of the query.
                let described = self.executor.describe(&self.state, query, declared);
                let described = self.wire.guard(described).await??;
                Ok(Description { params: described.params, ..Description::default() })
            }
            StatementKind::Session(_)
            | StatementKind::Copy(_)
            | StatementKind::Define { .. }
            | StatementKind::Undefine { .. }
            | StatementKind::Set { quoted: false, .. } => columns(None),
            // Whatever would not run is not looked at either, so that the client gets the one error it expects.
            _ if self.state.transaction == Transaction::Failed => Err(SqlError::new(
                "25P02",
                "current transaction is aborted, commands ignored until end of transaction block",
            )
            .into()),
            _ => {
                let described = self.executor.describe(&self.state, statement, declared);
                Ok(self.wire.guard(described).await??)
            }
        }
    }

    fn describe_columns(&mut self, columns: Option<&SchemaRef>, formats: &Formats) {
        match columns {
            Some(schema) => put_description(&mut self.wire, schema, formats),
            None => self.wire.put(Out::NoData(NoData::new())),
        }
    }
}

/// The value of a parameter, of the type that the statement takes.
fn parameter(value: Option<&[u8]>, binary: bool, oid: u32, ty: &DataType) -> Result<ScalarValue, SqlError> {
    let Some(bytes) = value else { return Ok(null_of(ty)) };
    let own = arrow_type(oid).unwrap_or(DataType::Utf8);
    let numeric = matches!(own, DataType::Decimal128(..));
    let value = if binary {
        decode::from_binary(bytes, oid)?
    } else {
        let text = decode::utf8(bytes)?;
        match (numeric, decode::natural_decimal(text)) {
            // A number brings its own scale, so that nothing is rounded before the statement sees it.
            (true, Some(value)) => value,
            _ if own == *ty || pg_type(&own) == pg_type(ty) => return decode::from_text(text, ty),
            _ => decode::from_text(text, &own)?,
        }
    };
    if value.data_type() == *ty || matches!(ty, DataType::Null | DataType::Decimal128(..)) && numeric {
        return Ok(value);
    }
    value.cast_to(ty).map_err(|_| {
        SqlError::new(
            sqlstate::NUMERIC_OUT_OF_RANGE,
            format!("value {value} is out of range for type {}", decode::type_name(ty)),
        )
    })
}

fn at_parameter(error: SqlError, index: usize) -> SqlError {
    match error.detail {
        Some(_) => error,
        None => error.detail(format!("in parameter ${}", index + 1)),
    }
}

pub fn unknown_statement(name: &str) -> SqlError {
    let message = match name {
        "" => "unnamed prepared statement does not exist".to_owned(),
        name => format!("prepared statement \"{name}\" does not exist"),
    };
    SqlError::new("26000", message)
}

fn unknown_portal(name: &str) -> SqlError {
    SqlError::new("34000", format!("portal \"{name}\" does not exist"))
}

fn too_many(what: &str, limit: usize) -> SqlError {
    SqlError::new(sqlstate::CONFIG_LIMIT, format!("too many {what}, at most {limit} a session"))
        .hint("close the ones that are not needed any more")
}
