//! Ad-hoc queries over a small table and a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use expect_test::{Expect, expect};
use futures::{StreamExt, TryStreamExt};

use super::*;
use crate::server::parameters::Parameters;
use crate::sql::Variables;
use crate::sql::ast::StatementKind;

/// COUNTS: one row a key and window. EVENTS: a stream of the same rows without a key.
struct World {
    rows: RecordBatch,
    scans: Arc<AtomicUsize>,
    gets: Arc<AtomicUsize>,
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("K", DataType::Utf8, true),
        Field::new("WINDOWSTART", DataType::Int64, true),
        Field::new("N", DataType::Int64, true),
    ]))
}

impl World {
    fn new() -> Self {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["a", "a", "b", "c"])),
            Arc::new(Int64Array::from(vec![0, 10, 0, 20])),
            Arc::new(Int64Array::from(vec![Some(1), Some(2), Some(0), None])),
        ];
        let rows = RecordBatch::try_new(schema(), columns).unwrap();
        Self { rows, scans: Default::default(), gets: Default::default() }
    }

    fn pick(&self, keep: impl Fn(&str, i64) -> bool, projection: &[usize]) -> RecordBatch {
        let k = self.rows.column(0).as_any().downcast_ref::<StringArray>().unwrap();
        let w = self.rows.column(1).as_any().downcast_ref::<Int64Array>().unwrap();
        let indices: UInt32Array =
            (0..4u32).filter(|i| keep(k.value(*i as usize), w.value(*i as usize))).collect();
        take_record_batch(&self.rows, &indices).unwrap().project(projection).unwrap()
    }

    fn copy(&self) -> Self {
        Self { rows: self.rows.clone(), scans: self.scans.clone(), gets: self.gets.clone() }
    }
}

impl Snapshot for World {
    fn num_rows(&self) -> usize {
        self.rows.num_rows()
    }

    fn scan(
        &self,
        projection: &[usize],
        windows: WindowRange,
    ) -> Box<dyn Iterator<Item = Result<RecordBatch, SqlError>> + Send> {
        self.scans.fetch_add(1, Ordering::SeqCst);
        Box::new(std::iter::once(Ok(self.pick(|_, w| (windows.from..=windows.to).contains(&w), projection))))
    }

    fn get(
        &self,
        key: &[ScalarValue],
        projection: &[usize],
        windows: WindowRange,
    ) -> Result<RecordBatch, SqlError> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        let ScalarValue::Utf8(Some(key)) = &key[0] else { panic!("{key:?}") };
        Ok(self.pick(|k, w| k == key && (windows.from..=windows.to).contains(&w), projection))
    }
}

impl SnapshotSource for World {
    fn schema(&self) -> SchemaRef {
        schema()
    }
    fn key_columns(&self) -> &[usize] {
        &[0]
    }
    fn window_start(&self) -> Option<usize> {
        Some(1)
    }
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(self.copy())
    }
}

impl Tables for World {
    fn table(&self, name: &str) -> Option<Arc<dyn TableProvider>> {
        match name {
            "COUNTS" => Some(Arc::new(KeyedTable::new(Arc::new(self.copy())))),
            "EVENTS" => {
                let rows = self.rows.clone();
                Some(Arc::new(StreamTable::new(
                    schema(),
                    Arc::new(move |p| {
                        futures::stream::iter([rows.project(p).map_err(SqlError::internal)]).boxed()
                    }),
                )))
            }
            _ => None,
        }
    }
    fn names(&self) -> Vec<String> {
        vec!["COUNTS".to_owned(), "EVENTS".to_owned()]
    }
}

async fn run(world: &World, sql: &str, params: &[ScalarValue]) -> Result<String, SqlError> {
    let statement = crate::sql::parse(sql, &Variables::default())?.remove(0);
    let StatementKind::AdHoc(query) = statement.kind else { panic!("not an ad-hoc query: {sql}") };
    let adhoc = AdHoc::new(64 << 20)?;
    let parameters = Parameters::new();
    let facts = Facts { id: 7, user: "ann", database: "d", parameters: &parameters, may_set: true };
    let prepared = adhoc.prepare(&query, &facts, world, &[])?;
    let stream = adhoc.run(&prepared, params).await?;
    let mut out = prepared.schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>().join(" | ");
    if !prepared.params.is_empty() {
        out += &format!("  {:?}", prepared.params);
    }
    let batches: Vec<RecordBatch> = stream.batches.try_collect().await?;
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|c| match c.is_null(row) {
                true => "NULL".to_owned(),
                false => ScalarValue::try_from_array(c, row).unwrap().to_string(),
            });
            out += &format!("\n{}", cells.collect::<Vec<_>>().join(" | "));
        }
    }
    Ok(out + "\n")
}

/// Shows what a query gives, how often the table was scanned and how often a key was looked up.
async fn check(sql: &str, params: &[ScalarValue], expected: Expect) {
    let world = World::new();
    let shown = match run(&world, sql, params).await {
        Ok(shown) => shown,
        Err(e) => format!("{} {e} | hint: {}\n", e.sqlstate, e.hint.clone().unwrap_or_default()),
    };
    let (scans, gets) = (world.scans.load(Ordering::SeqCst), world.gets.load(Ordering::SeqCst));
    expected.assert_eq(&format!("{shown}scans {scans}, gets {gets}\n"));
}

