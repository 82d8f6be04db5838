//! One registry of functions for continuous and ad-hoc SQL.
//!
//! Continuous queries find scalar functions with [`scalar::resolve`] and aggregates with [`aggregate::find`]. Ad-hoc SQL
//! speaks Postgres' dialect through DataFusion; [`adhoc`] adds to it what DataFusion has not.

pub mod adhoc;
pub mod aggregate;
pub mod cast;
pub mod decimal;
#[cfg(test)]
mod docs;
pub mod nested;
pub mod scalar;
pub mod suggest;
pub mod table;
pub mod text;
pub mod types;

use arrow::error::ArrowError;
use datafusion::common::DataFusionError;

pub use adhoc::register_all;
pub use aggregate::aggregates;
pub use scalar::scalars;

/// A function as SHOW FUNCTIONS shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionInfo {
    pub name: &'static str,
    pub kind: FunctionKind,
    /// Such as `LEN(STRING)`.
    pub signatures: Vec<String>,
    pub summary: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    Scalar,
    Aggregate,
    Table,
}

impl std::fmt::Display for FunctionKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FunctionKind::Scalar => "scalar",
            FunctionKind::Aggregate => "aggregate",
            FunctionKind::Table => "table",
        })
    }
}

/// All functions, in order of their names. One that has several names is there under each.
pub fn list() -> Vec<FunctionInfo> {
    let scalars = scalars().flat_map(|f| {
        std::iter::once(f.name).chain(scalar::aliases_of(f.name)).map(|name| FunctionInfo {
            name,
            kind: FunctionKind::Scalar,
            signatures: scalar::signatures_as(f, name),
            summary: f.summary,
        })
    });
    let aggregates = aggregates().iter().map(|f| FunctionInfo {
        name: f.name(),
        kind: FunctionKind::Aggregate,
        signatures: aggregate::signatures(f.as_ref()),
        summary: f.summary(),
    });
    let tables = table::table_functions().iter().map(|f| FunctionInfo {
        name: f.name,
        kind: FunctionKind::Table,
        signatures: vec![format!("{}{}", f.name, f.signature)],
        summary: f.summary,
    });
    let mut all: Vec<_> = scalars.chain(aggregates).chain(tables).collect();
    all.sort_by_key(|f| f.name);
    all
}

