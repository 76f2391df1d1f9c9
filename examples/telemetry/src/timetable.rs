//! Who plays what, when: sessions of a device, each a walk through scenes.

use std::collections::BTreeMap;

use crate::dice::Dice;
use crate::game::{LOADING, Scene, TITLE};

/// Time in which nothing changes but what a game does by itself.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// When it begins, in seconds since the trace began.
    pub from: f64,
    /// When it ends.
    pub until: f64,
    /// What runs.
    pub build: String,
    /// Where in it.
    pub scene: &'static Scene,
    /// Traits that differ from those which the device had when the trace began.
    pub traits: BTreeMap<String, String>,
    /// Whether the session ends with it.
    pub is_last: bool,
}

/// From a start to an end of the game.
#[derive(Clone, Debug)]
pub struct Session {
    /// When it begins, in seconds since the trace began.
    pub from: f64,
    /// When it ends.
    pub until: f64,
    /// What is played.
    pub build: &'static str,
    /// The scenes, from the first on and then again.
    pub scenes: Vec<&'static Scene>,
    /// How long a scene is played at least and at most.
    pub visit: (f64, f64),
    /// Traits that have changed.
    pub traits: BTreeMap<String, String>,
}

impl Session {
    /// Its stretches: the title, and then each scene after its loading screen.
    pub fn stretches(&self, dice: &mut Dice) -> Vec<Stretch> {
        let (mut made, mut at) = (Vec::new(), self.from);
        let mut add = |scene, lasts: f64| {
            let until = (at + lasts).min(self.until);
            if until > at {
                let (build, traits) = (self.build.to_owned(), self.traits.clone());
                made.push(Stretch { from: at, until, build, scene, traits, is_last: until >= self.until });
            }
            at = until;
            until < self.until
        };
        if self.scenes.len() > 1 {
            add(&TITLE, dice.between(15.0, 30.0));
        }
        for scene in self.scenes.iter().cycle() {
            let goes_on = self.scenes.len() == 1 || add(&LOADING, dice.between(8.0, 18.0));
            if !(goes_on && add(scene, dice.between(self.visit.0, self.visit.1))) {
                break;
            }
        }
        made
    }
}
