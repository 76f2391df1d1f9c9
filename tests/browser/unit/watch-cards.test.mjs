import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { Cards, arranged } from '../../../browser/pages/watch/cards.js';

const HEIGHT = 50;

/** As much of an element as cards are made of; each lies below the one before it. */
class Element extends EventTarget {
  children = [];
  parent = null;
  dataset = {};
  disabled = false;
  constructor(key = null) { super(); if (key !== null) this.dataset.key = key; }
  get firstChild() { return this.children[0] ?? null; }
  get nextSibling() { return this.parent.children[this.parent.children.indexOf(this) + 1] ?? null; }
  setAttribute(name, value) { if (name === 'data-key') this.dataset.key = value; }
  remove() { this.blurred(); this.parent.children = this.parent.children.filter((one) => one !== this); this.parent = null; }
  insertBefore(node, next) {
    if (node.parent) node.remove();
    this.children.splice(next === null ? this.children.length : this.children.indexOf(next), 0, node);
    node.parent = this;
  }
  replaceWith(node) { this.parent.insertBefore(node, this); this.remove(); }
  contains(node) { return node === this || this.children.some((one) => one.contains(node)); }
  closest(selector) {
    if (selector === 'main') return document.main;
    return this.dataset.key !== undefined ? this : this.parent?.closest(selector) ?? null;
  }
  querySelectorAll() { return this.children.filter(({ disabled }) => !disabled); }
  querySelector(selector) {
    const [, control] = /data-control="(.*)"/.exec(selector) ?? [];
    return this.children.find((one) => control === undefined || one.dataset.control === control) ?? null;
  }
  getBoundingClientRect() { return { top: this.parent.children.indexOf(this) * HEIGHT }; }
  focus() { document.activeElement = this; }
  blurred() { if (this.contains(document.activeElement)) document.activeElement = document.body; }
}

function button(control) {
  const one = new Element();
  one.dataset.control = control;
  return one;
}

let made = 0;
/** A card with these buttons. */
const card = (key, form = '', controls = ['approve']) => ({
  key, form, make: () => { made += 1; const node = new Element(); for (const control of controls) node.insertBefore(button(control), null); return node; },
});

beforeEach(() => {
  made = 0;
  globalThis.document = { body: new Element(), main: new Element() };
  document.activeElement = document.body;
});
afterEach(() => { delete globalThis.document; });

function listOf() {
  const list = new Element();
  const ending = new AbortController();
  return { list, cards: new Cards(list, ending.signal), keys: () => list.children.map(({ dataset: { key } }) => key), of: (key) => list.children.find(({ dataset }) => dataset.key === key) };
}

test('new cards stand below while somebody has their hands on the list', () => {
  assert.deepEqual(arranged(['a', 'b'], ['c', 'b', 'a'], false), ['c', 'b', 'a']);
  assert.deepEqual(arranged(['a', 'x', 'b'], ['c', 'b', 'a'], true), ['a', 'b', 'c']);
  const { list, cards, keys } = listOf();
  cards.show([card('a'), card('b')]);
  cards.show([card('c'), card('a'), card('b')]);
  assert.deepEqual(keys(), ['c', 'a', 'b']);
  list.dispatchEvent(new Event('pointerdown'));
  cards.show([card('d'), card('b'), card('c'), card('a')]);
  assert.deepEqual(keys(), ['c', 'a', 'b', 'd']);
});

test('a card that is the same stays the same element, and keeps the focus', () => {
  const { cards, of, keys } = listOf();
  cards.show([card('a'), card('b')]);
  const before = of('b');
  before.children[0].focus();
  cards.show([card('a', 'changed'), card('b')]);
  assert.deepEqual([of('b') === before, document.activeElement === before.children[0], made, keys()], [true, true, 3, ['a', 'b']]);
});

test('the focus stays on its card, and comes to no other one', () => {
  const { cards, of } = listOf();
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
  assert.equal(document.activeElement, document.main);
});

test('a button that comes to lie where another one was cannot be pressed for a moment', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { cards, of } = listOf();
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
