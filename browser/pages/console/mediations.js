// Mediations: two people who have something to settle, each alone with it until both want to share.

import { fill, h } from '../lib/dom.js';
import { Problem } from '../lib/problem.js';
import { draft, sent } from './drafts.js';
import { showMediation } from './mediation.js';
import { stateTag } from './mediation-words.js';
import { person } from './people.js';
import { poll } from './poll.js';
import { field, onSend } from './problem-box.js';
import { hrefOf } from './route.js';
import { fillRows, loadingRow, notLoading } from './rows.js';
import { lackOf } from './scopes.js';
import { sendOnce } from './sending.js';
import { split } from './split.js';
import { when } from './when.js';

const EVERY = 15_000;

/** What is missing, in words for whoever fills the form: the service's are for programs. */
function missingOf({ topic, with: { subject, issuer } }) {
  const needed = { topic: [topic, 'Say what it is about.'], 'with.subject': [subject, 'Say with whom.'], 'with.issuer': [issuer, 'Say which identity provider knows them.'] };
  return Object.entries(needed).filter(([, [text]]) => text === '').map(([field, [, detail]]) => ({ field, detail }));
}

/** What is wrong with the other one as a whole stands where they are named. */
function atFields(problem) {
  if (problem instanceof Problem) problem.errors = problem.errors.map((error) => (error.field === 'with' ? { ...error, field: 'with.subject' } : error));
  return problem;
}

export function show(root, context) {
  const { api, signal, principal } = context;
  const rows = h('ul', { class: 'rows', 'aria-label': 'Mediations' }, loadingRow());
  const box = h('div', {});
  const beginning = h('a', { class: 'button primary', href: hrefOf('mediations', ['new']) }, 'Begin one');
  const look = poll({ signal, every: EVERY, box, load: () => api.call('GET', '/v1/mediations', { signal }), show: ({ mediations }) => { beginning.hidden = false; draw(mediations); }, refused: ({ status }) => { beginning.hidden = status === 403; notLoading(rows); } });
  const { list, mark } = split(root, context, {
    view: 'mediations', name: 'Mediation', empty: 'Choose a mediation, or begin one. What you tell is read by nobody else until you share it.',
    open: (id, place, ending) => (id === 'new' ? drawNew(place, ending) : showMediation(place, { context, signal: ending, id, changed: look })),
  });
  fill(list, h('div', { class: 'list-head' }, h('div', { class: 'row ends' }, h('span', { class: 'faint' }, 'Those that you are in'), beginning)), box, rows);

  function draw(mediations) {
    const items = mediations.map((one) => h('li', {}, h('a', { href: hrefOf('mediations', [one.id]), 'data-id': one.id },
      h('span', { class: 'title' }, h('span', {}, one.topic), when(one.updated_at)),
      h('span', { class: 'sub' }, stateTag(one.state), h('span', {}, 'with ', person(one.with)), h('span', {}, one.begun_by_you ? 'begun by you' : 'begun by the other'), one.asks_whether_it_held && one.state !== 'follow_up' && h('span', { class: 'tag warn' }, 'did it hold?')))));
    fillRows(rows, items, 'You are in none.');
    mark();
  }

  function drawNew(place, ending) {
    const topic = draft('mediation-topic', h('input', { type: 'text', maxlength: '200' }));
    const subject = draft('mediation-subject', h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' }));
    const issuer = h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' });
    issuer.value = principal.iss;
    const form = h('form', {},
      field({ name: 'topic', label: 'What it is about', hint: 'Both of you read this. Say it so that the other one could have written it too.', control: topic }),
      field({ name: 'with.subject', label: 'With whom', hint: 'The subject by which the identity provider knows them. Whether there is such a person is not known here.', control: subject }),
      field({ name: 'with.issuer', label: 'Their identity provider', control: issuer }),
      h('button', { type: 'submit', class: 'primary' }, 'Begin'));
    onSend(form, {
      signal: ending,
      work: async () => {
        const body = { topic: topic.value.trim(), with: { issuer: issuer.value.trim(), subject: subject.value.trim() } };
        const errors = missingOf(body);
        if (errors.length > 0) throw new Problem({ status: 400, title: 'Something is missing', errors });
        const begun = await sendOnce(api, '/v1/mediations', body).catch((problem) => { throw atFields(problem); });
        sent('mediation-topic', 'mediation-subject');
        look();
        if (!ending.aborted) context.go('mediations', [begun.id]);
      },
    });
    fill(place, h('h2', {}, 'Begin a mediation'), lackOf('mediations', principal), h('p', {}, 'The other one finds it in their list, and may leave it. It is no judge: it helps both of you to say what it is about, and keeps what you agree on.'), form);
  }
}
