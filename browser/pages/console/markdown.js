// As much of Markdown as answers have: paragraphs, headings, lists, quotes, code, emphasis, and marks such as [1] that lead to a source. Links
// and pictures stay the text that they are.

import { h } from '../lib/dom.js';

// Code first: nothing inside it means anything else.
const INLINE = /(`+)([\s\S]+?)\1(?!`)|\*\*([^*]+)\*\*|__([^_]+)__|(?<![\w*])\*([^*\s][^*]*)\*|\[(e?\d{1,3})\](?!\()/g;

/** Elements for a text. `open(mark)` gives what a mark does, or null where it leads nowhere. */
export function markdown(text, open) {
  return blocksOf(text).map((block) => element(block, open));
}

/** The blocks of a text, as `{kind, …}`. */
export function blocksOf(text) {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const blocks = [];
  let at = 0;
  const gather = (isOne) => { const from = at; while (at < lines.length && isOne(lines[at])) at += 1; return lines.slice(from, at); };
  while (at < lines.length) {
    const line = lines[at];
    const fence = /^\s{0,3}(`{3,}|~{3,})\s*([\w+-]*)/.exec(line);
    const heading = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    const listed = itemIn(line);
    if (line.trim() === '') at += 1;
    else if (fence) {
      at += 1;
      const code = gather((one) => !(one.trim().startsWith(fence[1]) && /^\s*[`~]+\s*$/.test(one)));
      at += 1;
      blocks.push({ kind: 'code', language: fence[2], text: code.join('\n') });
    } else if (heading) {
      at += 1;
      blocks.push({ kind: 'heading', text: heading[2] });
    } else if (/^\s{0,3}>/.test(line)) {
      blocks.push({ kind: 'quote', text: gather((one) => /^\s{0,3}>/.test(one)).map((one) => one.replace(/^\s{0,3}> ?/, '')).join('\n') });
    } else if (listed) {
      const items = [];
      while (at < lines.length && itemIn(lines[at])?.isOrdered === listed.isOrdered) {
        const first = itemIn(lines[at]).text;
        at += 1;
        items.push([first, ...gather((one) => /^\s+\S/.test(one) && !itemIn(one)).map((one) => one.trim())].join('\n'));
      }
      blocks.push({ kind: listed.isOrdered ? 'numbers' : 'points', items, start: listed.number });
    } else {
      blocks.push({ kind: 'paragraph', text: gather((one) => one.trim() !== '' && !/^\s{0,3}(`{3,}|~{3,}|#{1,6}\s|>)/.test(one) && !itemIn(one)).join('\n') });
    }
  }
  return blocks;
}

function itemIn(line) {
  const [, number, text] = /^\s{0,6}(?:(\d{1,4})[.)]|[-*+])\s+(.*)$/.exec(line) ?? [];
  return text === undefined ? null : { isOrdered: number !== undefined, number: Number(number ?? 1), text };
}

function element(block, open) {
  const { kind } = block;
  if (kind === 'code') return h('pre', { tabindex: '0', 'aria-label': block.language ? `Code, ${block.language}` : 'Code' }, block.text);
  if (kind === 'heading') return h('p', {}, h('strong', {}, inline(block.text, open)));
  if (kind === 'quote') return h('blockquote', {}, inline(block.text, open));
  if (kind === 'paragraph') return h('p', {}, inline(block.text, open));
  return h(kind === 'numbers' ? 'ol' : 'ul', kind === 'numbers' && block.start !== 1 ? { start: block.start } : {}, block.items.map((item) => h('li', {}, inline(item, open))));
}

function inline(text, open) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, , code, strong, alsoStrong, emphasis, mark] = match;
    parts.push(text.slice(from, match.index));
    from = match.index + whole.length;
    if (code !== undefined) parts.push(h('code', {}, code));
    else if (strong ?? alsoStrong) parts.push(h('strong', {}, strong ?? alsoStrong));
    else if (emphasis) parts.push(h('em', {}, emphasis));
    else {
      const act = open(mark);
      parts.push(act ? h('button', { type: 'button', class: 'mark', 'aria-label': `Source ${mark}`, onclick: act }, mark) : whole);
    }
  }
  parts.push(text.slice(from));
  return parts;
}
