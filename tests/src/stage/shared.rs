//! One stage for all tests of a test program, because starting one costs a second.

use anyhow::{Result, anyhow};
use tokio::sync::OnceCell;

use super::Stage;
use super::options::StageOptions;

/// A stage that the first test sets and all others use; the guardian ends it with the program.
pub struct SharedStage {
    options: fn() -> Result<StageOptions>,
    // A stage that cannot be set is tried once, not once for each test.
    cell: OnceCell<Result<Stage, String>>,
}

impl SharedStage {
    /// Names what the stage shall be; nothing is started yet.
    pub const fn new(options: fn() -> Result<StageOptions>) -> SharedStage {
        SharedStage { options, cell: OnceCell::const_new() }
    }

    /// Plays one scene on it; when the scene fails, the end of the logs is printed.
    pub async fn play<T>(&'static self, scene: impl AsyncFnOnce(&'static Stage) -> Result<T>) -> Result<T> {
        let stage = self
            .cell
            .get_or_init(async || match (self.options)() {
                Ok(options) => Stage::start(options).await.map_err(|error| format!("{error:#}")),
                Err(error) => Err(format!("{error:#}")),
            })
            .await
            .as_ref()
            .map_err(|error| anyhow!("{error}"))?;
        let report = stage.report_if_failed();
        let played = scene(stage).await;
        report.close(played)
    }
}
