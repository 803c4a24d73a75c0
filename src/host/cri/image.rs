//! Images the runtime holds.

use std::path::PathBuf;

use super::proto::{
    self, ImageFsInfoRequest, ImageSpec, ImageStatusRequest, ListImagesRequest, PullImageRequest,
};
use super::{CriClient, CriError};

/// An image the runtime holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageInfo {
    /// The runtime's id for it: the digest of its config.
    pub id: String,
    /// Names with tags, such as `registry.k8s.io/pause:3.10`.
    pub repo_tags: Vec<String>,
    /// Names with digests.
    pub repo_digests: Vec<String>,
    /// Size in bytes; what is counted differs among runtimes.
    pub size: u64,
    /// Whether kubelet's garbage collection must leave it alone; containerd pins the sandbox image.
    pub pinned: bool,
}

impl From<proto::Image> for ImageInfo {
    fn from(image: proto::Image) -> Self {
        Self {
            id: image.id,
            repo_tags: image.repo_tags,
            repo_digests: image.repo_digests,
            size: image.size,
            pinned: image.pinned,
        }
    }
}

/// The file systems the runtime stores things on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageFsInfo {
    /// Where images are.
    pub images: Vec<FilesystemUsage>,
    /// Where containers' writable layers are; empty when the runtime doesn't tell.
    pub containers: Vec<FilesystemUsage>,
}

/// What the runtime takes up on one file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilesystemUsage {
    /// The folder; CRI calls it a mountpoint, containerd gives its own folder.
    pub mountpoint: PathBuf,
    /// Bytes used.
    pub used_bytes: Option<u64>,
    /// Inodes used.
    pub inodes_used: Option<u64>,
    /// When this was measured, in nanoseconds since the epoch.
    pub timestamp_ns: i64,
}

impl From<proto::FilesystemUsage> for FilesystemUsage {
    fn from(usage: proto::FilesystemUsage) -> Self {
        Self {
            mountpoint: usage.fs_id.map(|id| id.mountpoint.into()).unwrap_or_default(),
            used_bytes: usage.used_bytes.map(|v| v.value),
            inodes_used: usage.inodes_used.map(|v| v.value),
            timestamp_ns: usage.timestamp,
        }
    }
}

impl CriClient {
    /// All images.
    ///
    /// # Errors
    /// When the call fails.
    pub(crate) async fn list_images(&self) -> Result<Vec<ImageInfo>, CriError> {
        let reply = self.ask(ListImagesRequest { filter: None }).await?;
        Ok(reply.images.into_iter().map(Into::into).collect())
    }

    /// The image named `reference`, or `None` when the runtime doesn't hold it.
    ///
    /// # Errors
    /// When the call fails.
    pub(crate) async fn image_status(&self, reference: &str) -> Result<Option<ImageInfo>, CriError> {
        let request = ImageStatusRequest { image: Some(spec(reference)), verbose: false };
        let reply = self.ask(request).await?;
        Ok(reply.image.map(Into::into))
    }

    /// Pulls an image, however long it takes; gives the reference that the runtime knows it by.
    ///
    /// # Errors
    /// When the call fails; the runtime's words then say what the registry said.
    pub(crate) async fn pull_image(&self, reference: &str) -> Result<String, CriError> {
        let reply = self.call(PullImageRequest { image: Some(spec(reference)) }, None).await?;
        Ok(reply.image_ref)
    }

    /// Where images are stored and what they take up there.
    ///
    /// # Errors
    /// When the call fails.
    pub(crate) async fn image_fs_info(&self) -> Result<ImageFsInfo, CriError> {
        let reply = self.ask(ImageFsInfoRequest {}).await?;
        let usages = |list: Vec<proto::FilesystemUsage>| list.into_iter().map(Into::into).collect();
        Ok(ImageFsInfo {
            images: usages(reply.image_filesystems),
            containers: usages(reply.container_filesystems),
        })
    }
}

fn spec(reference: &str) -> ImageSpec {
    ImageSpec { image: reference.to_owned(), ..ImageSpec::default() }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};

    use super::*;
    use crate::host::cri::CriCause;
    use crate::host::cri::fake::{self, Answer, FakeRuntime};

    #[tokio::test]
    async fn an_image_that_is_there_and_one_that_is_not() {
        let runtime = FakeRuntime::start(|_, request| {
            // Fields 1 (id), 2 (repo_tags) twice, 4 (size), 8 (pinned) of the image in field 1.
            let known = request.windows(3).any(|w| w == b"a:1");
            let image = b"\x0a\x12\x0a\x02id\x12\x03a:1\x12\x03a:2\x20\x2a\x40\x01".to_vec();
            Answer::Bytes(if known { image } else { Vec::new() })
        });
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        let want = ImageInfo {
            id: "id".into(),
            repo_tags: vec!["a:1".into(), "a:2".into()],
            repo_digests: Vec::new(),
            size: 42,
            pinned: true,
        };
        assert_eq!(client.image_status("a:1").await.unwrap(), Some(want));
        assert_eq!(client.image_status("b:1").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_pull_names_the_image_and_fails_in_the_runtimes_words() {
        let runtime = FakeRuntime::start(|_, _| Answer::Error(Status::not_found("a:1: not found")));
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        let error = client.pull_image("a:1").await.unwrap_err();
        assert_eq!(error.cause, CriCause::Rpc { code: Code::NotFound, message: "a:1: not found".into() });
        let request: PullImageRequest = runtime.request("/runtime.v1.ImageService/PullImage");
        assert_eq!(request.image.unwrap().image, "a:1");
    }

    #[tokio::test]
    async fn image_file_systems() {
        let usage = proto::FilesystemUsage {
            timestamp: 7,
            fs_id: Some(proto::FilesystemIdentifier { mountpoint: "/var/lib/x".into() }),
            used_bytes: Some(proto::UInt64Value { value: 1 << 40 }),
            inodes_used: None,
        };
        let runtime = FakeRuntime::start(move |_, _| {
            fake::message(&proto::ImageFsInfoResponse {
                image_filesystems: vec![usage.clone()],
                container_filesystems: Vec::new(),
            })
        });
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        let want = FilesystemUsage {
            mountpoint: "/var/lib/x".into(),
            used_bytes: Some(1 << 40),
            inodes_used: None,
            timestamp_ns: 7,
        };
        let info = client.image_fs_info().await.unwrap();
        assert_eq!(info, ImageFsInfo { images: vec![want], containers: Vec::new() });
    }
}
