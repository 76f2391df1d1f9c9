//! The series of the devices that are in memory: found by name, bounded in number, and as bytes when they are parked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::batch::{Batch, Row};
use crate::form::{self, InvalidParked};
use crate::names::Names;
use crate::series::Series;

/// Which series of a device, in the order in which they are kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) scene: Arc<str>,
    pub(crate) metric: Arc<str>,
    pub(crate) build: Arc<str>,
}

/// All series of one device.
#[derive(Debug, Default)]
pub(crate) struct DeviceSeries {
    series: Vec<(Name, Box<Series>)>,
    /// The batch that they were heard in last.
    number: u64,
    /// Whether there is something that no copy has.
    is_changed: bool,
}

/// The wire form of a parked device.
#[derive(Serialize, Deserialize)]
struct Parked<'a> {
    device: &'a str,
    number: u64,
    #[serde(borrow)]
    series: Vec<(&'a str, &'a str, &'a str, std::borrow::Cow<'a, Series>)>,
}

/// All that are in memory.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    devices: BTreeMap<String, DeviceSeries>,
    names: Names,
    live: usize,
    forgotten: u64,
}

impl Memory {
    /// How many series are in memory.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// The devices that have series in memory.
    pub(crate) fn devices(&self) -> impl Iterator<Item = &str> {
        self.devices.keys().map(String::as_str)
    }

    /// How many series were forgotten since there was no room for them.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(crate) fn knows(&self, device: &str) -> bool {
        self.devices.contains_key(device)
    }

    /// How many series of a device are in memory.
    pub(crate) fn series_of(&self, device: &str) -> usize {
        self.devices.get(device).map_or(0, |device| device.series.len())
    }

    /// The devices of which something changed since they were copied.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &str> {
        self.devices.iter().filter(|(_, series)| series.is_changed).map(|(device, _)| device.as_str())
    }

    /// The number of the batch in which a device's series were heard last; 0 where there are none.
    pub(crate) fn number_of(&self, device: &str) -> u64 {
        self.devices.get(device).map_or(0, |device| device.number)
    }

    /// Makes room for the series of the batch of that number, and finds them: for each metric its place in [`DeviceSeries::at`], or none where it has no value.
    pub(crate) fn open(&mut self, batch: &Batch, number: u64, most: usize) -> (&mut DeviceSeries, Vec<Option<usize>>) {
        if !self.devices.contains_key(&batch.device) {
            self.devices.insert(batch.device.clone(), DeviceSeries::default());
        }
        let before = self.devices.get(&batch.device).map_or(0, |device| device.series.len());
        let firsts = first_values(batch);
        let names: Vec<Option<Name>> = batch
            .metrics
            .iter()
            .zip(&firsts)
            .map(|(metric, first)| {
                first.is_some().then(|| Name {
                    scene: self.names.keep(&batch.scene),
                    metric: self.names.keep(metric),
                    build: self.names.keep(&batch.build),
                })
            })
            .collect();
        let device = self.devices.entry(batch.device.clone()).or_default();
        for (name, first) in names.iter().zip(&firsts) {
            if let (Some(name), Some(first)) = (name, first) {
                device.begin(name, *first);
            }
        }
        let forgotten = device.forget_oldest(most, &names);
        self.forgotten = self.forgotten.saturating_add(u64::try_from(forgotten).unwrap_or(u64::MAX));
        self.live = self.live.saturating_sub(before).saturating_add(device.series.len());
        if firsts.iter().any(Option::is_some) {
            (device.is_changed, device.number) = (true, number);
        }
        let places = names.iter().map(|name| name.as_ref().and_then(|name| device.place(name).ok())).collect();
        (device, places)
    }

    /// Forgets a device for want of room.
    pub(crate) fn forget(&mut self, device: &str) {
        let gone = self.devices.remove(device).map_or(0, |device| device.series.len());
        self.live = self.live.saturating_sub(gone);
        self.forgotten = self.forgotten.saturating_add(u64::try_from(gone).unwrap_or(u64::MAX));
    }

    /// A device's series as bytes.
    pub(crate) fn copy(&mut self, device: &str) -> Result<Option<Vec<u8>>, InvalidParked> {
        let Some(known) = self.devices.get_mut(device) else { return Ok(None) };
        let series = known
            .series
            .iter()
            .map(|(name, series)| (&*name.scene, &*name.metric, &*name.build, std::borrow::Cow::Borrowed(&**series)))
            .collect();
        let copy = form::to_bytes(&Parked { device, number: known.number, series })?;
        known.is_changed = false;
        Ok(Some(copy))
    }

    /// Takes a device's series out of memory, as bytes.
    pub(crate) fn park(&mut self, device: &str) -> Result<Option<Vec<u8>>, InvalidParked> {
        let parked = self.copy(device)?;
        let gone = self.devices.remove(device).map_or(0, |device| device.series.len());
        self.live = self.live.saturating_sub(gone);
        Ok(parked)
    }

    /// Brings back what was parked, where the device and the number of the batch that it was heard in last are recalled. Series that are there
    /// already are newer.
    pub(crate) fn revive(
        &mut self,
        parked: &[u8],
        is_recalled: impl FnOnce(&str, u64) -> bool,
    ) -> Result<(), InvalidParked> {
        let parked: Parked<'_> = form::from_bytes(parked)?;
        if !is_recalled(parked.device, parked.number) {
            return Ok(());
        }
        let device = self.devices.entry(parked.device.to_owned()).or_default();
        device.number = device.number.max(parked.number);
        for (scene, metric, build, series) in parked.series {
            let name =
                Name { scene: self.names.keep(scene), metric: self.names.keep(metric), build: self.names.keep(build) };
            if let Err(place) = device.place(&name) {
                device.series.insert(place, (name, Box::new(series.into_owned())));
                self.live = self.live.saturating_add(1);
            }
        }
        Ok(())
    }
}

