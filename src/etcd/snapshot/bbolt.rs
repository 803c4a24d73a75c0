//! etcd's database file (bbolt), read only as far as it tells that it is one, is whole, and up to which revision.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What a meta page begins with.
const MAGIC: u32 = 0xED0C_DAED;
const PAGE_HEADER: u64 = 16;
/// The part of a meta page that its checksum is over.
const META: usize = 56;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
/// The bucket that holds every revision of every key; a key in it begins with the revision.
const KEYS: &[u8] = b"key";
/// A tree that is deeper has a loop.
const DEPTH: usize = 64;

/// What a database file tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Database {
    /// The revision of the last change; none in an empty database.
    pub(super) revision: Option<i64>,
}

/// Why a file is not a database that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DatabaseError {
    /// It can't be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is something else, or damaged.
    #[error("{0}")]
    Damaged(&'static str),
}

use DatabaseError::Damaged;

/// Reads the database in the first `size` bytes of a file.
///
/// # Errors
/// When it is not one, or is cut off.
pub(super) fn read(file: &File, size: u64) -> Result<Database, DatabaseError> {
    let reader = Reader { file, size, page_size: 0 };
    let first = reader.bytes(0, PAGE_HEADER as usize + META)?;
    let first = first.get(PAGE_HEADER as usize..).unwrap_or_default();
    if number::<4>(first, 0).map(u32::from_le_bytes) != Some(MAGIC) {
        return Err(Damaged("it is not a bbolt database (no magic number at its beginning)"));
    }
    let page_size = number::<4>(first, 8).map_or(0, u32::from_le_bytes);
    if !page_size.is_power_of_two() || !(512..=65536).contains(&page_size) {
        return Err(Damaged("its page size is not possible"));
    }
    let reader = Reader { page_size: u64::from(page_size), ..reader };
    let second = reader.bytes(u64::from(page_size) + PAGE_HEADER, META)?;
    // Every transaction replaces the older of the two.
    let metas = [first, second.as_slice()].into_iter().filter_map(Meta::read);
    let Some(meta) = metas.max_by_key(|meta| meta.transaction) else {
        return Err(Damaged("both of its meta pages are damaged"));
    };
    if meta.pages.checked_mul(reader.page_size).is_none_or(|end| end > size) {
        return Err(Damaged("it is cut off: it has more pages than fit into it"));
    }
    let Some(bucket) = reader.find(meta.root, KEYS)? else { return Ok(Database { revision: None }) };
    let last = match number::<8>(&bucket, 0).map(u64::from_le_bytes) {
        // A small bucket lies in its parent's page.
        Some(0) => Page::read(bucket.get(16..).unwrap_or_default())?.elements.pop().map(|e| e.key),
        Some(root) => reader.last_key(root)?,
        None => return Err(Damaged("its bucket of keys is damaged")),
    };
    Ok(Database { revision: last.and_then(|key| number::<8>(&key, 0)).map(i64::from_be_bytes) })
}

/// What is needed of a meta page.
struct Meta {
    root: u64,
    pages: u64,
    transaction: u64,
}

impl Meta {
    /// A meta page whose checksum is right.
    fn read(bytes: &[u8]) -> Option<Self> {
        let at = |offset| number::<8>(bytes, offset).map(u64::from_le_bytes);
        // FNV-1a.
        let sum = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        let checksum = bytes.get(..META)?.iter().fold(0xcbf2_9ce4_8422_2325, sum);
        (at(META)? == checksum).then_some(Self { root: at(16)?, pages: at(40)?, transaction: at(48)? })
    }
}

/// A page of a tree.
struct Page {
    is_leaf: bool,
    elements: Vec<Element>,
}

struct Element {
    key: Vec<u8>,
    /// In a leaf.
    value: Vec<u8>,
    /// In a branch.
    child: u64,
}

impl Page {
    fn read(bytes: &[u8]) -> Result<Self, DatabaseError> {
        let damaged = Damaged("one of its pages is damaged");
        let header = |offset| number::<2>(bytes, offset).map(u16::from_le_bytes);
        let (Some(flags), Some(count)) = (header(8), header(10)) else { return Err(damaged) };
        if flags != LEAF && flags != BRANCH {
            return Err(damaged);
        }
        let is_leaf = flags == LEAF;
        let elements = (0..usize::from(count)).map(|index| element(bytes, is_leaf, index)).collect();
        let elements: Option<Vec<Element>> = elements;
        Ok(Self { is_leaf, elements: elements.ok_or(damaged)? })
    }
}

