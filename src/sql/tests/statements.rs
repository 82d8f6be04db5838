//! Statements other than queries.

use expect_test::{Expect, expect};

use super::{parsed, shown};
use crate::sql::{Position, Variables, parse, parse_ident, position_to_offset, quote_ident};

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&shown(text));
}

#[test]
fn sources() {
    check(
        "-- all types\nCREATE OR REPLACE STREAM s (k INT KEY, a INTEGER, `b` BIGINT, c DOUBLE, d DECIMAL(10, 2), e VARCHAR,
           f STRING, g BYTES, h DATE, i TIME, j TIMESTAMP, \"Key\" BOOLEAN, v VARCHAR(STRING))
         WITH (kafka_topic='t', 'value_format' = 'JSON', partitions=3, x=-1.5, w=true);
         CREATE TABLE IF NOT EXISTS t (id BIGINT PRIMARY KEY) WITH (KAFKA_TOPIC='t');;
         CREATE STREAM z WITH (KAFKA_TOPIC='z')",
        expect![[r#"
            2:1 create stream (true, false) S [K INTEGER Key, A INTEGER Value, b BIGINT Value, C DOUBLE Value, D DECIMAL(10, 2) Value, E STRING Value, F STRING Value, G BYTES Value, H DATE Value, I TIME Value, J TIMESTAMP Value, Key BOOLEAN Value, V STRING Value] with [KAFKA_TOPIC=String("t"), VALUE_FORMAT=String("JSON"), PARTITIONS=Number("3"), X=Number("-1.5"), W=Boolean(true)]
            5:10 create table (false, true) T [ID BIGINT PrimaryKey] with [KAFKA_TOPIC=String("t")]
            6:10 create stream (false, false) Z [] with [KAFKA_TOPIC=String("z")]
        "#]],
    );
}

#[test]
fn drop_and_terminate() {
    check(
        "DROP STREAM s; drop table if exists `t` delete topic; TERMINATE ctas_x_1; TERMINATE QUERY q; TERMINATE ALL",
        expect![[r#"
            1:1 DropSource(DropSource { kind: Stream, if_exists: false, name: Name { value: "S", position: Position { line: 1, column: 13 } }, delete_topic: false })
            1:16 DropSource(DropSource { kind: Table, if_exists: true, name: Name { value: "t", position: Position { line: 1, column: 37 } }, delete_topic: true })
            1:55 Terminate { query: Some(Name { value: "CTAS_X_1", position: Position { line: 1, column: 65 } }) }
            1:75 Terminate { query: Some(Name { value: "Q", position: Position { line: 1, column: 91 } }) }
            1:94 Terminate { query: None }
        "#]],
    );
}

#[test]
fn statements_about_what_exists() {
    check(
        "CREATE SOURCE TABLE IF NOT EXISTS s (k INT PRIMARY KEY, a STRING) WITH (KAFKA_TOPIC='t');
         ALTER STREAM s ADD a INT; ALTER TABLE s ADD COLUMN a INT, ADD column INT, b ARRAY<INT>;
         CREATE TYPE IF NOT EXISTS t AS STRUCT<a INT, b other>; DROP TYPE IF EXISTS t;
         PAUSE q; RESUME ALL; TERMINATE QUERY q; SHOW TYPES; LIST ALL TOPICS EXTENDED; SHOW QUERIES EXTENDED;
         DESCRIBE TABLES EXTENDED; DESCRIBE STREAMS; DESCRIBE FUNCTION replace;
         ASSERT TOPIC 'a-b' WITH (PARTITIONS = 2) TIMEOUT 3 SECONDS; ASSERT NOT EXISTS TOPIC x",
        expect![[r#"
            1:1 create table (false, true) S [K INTEGER PrimaryKey, A STRING Value] with [KAFKA_TOPIC=String("t")]
            2:10 AlterSource(AlterSource { kind: Stream, name: Name { value: "S", position: Position { line: 2, column: 23 } }, columns: [ColumnDef { name: Name { value: "A", position: Position { line: 2, column: 29 } }, ty: Known(Int), role: Value }] })
            2:36 AlterSource(AlterSource { kind: Table, name: Name { value: "S", position: Position { line: 2, column: 48 } }, columns: [ColumnDef { name: Name { value: "A", position: Position { line: 2, column: 61 } }, ty: Known(Int), role: Value }, ColumnDef { name: Name { value: "COLUMN", position: Position { line: 2, column: 72 } }, ty: Known(Int), role: Value }, ColumnDef { name: Name { value: "B", position: Position { line: 2, column: 84 } }, ty: Array(Known(Int)), role: Value }] })
            3:10 CreateType(CreateType { name: Name { value: "T", position: Position { line: 3, column: 36 } }, if_not_exists: true, ty: Struct([("A", Known(Int)), ("B", Custom(Name { value: "OTHER", position: Position { line: 3, column: 57 } }))]) })
            3:65 DropType { name: Name { value: "T", position: Position { line: 3, column: 85 } }, if_exists: true }
            4:10 Pause { query: Some(Name { value: "Q", position: Position { line: 4, column: 16 } }) }
            4:19 Resume { query: None }
            4:31 Terminate { query: Some(Name { value: "Q", position: Position { line: 4, column: 47 } }) }
            4:50 Show(Types)
            4:62 Show(Topics { all: true, extended: true })
            4:88 Show(Queries { extended: true })
            5:10 Describe(All { kind: Table, extended: true })
            5:36 Describe(All { kind: Stream, extended: false })
            5:54 Describe(Function(Name { value: "REPLACE", position: Position { line: 5, column: 72 } }))
            6:10 AssertTopic(AssertTopic { topic: Name { value: "a-b", position: Position { line: 6, column: 23 } }, exists: true, with: [Property { name: Name { value: "PARTITIONS", position: Position { line: 6, column: 35 } }, value: Number("2"), value_position: Position { line: 6, column: 48 } }], timeout_ms: Some(3000) })
            6:70 AssertTopic(AssertTopic { topic: Name { value: "x", position: Position { line: 6, column: 94 } }, exists: false, with: [], timeout_ms: None })
        "#]],
    );
}

#[test]
fn inspection() {
    check(
        "SHOW STREAMS; LIST TABLES; SHOW QUERIES; SHOW TOPICS; SHOW FUNCTIONS; SHOW PROPERTIES; SHOW VARIABLES;
         SHOW server_version; SHOW TRANSACTION ISOLATION LEVEL; SHOW TIME ZONE; SHOW ALL; SHOW a.B;
         DESCRIBE s; DESCRIBE EXTENDED s; DESCRIBE s EXTENDED; DESCRIBE extended;
         EXPLAIN CSAS_1; EXPLAIN SELECT 1; EXPLAIN CREATE TABLE t AS SELECT a FROM s;
         PRINT Orders FROM BEGINNING LIMIT 3; PRINT 'a-b' INTERVAL 2",
        expect![[r#"
            1:1 Show(Streams { extended: false })
            1:15 Show(Tables { extended: false })
            1:28 Show(Queries { extended: false })
            1:42 Show(Topics { all: false, extended: false })
            1:55 Show(Functions)
            1:71 Show(Properties)
            1:88 Show(Variables)
            2:10 Show(Parameter("server_version"))
            2:31 Show(Parameter("transaction isolation level"))
            2:65 Show(Parameter("time zone"))
            2:81 Show(Parameter("all"))
            2:91 Show(Parameter("a.b"))
            3:10 Describe(Source { name: Name { value: "S", position: Position { line: 3, column: 19 } }, extended: false })
            3:22 Describe(Source { name: Name { value: "S", position: Position { line: 3, column: 40 } }, extended: true })
            3:43 Describe(Source { name: Name { value: "S", position: Position { line: 3, column: 52 } }, extended: true })
            3:64 Describe(Source { name: Name { value: "EXTENDED", position: Position { line: 3, column: 73 } }, extended: false })
            4:10 Explain(Query(Name { value: "CSAS_1", position: Position { line: 4, column: 18 } }))
            4:26 explain 4:34 ad hoc SELECT 1 | SELECT 1
            4:44 explain 4:52 create table (false, false) T with [] as 4:70 SELECT A FROM S | window None | partition None | emit None | limit None | CREATE TABLE t AS SELECT a FROM s
            5:10 Print(Print { topic: Name { value: "Orders", position: Position { line: 5, column: 16 } }, from_beginning: true, limit: Some(3), interval: None })
            5:47 Print(Print { topic: Name { value: "a-b", position: Position { line: 5, column: 53 } }, from_beginning: false, limit: None, interval: Some(2) })
        "#]],
    );
}

#[test]
fn settings() {
    check(
        "SET 'auto.offset.reset'='earliest'; UNSET 'auto.offset.reset'; SET search_path TO public, \"Other\";
         SET SESSION DateStyle = 'ISO, MDY'; SET LOCAL x.y TO -1; SET TIME ZONE 'UTC'; SET x TO DEFAULT; SET NAMES 'UTF8';
         RESET x; RESET ALL; SET extra_float_digits = 3; SET client_min_messages TO warning; SET standard_conforming_strings = on",
        expect![[r#"
            1:1 Set { name: Name { value: "auto.offset.reset", position: Position { line: 1, column: 5 } }, value: "earliest", quoted: true }
            1:37 Unset { name: Some(Name { value: "auto.offset.reset", position: Position { line: 1, column: 43 } }) }
            1:64 Set { name: Name { value: "search_path", position: Position { line: 1, column: 68 } }, value: "public, Other", quoted: false }
            2:10 Set { name: Name { value: "datestyle", position: Position { line: 2, column: 22 } }, value: "ISO, MDY", quoted: false }
            2:46 Set { name: Name { value: "x.y", position: Position { line: 2, column: 56 } }, value: "-1", quoted: false }
            2:67 Set { name: Name { value: "timezone", position: Position { line: 2, column: 71 } }, value: "UTC", quoted: false }
            2:88 Unset { name: Some(Name { value: "x", position: Position { line: 2, column: 92 } }) }
            2:106 Set { name: Name { value: "client_encoding", position: Position { line: 2, column: 110 } }, value: "UTF8", quoted: false }
            3:10 Unset { name: Some(Name { value: "x", position: Position { line: 3, column: 16 } }) }
            3:19 Unset { name: None }
            3:30 Set { name: Name { value: "extra_float_digits", position: Position { line: 3, column: 34 } }, value: "3", quoted: false }
            3:58 Set { name: Name { value: "client_min_messages", position: Position { line: 3, column: 62 } }, value: "warning", quoted: false }
            3:94 Set { name: Name { value: "standard_conforming_strings", position: Position { line: 3, column: 98 } }, value: "on", quoted: false }
        "#]],
    );
}

#[test]
fn session() {
    check(
        "BEGIN; BEGIN READ ONLY; START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; COMMIT; END; ROLLBACK; ABORT;
         SAVEPOINT Sp; RELEASE SAVEPOINT sp; RELEASE sp; ROLLBACK TO SAVEPOINT sp; ROLLBACK TO sp; SET TRANSACTION READ ONLY;
         SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; DISCARD ALL; DEALLOCATE \"_Pg3_0\"; DEALLOCATE ALL;
         DECLARE C NO SCROLL CURSOR WITH HOLD FOR SELECT a FROM s EMIT CHANGES; FETCH c; FETCH FORWARD 10 FROM c; FETCH ALL c;
         FETCH NEXT IN c; FETCH 5 c; FETCH FORWARD c; CLOSE c; CLOSE ALL; LISTEN x; UNLISTEN *; NOTIFY x, 'y'",
        expect![[r#"
            1:1 Session(Begin { read_only: false })
            1:8 Session(Begin { read_only: true })
            1:25 Session(Begin { read_only: true })
            1:87 Session(Commit)
            1:95 Session(Commit)
            1:100 Session(Rollback)
            1:110 Session(Rollback)
            2:10 Session(Savepoint("sp"))
            2:24 Session(ReleaseSavepoint("sp"))
            2:46 Session(ReleaseSavepoint("sp"))
            2:58 Session(RollbackTo("sp"))
            2:84 Session(RollbackTo("sp"))
            2:100 Session(SetTransaction)
            3:10 Session(SetTransaction)
            3:65 Session(DiscardAll)
            3:78 Session(Deallocate(Some("_Pg3_0")))
            3:99 Session(Deallocate(None))
            4:10 declare c 4:51 push 4:51 SELECT A FROM S | window None | partition None | emit Some(Changes) | limit None
            4:81 Session(Fetch { name: "c", count: Some(1) })
            4:90 Session(Fetch { name: "c", count: Some(10) })
            4:115 Session(Fetch { name: "c", count: None })
            5:10 Session(Fetch { name: "c", count: Some(1) })
            5:27 Session(Fetch { name: "c", count: Some(5) })
            5:38 Session(Fetch { name: "c", count: Some(1) })
            5:55 Session(Close(Some("c")))
            5:64 Session(Close(None))
            5:75 Session(Accepted("LISTEN"))
            5:85 Session(Accepted("UNLISTEN"))
            5:97 Session(Accepted("NOTIFY"))
        "#]],
    );
}

#[test]
fn copy() {
    check(
        "COPY s FROM STDIN; COPY s (a, b) FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER ';', NULL 'x');
         COPY s TO STDOUT CSV HEADER; COPY s (a, `b c`) TO STDOUT WITH (FORMAT binary);
         COPY (SELECT a FROM s EMIT CHANGES) TO STDOUT",
        expect![[r#"
            1:1 Copy(From { name: Name { value: "S", position: Position { line: 1, column: 6 } }, columns: [], options: CopyOptions { format: Text, delimiter: None, null: None, header: false, quote: None, escape: None } })
            1:20 Copy(From { name: Name { value: "S", position: Position { line: 1, column: 25 } }, columns: [Name { value: "A", position: Position { line: 1, column: 28 } }, Name { value: "B", position: Position { line: 1, column: 31 } }], options: CopyOptions { format: Csv, delimiter: Some(';'), null: Some("x"), header: true, quote: None, escape: None } })
            2:10 copy to 2:15 ad hoc SELECT * FROM S | SELECT * FROM S CopyOptions { format: Csv, delimiter: None, null: None, header: true, quote: None, escape: None }
            2:39 copy to 2:44 ad hoc SELECT A, `b c` FROM S | SELECT A, `b c` FROM S CopyOptions { format: Binary, delimiter: None, null: None, header: false, quote: None, escape: None }
            3:10 copy to 3:16 push 3:16 SELECT A FROM S | window None | partition None | emit Some(Changes) | limit None | SELECT a FROM s EMIT CHANGES CopyOptions { format: Text, delimiter: None, null: None, header: false, quote: None, escape: None }
        "#]],
    );
}

#[test]
fn inserts() {
    check(
        "INSERT INTO s VALUES (1, 'it''s', NULL, -2.5, true); INSERT INTO s (a, `b`) VALUES (1, 2), (CAST('1' AS INT), $1)",
        expect![[r#"
            1:1 insert S [] (1, 'it''s', NULL, -2.5, true)
            1:54 insert S ["A", "b"] (1, 2) (CAST('1' AS INT), $1)
        "#]],
    );
}

#[test]
fn variables() {
    check(
        "DEFINE topic = 'orders'; DEFINE n = '''it''''s'''; CREATE STREAM ${Topic}_s WITH (KAFKA_TOPIC='${topic}-$${topic}');
         SELECT ${n} /* ${none} */, '${n}' -- ${none}
         FROM ${TOPIC}, x;
         UNDEFINE n; SELECT 1, $1, $$a;b$$;",
        expect![[r#"
            1:1 Define { name: "topic", value: "orders" }
            1:26 Define { name: "n", value: "'it''s'" }
            1:52 create stream (false, false) ORDERS_S [] with [KAFKA_TOPIC=String("orders-${topic}")]
            2:10 ad hoc SELECT 'it''s', '''it''s''' FROM ORDERS, X
            4:10 Undefine { name: "n" }
            4:22 ad hoc SELECT 1, $1, $$a;b$$
        "#]],
    );
}

#[test]
fn text_and_places() {
    let text = "DEFINE x = 'a long text';\n SELECT '${x}', /* kept */ b FROM t; -- gone";
    let statements = parsed(text).unwrap();
    assert_eq!(statements[1].text, "SELECT 'a long text', /* kept */ b FROM t");
    assert_eq!(statements[1].position, Position { line: 2, column: 2 });
    let crate::sql::ast::StatementKind::AdHoc(query) = &statements[1].kind else { panic!() };
    let select = query.body.as_select().unwrap();
    let sqlparser::ast::SelectItem::UnnamedExpr(b) = &select.projection[1] else { panic!() };
    let place = crate::sql::position_of(b).unwrap();
    assert_eq!(&text[position_to_offset(text, place) - 1..][..6], "b FROM");
}

#[test]
fn names() {
    assert_eq!(parse_ident("abc").unwrap().value, "ABC");
    assert_eq!(parse_ident(" `a``b` ").unwrap().value, "a`b");
    assert!(parse_ident("a b").is_err() && parse_ident("").is_err() && parse_ident("select").is_err());
    for name in ["ABC", "a", "A`b", "SELECT", "EMIT", "1A", "", "Ä", "A@1", "WINDOW"] {
        let quoted = quote_ident(name);
        if !name.is_empty() {
            assert_eq!(parse_ident(&quoted).unwrap().value, name, "{quoted}");
        }
    }
    assert_eq!((quote_ident("ABC"), quote_ident("select")), ("ABC".into(), "`select`".into()));
}

#[test]
fn variables_are_bounded() {
    let mut variables = Variables::default();
    assert!(variables.define("x", "y".repeat(65 << 10)).is_err());
    for n in 0..1_000 {
        variables.define(&format!("v{n}"), "").unwrap();
    }
    assert!(variables.define("more", "").is_err());
    assert!(variables.define("V1", "again").is_ok() && variables.undefine("v1") && !variables.undefine("v1"));
    assert!(parse(&format!("SELECT '{}'", "x".repeat(17 << 20)), &variables).is_err());
}
