// Times in few words.

import { now } from '../lib/clock.js';
import { h } from '../lib/dom.js';

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const wholeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const dateFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

/** Hours and minutes. */
export const clock = (at) => clockFormat.format(at);
/** Day and month. */
export const day = (at) => dateFormat.format(Date.parse(at));

/** Since when, such as `4 min`. */
export function since(at, to = now()) {
  const seconds = Math.max(0, Math.round((to - (typeof at === 'number' ? at : Date.parse(at))) / 1000));
  if (seconds < 60) return 'now';
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Since when, in an element that says exactly when, too. */
export function ago(at) {
  const exactly = new Date(at);
  return h('time', { datetime: exactly.toISOString(), title: wholeFormat.format(exactly) }, since(at));
}

/** Says it anew in such elements below `root`. */
export function tellAgo(root) {
  for (const time of root.querySelectorAll('time')) time.textContent = since(time.dateTime);
}

/** Does this again and again until `signal`, but never while nobody looks; whoever comes back sees it at once. */
export function whileShown(milliseconds, work, signal) {
  let timer = null;
  const turn = () => {
    clearInterval(timer);
    timer = document.hidden ? null : setInterval(work, milliseconds);
  };
  document.addEventListener('visibilitychange', () => { turn(); if (!document.hidden) work(); }, { signal });
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  turn();
}
