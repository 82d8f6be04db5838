//! Streams, tables, named types and queries that exist, and the commands that change them.
//!
//! A [`Catalog`] is a value: a statement is planned against one, its [`Command`]s make the next one. The
//! runtime keeps the commands as records of the command log ([`Command::to_record`]), one record an object under
//! the object's own key, so that the log can be compacted and a replay needs no order among them.

mod command;
mod format;
mod query;
mod source;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sql::SqlType;

pub use command::{Command, CommandError};
pub use format::{Format, ProtobufNulls};
pub use query::QueryDef;
pub use source::{Column, HeaderColumn, Source, TimestampColumn, WindowSpec, headers_type};

/// All that exists at one moment. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    sources: BTreeMap<String, Arc<Source>>,
    queries: BTreeMap<String, Arc<QueryDef>>,
    /// Names for types. They are put in when a statement is planned: changing one changes nothing that exists.
    types: Arc<BTreeMap<String, SqlType>>,
    /// The number of the next query. Never goes back, so that no query meets another's state or positions.
    next_query: u64,
}

impl Catalog {
    pub fn source(&self, name: &str) -> Option<&Arc<Source>> {
        self.sources.get(name)
    }

    /// All streams and tables in the order of their names.
    pub fn sources(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.sources.values()
    }

    pub fn query(&self, id: &str) -> Option<&Arc<QueryDef>> {
        self.queries.get(id)
    }

    /// All persistent queries in the order of their numbers.
    pub fn queries(&self) -> Vec<&Arc<QueryDef>> {
        let mut queries: Vec<_> = self.queries.values().collect();
        queries.sort_by_key(|q| q.number);
        queries
    }

    /// The queries that read a stream or table.
    pub fn readers_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Arc<QueryDef>> {
        self.queries.values().filter(move |q| q.reads == name)
    }

    /// The queries that write into a stream or table, the one that made it too.
    pub fn writers_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Arc<QueryDef>> {
        self.queries.values().filter(move |q| q.sink == name)
    }

    /// The type that a name was given to with CREATE TYPE.
    pub fn custom_type(&self, name: &str) -> Option<&SqlType> {
        self.types.get(name)
    }

    /// All named types in the order of their names.
    pub fn custom_types(&self) -> &Arc<BTreeMap<String, SqlType>> {
        &self.types
    }

    pub fn next_query(&self) -> u64 {
        self.next_query
    }

    pub fn apply(&mut self, command: Command) {
        match command {
            Command::PutSource(source) => {
                self.sources.insert(source.name.clone(), Arc::new(source));
            }
            Command::DropSource(name) => {
                self.sources.remove(&name);
            }
            Command::PutQuery(query) => {
                self.queries.insert(query.id.clone(), Arc::new(query));
            }
            Command::DropQuery(id) => {
                self.queries.remove(&id);
            }
            Command::PutType { name, ty } => {
                Arc::make_mut(&mut self.types).insert(name, ty);
            }
            Command::DropType(name) => {
                Arc::make_mut(&mut self.types).remove(&name);
            }
            Command::NextQuery(number) => self.next_query = self.next_query.max(number),
        }
    }
}
