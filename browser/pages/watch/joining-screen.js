// The start: a code is scanned, or shown; then a number or a code stands large until the person has confirmed it elsewhere.

import { announce, fill, h } from '../lib/dom.js';
import { handleIn, wordsOf } from './device.js';

const WHY = {
  ended: 'This session is over.',
  refused: 'That was refused.',
  late: 'That took too long.',
  'given-up': 'Given up here. What was begun stays open until it runs out, or is revoked at the console.',
};

// Of a camera that is on.
let scanning = null;

const device = () => wordsOf({ userAgent: navigator.userAgent, width: screen.width, height: screen.height });

/** Shows it, and again at each change of the session. `handle` is what the link brought, once. */
export function showJoining(root, { session, handle = null }) {
  endScanning();
  if (handle) return redeem(root, session, handle);
  if (session.state === 'waiting') return showWaiting(root, session);
  return showStart(root, session);
}

/** Whatever else is shown, the camera goes out, and what it saw is of no use any more. */
export const endScanning = () => scanning?.abort();

function showStart(root, session, problem = null) {
  const why = WHY[session.why];
  const heading = h('h1', { tabindex: '-1' }, 'Watchgate');
  const box = h('div', {}, problem && problemBox(problem));
  const codeButton = h('button', { type: 'button', onclick: () => attempt(root, session, () => session.showCode(device())) }, 'Show a short code');
  fill(root,
    h('main', { class: 'start' }, heading, why && h('p', {}, why), box,
      h('button', { type: 'button', class: 'main', onclick: () => scan(root, session) }, 'Scan a code'),
      codeButton, h('p', { class: 'faint' }, 'It joins the account of somebody who is signed in at the console.')));
  if (why) announce(why);
}

async function attempt(root, session, work) {
  fill(root, h('main', { class: 'start' }, h('h1', {}, 'One moment')));
  try {
    await work();
  } catch (problem) {
    showStart(root, session, problem);
    announce(problem.message);
  }
}

function redeem(root, session, handle) {
  return attempt(root, session, () => session.redeem(handle, device()));
}

function showWaiting(root, session) {
  const { account, number, userCode, place } = session.shown;
  const heading = h('h1', { tabindex: '-1' }, number ? `You join ${account}` : 'Type this code');
  const shown = number ?? userCode;
  fill(root,
    h('main', { class: 'start' }, heading,
      // Read out digit by digit, as it is typed.
      h('p', { class: number ? 'number' : 'code', 'aria-label': shown.split('').join(' ') }, shown),
      h('p', {}, number ? 'Type this number where you saw the code.' : `In the console, under Sessions: ${place.replace(/^https:\/\//, '')}`),
      h('p', { class: 'faint' }, number ? 'Not your account? Do not type it.' : 'Only somebody you know should type it.'),
      h('button', { type: 'button', onclick: () => session.giveUp() }, 'Cancel')));
  heading.focus();
  announce(number ? `You join ${account}. Type ${shown.split('').join(' ')} where you saw the code.` : `Your code is ${shown.split('').join(' ')}.`);
}

/** A code was opened on a device that is somebody's already. `leave()` ends that, `stay()` shows it again. */
export function showInstead(root, { session, handle, leave, stay }) {
  const heading = h('h1', { tabindex: '-1' }, `This is ${session.account}'s already`);
  const problemPlace = h('div', {});
  const stayButton = h('button', { type: 'button', class: 'main', onclick: stay }, 'Stay');
  const leaveButton = h('button', { type: 'button', onclick: join }, 'Leave and join');
  fill(root, h('main', { class: 'start' }, heading, h('p', {}, 'A code was opened. To join by it, leave this session first.'), stayButton, leaveButton, problemPlace));
  heading.focus();

  function join() {
    stayButton.disabled = true;
    whileLeaving(leaveButton, problemPlace, leave).then((isOut) => { if (isOut) redeem(root, session, handle); else stayButton.disabled = false; });
  }
}

/** Says that it leaves, once at a time, and what went wrong. Resolves to whether this device is nobody's then. */
export async function whileLeaving(button, problemPlace, leave) {
  const words = button.textContent;
  button.disabled = true;
  fill(button, 'Leaving…');
  announce('Leaving…');
  try {
    await leave();
    return true;
  } catch (problem) {
    button.disabled = false;
    fill(button, words);
    fill(problemPlace, problemBox(problem));
    return false;
  }
}

async function scan(root, session) {
  const ending = new AbortController();
  scanning = ending;
  const video = h('video', { playsinline: true, muted: true, 'aria-label': 'What the camera sees' });
  const words = h('p', { role: 'status' }, 'Point the camera at the code.');
  fill(root,
    h('main', { class: 'scan' }, h('h1', { class: 'unseen' }, 'Scan a code'), video, words,
      h('button', { type: 'button', onclick: back }, 'Back')));
  // Nobody scans what they do not look at, and the camera is not kept on.
  document.addEventListener('visibilitychange', back, { signal: ending.signal });
  try {
    const { watchFor } = await import('./scan.js');
    const handle = await watchFor(video, {
      signal: ending.signal,
      read: (text) => handleIn(text, location.origin),
      foreign: () => { words.textContent = 'That is no code of this gateway.'; },
    });
    if (ending.signal.aborted) return;
    ending.abort();
    await redeem(root, session, handle);
  } catch (problem) {
    if (ending.signal.aborted) return;
    ending.abort();
    showStart(root, session, problem);
    announce(problem.message);
  }

  /** At once, also while the browser still asks whether the camera may be used. */
  function back() {
    ending.abort();
    showStart(root, session);
    root.querySelector('button')?.focus();
  }
}

/** What went wrong, in few words. */
export function problemBox(problem) {
  const words = problem.status === 410 ? 'This code is used or too old. Show a new one at the console.' : problem.message;
  return h('p', { class: 'problem', role: 'alert' }, words);
}
