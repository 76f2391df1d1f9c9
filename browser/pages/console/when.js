// Times as people say them. What is shown as "2 minutes ago" goes on counting, and says the exact time to whoever points at it.

import { h } from '../lib/dom.js';
import { now } from '../lib/clock.js';

const STEPS = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];
const relativeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exactFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
const clockFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/** The distance between two times, in milliseconds, in words, rounded to the nearest. */
export function relative(at, to) {
  const seconds = Math.round((at - to) / 1000);
  if (Math.abs(seconds) < 5) return 'now';
  // What rounds to a whole one of the larger unit is one.
  const [unit, size] = STEPS.find(([, least], index) => Math.abs(seconds) >= least - (STEPS[index + 1]?.[1] ?? 0) / 2) ?? STEPS.at(-1);
  return relativeFormat.format(Math.sign(seconds) * Math.round(Math.abs(seconds) / size), unit);
}

/** The exact time, in the words of whoever reads. */
export const exact = (at) => exactFormat.format(at);
/** Hours and minutes. */
export const clock = (at) => clockFormat.format(at);

/** An element that says when; `at` is RFC 3339 or milliseconds. */
export function when(at) {
  const time = typeof at === 'number' ? at : Date.parse(at);
  if (!Number.isFinite(time)) return h('span', {}, String(at ?? ''));
  const element = h('time', { datetime: new Date(time).toISOString(), title: exact(time), 'data-at': time }, relative(time, now()));
  return element;
}

/** A span of milliseconds, such as `1 min 20 s`. */
export function span(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min${seconds % 60 ? ` ${seconds % 60} s` : ''}`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`;
}

/** Keeps all of them right, as long as the page is there. */
export function keepTimes() {
  setInterval(() => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll('time[data-at]')) {
      const text = relative(Number(element.dataset.at), now());
      if (element.textContent !== text) element.textContent = text;
    }
  }, 1_000);
}
