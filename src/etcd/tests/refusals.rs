//! Who is not let in, or not believed.

use super::lab::Lab;
use crate::etcd::error::{Attempt, Cause};
use crate::etcd::{Credentials, Etcd, EtcdClient, EtcdError, remove};

fn causes(url: &str, credentials: &Credentials) -> Vec<Cause> {
    // What a server that closes says may be lost with the connection: so more than once.
    (0..5)
        .map(|_| {
            let mut etcd = EtcdClient::new(vec![url.to_owned()], credentials).unwrap();
            match etcd.members().unwrap_err() {
                EtcdError::Unreachable { mut tried } => tried.remove(0).cause,
                other => panic!("{other}"),
            }
        })
        .collect()
}

#[test]
fn certificates_that_are_not_trusted_are_told_apart_from_a_member_that_is_down() {
    let (Some(lab), Some(other)) = (Lab::new(), Lab::new()) else { return };
    let node = lab.cluster(&["n1"], &[]).remove(0);
    let url = &node.client_url;
    let (own, foreign) = (lab.client_credentials(), other.client_credentials());
    for cause in causes(url, &foreign) {
        assert!(matches!(cause, Cause::ServerCertificate { .. }), "{cause:?}");
    }
    let unknown_to_server = Credentials { ca: own.ca.clone(), ..foreign };
    for credentials in [&unknown_to_server, &lab.expired_credentials()] {
        for cause in causes(url, credentials) {
            assert!(matches!(cause, Cause::ClientCertificate { .. }), "{cause:?}");
        }
    }
    // The certificate is for the address, not for the name.
    for cause in causes(&url.replace("127.0.0.1", "localhost"), &own) {
        assert!(matches!(cause, Cause::ServerCertificate { .. }), "{cause:?}");
    }
    assert!(!remove(&mut lab.client(&[&node]), &node.peer_url).unwrap(), "the last member stays");

    node.kill();
    let endpoint = url.clone();
    let tried = vec![Attempt { endpoint, cause: Cause::NotListening }];
    assert_eq!(lab.client(&[&node]).members(), Err(EtcdError::Unreachable { tried }));
}

#[test]
fn server_that_is_not_etcd_is_told() {
    let Some(lab) = Lab::new() else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    for cause in causes(&url, &lab.client_credentials()) {
        assert!(matches!(cause, Cause::NotEtcd { .. }), "{cause:?}");
    }
}
