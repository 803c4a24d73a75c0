//! The CRI v1 wire messages (`k8s.io/cri-api`, `pkg/apis/runtime/v1/api.proto`), by hand and only as far as
//! kubestrap calls them: fields that are not read here are left out, which protobuf allows.
//!
//! Nothing outside [`super`] sees these types: callers get plain structs.

mod container;
mod image;
mod runtime;
mod sandbox;

pub(crate) use container::*;
pub(crate) use image::*;
pub(crate) use runtime::*;
pub(crate) use sandbox::*;

/// A request, which knows the method it belongs to and the reply to it.
pub(crate) trait Call: prost::Message + 'static {
    /// What the method answers.
    type Reply: prost::Message + Default + 'static;
    /// The gRPC path, `/package.Service/Method`.
    const PATH: &'static str;
    /// The method's name alone, as error messages show it.
    const METHOD: &'static str;
}

macro_rules! calls {
    ($($service:ident / $method:ident: $request:ident => $reply:ident;)*) => {$(
        impl Call for $request {
            type Reply = $reply;
            const PATH: &'static str =
                concat!("/runtime.v1.", stringify!($service), "/", stringify!($method));
            const METHOD: &'static str = stringify!($method);
        }
    )*};
}

calls! {
    RuntimeService / Version: VersionRequest => VersionResponse;
    RuntimeService / Status: StatusRequest => StatusResponse;
    RuntimeService / RuntimeConfig: RuntimeConfigRequest => RuntimeConfigResponse;
    RuntimeService / RunPodSandbox: RunPodSandboxRequest => RunPodSandboxResponse;
    RuntimeService / StopPodSandbox: StopPodSandboxRequest => Empty;
    RuntimeService / RemovePodSandbox: RemovePodSandboxRequest => Empty;
    RuntimeService / ListPodSandbox: ListPodSandboxRequest => ListPodSandboxResponse;
    RuntimeService / ListContainers: ListContainersRequest => ListContainersResponse;
    RuntimeService / ContainerStatus: ContainerStatusRequest => ContainerStatusResponse;
    RuntimeService / CreateContainer: CreateContainerRequest => CreateContainerResponse;
    RuntimeService / StartContainer: StartContainerRequest => Empty;
    RuntimeService / StopContainer: StopContainerRequest => Empty;
    ImageService / ListImages: ListImagesRequest => ListImagesResponse;
    ImageService / ImageStatus: ImageStatusRequest => ImageStatusResponse;
    ImageService / PullImage: PullImageRequest => PullImageResponse;
    ImageService / ImageFsInfo: ImageFsInfoRequest => ImageFsInfoResponse;
}

/// A reply without content.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Empty {}
