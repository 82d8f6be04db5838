//! Errors: words, places, hints.

use expect_test::{Expect, expect};

use super::{failure, parsed};

fn check(texts: &[&str], expected: Expect) {
    let lines: Vec<String> = texts
        .iter()
        .map(|text| match parsed(text) {
            Ok(_) => format!("{text}\n  -- accepted\n"),
            Err(error) => format!("{text}\n  {}\n", failure(&error)),
        })
        .collect();
    expected.assert_eq(&lines.concat());
}

#[test]
fn syntax() {
    check(
        &[
            "SELCT 1",
            "frobnicate",
            "12",
            "SELECT 1;\n  SELECT FROM WHERE",
            "SELECT (1",
            "SELECT 'abc",
            "SELECT \"abc",
            "SELECT 1 /* x",
            "CREATE VIEW v AS SELECT 1",
            "CREATE STREAM select (a INT)",
            "CREATE STREAM s (a INT b INT)",
            "CREATE STREAM s (a DECIMAL(50, 2))",
            "CREATE STREAM s",
            "CREATE STREAM s WITH (a=b)",
            "CREATE STREAM s (a INT) AS SELECT 1",
            "CREATE STREAM s AS SELECT a FROM t WHERE EMIT CHANGES",
            "DROP STREAM",
            "DROP STREAM s now",
            "SHOW",
            "LIST things",
            "EXPLAIN EXPLAIN SELECT 1",
            "SELECT a FROM s EMIT",
            "SELECT a FROM s EMIT CHANGE",
            "SELECT a FROM s EMIT CHANGES GROUP BY a",
            "SELECT a FROM s GROUP BY a WINDOW TUMBLING (SIZE 1 DAY) EMIT CHANGES",
            "SELECT a FROM s LIMIT 1 EMIT CHANGES",
            "SELECT a FROM s WHERE a WHERE b EMIT CHANGES",
            "SELECT a FROM s EMIT CHANGES LIMIT x",
            "SELECT a FROM s WINDOW TUMBLING (SIZE 1 DAY) GROUP BY a",
            "SELECT a FROM s WINDOW TUMBLING (SIZE 0 DAY) GROUP BY a EMIT CHANGES",
            "SELECT a FROM s WINDOW TUMBLING (SIZE 1 MONTH) GROUP BY a EMIT CHANGES",
            "SELECT a FROM s WINDOW HOPPING (SIZE 1 DAY, ADVANCE BY 2 DAYS) GROUP BY a EMIT CHANGES",
            "SELECT a FROM s WINDOW TUMBLING (SIZE 9223372036854775807 DAYS) GROUP BY a EMIT CHANGES",
            "SELECT 1 EMIT CHANGES",
            "INSERT INTO s VALUES",
            "INSERT INTO s VALUES (1",
            "INSERT INTO s VALUES (1) x",
            "DEFINE `x` = 'y'",
            "SELECT ${x}",
            "SELECT '${x y}'",
            "PRINT a-b",
            "BEGIN READ WRITE,",
            "COPY s FROM STDIN (FORMAT xml)",
            "DECLARE c CURSOR FOR DROP STREAM s",
        ],
        expect![[r#"
            SELCT 1
              42601 syntax error at or near "SELCT" (line 1, column 1)
              hint: did you mean SELECT?
            frobnicate
              42601 syntax error at or near "frobnicate" (line 1, column 1)
              hint: expected a statement: CREATE, SELECT, INSERT, DROP, SHOW, DESCRIBE, EXPLAIN, SET, …
            12
              42601 syntax error at or near "12" (line 1, column 1)
              hint: expected a statement
            SELECT 1;
              SELECT FROM WHERE
              42601 syntax error at or near "WHERE" (line 2, column 15)
              hint: expected an expression
            SELECT (1
              42601 syntax error at end of input (line 1, column 10)
              hint: expected )
            SELECT 'abc
              42601 unterminated string literal (line 1, column 8)
            SELECT "abc
              42601 expected close delimiter '"' before EOF (line 1, column 8)
            SELECT 1 /* x
              42601 unexpected EOF while in a multi-line comment (line 1, column 14)
            CREATE VIEW v AS SELECT 1
              42601 syntax error at or near "VIEW" (line 1, column 8)
              hint: expected STREAM or TABLE
            CREATE STREAM select (a INT)
              42601 syntax error at or near "select" (line 1, column 15)
              hint: expected the name of the stream; a reserved word must be quoted as a name: `select`
            CREATE STREAM s (a INT b INT)
              42601 syntax error at or near "b" (line 1, column 24)
              hint: expected KEY, PRIMARY KEY, "," or ")"
            CREATE STREAM s (a DECIMAL(50, 2))
              22023 invalid type DECIMAL(50, 2) (line 1, column 28)
              hint: the precision is 1 to 38, the scale 0 to the precision
            CREATE STREAM s
              -- accepted
            CREATE STREAM s WITH (a=b)
              42601 syntax error at or near "b" (line 1, column 25)
              hint: expected a string, a number, TRUE or FALSE
            CREATE STREAM s (a INT) AS SELECT 1
              42601 syntax error at or near "AS" (line 1, column 25)
              hint: expected WITH (…)
            CREATE STREAM s AS SELECT a FROM t WHERE EMIT CHANGES
              42601 syntax error at or near "CHANGES" (line 1, column 47)
              hint: expected the end of the statement
            DROP STREAM
              42601 syntax error at end of input (line 1, column 12)
              hint: expected the name of the stream
            DROP STREAM s now
              42601 syntax error at or near "now" (line 1, column 15)
              hint: expected DELETE TOPIC or the end of the statement
            SHOW
              42601 syntax error at end of input (line 1, column 5)
              hint: expected STREAMS, TABLES, QUERIES, TOPICS, FUNCTIONS, TYPES, PROPERTIES, VARIABLES or a run-time parameter
            LIST things
              42601 syntax error at or near "things" (line 1, column 6)
              hint: expected STREAMS, TABLES, QUERIES, TOPICS, FUNCTIONS, TYPES, PROPERTIES, VARIABLES
            EXPLAIN EXPLAIN SELECT 1
              42601 syntax error at or near "EXPLAIN" (line 1, column 9)
              hint: expected a statement other than EXPLAIN
            SELECT a FROM s EMIT
              42601 syntax error at end of input (line 1, column 21)
              hint: expected CHANGES or FINAL
            SELECT a FROM s EMIT CHANGE
              42601 syntax error at or near "CHANGE" (line 1, column 22)
              hint: expected CHANGES or FINAL
            SELECT a FROM s EMIT CHANGES GROUP BY a
              42601 syntax error at or near "GROUP" (line 1, column 30)
              hint: expected LIMIT or the end of the statement
            SELECT a FROM s GROUP BY a WINDOW TUMBLING (SIZE 1 DAY) EMIT CHANGES
              42601 syntax error at or near "WINDOW" (line 1, column 28)
              hint: WINDOW must come before GROUP BY
            SELECT a FROM s LIMIT 1 EMIT CHANGES
              42601 syntax error at or near "EMIT" (line 1, column 25)
              hint: EMIT must come before LIMIT
            SELECT a FROM s WHERE a WHERE b EMIT CHANGES
              42601 syntax error at or near "WHERE" (line 1, column 25)
              hint: WHERE is given twice
            SELECT a FROM s EMIT CHANGES LIMIT x
              42601 syntax error at or near "x" (line 1, column 36)
              hint: expected a whole number
            SELECT a FROM s WINDOW TUMBLING (SIZE 1 DAY) GROUP BY a
              42601 syntax error at or near "WINDOW" (line 1, column 17)
              hint: WINDOW belongs to a continuous query: end the SELECT with EMIT CHANGES
            SELECT a FROM s WINDOW TUMBLING (SIZE 0 DAY) GROUP BY a EMIT CHANGES
              22023 a window's time must be above zero (line 1, column 39)
            SELECT a FROM s WINDOW TUMBLING (SIZE 1 MONTH) GROUP BY a EMIT CHANGES
              42601 syntax error at or near "MONTH" (line 1, column 41)
              hint: expected DAYS, HOURS, MINUTES, SECONDS or MILLISECONDS
            SELECT a FROM s WINDOW HOPPING (SIZE 1 DAY, ADVANCE BY 2 DAYS) GROUP BY a EMIT CHANGES
              22023 ADVANCE BY is longer than SIZE (line 1, column 56)
              hint: windows that leave gaps would lose rows; ADVANCE BY must be at most SIZE
            SELECT a FROM s WINDOW TUMBLING (SIZE 9223372036854775807 DAYS) GROUP BY a EMIT CHANGES
              22003 time out of range (line 1, column 39)
            SELECT 1 EMIT CHANGES
              42601 syntax error at or near "CHANGES" (line 1, column 15)
              hint: expected the end of the statement
            INSERT INTO s VALUES
              42601 syntax error at end of input (line 1, column 21)
              hint: expected (
            INSERT INTO s VALUES (1
              42601 syntax error at end of input (line 1, column 24)
              hint: expected )
            INSERT INTO s VALUES (1) x
              42601 syntax error at or near "x" (line 1, column 26)
              hint: expected the end of the statement
            DEFINE `x` = 'y'
              42601 syntax error at or near "`x`" (line 1, column 8)
              hint: expected the name of a variable: letters, digits and _
            SELECT ${x}
              42704 variable "x" is not defined (line 1, column 8)
              hint: define it with DEFINE x = '…'; $${x} is the text itself
            SELECT '${x y}'
              42601 malformed reference to a variable (line 1, column 9)
              hint: write ${name}, the name made of letters, digits and _; $${name} is the text itself
            PRINT a-b
              42601 syntax error at or near "-" (line 1, column 8)
              hint: expected FROM BEGINNING, INTERVAL, LIMIT or the end of the statement; quote names with other characters: `a-b`
            BEGIN READ WRITE,
              42601 syntax error at end of input (line 1, column 18)
              hint: expected a transaction mode
            COPY s FROM STDIN (FORMAT xml)
              42601 syntax error at or near "xml" (line 1, column 27)
              hint: expected text, csv or binary
            DECLARE c CURSOR FOR DROP STREAM s
              42601 syntax error at or near "DROP" (line 1, column 22)
              hint: expected a query
        "#]],
    );
}

#[test]
fn not_supported() {
    check(
        &[
            "INSERT INTO s SELECT a FROM t",
            "ALTER SYSTEM 'a'='b'",
            "CREATE SOURCE CONNECTOR c WITH (a='b')",
            "DROP CONNECTOR c",
            "DESCRIBE CONNECTOR c",
            "SHOW CONNECTORS",
            "RUN SCRIPT 'x.sql'",
            "CREATE STREAM s (a BYTES HEADER('k'))",
            "CREATE STREAM s (a ARRAY<INT>)",
            "CREATE STREAM s (a INT ARRAY)",
            "CREATE STREAM s (a MAP<STRING, INT>)",
            "CREATE STREAM s (a address)",
            "CREATE STREAM s (a VARCHAR(10))",
            "DELETE FROM t",
            "PREPARE p AS SELECT 1",
            "SELECT a FROM s WINDOW SESSION (5 SECONDS) GROUP BY a EMIT CHANGES",
            "SELECT a FROM s JOIN t WITHIN 1 HOUR ON s.a = t.a EMIT CHANGES",
            "SELECT a FROM s, t EMIT CHANGES",
            "SELECT a FROM (SELECT a FROM s) EMIT CHANGES",
            "SELECT a FROM s WHERE a IN (SELECT b FROM t) EMIT CHANGES",
            "WITH c AS (SELECT 1) SELECT * FROM c EMIT CHANGES",
            "SELECT a FROM s ORDER BY a EMIT CHANGES",
            "SELECT a FROM s UNION ALL SELECT a FROM t EMIT CHANGES",
            "SELECT DISTINCT a FROM s EMIT CHANGES",
            "SELECT SUM(a) OVER (ORDER BY b) FROM s EMIT CHANGES",
            "SELECT a FROM s EMIT CHANGES LIMIT 1 OFFSET 2",
            "SELECT TRANSFORM(a, x => x + 1) FROM s EMIT CHANGES",
            "SELECT a->b FROM s EMIT CHANGES",
            "SELECT a[1] FROM s EMIT CHANGES",
            "SELECT ARRAY[1, 2] FROM s EMIT CHANGES",
            "SELECT STRUCT(a := 1) FROM s EMIT CHANGES",
            "SELECT CAST(a AS ARRAY<INT>) FROM s EMIT CHANGES",
            "SELECT a FROM s GROUP BY ROLLUP (a) EMIT CHANGES",
            "CREATE STREAM t AS SELECT a FROM f(1)",
            "COPY s FROM 'file'",
            "FETCH BACKWARD 1 FROM c",
            "DECLARE c SCROLL CURSOR FOR SELECT 1",
            "COMMIT AND CHAIN",
        ],
        expect![[r#"
            INSERT INTO s SELECT a FROM t
              -- accepted
            ALTER SYSTEM 'a'='b'
              0A000 not supported yet: ALTER SYSTEM (line 1, column 1)
              hint: settings of the server are in its file; SET changes those of the session
            CREATE SOURCE CONNECTOR c WITH (a='b')
              0A000 not supported yet: CREATE CONNECTOR (line 1, column 8)
            DROP CONNECTOR c
              0A000 not supported yet: DROP CONNECTOR (line 1, column 6)
            DESCRIBE CONNECTOR c
              0A000 not supported yet: DESCRIBE CONNECTOR (line 1, column 10)
            SHOW CONNECTORS
              0A000 not supported yet: SHOW CONNECTORS (line 1, column 6)
            RUN SCRIPT 'x.sql'
              42809 RUN SCRIPT is not a statement of the server (line 1, column 1)
              hint: rivermill apply runs it, and psql has \i for files
            CREATE STREAM s (a BYTES HEADER('k'))
              -- accepted
            CREATE STREAM s (a ARRAY<INT>)
              -- accepted
            CREATE STREAM s (a INT ARRAY)
              -- accepted
            CREATE STREAM s (a MAP<STRING, INT>)
              -- accepted
            CREATE STREAM s (a address)
              -- accepted
            CREATE STREAM s (a VARCHAR(10))
              0A000 not supported yet: lengths of VARCHAR (line 1, column 28)
              hint: write VARCHAR or STRING
            DELETE FROM t
              0A000 not supported yet: DELETE (line 1, column 1)
            PREPARE p AS SELECT 1
              0A000 not supported yet: PREPARE (line 1, column 1)
            SELECT a FROM s WINDOW SESSION (5 SECONDS) GROUP BY a EMIT CHANGES
              0A000 not supported yet: SESSION windows (line 1, column 24)
            SELECT a FROM s JOIN t WITHIN 1 HOUR ON s.a = t.a EMIT CHANGES
              0A000 not supported yet: JOIN in a continuous query (line 1, column 17)
            SELECT a FROM s, t EMIT CHANGES
              0A000 not supported yet: several sources in a continuous query (line 1, column 18)
            SELECT a FROM (SELECT a FROM s) EMIT CHANGES
              0A000 not supported yet: a subquery in a continuous query (line 1, column 16)
            SELECT a FROM s WHERE a IN (SELECT b FROM t) EMIT CHANGES
              0A000 not supported yet: a subquery in a continuous query (line 1, column 29)
            WITH c AS (SELECT 1) SELECT * FROM c EMIT CHANGES
              0A000 not supported yet: WITH (common table expressions) in a continuous query (line 1, column 1)
            SELECT a FROM s ORDER BY a EMIT CHANGES
              0A000 not supported yet: ORDER BY in a continuous query (line 1, column 17)
            SELECT a FROM s UNION ALL SELECT a FROM t EMIT CHANGES
              0A000 not supported yet: UNION in a continuous query (line 1, column 17)
            SELECT DISTINCT a FROM s EMIT CHANGES
              0A000 not supported yet: SELECT DISTINCT in a continuous query (line 1, column 8)
            SELECT SUM(a) OVER (ORDER BY b) FROM s EMIT CHANGES
              0A000 not supported yet: OVER in a continuous query (line 1, column 15)
            SELECT a FROM s EMIT CHANGES LIMIT 1 OFFSET 2
              0A000 not supported yet: OFFSET in a continuous query (line 1, column 38)
            SELECT TRANSFORM(a, x => x + 1) FROM s EMIT CHANGES
              -- accepted
            SELECT a->b FROM s EMIT CHANGES
              -- accepted
            SELECT a[1] FROM s EMIT CHANGES
              -- accepted
            SELECT ARRAY[1, 2] FROM s EMIT CHANGES
              -- accepted
            SELECT STRUCT(a := 1) FROM s EMIT CHANGES
              -- accepted
            SELECT CAST(a AS ARRAY<INT>) FROM s EMIT CHANGES
              -- accepted
            SELECT a FROM s GROUP BY ROLLUP (a) EMIT CHANGES
              0A000 not supported yet: GROUPING SETS, CUBE and ROLLUP in a continuous query (line 1, column 1)
            CREATE STREAM t AS SELECT a FROM f(1)
              0A000 not supported yet: a source that is not a plain name in a continuous query (line 1, column 20)
            COPY s FROM 'file'
              0A000 not supported yet: COPY with files and programs (line 1, column 13)
              hint: use STDIN; psql's \copy reads and writes files of the client
            FETCH BACKWARD 1 FROM c
              0A000 not supported yet: FETCH BACKWARD (line 1, column 7)
              hint: cursors move forward only
            DECLARE c SCROLL CURSOR FOR SELECT 1
              0A000 not supported yet: SCROLL cursors (line 1, column 11)
            COMMIT AND CHAIN
              0A000 not supported yet: AND CHAIN (line 1, column 8)
        "#]],
    );
}
