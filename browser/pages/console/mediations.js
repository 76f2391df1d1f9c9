// Mediations: two people who have something to settle, each alone with it until both want to share.

import { fill, h } from '../lib/dom.js';
import { draft, sent } from './drafts.js';
import { showMediation } from './mediation.js';
import { stateTag } from './mediation-words.js';
import { person } from './people.js';
import { poll } from './poll.js';
import { field, onSend } from './problem-box.js';
import { hrefOf } from './route.js';
import { fillRows } from './rows.js';
import { sendOnce } from './sending.js';
import { split } from './split.js';
import { when } from './when.js';

const EVERY = 15_000;

export function show(root, context) {
  const { api, signal, principal } = context;
  const rows = h('ul', { class: 'rows', 'aria-label': 'Mediations' }, h('li', { class: 'empty' }, 'Loading…'));
  const box = h('div', {});
  const look = poll({ signal, every: EVERY, box, load: () => api.call('GET', '/v1/mediations', { signal }), show: ({ mediations }) => draw(mediations) });
  const { list, mark } = split(root, context, {
    view: 'mediations', name: 'Mediation', empty: 'Choose a mediation, or begin one. What you tell is read by nobody else until you share it.',
    open: (id, place, ending) => (id === 'new' ? drawNew(place, ending) : showMediation(place, { context, signal: ending, id, changed: look })),
  });
  fill(list, h('div', { class: 'list-head' }, h('div', { class: 'row ends' }, h('span', { class: 'faint' }, 'Those that you are in'), h('a', { class: 'button primary', href: hrefOf('mediations', ['new']) }, 'Begin one'))), box, rows);

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
        const begun = await sendOnce(api, '/v1/mediations', body);
        sent('mediation-topic', 'mediation-subject');
        look();
        if (!ending.aborted) context.go('mediations', [begun.id]);
      },
    });
    fill(place, h('h2', {}, 'Begin a mediation'), h('p', {}, 'The other one finds it in their list, and may leave it. It is no judge: it helps both of you to say what it is about, and keeps what you agree on.'), form);
  }
}
