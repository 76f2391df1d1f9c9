//! Releases to deploy, a folder each as `deploy/ansible` wants it: good ones that differ in their names alone, one whose service never
//! becomes ready, one with a plugin that Traefik cannot load.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::artifacts;
use crate::podman::said;

/// Makes them, with a Podman of its own.
#[derive(Debug)]
pub struct Releases {
    folder: PathBuf,
    program: PathBuf,
}

/// Waits without ever answering, and has its own health check fail.
const MUTE: &str = "
#include <unistd.h>
int main(int count, char **words) {
  if (count > 1 && words[1][0] == 'h') return 1;
  for (;;) pause();
}
";

impl Releases {
    /// Below `folder`. The program is the static one of `make image-binary`, or that of `WATCHGATE_IMAGE_BIN`.
    pub fn below(folder: &Path) -> Result<Releases> {
        let built = format!("target/{}-unknown-linux-musl/container/watchgate", env::consts::ARCH);
        let program = env::var_os("WATCHGATE_IMAGE_BIN").map_or_else(|| artifacts::root().join(built), PathBuf::from);
        ensure!(program.exists(), "{} is missing: run `make image-binary`", program.display());
        let releases = Releases { folder: folder.to_path_buf(), program };
        let nats = folder.join("nats");
        fs::create_dir_all(&nats)?;
        fs::copy(artifacts::nats_server()?, nats.join("nats-server"))?;
        releases.image(
            &nats,
            "deploy/nats/Containerfile",
            "localhost/watchgate-nats",
            &folder.join("nats-image.tar"),
        )?;
        Ok(releases)
    }

    /// One that works.
    pub fn good(&self, version: &str) -> Result<PathBuf> {
        let release = self.release(version)?;
        self.service_image(version, &self.program, &release)?;
        Ok(release)
    }

    /// One whose service runs and is never ready.
    pub fn with_a_mute_service(&self, version: &str) -> Result<PathBuf> {
        let release = self.release(version)?;
        let (source, program) = (self.folder.join("mute.c"), self.folder.join("mute"));
        fs::write(&source, MUTE)?;
        said(Command::new("cc").args(["-static", "-o"]).arg(&program).arg(&source))?;
        self.service_image(version, &program, &release)?;
        Ok(release)
    }

    /// One that has a plugin of which Traefik makes nothing, and is else that release.
    pub fn with_a_broken_plugin(&self, version: &str, else_like: &Path) -> Result<PathBuf> {
        let release = self.release(version)?;
        fs::write(release.join("plugin/plugin.wasm"), "no module of WebAssembly")?;
        fs::hard_link(else_like.join("watchgate-image.tar"), release.join("watchgate-image.tar"))?;
        Ok(release)
    }

    /// All of it but the service's image.
    fn release(&self, version: &str) -> Result<PathBuf> {
        let release = self.folder.join(version);
        let plugin = release.join("plugin");
        fs::create_dir_all(&plugin)?;
        fs::copy(&self.program, release.join("watchgate"))?;
        fs::copy(artifacts::traefik()?, release.join("traefik"))?;
        fs::hard_link(self.folder.join("nats-image.tar"), release.join("nats-image.tar"))?;
        fs::copy(artifacts::plugin()?.join(".traefik.yml"), plugin.join(".traefik.yml"))?;
        let module = fs::read(artifacts::plugin()?.join("plugin.wasm"))?;
        fs::write(plugin.join("plugin.wasm"), marked(module, version)?)?;
        Ok(release)
    }

    fn service_image(&self, version: &str, program: &Path, release: &Path) -> Result<()> {
        let context = self.folder.join(format!("image-{version}"));
        fs::create_dir_all(context.join("data"))?;
        fs::copy(program, context.join("watchgate"))?;
        let name = format!("localhost/watchgate:{version}");
        self.image(&context, "deploy/container/Containerfile", &name, &release.join("watchgate-image.tar"))?;
        fs::remove_dir_all(context)?;
        Ok(())
    }

    fn image(&self, context: &Path, containerfile: &str, name: &str, archive: &Path) -> Result<()> {
        let mut build = self.podman();
        build.args(["build", "--quiet", "--format", "docker", "--isolation", "chroot", "--label"]);
        build.arg(format!("release={name}")).args(["--tag", name, "--file"]);
        said(build.arg(artifacts::root().join(containerfile)).arg(context))?;
        said(self.podman().args(["save", "--quiet", "--output"]).arg(archive).arg(name))?;
        Ok(())
    }

    fn podman(&self) -> Command {
        let mut podman = Command::new("podman");
        for (option, name) in [("--root", "podman"), ("--runroot", "podman-run"), ("--tmpdir", "podman-tmp")] {
            podman.arg(option).arg(self.folder.join(name));
        }
        podman.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]);
        podman
    }
}

/// The same module with one more section of its own, which nobody reads: other bytes that do the same.
fn marked(mut module: Vec<u8>, version: &str) -> Result<Vec<u8>> {
    const NAME: &str = "release";
    let sizes = [NAME.len(), NAME.len().saturating_add(1).saturating_add(version.len())];
    let [name, all] = sizes.map(|size| u8::try_from(size).ok().filter(|size| *size < 128));
    let (name, all) = name.zip(all).context("the version is too long")?;
    module.extend([0, all, name]);
    module.extend(NAME.bytes().chain(version.bytes()));
    Ok(module)
}
