import assert from 'node:assert/strict';
import { test } from 'node:test';

import { h } from '../../../browser/pages/lib/dom.js';
import { Cards, arranged } from '../../../browser/pages/watch/cards.js';
import { withDocument } from './document.mjs';

let made = 0;
/** A card with these buttons. */
const card = (key, form = '', controls = ['approve']) => ({
  key, form, make: () => { made += 1; return h('article', {}, controls.map((control) => h('button', { 'data-control': control }))); },
});

function listOf(context) {
  const { main } = withDocument(context);
  made = 0;
  const list = h('div', {});
  main.append(list);
  const cards = new Cards(list, new AbortController().signal);
  return { main, list, cards, keys: () => list.children.map(({ dataset: { key } }) => key), of: (key) => list.querySelector(`[data-key="${key}"]`) };
}

test('new cards stand below while somebody has their hands on the list', (context) => {
  assert.deepEqual(arranged(['a', 'b'], ['c', 'b', 'a'], false), ['c', 'b', 'a']);
  assert.deepEqual(arranged(['a', 'x', 'b'], ['c', 'b', 'a'], true), ['a', 'b', 'c']);
  const { list, cards, keys } = listOf(context);
  cards.show([card('a'), card('b')]);
  cards.show([card('c'), card('a'), card('b')]);
  assert.deepEqual(keys(), ['c', 'a', 'b']);
  list.dispatchEvent(new Event('pointerdown'));
  cards.show([card('d'), card('b'), card('c'), card('a')]);
  assert.deepEqual(keys(), ['c', 'a', 'b', 'd']);
});

test('a card that is the same stays the same element, and keeps the focus', (context) => {
  const { cards, of, keys } = listOf(context);
  cards.show([card('a'), card('b')]);
  const before = of('b');
  before.children[0].focus();
  cards.show([card('a', 'changed'), card('b')]);
  assert.deepEqual([of('b') === before, document.activeElement === before.children[0], made, keys()], [true, true, 3, ['a', 'b']]);
});

test('the focus stays on its card, and comes to no other one', (context) => {
  const { main, cards, of } = listOf(context);
  cards.show([card('a'), card('b')]);
  // Of the card that somebody is at, another form: its button of the same name, or its first one, or itself.
  of('a').children[0].focus();
  cards.show([card('a', 'sending', []), card('b')]);
  assert.equal(document.activeElement, of('a'));
  cards.show([card('a', 'sent', ['undo']), card('b')]);
  assert.equal(document.activeElement.dataset.control, 'undo');
  // What becomes of a card that nobody is at takes it from nobody.
  of('b').children[0].focus();
  cards.show([card('a', 'failed', ['again']), card('b')]);
  assert.equal(document.activeElement, of('b').children[0]);
  // Where the card is gone it is at none.
  cards.show([card('a', 'failed', ['again'])]);
  assert.equal(document.activeElement, main);
  // Nobody who is elsewhere is brought here.
  document.activeElement = document.body;
  cards.show([card('a', 'sent', ['undo'])]);
  assert.equal(document.activeElement, document.body);
});

test('a button that comes to lie where another one was cannot be pressed for a moment', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { cards, of } = listOf(context);
  cards.show([card('a'), card('b'), card('c')]);
  const isHeld = (key) => of(key).children[0].disabled;
  assert.deepEqual(['a', 'b', 'c'].map(isHeld), [false, false, false]);
  of('c').children[0].focus();
  cards.show([card('b'), card('c')]);
  assert.deepEqual(['b', 'c'].map(isHeld), [true, false]);
  context.mock.timers.tick(500);
  assert.equal(isHeld('b'), false);
  document.activeElement = document.body;
  cards.show([card('d'), card('b'), card('c')]);
  assert.deepEqual(['d', 'b', 'c'].map(isHeld), [true, true, true]);
});
