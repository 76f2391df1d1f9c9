// Loads the module of a view when it is first wanted, and only beside modules of its own version.

import { fill, h } from '../lib/dom.js';
import { Problem } from '../lib/problem.js';
import { isOther } from './version.js';

/** Served are other pages than the ones that are open. */
export class OtherVersion extends Error {}

/** `fetched(path)` is `import`. The loader throws `OtherVersion`, or a `Problem` where a module does not come. */
export function moduleLoader({ fetched = (path) => import(path), isOtherServed = isOther } = {}) {
  const loaded = new Map();
  const failures = new Map();
  return async function load(path) {
    if (loaded.has(path)) return loaded.get(path);
    const before = failures.get(path) ?? 0;
    const asked = isOtherServed();
    let module;
    try {
      // A browser may remember that a module could not be loaded, by its address.
      module = await fetched(before > 0 ? `${path}?again=${before}` : path);
    } catch (cause) {
      failures.set(path, before + 1);
      if (await asked || await isOtherServed()) throw new OtherVersion();
      throw new Problem({ status: 0, kind: 'not-loaded', title: 'This view could not be loaded', detail: `If it does not come when it is tried again, load the page anew; that signs you out. (${cause?.message ?? cause})` });
    }
    if (await asked) throw new OtherVersion();
    loaded.set(path, module);
    return module;
  };
}

/** Says so in place of the view. What is typed in others is left to whoever typed it, so nothing is loaded anew before they say so. */
export function showOtherVersion(place) {
  fill(place, h('div', { class: 'problem', role: 'alert' }, h('strong', {}, 'There is another version of this page'),
    h('p', {}, 'This view needs it. Loading it signs you out, and what was typed and not sent is lost; the views that you have opened already work on.'),
    h('button', { type: 'button', class: 'primary', onclick: () => location.reload() }, 'Load it')));
}
