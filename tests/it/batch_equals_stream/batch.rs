//! The answer of a batch: DataFusion over a table of all rows.
//!
//! DataFusion knows neither windows nor lateness nor ksqlDB's sums of nothing, so they are written out: a row is joined
//! with the windows that may hold it, and stream time is a running maximum over the rows of its partition.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::prelude::SessionContext;

use super::case::{Case, Emit, Kind, Query, Row};
use super::rows::lines;

/// What a case must end with.
pub struct Expected {
    /// The rows that readers see.
    pub table: Vec<String>,
    /// The rows that its records give when they are applied in order: windows that have expired are among them.
    pub sink: Vec<String>,
    /// How often a group changed.
    pub changes: i64,
}

pub async fn answer(case: &Case, schema: &SchemaRef) -> Result<Expected, String> {
    let context = SessionContext::new();
    context.register_batch("s", input(case)?).map_err(|e| e.to_string())?;
    let hops: ArrayRef = Arc::new(Int64Array::from_iter_values(0..8));
    let hops = RecordBatch::try_from_iter([("n", hops)]).map_err(|e| e.to_string())?;
    context.register_batch("hops", hops).map_err(|e| e.to_string())?;
    let sql = sql(&case.query);
    let frame = context.sql(&sql).await.map_err(|e| format!("{e}\n{sql}"))?;
    let answer = frame.collect().await.map_err(|e| format!("{e}\n{sql}"))?;
    let only = |flag: &str| {
        let kept = answer.iter().map(|batch| {
            let flags: &BooleanArray = batch.column_by_name(flag).ok_or("no such flag")?.as_boolean();
            filter_record_batch(batch, flags).map_err(|e| e.to_string())
        });
        lines(&kept.collect::<Result<Vec<_>, String>>()?, schema)
    };
    let changes = answer.iter().filter_map(|batch| batch.column_by_name("changes"));
    let changes = changes.flat_map(|c| c.as_primitive::<Int64Type>().values().to_vec()).sum();
    Ok(Expected { table: only("in_table")?, sink: only("in_sink")?, changes })
}

fn sql(query: &Query) -> String {
    let keys = query.keys().join(", ");
    let filter = query.filter_text().unwrap_or("TRUE");
    let not_null: Vec<String> = query.keys().iter().map(|key| format!("{key} IS NOT NULL")).collect();
    let aggregates = query.aggregates(batch_form).join(", ");
    let having = query.having_text(batch_form).map(|h| format!(" HAVING {h}")).unwrap_or_default();
    let kept = format!(
        "WITH kept AS (
            SELECT *, MAX(time) OVER (PARTITION BY p ORDER BY o) AS now, MAX(time) OVER (PARTITION BY p) AS last
            FROM s WHERE ({filter}) AND {})",
        not_null.join(" AND ")
    );
    let Some(window) = &query.window else {
        return format!(
            "{kept} SELECT {keys}, {aggregates}, MAX(time) AS rowtime, COUNT(*) AS changes,
                TRUE AS in_table, TRUE AS in_sink
            FROM kept GROUP BY {keys}{having}"
        );
    };
    let (size, advance) = (window.size_ms, window.advance_ms);
    let closes = size + window.grace_ms();
    let (in_table, in_sink) = match query.emit {
        // Readers see windows until they expire, which by default is when they close.
        Emit::Changes { .. } => (format!("windowstart + {closes} > MAX(last)"), "TRUE".to_owned()),
        // The query's RETENTION is longer than any test.
        Emit::Final => {
            let closed = format!("windowstart + {closes} <= MAX(last)");
            (closed.clone(), closed)
        }
    };
    format!(
        "{kept}, windows AS (
            SELECT kept.*, time - time % {advance} - n * {advance} AS windowstart FROM kept CROSS JOIN hops),
        taken AS (
            SELECT * FROM windows
            WHERE windowstart >= 0 AND windowstart + {size} > time AND windowstart + {closes} > now)
        SELECT {keys}, {aggregates}, windowstart, windowstart + {size} AS windowend, MAX(time) AS rowtime,
            COUNT(*) AS changes, {in_table} AS in_table, {in_sink} AS in_sink
        FROM taken GROUP BY {keys}, windowstart{having}"
    )
}

/// An aggregate as DataFusion must be asked for what ksqlDB means: sums and averages of nothing are 0.
fn batch_form(function: &str, argument: &str) -> String {
    match function {
        "SUM" | "AVG" => format!("COALESCE({function}({argument}), 0)"),
        "COUNT_DISTINCT" => format!("COUNT(DISTINCT {argument})"),
        _ => format!("{function}({argument})"),
    }
}

/// All rows that can be read, with their partition and offset.
fn input(case: &Case) -> Result<RecordBatch, String> {
    let inputs = case.inputs();
    let mut rows: Vec<(i32, i64, &Row)> = Vec::new();
    for (partition, records) in inputs.iter().enumerate() {
        for (offset, record) in records.iter().enumerate() {
            if record.kind == Kind::Good {
                rows.push((partition as i32, offset as i64, &record.row));
            }
        }
    }
    let text = |f: fn(&Row) -> Option<String>| -> ArrayRef {
        Arc::new(StringArray::from_iter(rows.iter().map(|(_, _, row)| f(row))))
    };
    let of = |f: fn(&Row) -> Option<i64>| rows.iter().map(move |(_, _, row)| f(row));
    let cents = Decimal128Array::from_iter(of(|r| r.d).map(|d| d.map(i128::from)));
    let cents = cents.with_precision_and_scale(10, 2).map_err(|e| e.to_string())?;
    let doubles = Float64Array::from_iter(of(|r| r.f).map(|f| f.map(|f| f as f64)));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("p", Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.0)))),
        ("o", Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.1)))),
        ("time", Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.2.time)))),
        ("k", text(|r| r.k.clone())),
        ("g1", text(|r| r.g1.clone())),
        ("g2", Arc::new(Int32Array::from_iter(of(|r| r.g2).map(|g| g.map(|g| g as i32))))),
        ("i", Arc::new(Int32Array::from_iter(of(|r| r.i).map(|i| i.map(|i| i as i32))))),
        ("b", Arc::new(Int64Array::from_iter(of(|r| r.b)))),
        ("f", Arc::new(doubles)),
        ("d", Arc::new(cents)),
        ("t", text(|r| r.t.clone())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, c)| (name, c, true)))
        .map_err(|e| e.to_string())
}
