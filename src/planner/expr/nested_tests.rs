//! Constructors, subscripts, fields and lambdas, over the rows of [`super::tests`].

use expect_test::expect;

use super::tests::check;

#[test]
fn constructors() {
    check(
        &[
            "ARRAY[I, 2.5, '3']",
            "ARRAY[NULL, 10, '2e1', I, L]",
            "ARRAY[1, CAST(S AS INT)]",
            "ARRAY[]",
            "ARRAY[NULL]",
            "ARRAY[I, TRUE]",
            "MAP('a' := I, S := 2, 10 := NULL)",
            "MAP('a' := NULL)",
            "MAP()",
            "MAP('a', 1)",
            "STRUCT(a := I, `b` := S)",
            "STRUCT()",
            "STRUCT(a := 1, a := 2)",
            "STRUCT(a := NULL)",
            "ARRAY[NULL, STRUCT(x := I, y := L), STRUCT(y := I, z := L)]",
            "STRUCT(f := STRUCT(g := ARRAY[MAP('k' := 1)]))",
        ],
        expect![[r#"
            ARRAY[I, 2.5, '3']  =>  ARRAY<DECIMAL(11, 1)>: [7.0, 2.5, 3.0] | [0.0, 2.5, 3.0] | [NULL, 2.5, 3.0]
            ARRAY[NULL, 10, '2e1', I, L]  =>  ARRAY<DECIMAL(19, 0)>: [NULL, 10, 20, 7, 9223372036854775807] | [NULL, 10, 20, 0, 0] | [NULL, 10, 20, NULL, NULL]
            ARRAY[1, CAST(S AS INT)]  =>  ARRAY<INTEGER>: [1, NULL] | [1, NULL] | [1, NULL]
            ARRAY[]  =>  42804 the type of an empty ARRAY is not known; write at least an element
            ARRAY[NULL]  =>  42804 @7 all elements of ARRAY are NULL; add a CAST to one of the NULLs
            ARRAY[I, TRUE]  =>  42804 @10 operator does not exist: INTEGER = TRUE (BOOLEAN); a CAST may help
            MAP('a' := I, S := 2, 10 := NULL)  =>  MAP<STRING, INTEGER>: {a: 7, a_b\c: 2, 10: NULL} | {a: 0, : 2, 10: NULL} | {a: NULL, null: 2, 10: NULL}
            MAP('a' := NULL)  =>  42804 @1 all values of MAP are NULL; add a CAST to one of the NULLs
            MAP()  =>  42804 @1 the type of an empty MAP is not known; write at least a key and its value
            MAP('a', 1)  =>  42601 @8 syntax error at or near ","; expected ":="
            STRUCT(a := I, `b` := S)  =>  STRUCT<A INTEGER, `b` STRING>: {A: 7, b: a_b\c} | {A: 0, b: } | {A: NULL, b: NULL}
            STRUCT()  =>  STRUCT<>: {} | {} | {}
            STRUCT(a := 1, a := 2)  =>  42701 @16 field "A" specified more than once
            STRUCT(a := NULL)  =>  42804 @13 the type of field "A" is not known; write CAST(NULL AS type)
            ARRAY[NULL, STRUCT(x := I, y := L), STRUCT(y := I, z := L)]  =>  ARRAY<STRUCT<X INTEGER, Y BIGINT, Z BIGINT>>: [NULL, {X: 7, Y: 9223372036854775807, Z: NULL}, {X: NULL, Y: 7, Z: 9223372036854775807}] | [NULL, {X: 0, Y: 0, Z: NULL}, {X: NULL, Y: 0, Z: 0}] | [NULL, {X: NULL, Y: NULL, Z: NULL}, {X: NULL, Y: NULL, Z: NULL}]
            STRUCT(f := STRUCT(g := ARRAY[MAP('k' := 1)]))  =>  STRUCT<F STRUCT<G ARRAY<MAP<STRING, INTEGER>>>>: {F: {G: [{k: 1}]}} | {F: {G: [{k: 1}]}} | {F: {G: [{k: 1}]}}"#]],
    );
}

#[test]
fn access() {
    check(
        &[
            "ARRAY[I, 7][2]",
            "ARRAY[I, 7][-2]",
            "ARRAY[I, 7][0]",
            "ARRAY[I, 7][3]",
            "ARRAY[I, 7][I]",
            "ARRAY[ARRAY[I, 7], ARRAY[8]][1][2]",
            "ARRAY[I, 7]['a']",
            "MAP('a' := I)['a']",
            "MAP('a' := I, 'a' := 4)['a']",
            "MAP('a' := I)['b']",
            "MAP('a' := I)[S]",
            "MAP('a' := I)->a",
            "STRUCT(a := I, b := S)->b",
            "STRUCT(a := I)->c",
            "STRUCT(a := I)['a']",
            "STRUCT(a := I)->*",
            "-STRUCT(a := I)->a * 2",
            "STRUCT(a := STRUCT(b := I))->a->b + 1",
            "T.I->x",
            "I[1]",
        ],
        expect![[r#"
            ARRAY[I, 7][2]  =>  INTEGER: 7 | 7 | 7
            ARRAY[I, 7][-2]  =>  INTEGER: 7 | 0 | NULL
            ARRAY[I, 7][0]  =>  INTEGER: NULL | NULL | NULL
            ARRAY[I, 7][3]  =>  INTEGER: NULL | NULL | NULL
            ARRAY[I, 7][I]  =>  INTEGER: NULL | NULL | NULL
            ARRAY[ARRAY[I, 7], ARRAY[8]][1][2]  =>  INTEGER: 7 | 7 | 7
            ARRAY[I, 7]['a']  =>  42804 @13 an array is subscripted by an INTEGER, not 'a' (STRING)
            MAP('a' := I)['a']  =>  INTEGER: 7 | 0 | NULL
            MAP('a' := I, 'a' := 4)['a']  =>  INTEGER: 4 | 4 | 4
            MAP('a' := I)['b']  =>  INTEGER: NULL | NULL | NULL
            MAP('a' := I)[S]  =>  INTEGER: NULL | NULL | NULL
            MAP('a' := I)->a  =>  42809 @16 MAP('a' := I) (MAP<STRING, INTEGER>) is no STRUCT and has no field A
            STRUCT(a := I, b := S)->b  =>  STRING: a_b\c |  | NULL
            STRUCT(a := I)->c  =>  42703 @17 field C of STRUCT(A := I) does not exist; there are A
            STRUCT(a := I)['a']  =>  42809 @16 STRUCT(A := I) (STRUCT<A INTEGER>) has fields, not elements; write STRUCT(A := I)->name
            STRUCT(a := I)->*  =>  42601 @17 ->* stands for columns: it belongs into the SELECT list
            -STRUCT(a := I)->a * 2  =>  INTEGER: -14 | 0 | NULL
            STRUCT(a := STRUCT(b := I))->a->b + 1  =>  INTEGER: 8 | 1 | NULL
            T.I->x  =>  42809 @6 I (INTEGER) is no STRUCT and has no field X
            I[1]  =>  42809 @3 I (INTEGER) is no ARRAY and no MAP and has no elements"#]],
    );
}

#[test]
fn casts() {
    check(
        &[
            "CAST(ARRAY[I, NULL] AS ARRAY<STRING>)",
            "CAST(ARRAY['1', '2'] AS ARRAY<BIGINT>)",
            "CAST(MAP('a' := I) AS MAP<STRING, DOUBLE>)",
            "CAST(STRUCT(a := I, b := S) AS STRUCT<b STRING, c INT ARRAY>)",
            "CAST(ARRAY[ARRAY[1]] AS ARRAY<ARRAY<STRING>>)",
            "CAST(ARRAY[STRUCT(a := I, `b` := S)] AS STRING)",
            "CAST(MAP('a' := 1.50, 'b' := NULL) AS STRING)",
            "CAST('a' AS ARRAY<INT>)",
            "CAST(ARRAY[1] AS INT)",
            "CAST(I AS NOWHERE)",
            "CAST(I AS ARRAY<NOWHERE>)",
            "CAST(I AS ARRAY<INT)",
        ],
        expect![[r#"
            CAST(ARRAY[I, NULL] AS ARRAY<STRING>)  =>  ARRAY<STRING>: [7, NULL] | [0, NULL] | [NULL, NULL]
            CAST(ARRAY['1', '2'] AS ARRAY<BIGINT>)  =>  ARRAY<BIGINT>: [1, 2] | [1, 2] | [1, 2]
            CAST(MAP('a' := I) AS MAP<STRING, DOUBLE>)  =>  MAP<STRING, DOUBLE>: {a: 7.0} | {a: 0.0} | {a: NULL}
            CAST(STRUCT(a := I, b := S) AS STRUCT<b STRING, c INT ARRAY>)  =>  STRUCT<B STRING, C ARRAY<INTEGER>>: {B: a_b\c, C: NULL} | {B: , C: NULL} | {B: NULL, C: NULL}
            CAST(ARRAY[ARRAY[1]] AS ARRAY<ARRAY<STRING>>)  =>  ARRAY<ARRAY<STRING>>: [[1]] | [[1]] | [[1]]
            CAST(ARRAY[STRUCT(a := I, `b` := S)] AS STRING)  =>  STRING: [Struct{A=7,b=a_b\c}] | [Struct{A=0,b=}] | [Struct{}]
            CAST(MAP('a' := 1.50, 'b' := NULL) AS STRING)  =>  STRING: {a=1.50, b=null} | {a=1.50, b=null} | {a=1.50, b=null}
            CAST('a' AS ARRAY<INT>)  =>  42846 @6 cannot cast 'a' (STRING) to ARRAY<INTEGER>
            CAST(ARRAY[1] AS INT)  =>  42846 @12 cannot cast ARRAY[1] (ARRAY<INTEGER>) to INTEGER
            CAST(I AS NOWHERE)  =>  42704 @6 type "NOWHERE" does not exist; types are BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, TIME, TIMESTAMP, ARRAY<T>, MAP<K, V>, STRUCT<name T, …> and those of SHOW TYPES
            CAST(I AS ARRAY<NOWHERE>)  =>  42704 @6 type "NOWHERE" does not exist; types are BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, TIME, TIMESTAMP, ARRAY<T>, MAP<K, V>, STRUCT<name T, …> and those of SHOW TYPES
            CAST(I AS ARRAY<INT)  =>  42601 @6 syntax error at end of input; expected ">""#]],
    );
}

#[test]
fn comparisons() {
    check(
        &[
            "ARRAY[I, 1] = ARRAY[1, 1]",
            "ARRAY[I] <> ARRAY[1.0]",
            "MAP('a' := 1, 'b' := 2) = MAP('b' := 2, 'a' := 1)",
            "STRUCT(a := I) = STRUCT(a := 1)",
            "ARRAY[1] < ARRAY[2]",
            "ARRAY[1] = 1",
            "ARRAY[L] IN (ARRAY[1, 2], ARRAY['3'], ARRAY[I])",
            "STRUCT(a := L) IN (STRUCT(a := '1', b := 2), STRUCT(a := 1))",
            "STRUCT(a := L) IN (STRUCT(a := 'x'))",
            "ARRAY[I] IS DISTINCT FROM ARRAY[1]",
            "CAST(NULL AS ARRAY<INT>) IS NOT DISTINCT FROM NULL",
            "CAST(NULL AS ARRAY<INT>) = ARRAY[1]",
            "STRUCT(a := I, b := S) IN (STRUCT(b := '', a := 0), STRUCT(a := 7))",
            "ARRAY['1', S] IN (ARRAY[1, 2])",
            "I IN ('7', '0.0', '1e1')",
            "I IN ('x')",
            "S IN (1, TRUE)",
            "CASE WHEN I = 1 THEN STRUCT(a := 1) ELSE STRUCT(b := 2) END",
        ],
        expect![[r#"
            ARRAY[I, 1] = ARRAY[1, 1]  =>  BOOLEAN: false | false | false
            ARRAY[I] <> ARRAY[1.0]  =>  BOOLEAN: true | true | true
            MAP('a' := 1, 'b' := 2) = MAP('b' := 2, 'a' := 1)  =>  BOOLEAN: true | true | true
            STRUCT(a := I) = STRUCT(a := 1)  =>  BOOLEAN: false | false | false
            ARRAY[1] < ARRAY[2]  =>  42804 @7 cannot compare ARRAY[1] (ARRAY<INTEGER>) with ARRAY[2] (ARRAY<INTEGER>) by <; a CAST of one side may help
            ARRAY[1] = 1  =>  42804 @7 cannot compare ARRAY[1] (ARRAY<INTEGER>) with 1 (INTEGER) by =; a CAST of one side may help
            ARRAY[L] IN (ARRAY[1, 2], ARRAY['3'], ARRAY[I])  =>  BOOLEAN: false | true | true
            STRUCT(a := L) IN (STRUCT(a := '1', b := 2), STRUCT(a := 1))  =>  BOOLEAN: false | false | false
            STRUCT(a := L) IN (STRUCT(a := 'x'))  =>  22P02 @20 invalid input syntax for type BIGINT: "x"
            ARRAY[I] IS DISTINCT FROM ARRAY[1]  =>  BOOLEAN: true | true | true
            CAST(NULL AS ARRAY<INT>) IS NOT DISTINCT FROM NULL  =>  BOOLEAN: true | true | true
            CAST(NULL AS ARRAY<INT>) = ARRAY[1]  =>  BOOLEAN: NULL | NULL | NULL
            STRUCT(a := I, b := S) IN (STRUCT(b := '', a := 0), STRUCT(a := 7))  =>  BOOLEAN: false | true | false
            ARRAY['1', S] IN (ARRAY[1, 2])  =>  BOOLEAN: false | false | false
            I IN ('7', '0.0', '1e1')  =>  BOOLEAN: true | true | NULL
            I IN ('x')  =>  22P02 @7 invalid input syntax for type INTEGER: 'x'
            S IN (1, TRUE)  =>  BOOLEAN: false | false | NULL
            CASE WHEN I = 1 THEN STRUCT(a := 1) ELSE STRUCT(b := 2) END  =>  STRUCT<A INTEGER, B INTEGER>: {A: NULL, B: 2} | {A: NULL, B: 2} | {A: NULL, B: 2}"#]],
    );
}

#[test]
fn lambdas() {
    check(
        &[
            "TRANSFORM(ARRAY[I, 2], x => x + 5)",
            "TRANSFORM(ARRAY[S, 'b'], x => UCASE(x))",
            "TRANSFORM(ARRAY[1, 2], x => x * I)",
            "TRANSFORM(ARRAY[1, 2], x => TRANSFORM(ARRAY[10, 20], y => x * y + I))",
            "TRANSFORM(MAP('a' := I, 'b' := 1), (k, v) => UCASE(k), (k, v) => v + 1)",
            "TRANSFORM(MAP('a' := 1, 'b' := 2), (k, v) => 'same', (k, v) => v)",
            "FILTER(ARRAY[I, 2, NULL], x => x > 1)",
            "FILTER(MAP('a' := I, 'b' := 1), (k, v) => k = 'b' OR v > 1)",
            "REDUCE(ARRAY[1, 2, 3], I, (s, x) => s + x)",
            "REDUCE(ARRAY[1, L], 0, (s, x) => s + x / 2)",
            "REDUCE(MAP('a' := 1, 'b' := 2), '', (s, k, v) => s + k + CAST(v AS STRING))",
            "REDUCE(CAST(NULL AS ARRAY<INT>), 2, (s, x) => s + x)",
            "REDUCE(FILTER(TRANSFORM(ARRAY[1, 2, 3], x => x * I), x => x > 7), 0, (s, x) => s + x)",
            "TRANSFORM(ARRAY[1], x => y)",
            "TRANSFORM(ARRAY[1], (x, y) => x)",
            "TRANSFORM(ARRAY[1], (x, x) => x)",
            "TRANSFORM(1, x => x)",
            "FILTER(ARRAY[1], x => x)",
            "REDUCE(ARRAY[1], 'a', (s, x) => x)",
            "LCASE(x => x)",
            "x => x",
            "TRANSFORM(ARRAY[1], x => x => x)",
            "TRANSFORM(ARRAY[1], x => )",
            "TRANSFORM(ARRAY[STRUCT(a := I, b := S)], r => STRUCT(c := r->a + 1, d := r->b))",
        ],
        expect![[r#"
            TRANSFORM(ARRAY[I, 2], x => x + 5)  =>  ARRAY<INTEGER>: [12, 7] | [5, 7] | !TRANSFORM: arithmetic with NULL in a lambda (row by row)
            TRANSFORM(ARRAY[S, 'b'], x => UCASE(x))  =>  ARRAY<STRING>: [A_B\C, B] | [, B] | [NULL, B]
            TRANSFORM(ARRAY[1, 2], x => x * I)  =>  ARRAY<INTEGER>: [7, 14] | [0, 0] | !TRANSFORM: arithmetic with NULL in a lambda (row by row)
            TRANSFORM(ARRAY[1, 2], x => TRANSFORM(ARRAY[10, 20], y => x * y + I))  =>  ARRAY<ARRAY<INTEGER>>: [[17, 27], [27, 47]] | [[10, 20], [20, 40]] | !TRANSFORM: TRANSFORM: arithmetic with NULL in a lambda (row by row)
            TRANSFORM(MAP('a' := I, 'b' := 1), (k, v) => UCASE(k), (k, v) => v + 1)  =>  MAP<STRING, INTEGER>: {A: 8, B: 2} | {A: 1, B: 2} | !TRANSFORM: arithmetic with NULL in a lambda (row by row)
            TRANSFORM(MAP('a' := 1, 'b' := 2), (k, v) => 'same', (k, v) => v)  =>  MAP<STRING, INTEGER>: {same: 2} | {same: 2} | {same: 2}
            FILTER(ARRAY[I, 2, NULL], x => x > 1)  =>  ARRAY<INTEGER>: [7, 2] | [2] | [2]
            FILTER(MAP('a' := I, 'b' := 1), (k, v) => k = 'b' OR v > 1)  =>  MAP<STRING, INTEGER>: {a: 7, b: 1} | {b: 1} | {b: 1}
            REDUCE(ARRAY[1, 2, 3], I, (s, x) => s + x)  =>  INTEGER: 13 | 6 | !REDUCE: arithmetic with NULL in a lambda (row by row)
            REDUCE(ARRAY[1, L], 0, (s, x) => s + x / 2)  =>  BIGINT: 4611686018427387903 | 0 | !REDUCE: arithmetic with NULL in a lambda (row by row)
            REDUCE(MAP('a' := 1, 'b' := 2), '', (s, k, v) => s + k + CAST(v AS STRING))  =>  STRING: a1b2 | a1b2 | a1b2
            REDUCE(CAST(NULL AS ARRAY<INT>), 2, (s, x) => s + x)  =>  INTEGER: 2 | 2 | 2
            REDUCE(FILTER(TRANSFORM(ARRAY[1, 2, 3], x => x * I), x => x > 7), 0, (s, x) => s + x)  =>  INTEGER: 35 | 0 | !TRANSFORM: arithmetic with NULL in a lambda (row by row)
            TRANSFORM(ARRAY[1], x => y)  =>  ARRAY<BYTES>: [616263] | [] | [NULL]
            TRANSFORM(ARRAY[1], (x, y) => x)  =>  42883 @1 function TRANSFORM(ARRAY<INTEGER>, (A, B) => …) does not exist; the function is there as TRANSFORM(array ARRAY<T>, function (T) => R) -> ARRAY<R>, TRANSFORM(map MAP<K, V>, biFunction1 (K, V) => R, biFunction2 (K, V) => T) -> MAP<R, T>
            TRANSFORM(ARRAY[1], (x, x) => x)  =>  42701 @21 parameter X specified more than once
            TRANSFORM(1, x => x)  =>  42883 @1 function TRANSFORM(INTEGER, (A) => …) does not exist; the function is there as TRANSFORM(array ARRAY<T>, function (T) => R) -> ARRAY<R>, TRANSFORM(map MAP<K, V>, biFunction1 (K, V) => R, biFunction2 (K, V) => T) -> MAP<R, T>
            FILTER(ARRAY[1], x => x)  =>  42804 @1 the lambda of FILTER gives INTEGER, but BOOLEAN was expected
            REDUCE(ARRAY[1], 'a', (s, x) => x)  =>  42804 @1 the lambda of REDUCE gives INTEGER, but STRING was expected
            LCASE(x => x)  =>  42883 @1 function LCASE((A) => …) does not exist; the function is there as LCASE(input STRING) -> STRING
            x => x  =>  42601 @3 syntax error at or near "=>"; a lambda is an argument of a function: TRANSFORM(a, x => x + 1)
            TRANSFORM(ARRAY[1], x => x => x)  =>  42601 @28 syntax error at or near "=>"; a lambda is an argument of a function: TRANSFORM(a, x => x + 1)
            TRANSFORM(ARRAY[1], x => )  =>  42601 @26 syntax error at or near ")"; expected an expression
            TRANSFORM(ARRAY[STRUCT(a := I, b := S)], r => STRUCT(c := r->a + 1, d := r->b))  =>  ARRAY<STRUCT<C INTEGER, D STRING>>: [{C: 8, D: a_b\c}] | [{C: 1, D: }] | [{C: NULL, D: NULL}]"#]],
    );
}