fn element(page: &[u8], is_leaf: bool, index: usize) -> Option<Element> {
    let start = PAGE_HEADER as usize + index * 16;
    let head = page.get(start..)?;
    let small = |offset| number::<4>(head, offset).map(|n| u32::from_le_bytes(n) as usize);
    // A leaf: flags, position, size of key and value. A branch: position, size of key, child.
    let (position, key, value, child) = match is_leaf {
        true => (small(4)?, small(8)?, small(12)?, 0),
        false => (small(0)?, small(4)?, 0, number::<8>(head, 8).map(u64::from_le_bytes)?),
    };
    let content = head.get(position..)?;
    Some(Element { key: content.get(..key)?.to_vec(), value: content.get(key..key + value)?.to_vec(), child })
}

struct Reader<'a> {
    file: &'a File,
    size: u64,
    page_size: u64,
}

impl Reader<'_> {
    fn bytes(&self, at: u64, count: usize) -> Result<Vec<u8>, DatabaseError> {
        // The checksum follows what it is over.
        let count = count + 8;
        if at.checked_add(count as u64).is_none_or(|end| end > self.size) {
            return Err(Damaged("it is cut off"));
        }
        let mut bytes = vec![0; count];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    /// A page with those that it overflows into.
    fn page(&self, id: u64) -> Result<Page, DatabaseError> {
        let outside = Damaged("one of its pages lies outside of it");
        let Some(at) = id.checked_mul(self.page_size) else { return Err(outside) };
        let header = self.bytes(at, PAGE_HEADER as usize)?;
        let overflow = number::<4>(&header, 12).map_or(0, u32::from_le_bytes);
        let length = (u64::from(overflow) + 1) * self.page_size;
        if at.checked_add(length).is_none_or(|end| end > self.size) {
            return Err(outside);
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| outside)?];
        self.file.read_exact_at(&mut bytes, at)?;
        Page::read(&bytes)
    }

    /// The value of a key in the tree with this root.
    fn find(&self, root: u64, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        let mut id = root;
        for _ in 0..DEPTH {
            let page = self.page(id)?;
            if page.is_leaf {
                return Ok(page.elements.into_iter().find(|e| e.key == key).map(|e| e.value));
            }
            // A branch names the first key of each child.
            match page.elements.iter().rev().find(|e| e.key.as_slice() <= key) {
                Some(element) => id = element.child,
                None => return Ok(None),
            }
        }
        Err(Damaged("its tree has a loop"))
    }

    fn last_key(&self, root: u64) -> Result<Option<Vec<u8>>, DatabaseError> {
        let mut id = root;
        for _ in 0..DEPTH {
            let mut page = self.page(id)?;
            match page.elements.pop() {
                Some(last) if !page.is_leaf => id = last.child,
                last => return Ok(last.map(|e| e.key)),
            }
        }
        Err(Damaged("its tree has a loop"))
    }
}

/// The bytes of a number.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn said(content: &[u8]) -> String {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        read(&file, content.len() as u64).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_database_is_refused_without_reading_past_its_end() {
        assert_eq!(said(b""), "it is cut off");
        assert_eq!(said(&[0; 8192]), "it is not a bbolt database (no magic number at its beginning)");
        let mut pages = vec![0; 8192];
        pages[16..20].copy_from_slice(&MAGIC.to_le_bytes());
        assert_eq!(said(&pages), "its page size is not possible");
        pages[24..28].copy_from_slice(&4096_u32.to_le_bytes());
        assert_eq!(said(&pages), "both of its meta pages are damaged");
        assert_eq!(said(&pages[..4100]), "it is cut off");
    }

    #[test]
    fn element_that_points_outside_of_its_page_is_refused() {
        let mut page = vec![0; 64];
        page[8..10].copy_from_slice(&LEAF.to_le_bytes());
        page[10..12].copy_from_slice(&1_u16.to_le_bytes());
        page[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(Page::read(&page).is_err());
        page[10..12].copy_from_slice(&u16::MAX.to_le_bytes());
        assert!(Page::read(&page).is_err());
    }
}
