//! Persistent queries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sql::SqlType;

/// A persistent query: the statement that made it, and what was fixed at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryDef {
    /// `CSAS_<SINK>_<number>` or `CTAS_<SINK>_<number>`.
    pub id: String,
    pub number: u64,
    /// The whole CREATE … AS SELECT, variables replaced. Planned anew at every start, against a catalog that
    /// still holds what it reads.
    pub sql: String,
    /// The stream or table it writes.
    pub sink: String,
    /// The stream or table it reads.
    pub reads: String,
    /// How many columns that had: columns that are added to it later are not part of the statement's `*`. None in
    /// records of builds that did not keep it: all columns.
    #[serde(default)]
    pub reads_columns: Option<usize>,
    /// How many columns the sink had, where the query INSERTs INTO one that was there: those that are added to it later get no
    /// values from this query. None for a query that made its sink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink_columns: Option<usize>,
    /// Partitions of what it reads at the time of creation: the number of its tasks, and of its changelog's partitions.
    pub partitions: i32,
    /// Partitions of the sink's topic.
    pub sink_partitions: i32,
    /// The session's query settings at that moment.
    pub properties: BTreeMap<String, String>,
    /// The named types that its statement may use, as they were at that moment.
    #[serde(default)]
    pub types: BTreeMap<String, SqlType>,
    /// It was told to read nothing until it is resumed.
    #[serde(default)]
    pub paused: bool,
}
