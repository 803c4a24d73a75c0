//! Just enough DER (X.690) to take a structure apart and put it together again.
//!
//! Three jobs need it: PKCS#1 is a field of PKCS#8, names are bytes that rcgen cannot carry, and the
//! kind of a key is an object identifier. Reading one level of tags does all three; the RustCrypto
//! `pkcs8`/`pkcs1`/`sec1` family would be six crates for it, and would not do the names.

#[cfg(test)]
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// Context-specific, constructed, number 0: where `ECPrivateKey` keeps its curve (RFC 5915).
pub(super) const CONTEXT_0: u8 = 0xa0;

/// One DER element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// Tag, length and content: the element as it was read.
    pub(super) encoding: &'a [u8],
}

impl<'a> Element<'a> {
    /// The bytes of a BIT STRING that has no unused bits, as every key and signature is.
    pub(super) fn bit_string(&self) -> Option<&'a [u8]> {
        match self.content.split_first() {
            Some((0, bytes)) if self.tag == BIT_STRING => Some(bytes),
            _ => None,
        }
    }
}

/// The elements inside `der`, which must be one SEQUENCE and nothing after it.
pub(super) fn sequence(der: &[u8]) -> Option<Vec<Element<'_>>> {
    match read(der)? {
        (Element { tag: SEQUENCE, content, .. }, []) => elements(content),
        _ => None,
    }
}

/// All elements of `content`, one after another; `None` when the bytes do not end with an element.
pub(super) fn elements(mut content: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut found = Vec::new();
    while !content.is_empty() {
        let (element, rest) = read(content)?;
        found.push(element);
        content = rest;
    }
    Some(found)
}

fn read(input: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = input.split_first()?;
    // Tag numbers above 30 take more bytes; nothing in a key or certificate frame has one.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // 0x80 would be BER's indefinite form; four bytes are more than any file here.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    let (encoding, _) = input.split_at_checked(input.len() - rest.len())?;
    Some((Element { tag, content, encoding }, rest))
}

/// Writes one element around the parts of its content.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut der = vec![tag];
    if length < 0x80 {
        der.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let significant = bytes.iter().skip_while(|&&byte| byte == 0);
        der.push(0x80 | significant.clone().count() as u8);
        der.extend(significant);
    }
    parts.iter().for_each(|part| der.extend_from_slice(part));
    der
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_minimal() {
        assert_eq!(element(OCTET_STRING, &[&[7; 127]])[..2], [4, 127]);
        assert_eq!(element(OCTET_STRING, &[&[7; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(element(OCTET_STRING, &[&[7; 200], &[7; 100]])[..4], [4, 0x82, 1, 44]);
    }

    #[test]
    fn refuses_what_is_not_one_whole_sequence() {
        let whole = element(SEQUENCE, &[&element(INTEGER, &[&[1]])]);
        assert_eq!(sequence(&whole).unwrap().len(), 1);
        assert_eq!(sequence(&whole[..whole.len() - 1]), None, "truncated");
        assert_eq!(sequence(&[&whole[..], &[0]].concat()), None, "trailing byte");
        assert_eq!(sequence(&element(SET, &[])), None, "another tag");
        assert_eq!(sequence(&[SEQUENCE, 0x80, 0, 0]), None, "indefinite length");
        assert_eq!(sequence(&element(SEQUENCE, &[&[0x1f, 1, 0]])), None, "long tag");
    }

    proptest! {
        #[test]
        fn reads_back_what_was_written(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..5)) {
            let written: Vec<_> = parts.iter().map(|part| element(OCTET_STRING, &[part])).collect();
            let written: Vec<_> = written.iter().map(Vec::as_slice).collect();
            let der = element(SEQUENCE, &written);
            let read = sequence(&der).unwrap();
            prop_assert_eq!(read.iter().map(|e| e.content).collect::<Vec<_>>(), parts);
            prop_assert_eq!(read.iter().map(|e| e.encoding).collect::<Vec<_>>(), written);
        }

        #[test]
        fn never_panics(der in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = (sequence(&der), elements(&der));
        }
    }
}
