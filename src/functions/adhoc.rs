//! Our functions in ad-hoc SQL, beside DataFusion's.
//!
//! Ad-hoc SQL is Postgres' dialect, so a name that DataFusion has keeps its meaning: ROUND stays DataFusion's. There are
//! two exceptions:
//!
//! - names that Postgres has not, or that DataFusion gives another meaning than Postgres, have ours ([`OURS`]);
//! - functions that take arguments that DataFusion's of the same name do not have both meanings ([`BOTH`]).
//!
//! Whatever Arrow type an argument has (LargeUtf8, FixedSizeList, maps with other names of their fields), DataFusion
//! casts it to the one that our kernels know, because that is what `coerce_types` asks for.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::{aggregate, scalar};

/// DataFusion's `from_unixtime` takes seconds; its `array_remove` removes one element, Postgres' all; its `array_sort`
/// puts NULLs first; the others Postgres has not.
const OURS: &[&str] = &[
    "array_concat",
    "array_contains",
    "array_distinct",
    "array_except",
    "array_intersect",
    "array_join",
    "array_max",
    "array_min",
    "array_remove",
    "array_sort",
    "array_union",
    "from_unixtime",
    "instr",
    "map_keys",
    "map_values",
    "uuid",
];

/// DataFusion's `encode` has two parameters and ours three; our `chr` takes text, too; the others take bytes.
const BOTH: &[&str] = &["chr", "concat", "concat_ws", "encode", "lpad", "rpad"];

/// Adds our functions to DataFusion for ad-hoc SQL.
pub fn register_all(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for udf in scalar::udfs() {
        let name = udf.name();
        match registry.udf(name) {
            Ok(theirs) if BOTH.contains(&name) => {
                let both = Both::new(name, udf.clone(), theirs);
                registry.register_udf(Arc::new(ScalarUDF::new_from_impl(both)))?;
            }
            Ok(_) if !OURS.contains(&name) => {}
            _ => {
                registry.register_udf(udf.clone())?;
            }
        }
    }
    for udaf in aggregate::udafs() {
        if registry.udaf(udaf.name()).is_err() {
            registry.register_udaf(Arc::new(udaf))?;
        }
    }
    Ok(())
}

/// A function with DataFusion's meaning, and with ours where that does not take the arguments or they are bytes.
#[derive(Debug)]
struct Both {
    name: String,
    ours: Arc<ScalarUDF>,
    theirs: Arc<ScalarUDF>,
    signature: Signature,
}

impl Both {
    fn new(name: &str, ours: Arc<ScalarUDF>, theirs: Arc<ScalarUDF>) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { name: name.to_owned(), ours, theirs, signature }
    }

    /// The function for arguments of these types, and what it wants them to be.
    fn choose(&self, types: &[DataType]) -> Result<(&Arc<ScalarUDF>, Vec<DataType>)> {
        let bytes = types.iter().any(DataType::is_binary);
        if bytes && let Ok(types) = self.ours.coerce_types(types) {
            return Ok((&self.ours, types));
        }
        let field = |ty: &DataType| -> FieldRef { Arc::new(Field::new("", ty.clone(), true)) };
        let fields: Vec<_> = types.iter().map(field).collect();
        match fields_with_udf(&fields, self.theirs.as_ref()) {
            Ok(fields) => Ok((&self.theirs, fields.iter().map(|field| field.data_type().clone()).collect())),
            Err(error) => match self.ours.coerce_types(types) {
                Ok(types) => Ok((&self.ours, types)),
                Err(_) => Err(error),
            },
        }
    }
}

impl PartialEq for Both {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Both {}

impl Hash for Both {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Both {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.choose(types)?.1)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.choose(types)?.0.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        self.choose(&types)?.0.return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        self.choose(&types)?.0.invoke_with_args(args)
    }
}

#[cfg(test)]
mod tests {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    use datafusion::prelude::SessionContext;
    use expect_test::{Expect, expect};

    use super::*;

    /// Evaluates expressions over one row of columns: nested ones in Arrow types that are not ours.
    async fn check(expressions: &[&str], expected: Expect) {
        let mut context = SessionContext::new();
        register_all(&mut context).unwrap();
        let columns =
            "SELECT [1, NULL, 3, 1] AS ints, arrow_cast(['b', 'a'], 'LargeList(LargeUtf8)') AS large,
            arrow_cast([1, 2], 'FixedSizeList(2, Int32)') AS fixed, arrow_cast('text', 'Utf8View') AS view,
            MAP {'k2': 2, 'k1': 1} AS map, arrow_cast('yes', 'Binary') AS bytes, [{a: 1}, {a: 1}] AS structs";
        context.sql(&format!("CREATE VIEW t AS {columns}")).await.unwrap();
        let mut lines = Vec::new();
        for expression in expressions {
            let batches = match context.sql(&format!("SELECT {expression} FROM t")).await {
                Ok(frame) => frame.collect().await,
                Err(error) => Err(error),
            };
            lines.push(match batches {
                Ok(batches) => {
                    let options = FormatOptions::default().with_null("NULL");
                    let column = batches[0].column(0);
                    format!("{expression} -> {}", ArrayFormatter::try_new(column, &options).unwrap().value(0))
                }
                Err(error) => format!("{expression} -> error: {}", error.strip_backtrace()),
            });
        }
        expected.assert_eq(&lines.join("\n"));
    }

