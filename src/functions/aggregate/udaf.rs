//! Our aggregates in ad-hoc SQL, where DataFusion has none of their names.
//!
//! DataFusion adds groups up in parts and joins these. Ours have no such step: what is handed on are the rows themselves,
//! and they are taken in when the result is asked for. Those whose meaning is the order of a topic are left out: rows of a
//! table have none.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, plan_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator as DataFusionAccumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Literal;

use super::{AggregateFunction, Argument, Factory, Options, ResolvedAggregate, aggregates, resolve};
use crate::functions::types::sql_type;
use crate::sql::SqlType;

/// The aggregates that mean the same whatever the order of the rows, or as much as ARRAY_AGG does.
const WITHOUT_ORDER: &[&str] = &[
    "ATTR",
    "COLLECT_LIST",
    "COLLECT_SET",
    "CORRELATION",
    "COUNT_DISTINCT",
    "HISTOGRAM",
    "STDDEV_SAMPLE",
    "SUM_LIST",
    "TOPK",
    "TOPKDISTINCT",
];

/// Aggregates for ad-hoc SQL, with their names in lower case.
pub fn udafs() -> impl Iterator<Item = AggregateUDF> {
    aggregates().iter().filter(|function| WITHOUT_ORDER.contains(&function.name())).map(|function| {
        AggregateUDF::new_from_impl(Udaf {
            function: function.clone(),
            name: function.name().to_ascii_lowercase(),
            signature: Signature::user_defined(Volatility::Immutable),
        })
    })
}

#[derive(Debug)]
struct Udaf {
    function: Arc<dyn AggregateFunction>,
    name: String,
    signature: Signature,
}

// Names are unique in the registry.
impl PartialEq for Udaf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Udaf {}

impl Hash for Udaf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Udaf {
    /// The overload for arguments of these types, and the types to convert to, those of constants included. `constants` are
    /// known when rows come only; before that any number stands for them.
    fn resolve(
        &self,
        types: &[DataType],
        constants: &[Option<ScalarValue>],
    ) -> Result<(ResolvedAggregate, Vec<SqlType>)> {
        let constants_at = types.len() - self.function.constants(0).min(types.len());
        let mut known = Vec::with_capacity(types.len());
        for (i, ty) in types.iter().enumerate() {
            let ty = match ty {
                DataType::Null => None,
                // Whole numbers are BIGINT here, and INT in the dialect.
                DataType::Int64 if i >= constants_at => Some(SqlType::Int),
                ty => Some(
                    sql_type(ty).ok_or_else(|| plan_datafusion_err!("{} of {ty} is not there", self.name))?,
                ),
            };
            let given = constants.get(i).cloned().flatten();
            let constant = (i >= constants_at).then(|| given.unwrap_or(ScalarValue::Int32(Some(1))));
            known.push(Argument { ty, constant });
        }
        let resolved = resolve(&self.function, &known, Options::default()).map_err(|error| {
            plan_datafusion_err!("{error}{}", error.hint.as_ref().map_or(String::new(), |h| format!("; {h}")))
        })?;
        let constants = known.into_iter().skip(resolved.columns.len()).filter_map(|argument| argument.ty);
        let all = resolved.columns.iter().cloned().chain(constants).collect();
        Ok((resolved, all))
    }
}

