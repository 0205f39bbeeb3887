//! `sha-256-global`, `sha-256-query-local`.

use std::{fmt, hash::Hasher, sync::Arc};

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryViewBuilder, GenericBinaryBuilder,
            GenericStringBuilder, OffsetSizeTrait, PrimitiveArray, StringViewBuilder,
        },
        datatypes::{
            DataType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
        },
    },
    common::{Result, exec_err},
};
use hmac::{Hmac, Mac, digest::KeyInit};
use sha2::{Digest as _, Sha256};

const BLOCK: usize = 64;

type Digest = [u8; 32];

/// The key of a hash, ready to use. Shows itself nowhere.
#[derive(Clone)]
pub(super) struct HashKey {
    block: [u8; BLOCK],
    keyed: Hmac<Sha256>,
}

impl HashKey {
    /// HMAC's own way from a secret of any length to a block (RFC 2104 section 2).
    pub(super) fn new(secret: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        if secret.len() > BLOCK {
            block[..32].copy_from_slice(&Sha256::digest(secret));
        } else {
            block[..secret.len()].copy_from_slice(secret);
        }
        Self { block, keyed: <Hmac<Sha256> as KeyInit>::new(&block.into()) }
    }

    fn digest(&self, bytes: &[u8]) -> Digest {
        let mut keyed = self.keyed.clone();
        keyed.update(bytes);
        keyed.finalize().into_bytes().into()
    }
}

impl PartialEq for HashKey {
    fn eq(&self, other: &Self) -> bool {
        self.block == other.block
    }
}

impl Eq for HashKey {}

impl std::hash::Hash for HashKey {
    // Plan hashes may reach a log: no bit of the key goes into one.
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for HashKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HashKey(…)")
    }
}

/// HMAC-SHA-256 of each value.
///
/// Bytes in: a text's UTF-8, an integer's 4 (8 for the 64-bit ones) little-endian bytes, a binary as it is. So one
/// value has one hash in every table, and in every Arrow encoding of its type. Out: 64 lower-case hexadecimal digits,
/// the digest's first 4 (8) bytes as a little-endian integer, or its 32 bytes.
pub(super) fn hash(array: &ArrayRef, key: &HashKey) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Utf8 => hash_text::<i32>(array, key),
        DataType::LargeUtf8 => hash_text::<i64>(array, key),
        DataType::Utf8View => {
            let mut hashes = StringViewBuilder::with_capacity(array.len());
            let mut digits = [0; 64];
            for text in array.as_string_view() {
                hashes.append_option(text.map(|text| hexadecimal(&key.digest(text.as_bytes()), &mut digits)));
            }
            Arc::new(hashes.finish())
        }
        DataType::Binary => hash_binary::<i32>(array, key),
        DataType::LargeBinary => hash_binary::<i64>(array, key),
        DataType::BinaryView => {
            let mut hashes = BinaryViewBuilder::with_capacity(array.len());
            for bytes in array.as_binary_view() {
                hashes.append_option(bytes.map(|bytes| key.digest(bytes)));
            }
            Arc::new(hashes.finish())
        }
        DataType::Int8 => hash_integer::<Int8Type, Int32Type>(array, |value| hash_i32(key, value.into())),
        DataType::Int16 => hash_integer::<Int16Type, Int32Type>(array, |value| hash_i32(key, value.into())),
        DataType::UInt8 => hash_integer::<UInt8Type, Int32Type>(array, |value| hash_i32(key, value.into())),
        DataType::UInt16 => hash_integer::<UInt16Type, Int32Type>(array, |value| hash_i32(key, value.into())),
        DataType::Int32 => hash_integer::<Int32Type, Int32Type>(array, |value| hash_i32(key, value)),
        DataType::UInt32 => hash_integer::<UInt32Type, Int64Type>(array, |value| hash_i64(key, value.into())),
        DataType::Int64 => hash_integer::<Int64Type, Int64Type>(array, |value| hash_i64(key, value)),
        DataType::UInt64 => hash_integer::<UInt64Type, UInt64Type>(array, |value| {
            u64::from_le_bytes(leading(&key.digest(&value.to_le_bytes())))
        }),
        other => return exec_err!("no hash of {other}"),
    })
}

fn hash_i32(key: &HashKey, value: i32) -> i32 {
    i32::from_le_bytes(leading(&key.digest(&value.to_le_bytes())))
}

fn hash_i64(key: &HashKey, value: i64) -> i64 {
    i64::from_le_bytes(leading(&key.digest(&value.to_le_bytes())))
}

fn leading<const N: usize>(digest: &Digest) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&digest[..N]);
    bytes
}

/// Only valid slots are read: what lies under a NULL has no hash.
fn hash_integer<I: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    array: &ArrayRef,
    hash: impl Fn(I::Native) -> O::Native,
) -> ArrayRef {
    Arc::new(array.as_primitive::<I>().iter().map(|value| value.map(&hash)).collect::<PrimitiveArray<O>>())
}

fn hash_text<O: OffsetSizeTrait>(array: &ArrayRef, key: &HashKey) -> ArrayRef {
    let mut hashes = GenericStringBuilder::<O>::with_capacity(array.len(), array.len() * 64);
    let mut digits = [0; 64];
    for text in array.as_string::<O>() {
        hashes.append_option(text.map(|text| hexadecimal(&key.digest(text.as_bytes()), &mut digits)));
    }
    Arc::new(hashes.finish())
}

fn hash_binary<O: OffsetSizeTrait>(array: &ArrayRef, key: &HashKey) -> ArrayRef {
    let mut hashes = GenericBinaryBuilder::<O>::with_capacity(array.len(), array.len() * 32);
    for bytes in array.as_binary::<O>() {
        hashes.append_option(bytes.map(|bytes| key.digest(bytes)));
    }
    Arc::new(hashes.finish())
}

fn hexadecimal<'a>(digest: &Digest, digits: &'a mut [u8; 64]) -> &'a str {
    // Neither step can fail: there are two digits a byte, and digits are ASCII.
    match hex::encode_to_slice(digest, digits) {
        Ok(()) => std::str::from_utf8(digits).unwrap_or_default(),
        Err(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_hmac_sha_256() {
        // RFC 4231, test cases 2 and 6 (a key longer than a block).
        let short = HashKey::new(b"Jefe").digest(b"what do ya want for nothing?");
        assert_eq!(hex::encode(short), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let long = HashKey::new(&[0xaa; 131]).digest(b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex::encode(long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }
}
