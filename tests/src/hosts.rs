//! The hosts of `scripts/with-hosts.sh`, beside which a test runs, and what is deployed on them: releases, a site's inventory, plays of
//! Ansible, and the balancer in front of the gateways.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::podman::said;

pub mod balancer;
pub mod deployment;
pub mod playbook;
pub mod releases;

/// Machines with systemd, sshd and Podman, reached by SSH.
#[derive(Clone, Debug)]
pub struct Hosts {
    folder: PathBuf,
}

impl Hosts {
    /// Those beside which this runs.
    pub fn beside() -> Result<Hosts> {
        let folder = env::var_os("WATCHGATE_TEST_HOSTS").context("run this below scripts/with-hosts.sh")?;
        Ok(Hosts { folder: folder.into() })
    }

    /// Where memory is, and nothing stays.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Their names.
    pub fn names(&self) -> Result<Vec<String>> {
        let listed = fs::read_to_string(self.folder.join("hosts")).context("no list of hosts")?;
        Ok(listed.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
    }

    /// How SSH is told about them.
    pub fn ssh_config(&self) -> PathBuf {
        self.folder.join("ssh_config")
    }

    /// What a shell script of root's on one of them says, when it succeeds.
    pub fn run(&self, host: &str, script: &str) -> Result<String> {
        said(Command::new("ssh").arg("-F").arg(self.ssh_config()).args([host, script]))
    }
}