impl AggregateUDFImpl for Udaf {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(self.resolve(types, &[])?.0.returns.arrow())
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.resolve(types, &[])?.1.iter().map(SqlType::arrow).collect())
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let types: Vec<DataType> = args.input_fields.iter().map(|field| field.data_type().clone()).collect();
        let (resolved, _) = self.resolve(&types, &[])?;
        Ok(vec![Arc::new(Field::new("rows", DataType::List(item(&resolved.columns)), true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn DataFusionAccumulator>> {
        let types: Vec<DataType> = args.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        let constants: Vec<Option<ScalarValue>> = args
            .exprs
            .iter()
            .map(|expr| expr.downcast_ref::<Literal>().map(|literal| literal.value().clone()))
            .collect();
        let (resolved, _) = self.resolve(&types, &constants)?;
        Ok(Box::new(Rows { columns: resolved.columns, make: resolved.make, batches: Vec::new() }))
    }
}

/// Rows of a group as the items of a list.
fn item(columns: &[SqlType]) -> FieldRef {
    let column = |(i, ty): (usize, &SqlType)| Field::new(format!("c{i}"), ty.arrow(), true);
    let columns: Fields = columns.iter().enumerate().map(column).collect();
    Arc::new(Field::new("item", DataType::Struct(columns), true))
}

/// The rows of one group.
#[derive(Debug)]
struct Rows {
    columns: Vec<SqlType>,
    make: Factory,
    batches: Vec<Vec<ArrayRef>>,
}

impl DataFusionAccumulator for Rows {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let columns: Vec<ArrayRef> = values.iter().take(self.columns.len()).cloned().collect();
        if columns.first().is_some_and(|column| !column.is_empty()) {
            self.batches.push(columns);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut accumulator = self.make.make();
        accumulator.resize(1);
        for columns in &self.batches {
            let slots = vec![0; columns.first().map_or(0, |column| column.len())];
            let mut failed = Vec::new();
            accumulator.update(&slots, columns, &mut failed);
            if let Some((_, error)) = failed.into_iter().next() {
                return Err(exec_datafusion_err!("{error}"));
            }
        }
        ScalarValue::try_from_array(&accumulator.evaluate(&[0]), 0)
    }

    fn size(&self) -> usize {
        let columns = self.batches.iter().flatten();
        size_of::<Self>() + columns.map(|column| column.get_array_memory_size()).sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let item = item(&self.columns);
        let DataType::Struct(fields) = item.data_type() else {
            return Err(exec_datafusion_err!("rows are no structs"));
        };
        let mut columns = Vec::with_capacity(fields.len());
        for (i, field) in fields.iter().enumerate() {
            let parts: Vec<&dyn Array> =
                self.batches.iter().filter_map(|batch| batch.get(i)).map(|column| column.as_ref()).collect();
            columns.push(match parts.is_empty() {
                true => new_null_array(field.data_type(), 0),
                false => concat(&parts)?,
            });
        }
        let rows = StructArray::try_new(fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths([rows.len()]);
        Ok(vec![ScalarValue::List(Arc::new(ListArray::try_new(item, offsets, Arc::new(rows), None)?))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states.first().and_then(|state| state.as_list_opt::<i32>());
        let lists = lists.ok_or_else(|| exec_datafusion_err!("the rows of a group are no list"))?;
        for rows in lists.iter().flatten() {
            let columns = rows.as_struct_opt().map(|rows| rows.columns().to_vec());
            self.update_batch(&columns.unwrap_or_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::prelude::{SessionConfig, SessionContext};
    use expect_test::expect;

    use crate::functions::adhoc::register_all;

    #[tokio::test]
    async fn aggregates_of_ours_in_ad_hoc_sql() {
        // Several partitions, so that groups are added up in parts.
        let mut context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(3));
        register_all(&mut context).unwrap();
        let sql = "SELECT k, topk(x, 2) t, topk(x, s, 1) ts, collect_set(s) c, histogram(s) h, attr(s) a,
                count_distinct(x) d, sum_list([x, 1]) l, stddev_sample(x) sd, correlation(x, x * 2) co
            FROM (VALUES ('a', 1, 'x'), ('a', 3, 'x'), ('b', 2, 'y'), ('a', 3, NULL), ('b', NULL, 'z')) t (k, x, s)
            GROUP BY k ORDER BY k";
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        expect![[r#"
            +---+--------+--------------------------+--------+--------------+---+---+----+--------------------+-----+
            | k | t      | ts                       | c      | h            | a | d | l  | sd                 | co  |
            +---+--------+--------------------------+--------+--------------+---+---+----+--------------------+-----+
            | a | [3, 3] | [{sort_col: 3, col0: x}] | [x, ]  | {x: 2}       |   | 2 | 10 | 1.1547005383792515 | 1.0 |
            | b | [2]    | [{sort_col: 2, col0: y}] | [y, z] | {y: 1, z: 1} |   | 1 | 4  | 0.0                | NaN |
            +---+--------+--------------------------+--------+--------------+---+---+----+--------------------+-----+"#]].assert_eq(&pretty_format_batches(&batches).unwrap().to_string());
        let error = context.sql("SELECT topk(x, 0) FROM (VALUES (1)) t (x)").await.unwrap().collect().await;
        expect!["Error during planning: k must lie between 1 and 100000, not be 0"]
            .assert_eq(&error.unwrap_err().strip_backtrace());
        let error = context.sql("SELECT histogram(x) FROM (VALUES (1)) t (x)").await;
        expect![[r#"
            Error during planning: Execution error: Function 'histogram' user-defined coercion failed with: Error during planning: function HISTOGRAM(BIGINT) does not exist; the function is there as HISTOGRAM(value STRING) -> MAP<STRING, BIGINT>. No function matches the given name and argument types 'histogram(Int64)'. You might need to add explicit type casts.
            	Candidate functions:
            	histogram(UserDefined)"#]].assert_eq(&error.unwrap_err().strip_backtrace());
    }
}
