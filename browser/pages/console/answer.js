// An answer of the assistant: its words, where each of them stands, code, runbooks that may help, and whom to ask. Nothing in it is trusted:
// all of it becomes text, and links lead nowhere but into this page.

import { h } from '../lib/dom.js';
import { requestLink } from './command-form.js';
import { copyButton } from './copy.js';
import { markdown } from './markdown.js';

const SURE = { none: ['not known', 'warn'], low: ['not sure', 'warn'], medium: ['fairly sure', ''], high: ['sure', 'good'] };
const INSTEAD = { unavailable: 'no model could be reached', timed_out: 'the model took too long', cut_off: 'the model was cut off', refused: 'the model refused', malformed: 'the model said what cannot be read', too_large: 'the model said too much' };

/** The parts of a whole answer, as `POST /v1/ask` tells it. */
export function answerParts(answer) {
  const [words, style] = SURE[answer.confidence] ?? [answer.confidence, ''];
  const sources = [
    ...answer.citations.map((citation, index) => source(`${index + 1}`, [h('span', {}, citation.file), place(citation)], citation.quote)),
    ...(answer.events ?? []).map((event, index) => source(`e${index + 1}`, [h('span', {}, event.type), ` ${event.id} of ${event.source}`], event.quote)),
  ];
  const open = (mark) => {
    const found = sources.find((one) => one.dataset.mark === mark);
    if (!found) return null;
    return () => {
      const details = found.firstElementChild;
      details.open = true;
      details.querySelector('summary').focus();
      found.scrollIntoView({ block: 'nearest' });
    };
  };
  return [
    h('div', { class: 'answer' }, answer.known ? markdown(answer.answer ?? answer.short ?? '', open) : h('p', {}, 'The documents that you may read do not say.', (answer.answer ?? answer.short) && h('span', {}, ' Nearest to it: '), answer.answer && markdown(answer.answer, open))),
    h('p', { class: 'small faint' }, h('span', { class: `tag ${style}` }, words), ' ', answer.known && `${madeBy(answer.made_by)}; `, `${answer.searched.sections} sections of ${answer.searched.documents} documents were looked through.`),
    sources.length > 0 && [h('h3', {}, 'Sources'), h('ul', { class: 'sources' }, sources)],
    answer.recommendation && recommendation(answer.recommendation),
    answer.proposals.length > 0 && [h('h3', {}, 'Runbooks that may help'), h('ul', {}, answer.proposals.map((one) => h('li', {}, requestLink(one.runbook, one.parameters, one.title), one.why && h('span', { class: 'faint' }, `; ${one.why}`)))), h('p', { class: 'hint' }, 'Nothing has been started. The link opens the form to ask for it.')],
    answer.whom_to_ask.length > 0 && h('p', {}, 'Whom to ask: ', answer.whom_to_ask.map(({ owner, file }, index) => [index > 0 && ', ', owner, h('span', { class: 'faint' }, ` (${file})`)])),
    (answer.removed?.length ?? 0) > 0 && h('details', {}, h('summary', { class: 'small' }, `${answer.removed.length} taken out because it did not hold`), h('ul', {}, answer.removed.map(({ what, why }) => h('li', {}, `${what}: ${why}`)))),
  ];
}

function source(mark, words, quote) {
  return h('li', { 'data-mark': mark }, h('details', {}, h('summary', {}, h('span', { class: 'tag' }, mark), ' ', words), h('blockquote', {}, quote)));
}

function place({ heading, lines }) {
  return [heading && h('span', { class: 'faint' }, `, ${heading}`), lines && h('span', { class: 'faint' }, `, lines ${lines[0]} to ${lines[1]}`)];
}

function recommendation({ snippet, language, file, heading, lines, change }) {
  return [
    h('div', { class: 'row ends' }, h('h3', {}, 'Code that helps'), copyButton('Copy code', snippet)),
    h('p', { class: 'small faint' }, file, place({ heading, lines }), language && `, ${language}`),
    h('pre', { tabindex: '0', 'aria-label': 'Code that is recommended' }, snippet),
    change && h('div', {}, markdown(change, () => null)),
  ];
}

function madeBy(by) {
  if (by.kind === 'model') return `Made by the model ${by.model}; what it cites was checked`;
  return `Made of quotes from documents${by.instead_of_model ? ` because ${INSTEAD[by.instead_of_model] ?? by.instead_of_model}` : ''}`;
}
