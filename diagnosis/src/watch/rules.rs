//! How much must be strange, and for how long, to open and to close an alarm.

/// A score that startles: with it, fewer strange seconds make an alarm.
pub const STARTLES_AT: f64 = 0.9;

/// For so many seconds.
pub(super) const STARTLED: u8 = 60;

/// What is nearer to the usual level than this part of it does not matter, for any metric.
pub(super) const MATTERS: f64 = 0.05;

/// The same of peaks; and steps from one sample to the next that are smaller than this part of the level do not matter.
pub(super) const PEAK_MATTERS: f64 = 0.4;
pub(super) const SWING_MATTERS: f64 = 0.005;

/// What is less is nothing: with it no ratio overflows.
pub(super) const LEAST_SWING: f64 = 1e-100;

/// Swing matters when it is three times the usual, or a fifth, as logarithms.
pub(super) const THREE_TIMES: f64 = 1.1;
pub(super) const FIVE_TIMES: f64 = 1.6;

/// N of the last M seconds open an alarm of level or swing: after a score that startled, and without one.
pub(super) const OPENS_STARTLED: (u32, u32) = (8, 10);
pub(super) const OPENS: (u32, u32) = (20, 30);

/// So do fewer of the last minute, when all of it but a moment was not calm: by how far samples usually are apart chance has a share in whether
/// five spreads are reached.
pub(super) const OPENS_LASTING: (u32, u32) = (10, 60);
pub(super) const LASTING: u32 = 57;

/// The same of peaks, which have quiet seconds between them, and where slots are far apart.
pub(super) const PEAKS_OPEN: (u32, u32) = (8, 60);
pub(super) const PEAKS_OPEN_SLOWLY: (u32, u32) = (12, 60);

/// The same of what is not as at this time of other days.
pub(super) const SEASON_OPENS: (u32, u32) = (8, 10);

/// From so many slots from one sample to the next on, a minute's worth of samples is hours. What is usual of such hours is known after a day.
pub(super) const SLOW: f32 = 60.0;
pub(super) const SLOTS_OF_A_DAY: f32 = 86_400.0;

/// Peaks that come one after the other are a level.
pub(super) const LEVEL_AMONG_PEAKS: (u32, u32) = (8, 10);

/// An alarm closes when at most N of the last M seconds were not calm.
pub(super) const CLOSES: (u32, u32) = (3, 30);
pub(super) const PEAKS_CLOSE: (u32, u32) = (0, 60);

/// After a gap of so many seconds the last minute does not count any more, and the next few seconds neither: things settle.
pub(super) const GAP_SLOTS: f32 = 10.0;
pub(super) const SETTLES: u8 = 5;

/// After so many seconds on it, another level is the usual one.
pub(super) const ACCEPTS_AFTER: u16 = 3600;

/// A level that was on its way for so many seconds has drifted there: nearly all of the last minute was on one side.
pub(super) const DRIFTS_SLOTS: f64 = 20.0;
pub(super) const DRIFTS_LAST: u32 = 50;
