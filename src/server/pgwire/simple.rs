//! The simple protocol: a text with any number of statements, run in order until one fails.

use super::copy_in;
use super::copy_out;
use super::error::Stop;
use super::rows::{Formats, Sent, put_description};
use super::session::{Session, Started};

impl Session {
    pub async fn simple(&mut self, text: &str) -> Result<(), Stop> {
        let statements = crate::sql::parse(text, &self.state.variables)?;
        if statements.is_empty() {
            self.empty();
        }
        for statement in &statements {
            let started = self.start(statement, &[], None).await?;
            let tag = match started {
                Started::Done(tag) => tag,
                Started::Rows(mut rows) => {
                    let formats = Formats::text();
                    put_description(&mut self.wire, rows.schema(), &formats);
                    let (Sent::All(n) | Sent::Some(n)) =
                        rows.send(&mut self.wire, &formats, None, None).await?;
                    rows.tag().text(n)
                }
                Started::Fetch(name, count) => {
                    let mut cursor = self.take_cursor(&name)?;
                    let formats = Formats::text();
                    put_description(&mut self.wire, cursor.rows.schema(), &formats);
                    let (Sent::All(n) | Sent::Some(n)) =
                        cursor.rows.send(&mut self.wire, &formats, count, None).await?;
                    self.cursors.insert(name, cursor);
                    format!("FETCH {n}")
                }
                Started::CopyOut(rows, options) => copy_out::run(&mut self.wire, rows, &options).await?,
                Started::CopyIn(sink, options) => copy_in::run(&mut self.wire, sink, &options).await?,
            };
            self.complete(tag);
        }
        Ok(())
    }
}
