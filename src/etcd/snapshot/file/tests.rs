use super::*;
use crate::etcd::fake::Fake;

#[test]
fn stream_that_breaks_off_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/a.db");
    for database in [vec![], vec![0; 32], vec![1; 5000], vec![1; 8192 + 32]] {
        let mut etcd = Fake { database, ..Fake::default() };
        save(&mut etcd, "https://a", "n1", &path, OffsetDateTime::UNIX_EPOCH).unwrap_err();
        assert_eq!(fs::read_dir(dir.path().join("new")).unwrap().count(), 0);
    }
}

#[test]
fn existing_file_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    fs::write(&path, "x").unwrap();
    let error = save(&mut Fake::default(), "https://a", "n1", &path, OffsetDateTime::UNIX_EPOCH).unwrap_err();
    assert!(matches!(error, SnapshotError::Exists { .. }), "{error}");
}

#[test]
fn hash_is_found_behind_parts_of_any_size() {
    let data: Vec<u8> = (0..1000_u32).map(|n| n as u8).collect();
    let hash = aws_lc_rs::digest::digest(&SHA256, &data);
    let whole = [data.as_slice(), hash.as_ref()].concat();
    for size in [1, 7, 31, 32, 33, 2000] {
        let mut content = Content::new();
        whole.chunks(size).for_each(|part| content.update(part));
        let (actual, expected) = content.finish().unwrap();
        assert_eq!(actual, expected);
    }
}
