//! What a query's statement saw when it was made.
//!
//! Queries are planned anew at every start. What has become of the catalog since must not change what they mean: columns
//! that were added to what they read or write are left out, and named types are those of that time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Catalog, Command, QueryDef};
use crate::sql::SqlType;

/// The catalog as a query's statement sees it.
pub fn catalog_of(catalog: Arc<Catalog>, def: &QueryDef) -> Arc<Catalog> {
    let mut commands: Vec<Command> =
        def.types.iter().map(|(name, ty)| Command::PutType { name: name.clone(), ty: ty.clone() }).collect();
    for (name, known) in [(&def.reads, def.reads_columns), (&def.sink, def.sink_columns)] {
        if let (Some(source), Some(known)) = (catalog.source(name), known)
            && source.columns.len() > known
        {
            let mut source = source.as_ref().clone();
            source.columns.truncate(known);
            commands.push(Command::PutSource(source));
        }
    }
    if commands.is_empty() {
        return catalog;
    }
    let mut then = catalog.as_ref().clone();
    commands.into_iter().for_each(|command| then.apply(command));
    Arc::new(then)
}

/// The named types that a statement may mean: those whose name stands in it.
pub fn custom_types(sql: &str, catalog: &Catalog) -> BTreeMap<String, SqlType> {
    let text = sql.to_uppercase();
    catalog
        .custom_types()
        .iter()
        .filter(|(name, _)| text.contains(&name.to_uppercase()))
        .map(|(name, ty)| (name.clone(), ty.clone()))
        .collect()
}
