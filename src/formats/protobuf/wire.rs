//! The wire format: tags, varints and lengths.

/// What follows a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(&'a [u8]),
}

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("it ends within a field")]
    Short,
    #[error("a number has more than 64 bits")]
    Overlong,
    #[error("there is no wire type {0}")]
    WireType(u8),
    #[error("a field has the number 0")]
    NoField,
}

/// Takes the next field off a message; None at its end.
#[inline]
pub fn next_field<'a>(message: &mut &'a [u8]) -> Result<Option<(u64, Payload<'a>)>, WireError> {
    if message.is_empty() {
        return Ok(None);
    }
    let tag = varint(message)?;
    let number = tag >> 3;
    if number == 0 {
        return Err(WireError::NoField);
    }
    let payload = match tag & 7 {
        0 => Payload::Varint(varint(message)?),
        1 => Payload::Fixed64(chunk(message)?),
        2 => {
            let length = usize::try_from(varint(message)?).map_err(|_| WireError::Short)?;
            let (bytes, rest) = message.split_at_checked(length).ok_or(WireError::Short)?;
            *message = rest;
            Payload::Bytes(bytes)
        }
        5 => Payload::Fixed32(chunk(message)?),
        other => return Err(WireError::WireType(other as u8)),
    };
    Ok(Some((number, payload)))
}

#[inline]
pub fn varint(bytes: &mut &[u8]) -> Result<u64, WireError> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        if at == 9 && *byte > 1 {
            return Err(WireError::Overlong);
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            *bytes = bytes.get(at + 1..).unwrap_or_default();
            return Ok(value);
        }
    }
    Err(if bytes.len() >= 10 { WireError::Overlong } else { WireError::Short })
}

fn chunk<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], WireError> {
    let (chunk, rest) = bytes.split_first_chunk::<N>().ok_or(WireError::Short)?;
    *bytes = rest;
    Ok(*chunk)
}

#[inline]
pub fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn write_tag(number: u64, wire_type: u8, out: &mut Vec<u8>) {
    write_varint(number << 3 | u64::from(wire_type), out);
}

/// Appends a field of known bytes.
pub fn write_bytes(number: u64, bytes: &[u8], out: &mut Vec<u8>) {
    write_tag(number, 2, out);
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Appends a field whose bytes `write` appends: their length goes in front of them afterwards.
pub fn write_message(number: u64, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    write_tag(number, 2, out);
    let start = out.len();
    write(out);
    let end = out.len();
    write_varint((end - start) as u64, out);
    let length = out.len() - end;
    if let Some(field) = out.get_mut(start..) {
        field.rotate_right(length);
    }
}
