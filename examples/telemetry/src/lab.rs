//! The lab: consoles of two models, at three sites, on two firmwares.

use std::collections::BTreeMap;

use crate::dice::Dice;

/// The models, with how much of the larger one's memory they have.
pub const MODELS: [(&str, f64); 2] = [("Xbox Series X", 1.0), ("Xbox Series S", 0.72)];

/// The sites.
pub const SITES: [&str; 3] = ["guildford", "montreal", "warsaw"];

/// The firmwares that consoles have when a trace begins.
pub const FIRMWARES: [&str; 2] = ["10.0.26100.6889", "10.0.26100.7010"];

/// A console of the lab.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// Its firmware, model and site.
    pub traits: BTreeMap<String, String>,
    /// How much longer than usual its GPU takes: no two are alike.
    pub gpu: f64,
    /// How much longer than usual its CPU takes.
    pub cpu: f64,
    /// How warm it is around it, in degrees.
    pub ambient: f64,
    /// How much memory it has, as a share of the larger model's.
    pub memory: f64,
}

/// So many consoles. Model, site and firmware are mixed, so that none of them follows from another.
pub fn devices(dice: &mut Dice, count: usize) -> Vec<Device> {
    let mut places: Vec<usize> = (0..count).collect();
    dice.shuffle(&mut places);
    // Every twelve places hold each mixture once.
    let mixtures =
        || FIRMWARES.into_iter().flat_map(|it| SITES.map(|site| (it, site))).flat_map(|it| MODELS.map(|of| (it, of)));
    let mixed: Vec<_> = mixtures().cycle().take(count).collect();
    let made = places.iter().enumerate().filter_map(|(index, place)| {
        let ((firmware, site), (model, memory)) = *mixed.get(*place)?;
        let traits = [("firmware", firmware), ("model", model), ("site", site)];
        Some(Device {
            name: format!("devkit-{:02}", index.saturating_add(1)),
            traits: traits.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            gpu: dice.between(0.98, 1.02),
            cpu: dice.between(0.97, 1.03),
            ambient: dice.between(21.0, 26.0),
            memory,
        })
    });
    made.collect()
}
