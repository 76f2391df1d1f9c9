// What has no stream is looked at again and again, as long as somebody can see it. What could not be looked at again is marked as old.

import { fill, h } from '../lib/dom.js';
import { pause } from '../lib/stream.js';
import { problemBox } from './problem-box.js';
import { clock } from './when.js';

/**
 * Shows what `load()` resolves to with `show(value)`, now and every so many milliseconds, until `signal`; less often where the service says
 * when it wants to be asked again. `box` is where problems go; `refused(problem)` hears what will be refused again. Gives a function that
 * looks at once.
 */
export function poll({ signal, every, load, show, box, refused = () => {} }) {
  let shownAt = null;
  let notBefore = 0;
  let asked = 0;
  let isRefused = false;
  let said = '';

  async function look() {
    asked += 1;
    const mine = asked;
    try {
      const value = await load();
      if (signal.aborted || mine !== asked) return;
      isRefused = false;
      notBefore = 0;
      shownAt = Date.now();
      said = '';
      fill(box);
      show(value);
    } catch (problem) {
      if (signal.aborted || mine !== asked) return;
      const isPassing = problem?.isPassing ?? false;
      notBefore = Date.now() + (problem?.retryAfterSeconds ?? 0) * 1000;
      // What will be refused again is asked for again only when somebody wants it.
      isRefused = !isPassing;
      if (isRefused) refused(problem);
      say(shownAt !== null && isPassing ? h('p', { class: 'stale' }, `${problem.title}. What is shown is as of ${clock(shownAt)}.`) : problemBox(problem, { again }));
    }
  }

  /** The same is not said again: it would be read aloud at each look, and take the keyboard from its button. */
  function say(words) {
    if (words.textContent === said) return;
    const wasHere = box.contains(document.activeElement);
    said = words.textContent;
    fill(box, words);
    if (wasHere) box.querySelector('button')?.focus({ preventScroll: true });
  }

  /** Whoever asks is told again. */
  function again() {
    said = '';
    return look();
  }

  const isTime = () => !document.hidden && !isRefused && Date.now() >= notBefore;

  async function go() {
    while (!signal.aborted) {
      if (isTime()) await look();
      await pause(every, signal);
    }
  }

  document.addEventListener('visibilitychange', () => { if (isTime() && shownAt !== null && Date.now() - shownAt > every) look(); }, { signal });
  go();
  return look;
}
