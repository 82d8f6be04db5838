//! DROP STREAM and DROP TABLE: what may go (dialect 10.8).

use std::sync::Arc;

use super::relation::unknown_source;
use crate::catalog::{Catalog, QueryDef, Source};
use crate::sql::ast::{DropSource, SourceKind};
use crate::sql::{SqlError, sqlstate};

/// What a DROP drops, with the query that made it. None: it is not there, and IF EXISTS does not mind.
///
/// Errors: 42P01 for an unknown name, 42809 for one of another kind, 2BP01 where something depends on it.
pub fn plan_drop(drop: &DropSource, catalog: &Catalog) -> Result<Option<Arc<Source>>, SqlError> {
    let here = Some(drop.name.position);
    let Some(source) = catalog.source(&drop.name.value) else {
        if drop.if_exists {
            return Ok(None);
        }
        return Err(unknown_source(&drop.name.value, catalog.sources().map(|s| s.name.as_str())).at(here));
    };
    check(source, drop, catalog).map_err(|e| e.at(here))?;
    Ok(Some(source.clone()))
}

fn check(source: &Source, drop: &DropSource, catalog: &Catalog) -> Result<(), SqlError> {
    check_kind(source, drop.kind, "DROP")?;
    let name = &source.name;
    if source.internal {
        return Err(SqlError::new(sqlstate::WRONG_OBJECT_TYPE, format!("\"{name}\" is the server's own")));
    }
    if source.read_only && drop.delete_topic {
        return Err(SqlError::new(
            sqlstate::WRONG_OBJECT_TYPE,
            format!(
                "cannot delete the topic of \"{name}\": it was declared with SOURCE, and can be read only"
            ),
        )
        .hint("leave DELETE TOPIC out"));
    }
    let depends = |message: String| SqlError::new(sqlstate::DEPENDENT_OBJECTS, message);
    let readers = ids(catalog.readers_of(name));
    if !readers.is_empty() {
        return Err(depends(format!("cannot drop \"{name}\" because queries read it"))
            .detail(format!("read by {}", readers.join(", ")))
            .hint("TERMINATE them or drop what they write first"));
    }
    // The query that made it goes with it; those that INSERT INTO it do not.
    let writers = ids(catalog.writers_of(name).filter(|q| source.query.as_deref() != Some(q.id.as_str())));
    if !writers.is_empty() {
        return Err(depends(format!("cannot drop \"{name}\" because queries write into it"))
            .detail(format!("written by {}", writers.join(", ")))
            .hint("TERMINATE them first"));
    }
    let others: Vec<_> = catalog
        .sources()
        .filter(|s| drop.delete_topic && s.topic == source.topic && s.name != source.name)
        .map(|s| s.name.clone())
        .collect();
    if !others.is_empty() {
        return Err(depends(format!(
            "cannot delete topic \"{}\" because others are declared over it",
            source.topic
        ))
        .detail(format!("used by {}", others.join(", ")))
        .hint("leave DELETE TOPIC out, or drop the others first"));
    }
    Ok(())
}

fn ids<'a>(queries: impl Iterator<Item = &'a Arc<QueryDef>>) -> Vec<String> {
    queries.map(|q| q.id.clone()).collect()
}

/// Refuses a statement that takes a stream for a table or a table for a stream.
pub(super) fn check_kind(source: &Source, wanted: SourceKind, verb: &str) -> Result<(), SqlError> {
    if source.kind == wanted {
        return Ok(());
    }
    let message = format!("\"{}\" is a {}, not a {wanted}", source.name, source.kind);
    Err(SqlError::new(sqlstate::WRONG_OBJECT_TYPE, message)
        .hint(format!("use {verb} {}", source.kind.to_string().to_uppercase())))
}
