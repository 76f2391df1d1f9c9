// A judgement as elements: the verdict, the mistakes, each rule with its reasons, the token, and what goes on behind the gate.

import { h } from '../lib/dom.js';
import { checksOf, claimText, forwardedOf, rulesOf, sentence, verdictOf } from './playground-words.js';

const NOT_TRIED_SHOWN = 8;

/** `goTo(line)` shows a line of the rules. */
export function resultOf(judgement, { goTo }) {
  const verdict = verdictOf(judgement);
  const { report, claims, notes } = judgement;
  const explanation = report?.explanation;
  return [
    h('div', { class: `verdict ${verdict.kind}` }, h('h2', {}, verdict.title), verdict.reason && h('p', {}, verdict.reason)),
    [...notes, ...report?.notes ?? []].map((note) => h('p', { class: 'play-note' }, sentence(note))),
    judgement.mistakes.length > 0 && mistakesOf(judgement.mistakes, goTo),
    explanation && rulesPart(rulesOf(explanation, report.verdict)),
    (claims || explanation?.token) && tokenPart(claims, explanation?.token),
    report && headersPart(report.verdict),
  ];
}

function mistakesOf(mistakes, goTo) {
  return h('section', { 'aria-label': 'Mistakes' }, h('h3', {}, 'Mistakes'),
    h('ul', { class: 'mistakes' }, mistakes.map(({ line, place, what }) => h('li', {},
      line !== undefined && h('button', { type: 'button', class: 'plain', onclick: () => goTo(line) }, `Line ${line}`),
      place && h('code', {}, place), ' ', what))));
}

function rulesPart(rules) {
  const tried = rules.filter(({ kind }) => kind !== 'not-tried');
  const others = rules.filter(({ kind }) => kind === 'not-tried').map(({ name }) => name);
  return h('section', { 'aria-label': 'Rules, in order' }, h('h3', {}, 'Rules, in order'),
    h('ol', { class: 'rule-list' }, tried.map(ruleItem)),
    tried.length === 0 && h('p', {}, 'The request was refused before any rule was tried.'),
    others.length > 0 && notTried(others, tried.length));
}

function ruleItem({ name, kind, outcome, conditions, requirements }) {
  return h('li', { class: kind },
    h('p', { class: 'rule-head' }, h('strong', {}, name), ' ', h('span', { class: `tag ${{ decides: 'good', refuses: 'bad' }[kind] ?? ''}` }, outcome)),
    conditionList(conditions, 'match'), requirements.length > 0 && conditionList(requirements, 'require'));
}

function conditionList(conditions, under) {
  return h('ul', { class: 'conditions', 'aria-label': under }, conditions.map(({ text, holds }) => h('li', { class: holds ? 'holds' : 'fails' },
    h('span', { class: 'holding' }, holds ? 'yes' : 'no'), ' ', under === 'require' && h('span', { class: 'faint' }, 'require '), h('code', {}, text))));
}

function notTried(names, hasDecided) {
  const why = hasDecided ? 'Not tried, because a rule before them decides' : 'Not tried';
  const list = h('p', { class: 'faint small' }, names.join(', '));
  return names.length <= NOT_TRIED_SHOWN ? [h('p', { class: 'faint small' }, `${why}:`), list] : h('details', {}, h('summary', { class: 'small' }, `${why}: ${names.length}`), list);
}

function tokenPart(claims, notes) {
  return h('section', { 'aria-label': 'What became of the token' }, h('h3', {}, 'What became of the token'),
    notes?.refused && h('p', { class: 'refused' }, `Refused: ${notes.refused}`),
    notes && h('dl', { class: 'facts' }, checksOf(notes).map(({ outcome, names }) => [h('dt', {}, outcome), h('dd', {}, names.join(', '))])),
    !notes && h('p', {}, 'The gate has not looked at it.'),
    claims && [h('h4', {}, 'What it says'), h('dl', { class: 'facts mono' },
      Object.entries(claims).map(([name, value]) => [h('dt', {}, name), h('dd', {}, claimText(name, value))]))]);
}

function headersPart(verdict) {
  if (verdict.decision === 'permit') {
    const { tags, others } = forwardedOf(verdict);
    return h('section', { 'aria-label': 'Forwarded' },
      tags.length > 0 && [h('h3', {}, 'Event tags that go on'), headerList(tags)],
      others.length > 0 && [h('h3', {}, 'Other headers that the gate sets'), headerList(others)],
      verdict.remove.length > 0 && [h('h3', {}, 'Headers that do not go on'), h('p', { class: 'mono' }, verdict.remove.join(', '))]);
  }
  const headers = verdict.headers ?? [];
  return headers.length > 0 && h('section', { 'aria-label': 'Answer' }, h('h3', {}, 'Headers of the answer'), headerList(headers));
}

const headerList = (headers) => h('dl', { class: 'facts mono' }, headers.map(({ name, value }) => [h('dt', {}, name.toLowerCase()), h('dd', {}, value)]));