#[tokio::test]
async fn columns_are_named_as_postgres_does() {
    check(
        "SELECT 1, 1, 'x' AS k, count(*), k, k, CAST(n AS INT) FROM counts WHERE k = 'b' GROUP BY k, n",
        &[],
        expect![[r#"
        ?column? | ?column? | K | count | K | K | N
        1 | 1 | x | 1 | b | b | 0
        scans 0, gets 1
    "#]],
    )
    .await;
    check(
        "SELECT version() IS NOT NULL, current_user, pg_catalog.current_schema(), pg_backend_pid()",
        &[],
        expect![[r#"
        ?column? | current_user | current_schema | pg_backend_pid
        true | ann | public | 7
        scans 0, gets 0
    "#]],
    )
    .await;
    check(
        "SELECT set_config('application_name', 'x', false), current_setting('datestyle'), upper('a')",
        &[],
        expect![[r#"
        set_config | current_setting | upper
        x | ISO, MDY | A
        scans 0, gets 0
    "#]],
    )
    .await;
}

#[tokio::test]
async fn keys_are_looked_up() {
    check(
        "SELECT * FROM counts WHERE k = 'a'",
        &[],
        expect![[r#"
        K | WINDOWSTART | N
        a | 0 | 1
        a | 10 | 2
        scans 0, gets 1
    "#]],
    )
    .await;
    check(
        "SELECT n FROM counts WHERE k = $1",
        &[ScalarValue::from("a")],
        expect![[r#"
        N  [Utf8]
        1
        2
        scans 0, gets 1
    "#]],
    )
    .await;
    check(
        "SELECT n FROM counts WHERE k IN ('a', 'c') AND n > 1",
        &[],
        expect![[r#"
        N
        2
        scans 0, gets 2
    "#]],
    )
    .await;
    check(
        "SELECT n FROM counts WHERE k = 'a' AND windowstart >= 10",
        &[],
        expect![[r#"
        N
        2
        scans 0, gets 1
    "#]],
    )
    .await;
    check(
        "SELECT k FROM counts WHERE windowstart > 10",
        &[],
        expect![[r#"
        K
        c
        scans 1, gets 0
    "#]],
    )
    .await;
    check(
        "SELECT k FROM counts WHERE k = 'a' OR n = 0",
        &[],
        expect![[r#"
        K
        a
        a
        b
        scans 1, gets 0
    "#]],
    )
    .await;
}

#[tokio::test]
async fn any_sql() {
    check(
        "WITH t AS (SELECT k, sum(n) AS s FROM events GROUP BY k) SELECT t.k, s, rank() OVER (ORDER BY s DESC NULLS LAST) FROM t JOIN counts c ON c.k = t.k AND c.windowstart = 0 ORDER BY 1 LIMIT 5",
        &[],
        expect![[r#"
            K | S | rank
            a | 3 | 1
            b | 0 | 2
            scans 1, gets 0
        "#]],
    )
    .await;
    check(
        "VALUES (1, 'a'), (2, 'b')",
        &[],
        expect![[r#"
        column1 | column2
        1 | a
        2 | b
        scans 0, gets 0
    "#]],
    )
    .await;
    check(
        "SELECT n + $1 FROM counts WHERE n = 2",
        &[ScalarValue::from(5i64)],
        expect![[r#"
        ?column?  [Int64]
        7
        scans 1, gets 0
    "#]],
    )
    .await;
}

#[tokio::test]
async fn errors_have_codes_and_hints() {
    check(
        "SELECT nn FROM counts",
        &[],
        expect![[r#"
        42703 column "NN" does not exist (line 1, column 8) | hint: perhaps you meant "N"
        scans 0, gets 0
    "#]],
    )
    .await;
    check(
        "SELECT n FROM count",
        &[],
        expect![[r#"
        42P01 relation "COUNT" does not exist (line 1, column 15) | hint: perhaps you meant "COUNTS"
        scans 0, gets 0
    "#]],
    )
    .await;
    check("SELECT uper(k) FROM counts", &[], expect![[r#"
        42883 function uper does not exist (line 1, column 8) | hint: perhaps you meant upper; SHOW FUNCTIONS lists them all
        scans 0, gets 0
    "#]]).await;
    check(
        "SELECT 1/0 FROM counts",
        &[],
        expect![[r#"
        22012 division by zero | hint: 
        scans 1, gets 0
    "#]],
    )
    .await;
    check(
        "SELECT CAST('x' AS BIGINT)",
        &[],
        expect![[r#"
            22P02 invalid input syntax for type bigint: "x" | hint: 
            scans 0, gets 0
        "#]],
    )
    .await;
    check("SELECT n FROM counts GROUP BY k", &[], expect![[r#"
        42803 column "COUNTS.N" must appear in the GROUP BY clause or be used in an aggregate function (line 1, column 8) | hint: 
        scans 0, gets 0
    "#]]).await;
    check("SELECT a.k FROM counts a, counts b WHERE k = 'a'", &[], expect![[r#"
        42702 column reference "K" is ambiguous (line 1, column 42) | hint: put the name of the table in front: table.column
        scans 0, gets 0
    "#]]).await;
    check(
        "SELECT k + 1 FROM counts WHERE n = TRUE",
        &[],
        expect![[r#"
        42804 cannot coerce arithmetic expression Utf8 + Int64 to valid types (line 1, column 8) | hint: 
        scans 0, gets 0
    "#]],
    )
    .await;
}
