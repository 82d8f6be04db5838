//! Rows as text, so that they can be compared and read.

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// One line a row, sorted: the schema's columns by their names in either case, each as the schema's type.
pub fn lines(batches: &[RecordBatch], schema: &SchemaRef) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    let options = FormatOptions::default().with_null("NULL");
    for batch in batches {
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let named = |name: &str| batch.column_by_name(name);
            let column = named(field.name()).or_else(|| named(&field.name().to_lowercase()));
            let column =
                column.ok_or_else(|| format!("no column {} in {:?}", field.name(), batch.schema()))?;
            columns.push(cast(column, field.data_type()).map_err(|e| e.to_string())?);
        }
        let formats = columns.iter().map(|c| ArrayFormatter::try_new(c, &options));
        let formats = formats.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
        for row in 0..batch.num_rows() {
            let cells = formats.iter().zip(schema.fields());
            let cells = cells.map(|(format, field)| format!("{}={}", field.name(), format.value(row)));
            lines.push(cells.collect::<Vec<_>>().join(" "));
        }
    }
    lines.sort();
    Ok(lines)
}
