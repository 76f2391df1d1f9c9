// One incident: the picture of what moved, on which devices, what these share, where it stands in the log, what may help, and what the
// documents say of it.

import { fill, h } from '../lib/dom.js';
import { now } from '../lib/clock.js';
import { answerParts } from './answer.js';
import { requestLink } from './command-form.js';
import { poll } from './poll.js';
import { problemBox } from './problem-box.js';
import { hrefOf } from './route.js';
import { silenceForm } from './silences.js';
import { exact, span, when } from './when.js';

const EVERY = 10_000;
const KINDS = { spike: 'a spike', level_shift: 'another level', drift: 'a drift', variance: 'another spread', flatline: 'a flat line', season: 'not as at this time of other days', silence: 'silence' };

/** How long it lasts, or lasted. */
export function spanOf({ began_at: from, resolved_at: until }) {
  return until ? `lasted ${span(until - from)}` : `for ${span(now() - from)}`;
}

export function showIncident(place, { context, signal, id }) {
  const { api } = context;
  const path = `/v1/incidents/${encodeURIComponent(id)}`;
  let incident = null;
  const box = h('div', {}, h('p', { class: 'faint' }, 'Loading…'));
  const head = h('div', {});
  const picture = h('div', { class: 'plot-place', tabindex: '0', role: 'group', 'aria-label': 'Picture' });
  const body = h('div', {});
  const explanation = h('section', {});
  const silence = h('details', { class: 'call' }, h('summary', {}, 'Silence it for some time'));
  fill(place, box);
  let drawn = null;
  // Of several that are on their way the last one counts.
  let drawings = 0;
  // What is over changes no more.
  const load = async () => (incident?.state === 'resolved' ? incident : api.call('GET', path, { signal }));
  poll({ signal, every: EVERY, box, load, show: (next) => { const isFirst = incident === null; incident = next; if (isFirst) build(); draw(); } });

  function build() {
    place.append(head, picture, body, explanation, silence);
    silence.append(silenceForm({ context, signal, name: `silence-${id}`, initial: { device: incident.devices_in_all === 1 ? incident.devices[0] : '', metric: incident.moved[0]?.metric ?? '', build: '' } }));
    offerExplanation();
  }

  function draw() {
    const key = JSON.stringify(incident);
    if (key === drawn) return;
    drawn = key;
    // The picture shows more only when more belongs to it.
    drawPicture();
    const isOpen = incident.state === 'open';
    fill(head, h('div', { class: 'row' }, h('h2', {}, incident.title), h('span', { class: `tag ${isOpen ? 'bad' : 'good'}` }, incident.state)),
      h('p', { class: 'faint' }, 'Began ', when(incident.began_at), `, was noticed ${span(Math.max(0, incident.opened_at - incident.began_at))} later`, incident.resolved_at ? [', was over ', when(incident.resolved_at)] : ', and goes on', '.'),
      incident.merged_into && h('p', {}, 'It turned out to be a part of ', h('a', { href: hrefOf('incidents', [incident.merged_into]) }, incident.merged_into), ', where what moved is told from then on.'));
    fill(body, suggested(), moved(), devices(), shared(), similar(), evidence());
  }

  function suggested() {
    if (incident.suggested.length === 0) return null;
    return [h('h3', {}, 'Runbooks that may help'), h('ul', {}, incident.suggested.map((runbook) => h('li', {}, requestLink(runbook)))),
      h('p', { class: 'hint' }, 'An incident never acts: the link opens the form to ask for the command.')];
  }

  function moved() {
    const more = incident.moved_in_all - incident.moved.length;
    const rows = incident.moved.map((one) => h('tr', {}, h('td', {}, when(one.began_at)), h('td', {}, one.metric), h('td', {}, one.device),
      h('td', {}, `${KINDS[one.kind] ?? one.kind}, ${one.direction}`), h('td', { class: 'number' }, one.kind === 'silence' ? '' : number(one.before)), h('td', { class: 'number' }, one.kind === 'silence' ? '' : number(one.now)),
      h('td', {}, [one.build, one.scene].filter(Boolean).join(', ')), h('td', {}, one.is_over ? 'over' : 'goes on')));
    const titles = ['Since', 'Metric', 'Device', 'How', 'Before', 'At worst', 'Build, scene', 'State'];
    return [h('h3', {}, 'What moved, in order'),
      h('div', { class: 'scrolls', tabindex: '0', role: 'group', 'aria-label': 'What moved' }, h('table', {}, h('thead', {}, h('tr', {}, titles.map((title, index) => h('th', { scope: 'col', class: index === 4 || index === 5 ? 'number' : null }, title)))), h('tbody', {}, rows))),
      more > 0 && h('p', { class: 'faint' }, `${more} further series moved.`)];
  }

  function devices() {
    const more = incident.devices_in_all - incident.devices.length;
    return [h('h3', {}, 'Devices that are struck'),
      h('p', {}, incident.devices.map((device, index) => [index > 0 && ', ', h('a', { href: hrefOf('events', [], { subject: device }) }, device)]), more > 0 && ` and ${more} more`)];
  }

  function shared() {
    if (incident.shared.length === 0) return null;
    return [h('h3', {}, 'What they share'), h('ul', {}, incident.shared.map((one) => h('li', {}, `${one.what} `, h('strong', {}, one.value),
      `: ${one.struck} of ${one.struck_in_all} struck, ${one.others_in_all === 0 ? 'and there are no others' : `${one.others} of ${one.others_in_all} others`}`)))];
  }

  function similar() {
    if (incident.similar.length === 0) return null;
    return [h('h3', {}, 'It looks like'), h('ul', {}, incident.similar.map((one) => h('li', {}, h('a', { href: hrefOf('incidents', [one.incident]) }, one.title), ` (${Math.round(one.resemblance * 100)} %)`)))];
  }

  function evidence() {
    return [h('h3', {}, 'Where it stands'),
      h('p', {}, 'Events with its samples: ', incident.evidence.map((position, index) => [index > 0 && ', ', h('a', { href: hrefOf('events', [String(position)]) }, String(position))])),
      h('p', {}, h('a', { href: hrefOf('events', [], { correlationid: incident.incident }) }, 'What was told of it'))];
  }

  async function drawPicture() {
    drawings += 1;
    const mine = drawings;
    const isLate = () => signal.aborted || mine !== drawings;
    try {
      const blob = await api.call('GET', `${path}/plot.svg`, { signal, blob: true, headers: { accept: 'image/svg+xml' } });
      if (isLate()) return;
      const url = URL.createObjectURL(blob);
      const names = incident.moved.slice(0, 4).map(({ metric }) => metric);
      const alt = `Lines of ${[...new Set(names)].join(', ')} over time on the devices that are struck, with what was usual before and when it began, ${exact(incident.began_at)}. The table below says the same in numbers.`;
      const image = h('img', { class: 'plot', src: url, alt });
      image.addEventListener('load', () => URL.revokeObjectURL(url), { once: true });
      fill(picture, image);
    } catch (problem) {
      if (!isLate()) fill(picture, problemBox(problem, { again: drawPicture }));
    }
  }

  function offerExplanation() {
    fill(explanation, h('h3', {}, 'In plain words'),
      h('div', { class: 'row' }, h('button', { type: 'button', onclick: explain }, 'Explain it'), h('span', { class: 'hint' }, 'Asks the assistant in your name, from the documents that you may read.')));
  }

  async function explain() {
    fill(explanation, h('h3', {}, 'In plain words'), h('p', { class: 'faint', role: 'status' }, 'The documents are looked through…'));
    try {
      // As long as an answer may take.
      const told = await api.call('GET', `${path}/explanation`, { signal, timeout: 130_000 });
      if (signal.aborted) return;
      fill(explanation, h('h3', {}, 'In plain words'), h('ul', {}, told.facts.map((fact) => h('li', {}, fact))),
        h('p', { class: 'faint' }, `Asked was: ${told.question}`), answerParts(told.answer));
    } catch (problem) {
      if (!signal.aborted) fill(explanation, h('h3', {}, 'In plain words'), problemBox(problem, { again: explain }));
    }
  }
}

function number(value) {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : value.toFixed(2);
}
