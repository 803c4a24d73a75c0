//! Servers that do not answer, or are something else.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use super::by_token::{by_token, run};
use super::server::Ca;
use crate::discovery::{Cause, discover};

const SOON: Duration = Duration::from_millis(300);

fn pin() -> Vec<String> {
    vec![Ca::new("kubernetes").pin()]
}

#[test]
fn nobody_listening_is_told_while_it_is_waited_for() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut told = vec![];
    let discovery = by_token(format!("127.0.0.1:{port}"), &pin());
    let error =
        discover(runtime.handle(), &discovery, SOON, &mut |w| told.push(w.cause.to_string())).unwrap_err();
    assert!(matches!(*error.cause, Cause::Refused { .. }), "{error}");
    assert!(error.to_string().contains(&format!("127.0.0.1:{port} refuses the connection")), "{error}");
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_server_without_tls_is_told_as_that() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"SSH-2.0-OpenSSH_10.0\r\n");
        }
    });
    let error = run(&by_token(endpoint, &pin()), SOON).unwrap_err();
    assert!(matches!(*error.cause, Cause::NotTls { .. }), "{error}");
    assert!(error.to_string().contains("by default port 6443"), "{error}");
}

#[test]
fn a_load_balancer_that_hangs_up_may_come_to_its_senses() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            drop(stream);
        }
    });
    let error = run(&by_token(endpoint, &pin()), SOON).unwrap_err();
    assert!(matches!(*error.cause, Cause::Broken { .. }), "{error}");
}

#[test]
fn a_name_without_an_address_is_told_as_that() {
    // RFC 6761: it never resolves.
    let error = run(&by_token("cp.invalid:6443".into(), &pin()), SOON).unwrap_err();
    assert!(matches!(*error.cause, Cause::Unresolved { .. }), "{error}");
    assert!(error.to_string().contains("\"cp.invalid\" does not resolve"), "{error}");
}
