// What has no stream is looked at again and again, as long as somebody can see it. What could not be looked at again is marked as old.

import { fill, h } from '../lib/dom.js';
import { pause } from '../lib/stream.js';
import { problemBox } from './problem-box.js';
import { clock } from './when.js';

/**
 * Shows what `load()` resolves to with `show(value)`, now and every so many milliseconds, until `signal`. `box` is where problems go. Gives
 * a function that looks at once.
 */
export function poll({ signal, every, load, show, box }) {
  let shownAt = null;
  let asked = 0;
  let isRefused = false;

  async function look() {
    asked += 1;
    const mine = asked;
    try {
      const value = await load();
      if (signal.aborted || mine !== asked) return;
      isRefused = false;
      shownAt = Date.now();
      fill(box);
      show(value);
    } catch (problem) {
      if (signal.aborted || mine !== asked) return;
      const isPassing = problem?.isPassing ?? false;
      if (shownAt !== null && isPassing) fill(box, h('p', { class: 'stale' }, `${problem.title}. What is shown is as of ${clock(shownAt)}.`));
      else fill(box, problemBox(problem, { again: look }));
      // What will be refused again is asked for again only when somebody wants it.
      isRefused = !isPassing;
    }
  }

  async function go() {
    while (!signal.aborted) {
      if (!document.hidden && !isRefused) await look();
      await pause(every, signal);
    }
  }

  document.addEventListener('visibilitychange', () => { if (!document.hidden && !isRefused && shownAt !== null && Date.now() - shownAt > every) look(); }, { signal });
  go();
  return look;
}
