//! EMIT FINAL: each window once, when stream time reaches its end and grace.

use super::Output;
use super::aggregate::{Aggregate, OUTPUT_ROWS, Rows, emit};
use crate::engine::EngineError;

/// Emits the windows that closed in this epoch, in the order of their starts, and in each the rows in the order of their
/// keys. Unlike ksqlDB's, no window is lost, however large the gap in the input behind it.
pub fn emit_closed(aggregate: &Aggregate, out: &mut Output) -> Result<(), EngineError> {
    let Aggregate { spec, store, .. } = aggregate;
    for window in store.closed() {
        let segment = store.whole(window);
        let mut slots = segment.slots();
        slots.sort_unstable_by(|a, b| segment.key(*a).cmp(segment.key(*b)));
        for slots in slots.chunks(OUTPUT_ROWS) {
            let rows = Rows::of(&store.layout, window, &segment, slots)?;
            // Nothing of the window has been emitted before, so nothing can stop matching.
            emit(spec, rows, arrow::buffer::BooleanBuffer::new_unset(slots.len()), out)?;
        }
    }
    Ok(())
}
