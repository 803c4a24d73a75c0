//! Snapshots of a database of some megabytes, and what keeps it small.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, PermissionsExt};

use time::OffsetDateTime;

use super::lab::Lab;
use crate::etcd::proto::{CompactionRequest, PutRequest};
use crate::etcd::seam::AlarmKind;
use crate::etcd::snapshot::{SnapshotError, save, verify};
use crate::etcd::{Etcd, EtcdClient, EtcdError};

fn put(etcd: &mut EtcdClient, key: &str) -> Result<(), EtcdError> {
    let value: Vec<u8> = (0..1_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    etcd.ask(&PutRequest { key: key.into(), value }, 0).map(drop)
}

#[test]
fn snapshot_is_verified_and_a_flipped_or_missing_byte_is_refused() {
    let Some(lab) = Lab::new() else { return };
    let node = lab.cluster(&["n1"], &["--quota-backend-bytes=16777216"]).remove(0);
    let mut etcd = lab.client(&[&node]);
    for number in 0..8 {
        put(&mut etcd, &format!("key-{number}")).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let facts = save(&mut etcd, &node.client_url, "n1", &path, OffsetDateTime::now_utc()).unwrap();
    // An empty cluster is at revision 1.
    assert_eq!(facts.revision, Some(9));
    assert!(facts.size > 8_000_000 && facts.size == fs::metadata(&path).unwrap().len());
    for name in ["a.db", "a.db.json"] {
        let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let verified = verify(&path).unwrap();
    assert_eq!((verified.sha256, verified.revision), (facts.sha256, facts.revision));

    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 3_000_000).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 3_000_000).unwrap();
    assert!(matches!(verify(&path), Err(SnapshotError::Damaged { .. })));
    file.write_all_at(&byte, 3_000_000).unwrap();
    file.set_len(facts.size - 100).unwrap();
    assert!(matches!(verify(&path), Err(SnapshotError::CutOff { .. })));

    // Another whole snapshot in the place of the one that is written down beside it.
    put(&mut etcd, "more").unwrap();
    let other = dir.path().join("b.db");
    save(&mut etcd, &node.client_url, "n1", &other, OffsetDateTime::now_utc()).unwrap();
    fs::copy(&other, &path).unwrap();
    assert!(matches!(verify(&path), Err(SnapshotError::Other { .. })));
}

#[test]
fn full_database_raises_an_alarm_that_can_be_ended() {
    let Some(lab) = Lab::new() else { return };
    let node = lab.cluster(&["n1"], &["--quota-backend-bytes=4194304"]).remove(0);
    let mut etcd = lab.client(&[&node]);
    assert_eq!(etcd.alarms().unwrap(), []);
    let mut written = 0;
    let refused = loop {
        match put(&mut etcd, "key") {
            Ok(()) => written += 1,
            Err(e) => break e,
        }
        assert!(written < 16);
    };
    assert!(matches!(refused, EtcdError::NoSpace { .. }), "{refused}");
    let alarms = etcd.alarms().unwrap();
    assert_eq!(alarms.len(), 1);
    assert_eq!((alarms[0].kind, alarms[0].member), (AlarmKind::NoSpace, etcd.members().unwrap()[0].id));
    etcd.disarm(alarms[0]).unwrap();
    assert_eq!(etcd.alarms().unwrap(), []);
    // An empty cluster is at revision 1, and each of them wrote the same key. The last is kept.
    etcd.ask(&CompactionRequest { revision: written + 1, physical: true }, 0).unwrap();
    let before = etcd.status(&node.client_url).unwrap();
    etcd.defragment(&node.client_url).unwrap();
    let after = etcd.status(&node.client_url).unwrap();
    let shrunk = before.db_size - after.db_size;
    assert!(shrunk > 2_000_000 && after.db_size_in_use > 1_000_000, "{before:?} {after:?}");
}
