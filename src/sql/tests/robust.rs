//! Bad input: an error or a statement, never a panic, never an overflow.

use proptest::prelude::*;

use super::parsed;
use crate::sql::sqlstate;

#[test]
fn deep_nesting_is_an_error() {
    let deep = [
        format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("SELECT 1 FROM {}t{}", "(".repeat(40), ")".repeat(40)),
        format!("SELECT {}1{}", "f(".repeat(5_000), ")".repeat(5_000)),
        format!("SELECT 1{}", " + 1".repeat(100_000)),
        format!("SELECT {} 1", "- ".repeat(50_000)),
        format!("SELECT {} 1", "NOT ".repeat(50_000)),
        format!("SELECT {} '1'", "INTERVAL ".repeat(50_000)),
        format!("SELECT a{}", "::INT".repeat(50_000)),
        format!("SELECT CAST(a AS {}INT{})", "ARRAY<".repeat(20_000), ">".repeat(20_000)),
        format!("SELECT CAST(a AS INT{})", "[]".repeat(50_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(50_000)),
        format!("SELECT a FROM t{}", " JOIN t".repeat(50_000)),
        format!("SELECT {} 1 {}", "CASE WHEN 1 THEN ".repeat(20_000), "END ".repeat(20_000)),
        format!("CREATE STREAM s AS SELECT {}1 FROM t", "1 OR ".repeat(20_000)),
        format!("INSERT INTO s VALUES ({}1)", "-(".repeat(20_000)),
        "/*".repeat(100_000),
        "EXPLAIN ".repeat(50_000),
    ];
    for text in &deep {
        let error = parsed(text).expect_err(&text[..40]);
        assert!(matches!(error.sqlstate, sqlstate::LIMIT_EXCEEDED | sqlstate::SYNTAX_ERROR), "{error}");
    }
}

/// sqlparser tries some constructs twice; what nests must not double its time with every level.
#[test]
fn nesting_takes_no_exponential_time() {
    let openings = [
        "f(",
        "NOT ",
        "CEIL(",
        "SUBSTRING(",
        "(a+(",
        "CASE WHEN (",
        "x IN ((",
        "ARRAY[",
        "DATE(",
        "NOT (",
        "EXISTS (SELECT ",
        "TRIM(",
        "CAST(",
        "1 FROM (SELECT ",
        "1 FROM (a JOIN (",
        "1 FROM ((((((((((a JOIN ((((((((((",
        "1 FROM LATERAL (",
        "STRUCT(",
        "MAP{",
        "INTERVAL (",
        "(SELECT (",
        "(a, (",
        "DECIMAL(",
        "f(DISTINCT (",
        "GROUPING SETS ((",
        "POSITION((",
        "EXTRACT(DAY FROM (",
    ];
    for opening in openings {
        for times in [4, 12, 24, 47] {
            assert!(parsed(&format!("SELECT {}", opening.repeat(times))).is_err());
        }
    }
}

#[test]
fn ordinary_sizes_pass() {
    assert!(parsed(&format!("SELECT 1{}", " + 1".repeat(490))).is_ok());

    let many = "(1, 'abc', -2.5), ".repeat(20_000);
    assert!(parsed(&format!("INSERT INTO s VALUES {many}(1, 'x', 0)")).is_ok());
    let list: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
    assert!(parsed(&format!("SELECT * FROM t WHERE k IN ({})", list.join(","))).is_ok());
    let columns: Vec<String> = (0..2_000).map(|n| format!("a{n} + 1 AS b{n}")).collect();
    assert!(parsed(&format!("SELECT {} FROM t EMIT CHANGES", columns.join(","))).is_ok());
    assert!(parsed(&format!("SELECT {}1{}", "(".repeat(8), ")".repeat(8))).is_ok());
}

fn token() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "CREATE",
        "STREAM",
        "TABLE",
        "SELECT",
        "FROM",
        "WHERE",
        "GROUP BY",
        "HAVING",
        "EMIT",
        "CHANGES",
        "FINAL",
        "LIMIT",
        "WINDOW",
        "TUMBLING",
        "HOPPING",
        "(",
        ")",
        "SIZE",
        "1",
        "DAY",
        ",",
        ";",
        "'x'",
        "`q`",
        "\"d\"",
        "a",
        "s",
        ".",
        "*",
        "PARTITION BY",
        "INSERT",
        "INTO",
        "VALUES",
        "WITH",
        "AS",
        "=",
        "->",
        "=>",
        ":=",
        "[",
        "]",
        "CASE",
        "WHEN",
        "END",
        "JOIN",
        "ON",
        "UNION",
        "ORDER BY",
        "COPY",
        "STDIN",
        "TO",
        "FETCH",
        "DECLARE",
        "CURSOR",
        "FOR",
        "SET",
        "SHOW",
        "EXPLAIN",
        "DESCRIBE",
        "${x}",
        "$${x}",
        "${",
        "$1",
        "$$",
        "--",
        "/*",
        "*/",
        "\n",
        "'",
        "`",
        "INTERVAL",
        "CAST",
        "ARRAY",
        "<",
        ">",
        "::",
        "INT",
        "NOT",
        "NULL",
        "-",
        "1e5",
        "0x",
        "E'\\'",
        "DEFINE",
        "é",
        "DROP",
        "TRUNCATE",
        "LATERAL",
        "PIVOT",
        "MATCH_RECOGNIZE",
        "UNNEST",
        "EXTRACT",
        "TRIM",
        "OVER",
        "FILTER",
        "KEY",
        "1a",
        "U&'\\0061'",
        "X'1'",
        "B'1'",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup_never_panics(tokens in prop::collection::vec(token(), 0..30)) {
        let _ = parsed(&tokens.join(" "));
        let _ = parsed(&tokens.concat());
        let _ = parsed(&format!("SELECT a FROM s {} EMIT CHANGES", tokens.join(" ")));
    }

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parsed(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn text_never_panics(text in "\\PC{0,60}") {
        let _ = parsed(&text);
        let _ = parsed(&format!("SELECT {text} FROM s EMIT CHANGES; INSERT INTO s VALUES ({text})"));
    }
}
