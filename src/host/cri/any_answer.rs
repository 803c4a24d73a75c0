//! Whatever a runtime answers, bytes of any kind included, ends in a value or an error.

use proptest::prelude::*;

use super::fake::{Answer, FakeRuntime};
use super::{ContainerFilter, CriClient, PodSandboxFilter};

/// Bytes that look like protobuf more often than chance would have it: tags of few fields, short lengths.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let field =
        (1u8..8, prop_oneof![Just(0u8), Just(2), Just(2), 0..8u8], prop::collection::vec(any::<u8>(), 0..24))
            .prop_map(|(number, wire, content)| {
                let mut bytes = vec![number << 3 | wire];
                if wire == 2 {
                    bytes.push(content.len() as u8);
                }
                bytes.extend(content);
                bytes
            });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        prop::collection::vec(field, 0..8).prop_map(|fields| fields.concat())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_is_too_odd(bytes in answer()) {
        let runtime = FakeRuntime::start(move |_, _| Answer::Bytes(bytes.clone()));
        let client = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        client.block_on(async {
            let Ok(cri) = CriClient::connect(&runtime.endpoint).await else { return };
            let _ = cri.version().await;
            let _ = cri.status(true).await;
            let _ = cri.runtime_config().await;
            let _ = cri.list_containers(&ContainerFilter::default()).await;
            let _ = cri.container_status("a", true).await;
            let _ = cri.list_images().await;
            let _ = cri.image_status("a").await;
            let _ = cri.image_fs_info().await;
            let _ = cri.list_pod_sandboxes(&PodSandboxFilter::default()).await;
        });
    }
}