    #[tokio::test]
    async fn collections() {
        check(
            &[
                "array_sort(ints)",
                "array_sort(large, 'DESC')",
                "array_union(fixed, [2, 5])",
                "array_union(ints, fixed)",
                "array_contains(large, 'a')",
                "array_contains(ints, 4)",
                "array_distinct(structs)",
                "array_remove(ints, 1)",
                "array_join(fixed, '-')",
                "array_length(fixed)",
                "array_max(ints)",
                "slice(ints, 2, 3)",
                "generate_series(1, 3)",
                "map_keys(map)",
                "map_values(map)",
                "entries(map, true)",
                "map_union(map, MAP {'k1': 5})",
                "as_map(large, fixed)",
                "split_to_map('a=1', ';', '=')",
                "split(view, 'x')",
                "greatest(1, NULL, 3)",
                "elt(2, 'a', view)",
                "field('text', view)",
                "coalesce(NULL, ints)",
            ],
            expect![[r#"
                array_sort(ints) -> [1, 1, 3, NULL]
                array_sort(large, 'DESC') -> [b, a]
                array_union(fixed, [2, 5]) -> [1, 2, 5]
                array_union(ints, fixed) -> [1, NULL, 3, 2]
                array_contains(large, 'a') -> true
                array_contains(ints, 4) -> false
                array_distinct(structs) -> [{a: 1}]
                array_remove(ints, 1) -> [NULL, 3]
                array_join(fixed, '-') -> 1-2
                array_length(fixed) -> 2
                array_max(ints) -> 3
                slice(ints, 2, 3) -> [NULL, 3]
                generate_series(1, 3) -> [1, 2, 3]
                map_keys(map) -> [k2, k1]
                map_values(map) -> [2, 1]
                entries(map, true) -> [{K: k1, V: 1}, {K: k2, V: 2}]
                map_union(map, MAP {'k1': 5}) -> {k2: 2, k1: 5}
                as_map(large, fixed) -> {b: 1, a: 2}
                split_to_map('a=1', ';', '=') -> {a: 1}
                split(view, 'x') -> [te, t]
                greatest(1, NULL, 3) -> 3
                elt(2, 'a', view) -> text
                field('text', view) -> 1
                coalesce(NULL, ints) -> [1, NULL, 3, 1]"#]],
        )
        .await;
    }

    #[tokio::test]
    async fn text_and_bytes() {
        check(
            &[
                "from_bytes(bytes, 'hex')",
                "to_bytes(view, 'base64')",
                "encode('616263', 'hex', 'utf8')",
                "encode(bytes, 'hex')",
                "lpad(bytes, 5, bytes)",
                "lpad('a', 3)",
                "concat_ws('-', 'a', 'b')",
                "concat_ws(to_bytes('-', 'utf8'), bytes, bytes)",
                "concat(bytes, bytes)",
                "concat('a', 1)",
                "int_from_bytes(to_bytes('00000001', 'hex'))",
                "len(uuid())",
                "extractjsonfield('{\"a\": [1]}', '$.a[0]')",
                "json_array_contains('[1, 2]', 2)",
                "json_concat('[1]', '2')",
                "json_records('{\"a\": \"b\"}')",
                "json_items('[1, {}]')",
                "is_json_string(view)",
                "as_value(map)",
                "instr('abcabc', 'c', -1)",
                "chr('\\u0041')",
                "chr(66)",
            ],
            expect![[r#"
                from_bytes(bytes, 'hex') -> 796573
                to_bytes(view, 'base64') -> b5ec6d
                encode('616263', 'hex', 'utf8') -> abc
                encode(bytes, 'hex') -> 796573
                lpad(bytes, 5, bytes) -> 7965796573
                lpad('a', 3) ->   a
                concat_ws('-', 'a', 'b') -> a-b
                concat_ws(to_bytes('-', 'utf8'), bytes, bytes) -> 7965732d796573
                concat(bytes, bytes) -> 796573796573
                concat('a', 1) -> a1
                int_from_bytes(to_bytes('00000001', 'hex')) -> 1
                len(uuid()) -> 36
                extractjsonfield('{"a": [1]}', '$.a[0]') -> 1
                json_array_contains('[1, 2]', 2) -> true
                json_concat('[1]', '2') -> [1,2]
                json_records('{"a": "b"}') -> {a: b}
                json_items('[1, {}]') -> [1, {}]
                is_json_string(view) -> false
                as_value(map) -> {k2: 2, k1: 1}
                instr('abcabc', 'c', -1) -> 6
                chr('\u0041') -> A
                chr(66) -> B"#]],
        )
        .await;
    }
}