/// An evaluation's error as a user should read it: DataFusion's own words around it are left out.
pub fn error_text(error: &DataFusionError) -> String {
    match error.find_root() {
        DataFusionError::Execution(text) => text.clone(),
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::DivideByZero => "division by zero".to_owned(),
            ArrowError::ArithmeticOverflow(text) => format!("the result is out of range: {text}"),
            ArrowError::CastError(text) | ArrowError::ComputeError(text) => text.clone(),
            other => other.to_string(),
        },
        other => other.strip_backtrace(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::prelude::SessionContext;
    use expect_test::expect;

    use super::*;

    #[tokio::test]
    async fn ad_hoc_sql_knows_our_functions() {
        let mut context = SessionContext::new();
        register_all(&mut context).unwrap();
        let sql = "SELECT UCASE('a') a, len('abc') b, unix_timestamp(TIMESTAMP '1970-01-01T00:00:01') c,
            lcase(x) d, round(2.5) e FROM (VALUES ('B'), (NULL)) t (x)";
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        expect![[r#"
            +---+---+------+---+-----+
            | a | b | c    | d | e   |
            +---+---+------+---+-----+
            | A | 3 | 1000 | b | 3.0 |
            | A | 3 | 1000 |   | 3.0 |
            +---+---+------+---+-----+"#]]
        .assert_eq(&pretty_format_batches(&batches).unwrap().to_string());
        let error = context.sql("SELECT lcase(1)").await.unwrap_err().strip_backtrace();
        expect![[r#"
            Error during planning: Execution error: Function 'lcase' user-defined coercion failed with: Error during planning: function LCASE(BIGINT) does not exist; the function is there as LCASE(input STRING) -> STRING. No function matches the given name and argument types 'lcase(Int64)'. You might need to add explicit type casts.
            	Candidate functions:
            	lcase(UserDefined)"#]].assert_eq(&error);
    }

    #[test]
    fn functions_are_listed_by_name() {
        let scalars = list().into_iter().filter(|f| f.kind == FunctionKind::Scalar);
        let names: Vec<_> = scalars.map(|f| format!("{} {}", f.name, f.kind)).collect();
        expect![[r#"
            ABS scalar
            ACOS scalar
            ARRAY_CONCAT scalar
            ARRAY_CONTAINS scalar
            ARRAY_DISTINCT scalar
            ARRAY_EXCEPT scalar
            ARRAY_INTERSECT scalar
            ARRAY_JOIN scalar
            ARRAY_LENGTH scalar
            ARRAY_MAX scalar
            ARRAY_MIN scalar
            ARRAY_REMOVE scalar
            ARRAY_SORT scalar
            ARRAY_UNION scalar
            ASIN scalar
            AS_MAP scalar
            AS_VALUE scalar
            ATAN scalar
            ATAN2 scalar
            BIGINT_FROM_BYTES scalar
            BTRIM scalar
            CBRT scalar
            CEIL scalar
            CEILING scalar
            CHARACTER_LENGTH scalar
            CHAR_LENGTH scalar
            CHR scalar
            COALESCE scalar
            CONCAT scalar
            CONCAT_WS scalar
            CONVERT_TZ scalar
            COS scalar
            COSH scalar
            COT scalar
            CURRENT_DATE scalar
            CURRENT_TIMESTAMP scalar
            DATEADD scalar
            DATESUB scalar
            DATETOSTRING scalar
            DATE_TRUNC scalar
            DEGREES scalar
            DOUBLE_FROM_BYTES scalar
            ELT scalar
            ENCODE scalar
            ENTRIES scalar
            EXP scalar
            EXTRACT scalar
            EXTRACTJSONFIELD scalar
            FIELD scalar
            FILTER scalar
            FLOOR scalar
            FORMAT_DATE scalar
            FORMAT_TIME scalar
            FORMAT_TIMESTAMP scalar
            FROM_BYTES scalar
            FROM_DAYS scalar
            FROM_UNIXTIME scalar
            GENERATE_SERIES scalar
            GEO_DISTANCE scalar
            GREATEST scalar
            H3_CELL_TO_BOUNDARY_WKT scalar
            H3_CELL_TO_LATLNG scalar
            H3_CELL_TO_PARENT scalar
            H3_GRID_DISK scalar
            H3_GRID_DISTANCE scalar
            H3_LATLNG_TO_CELL scalar
            IFNULL scalar
            INITCAP scalar
            INSTR scalar
            INT_FROM_BYTES scalar
            IS_JSON_STRING scalar
            JSON_ARRAY_CONTAINS scalar
            JSON_ARRAY_LENGTH scalar
            JSON_CONCAT scalar
            JSON_ITEMS scalar
            JSON_KEYS scalar
            JSON_RECORDS scalar
            LCASE scalar
            LEAST scalar
            LEFT scalar
            LEN scalar
            LENGTH scalar
            LN scalar
            LOG scalar
            LOWER scalar
            LPAD scalar
            LTRIM scalar
            MAP_KEYS scalar
            MAP_UNION scalar
            MAP_VALUES scalar
            MASK scalar
            MASK_KEEP_LEFT scalar
            MASK_KEEP_RIGHT scalar
            MASK_LEFT scalar
            MASK_RIGHT scalar
            MD5 scalar
            MOD scalar
            NOW scalar
            NULLIF scalar
            OVERLAY scalar
            PARSE_DATE scalar
            PARSE_TIME scalar
            PARSE_TIMESTAMP scalar
            PI scalar
            POW scalar
            POWER scalar
            RADIANS scalar
            RANDOM scalar
            REDUCE scalar
            REGEXP_EXTRACT scalar
            REGEXP_EXTRACT_ALL scalar
            REGEXP_REPLACE scalar
            REGEXP_SPLIT_TO_ARRAY scalar
            REPEAT scalar
            REPLACE scalar
            REVERSE scalar
            RIGHT scalar
            ROUND scalar
            RPAD scalar
            RTRIM scalar
            SIGN scalar
            SIN scalar
            SINH scalar
            SLICE scalar
            SPLIT scalar
            SPLIT_TO_MAP scalar
            SQRT scalar
            STRINGTODATE scalar
            STRINGTOTIMESTAMP scalar
            STRPOS scalar
            SUBSTR scalar
            SUBSTRING scalar
            TAN scalar
            TANH scalar
            TIMEADD scalar
            TIMESTAMPADD scalar
            TIMESTAMPSUB scalar
            TIMESTAMPTOSTRING scalar
            TIMESUB scalar
            TO_BYTES scalar
            TO_JSON_STRING scalar
            TRANSFORM scalar
            TRIM scalar
            TRUNC scalar
            UCASE scalar
            UNIX_DATE scalar
            UNIX_TIMESTAMP scalar
            UPPER scalar
            URL_DECODE_PARAM scalar
            URL_ENCODE_PARAM scalar
            URL_EXTRACT_FRAGMENT scalar
            URL_EXTRACT_HOST scalar
            URL_EXTRACT_PARAMETER scalar
            URL_EXTRACT_PATH scalar
            URL_EXTRACT_PORT scalar
            URL_EXTRACT_PROTOCOL scalar
            URL_EXTRACT_QUERY scalar
            UUID scalar"#]]
        .assert_eq(&names.join("\n"));
    }
}
