//! Continuous and ad-hoc queries.

use expect_test::{Expect, expect};

use super::shown;

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&shown(text));
}

#[test]
fn continuous() {
    check(
        "SELECT * FROM s EMIT CHANGES;
         SELECT a, b + 1 AS c, s.d FROM s AS s2 WHERE a IS DISTINCT FROM b AND c LIKE 'x%' EMIT CHANGES LIMIT 5;
         CREATE STREAM t WITH (PARTITIONS=2) AS SELECT a FROM s PARTITION BY a;
         CREATE STREAM t AS SELECT a FROM s WHERE a > 1 PARTITION BY (a, f(b)) EMIT CHANGES;
         CREATE STREAM t AS SELECT a FROM s PARTITION BY NULL EMIT CHANGES;
         CREATE TABLE t AS SELECT k, COUNT(*) AS n, WINDOWSTART FROM s WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 2 DAYS, GRACE PERIOD 0 SECONDS)
           WHERE a<-1 GROUP BY k HAVING COUNT(*) > 2 EMIT FINAL;
         CREATE TABLE t AS SELECT k, SUM(p) FROM s WINDOW HOPPING (SIZE 30 SECONDS, ADVANCE BY 10 SECONDS) GROUP BY (k, j) EMIT CHANGES;
         SELECT emit, window FROM s EMIT CHANGES",
        expect![[r#"
            1:1 push 1:1 SELECT * FROM S | window None | partition None | emit Some(Changes) | limit None
            2:10 push 2:10 SELECT A, B + 1 AS C, S.D FROM S AS S2 WHERE A IS DISTINCT FROM B AND C LIKE 'x%' | window None | partition None | emit Some(Changes) | limit Some(5)
            3:10 create stream (false, false) T with [PARTITIONS=Number("2")] as 3:49 SELECT A FROM S | window None | partition Some("3:65 (A)") | emit None | limit None
            4:10 create stream (false, false) T with [] as 4:29 SELECT A FROM S WHERE A > 1 | window None | partition Some("4:57 (A, F(B))") | emit Some(Changes) | limit None
            5:10 create stream (false, false) T with [] as 5:29 SELECT A FROM S | window None | partition Some("5:45 ()") | emit Some(Changes) | limit None
            6:10 create table (false, false) T with [] as 6:28 SELECT K, COUNT(*) AS N, WINDOWSTART FROM S WHERE A < -1 GROUP BY K HAVING COUNT(*) > 2 | window Some((Tumbling { size_ms: 3600000 }, Some(172800000), Some(0), "6:72")) | partition None | emit Some(Final) | limit None
            8:10 create table (false, false) T with [] as 8:28 SELECT K, SUM(P) FROM S GROUP BY (K, J) | window Some((Hopping { size_ms: 30000, advance_ms: 10000 }, None, None, "8:52")) | partition None | emit Some(Changes) | limit None
            9:10 push 9:10 SELECT EMIT, WINDOW FROM S | window None | partition None | emit Some(Changes) | limit None
        "#]],
    );
}

#[test]
fn ad_hoc() {
    check(
        "SELECT a::INT, b ILIKE 'x', $1, INTERVAL '5 minutes', count(*) FILTER (WHERE x > 1), E'a\\n', ARRAY[1,2] FROM t ORDER BY a DESC NULLS LAST LIMIT 3;
         WITH c AS (SELECT 1 AS `one`) SELECT DISTINCT ON (one) row_number() OVER (PARTITION BY a ORDER BY b) FROM c JOIN \"d\" USING (x);
         VALUES (1), (2); TABLE t; (SELECT 1) UNION ALL SELECT 2;
         SELECT c.relname FROM pg_catalog.pg_class c JOIN Information_Schema.Tables t ON true;
         SELECT extract(epoch from ts), x AT TIME ZONE 'UTC', 1e3, 1_000, a@b FROM tab1e WHERE k IN (1, 2)",
        expect![[r#"
            1:1 ad hoc SELECT A::INT, B ILIKE 'x', $1, INTERVAL '5 minutes', COUNT(*) FILTER (WHERE X > 1), E'a\n', ARRAY[1, 2] FROM T ORDER BY A DESC NULLS LAST LIMIT 3
            2:10 ad hoc WITH C AS (SELECT 1 AS `one`) SELECT DISTINCT ON (ONE) ROW_NUMBER() OVER (PARTITION BY A ORDER BY B) FROM C JOIN "d" USING(X)
            3:10 ad hoc VALUES (1), (2)
            3:27 ad hoc TABLE T
            3:36 ad hoc (SELECT 1) UNION ALL SELECT 2
            4:10 ad hoc SELECT C.RELNAME FROM pg_catalog.pg_class C JOIN information_schema.tables T ON true
            5:10 ad hoc SELECT EXTRACT(EPOCH FROM TS), X AT TIME ZONE 'UTC', 1e3, 1_000, A@B FROM TAB1E WHERE K IN (1, 2)
        "#]],
    );
}
