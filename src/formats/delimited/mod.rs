//! DELIMITED: a row of text, as ksqlDB reads and writes it.
//!
//! The grammar is Commons CSV's DEFAULT with a delimiter of one's choice: fields may stand in double quotes, a quote
//! within is doubled, spaces count, and only the first line that is not empty is the row. A row has exactly as many
//! fields as there are columns. An empty field is NULL, whatever its type, and in quotes too.
//!
//! Numbers are texts as Java's, DATE, TIME and TIMESTAMP are the numbers that JSON has for them, BYTES are base64.
//! Nested types have no form here.

mod read;
mod write;

pub(super) use read::DelimitedReader;
pub(super) use write::DelimitedWriter;

#[cfg(test)]
mod tests;
