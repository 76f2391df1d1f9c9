// One event, whole, with the ways that lead on from it.

import { fill, h } from '../lib/dom.js';
import { copyButton } from './copy.js';
import { problemBox } from './problem-box.js';
import { hrefOf } from './route.js';
import { when } from './when.js';

/** Shows the event at a position. `known` is it, where the list has it already. */
export async function showEvent(place, { api, signal, position, known }) {
  if (known) {
    draw(known.event);
    return;
  }
  fill(place, h('p', { class: 'faint' }, 'Loading…'));
  try {
    const before = Number(position) - 1;
    const page = await api.call('GET', `/v1/events?after=${before}&limit=1`, { signal });
    const found = page.events[0];
    if (found?.position === Number(position)) draw(found.event);
    else fill(place, h('h2', {}, `Event ${position}`), h('p', {}, 'The log does not keep it any more, or it was never there.'));
  } catch (problem) {
    if (!signal.aborted) fill(place, problemBox(problem, { again: () => showEvent(place, { api, signal, position, known }) }));
  }

  function draw(event) {
    const json = JSON.stringify(event, null, 2);
    const like = (name, value) => value && h('a', { href: hrefOf('events', [String(position)], { [name]: value }) }, value);
    const facts = [
      ['Time', event.time && when(event.time)], ['Position', String(position)], ['Type', like('type', event.type)], ['Subject', like('subject', event.subject)],
      ['Source', like('source', event.source)], ['Correlation', like('correlationid', event.correlationid)], ['Made to happen by', like('principal', event.authid)],
      ['Severity', event.severitynumber && `${event.severitytext ?? ''} ${event.severitynumber}`.trim()], ['Goes on at', onward(event)],
    ];
    fill(place, h('h2', {}, event.type),
      h('dl', { class: 'facts' }, facts.filter(([, value]) => value).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
      h('p', { class: 'hint' }, 'A type, subject, source, correlation or person leads to the events that have the same.'),
      h('div', { class: 'row ends' }, h('h3', {}, 'The event'), copyButton('Copy JSON', json)),
      h('pre', { tabindex: '0', 'aria-label': 'The event as JSON' }, json));
  }
}

/** What an event of the service itself is about, where this page shows that. */
function onward(event) {
  const [, kind] = /^dev\.watchgate\.(command|incident|mediation)\./.exec(event.type) ?? [];
  const view = { command: 'commands', incident: 'incidents', mediation: 'mediations' }[kind];
  return view && event.subject ? h('a', { href: hrefOf(view, [event.subject]) }, `the ${kind}`) : null;
}
