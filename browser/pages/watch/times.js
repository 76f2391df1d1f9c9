// Times in few words.

import { now } from '../lib/clock.js';

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
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