impl DeviceSeries {
    /// The series at a place that [`Memory::open`] gave.
    pub(crate) fn at(&mut self, place: usize) -> Option<(&Name, &mut Series)> {
        self.series.get_mut(place).map(|(name, series)| (&*name, &mut **series))
    }

    fn place(&self, name: &Name) -> Result<usize, usize> {
        self.series.binary_search_by(|(known, _)| known.cmp(name))
    }

    /// A series begins; that of another build in the same scene hands down what is usual.
    fn begin(&mut self, name: &Name, at: Millis) {
        let Err(place) = self.place(name) else { return };
        let same = |(known, _): &&(Name, Box<Series>)| known.scene == name.scene && known.metric == name.metric;
        let around = self.series.iter().skip(place).take_while(same);
        let around = around.chain(self.series.iter().take(place).rev().take_while(same));
        let elder = around.max_by_key(|(_, series)| series.newest());
        let series = elder.map_or_else(|| Series::new(at), |(_, elder)| Series::heir_of(elder, at));
        self.series.insert(place, (name.clone(), Box::new(series)));
    }

    /// Keeps the number of series: those that were not heard for the longest time go. Those in `kept` stay.
    fn forget_oldest(&mut self, most: usize, kept: &[Option<Name>]) -> usize {
        let surplus = self.series.len().saturating_sub(most);
        if surplus == 0 {
            return 0;
        }
        let mut oldest: Vec<(Millis, Name)> = self
            .series
            .iter()
            .filter(|(name, _)| !kept.iter().flatten().any(|kept| kept == name))
            .map(|(name, series)| (series.newest(), name.clone()))
            .collect();
        oldest.sort();
        oldest.truncate(surplus);
        self.series.retain(|(name, _)| !oldest.iter().any(|(_, old)| old == name));
        oldest.len()
    }
}

/// When each metric of a batch has its first value.
fn first_values(batch: &Batch) -> Vec<Option<Millis>> {
    let first = |column: usize| {
        let has_value = |Row(_, values): &&Row| values.get(column).is_some_and(Option::is_some);
        let offset = batch.rows.iter().filter(has_value).map(|Row(offset, _)| *offset).min();
        offset.map(|offset| batch.start.saturating_add(Millis::from(offset)))
    };
    (0..batch.metrics.len()).map(first).collect()
}
