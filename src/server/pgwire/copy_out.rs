//! `COPY … TO STDOUT`: a result as lines. Over a continuous query it is a live feed: each row is sent when it comes.
//!
//! An error ends it with ErrorResponse alone. (CopyFail is the client's message; sent by a server it ends the session.)

use bytes::{BufMut, BytesMut};
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::copy::{CopyDone, CopyOutResponse};

use super::copy_format::{BINARY_HEADER, Layout};
use super::error::Stop;
use super::rows::{Rows, Step};
use super::wire::Wire;
use crate::sql::ast::{CopyFormat, CopyOptions};

/// Sends all rows. Returns the command tag.
pub async fn run(wire: &mut Wire, mut rows: Rows, options: &CopyOptions) -> Result<String, Stop> {
    let layout = Layout::new(options)?;
    let schema = rows.schema().clone();
    let binary = layout.format == CopyFormat::Binary;
    let columns = schema.fields().len();
    let format = i16::from(binary);
    wire.put(Out::CopyOutResponse(CopyOutResponse::new(format as i8, columns as i16, vec![format; columns])));
    if binary {
        data(&mut wire.out, |out| out.put_slice(BINARY_HEADER));
    } else if layout.header {
        data(&mut wire.out, |out| {
            layout.write_header(schema.fields().iter().map(|f| f.name().as_str()), out)
        });
    }
    let mut scratch = BytesMut::new();
    let mut count = 0u64;
    while let Step::Row(row) = rows.step(wire, None).await? {
        data(&mut wire.out, |out| layout.write_row(rows.batch(), row, &mut scratch, out));
        count += 1;
        wire.drain().await?;
    }
    if binary {
        data(&mut wire.out, |out| out.put_i16(-1));
    }
    wire.put(Out::CopyDone(CopyDone::new()));
    Ok(format!("COPY {count}"))
}

/// Puts a CopyData message around what `write` appends.
fn data(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u8(b'd');
    out.put_u32(0);
    write(out);
    let len = (out.len() - start - 1) as u32;
    if let Some(head) = out.get_mut(start + 1..start + 5) {
        head.copy_from_slice(&len.to_be_bytes());
    }
}
