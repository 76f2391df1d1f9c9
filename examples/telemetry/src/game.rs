//! The game that testers play: what a moment in each scene costs a console.

/// A scene's cost on a healthy console.
#[derive(Debug, PartialEq)]
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    /// Milliseconds of the GPU for a frame.
    pub gpu: f64,
    /// Milliseconds of the CPU for a frame.
    pub cpu: f64,
    /// Pages of memory beyond what the system and the game need anyway, on the larger model.
    pub pages: f64,
    /// Bytes read from disk in a second.
    pub read: f64,
    /// Bytes received from the network in a second.
    pub received: f64,
}

/// Where a game begins.
pub const TITLE: Scene = Scene { name: "title", gpu: 6.0, cpu: 4.0, pages: 0.3e6, read: 2e6, received: 6e3 };

/// Between two scenes.
pub const LOADING: Scene = Scene { name: "loading", gpu: 4.5, cpu: 12.0, pages: 0.6e6, read: 420e6, received: 12e3 };

/// By the water.
pub const HARBOUR: Scene = Scene { name: "harbour", gpu: 13.0, cpu: 9.0, pages: 1.30e6, read: 44e6, received: 52e3 };

/// Many trees.
pub const FOREST: Scene = Scene { name: "forest", gpu: 12.4, cpu: 8.2, pages: 1.18e6, read: 36e6, received: 38e3 };

/// Many people.
pub const CITY: Scene = Scene { name: "city", gpu: 13.4, cpu: 10.6, pages: 1.42e6, read: 58e6, received: 74e3 };

/// A game of many players.
pub const ARENA: Scene = Scene { name: "arena", gpu: 11.8, cpu: 10.0, pages: 1.05e6, read: 24e6, received: 118e3 };

/// What plays itself all night.
pub const SOAK: Scene = Scene { name: "soak", gpu: 13.0, cpu: 9.5, pages: 1.20e6, read: 40e6, received: 60e3 };

/// Scenes that are played.
pub const PLAYED: [&Scene; 4] = [&HARBOUR, &FOREST, &CITY, &ARENA];

/// The build that all play at first.
pub const OLD_BUILD: &str = "2026.11.2";

/// The build that some get.
pub const NEW_BUILD: &str = "2026.11.3";
