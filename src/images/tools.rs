//! The table of the runtimes' own programs.

use super::archive::Naming;

/// How one runtime's images are moved. `{socket}` and `{image}` stand for what their names say, `{file}` for the file to
/// write; a flag with a question mark is for those versions that have it.
#[derive(Debug)]
pub(crate) struct Tool {
    /// The runtime, as it names itself over CRI.
    pub runtime: &'static str,
    /// The program.
    pub program: &'static str,
    /// The package that brings it.
    pub package: &'static str,
    /// Writes one image to stdout, or into `{file}`, as an archive.
    pub(super) export: &'static [&'static str],
    /// Reads an archive from stdin; one image of it, if `{image}` is there.
    pub(super) import: &'static [&'static str],
    /// By what it finds an image in an archive; those of other programs may lack that.
    pub(super) finds_by: Naming,
}

/// All that we know.
pub(crate) const TOOLS: &[Tool] = &[
    Tool {
        runtime: "containerd",
        program: "ctr",
        package: "containerd",
        // Without --local, containerd's transfer service writes: it was seen to end before the last bytes (2.1.9), and
        // to end well though the disk was full.
        export: &[
            "--address",
            "{socket}",
            "--namespace",
            "k8s.io",
            "images",
            "export",
            "?--local",
            "-",
            "{image}",
        ],
        import: &["--address", "{socket}", "--namespace", "k8s.io", "images", "import", "?--local", "-"],
        finds_by: Naming::Any,
    },
    Tool {
        runtime: "cri-o",
        program: "skopeo",
        package: "skopeo",
        // An OCI archive it writes only to a path.
        export: &["copy", "--quiet", "containers-storage:{image}", "oci-archive:{file}:{image}"],
        import: &["copy", "--quiet", "oci-archive:/dev/stdin:{image}", "containers-storage:{image}"],
        finds_by: Naming::FullName,
    },
    Tool {
        runtime: "docker",
        program: "docker",
        package: "docker-ce-cli or docker.io",
        export: &["image", "save", "{image}"],
        import: &["image", "load"],
        finds_by: Naming::DockersList,
    },
];
