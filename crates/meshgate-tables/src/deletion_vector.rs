//! The bitmap of deleted positions that Delta and Iceberg share, in its frame.
//!
//! Source: Delta protocol, "Deletion Vector Format"; Iceberg Puffin specification, `deletion-vector-v1` blob type.

use bytes::Bytes;
use roaring::RoaringTreemap;

use crate::fault::Fault;

/// What the bitmap begins with, in file order.
const MAGIC: [u8; 4] = [0xD1, 0xD3, 0x39, 0x64];

/// The bytes around the bitmap and its magic number: a length before, a checksum after.
pub(crate) const FRAME_BYTES: u64 = 8;

/// Decodes `length (big endian) · magic · bitmap · CRC-32 (big endian)`; the length counts magic and bitmap.
pub(crate) fn decode(framed: &Bytes) -> Result<RoaringTreemap, Fault> {
    let damaged = || Fault::corrupt("a deletion vector is damaged");
    let number = |bytes: &[u8]| bytes.try_into().map(u32::from_be_bytes).map_err(|_| damaged());
    let length = number(framed.get(..4).ok_or_else(damaged)?)? as usize;
    let body = framed.get(4..4 + length).ok_or_else(damaged)?;
    let checksum = number(framed.get(4 + length..8 + length).ok_or_else(damaged)?)?;
    let bitmap = body.strip_prefix(&MAGIC).ok_or_else(damaged)?;
    if crc32fast::hash(body) != checksum {
        return Err(damaged());
    }
    RoaringTreemap::deserialize_from(bitmap).map_err(|error| Fault::corrupt_by("a deletion vector is damaged", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(positions: &[u64]) -> Vec<u8> {
        let bitmap: RoaringTreemap = positions.iter().copied().collect();
        let mut body = MAGIC.to_vec();
        bitmap.serialize_into(&mut body).unwrap();
        let mut framed = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        let checksum = crc32fast::hash(&body);
        framed.extend(body);
        framed.extend(checksum.to_be_bytes());
        framed
    }

    #[test]
    fn positions_come_back() {
        let positions = [0, 7, 1 << 33];
        let decoded = decode(&Bytes::from(framed(&positions))).unwrap();
        assert_eq!(decoded.iter().collect::<Vec<_>>(), positions);
    }

    #[test]
    fn a_changed_byte_is_found() {
        let good = framed(&[1, 2, 3, 90_000]);
        for index in 0..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 1;
            assert!(decode(&Bytes::from(bad)).is_err(), "byte {index}");
        }
        assert!(decode(&Bytes::from(good[..good.len() - 1].to_vec())).is_err());
        assert!(decode(&Bytes::new()).is_err());
    }
}
