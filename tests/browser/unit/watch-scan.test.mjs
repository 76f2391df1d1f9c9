import assert from 'node:assert/strict';
import { test } from 'node:test';

import { watchFor } from '../../../browser/pages/watch/scan.js';

/** A camera whose pictures hold these codes, one after the other; an error is a picture that cannot be read. */
function camera(context, pictures) {
  let isOn = false;
  const track = { stop: () => { isOn = false; } };
  Object.defineProperty(navigator, 'mediaDevices', {
    configurable: true, value: { getUserMedia: async () => { isOn = true; return { getTracks: () => [track] }; } },
  });
  globalThis.BarcodeDetector = class {
    static async getSupportedFormats() { return ['qr_code']; }
    async detect() {
      const picture = pictures.shift();
      if (picture instanceof Error) throw picture;
      return picture ? [{ rawValue: picture }] : [];
    }
  };
  context.after(() => { delete globalThis.BarcodeDetector; delete navigator.mediaDevices; });
  return { isOn: () => isOn };
}

test('a picture that cannot be read is one without a code', async (context) => {
  const seen = camera(context, [new Error('out of bounds'), null, 'foreign', new Error('again'), 'own']);
  const foreign = [];
  const found = await watchFor({ play: async () => {} }, {
    signal: new AbortController().signal, read: (text) => (text === 'own' ? text : null), foreign: () => foreign.push(1),
  });
  assert.deepEqual([found, foreign.length, seen.isOn()], ['own', 1, false]);
});

test('the camera goes out when nobody looks through it any more', async (context) => {
  const seen = camera(context, []);
  const ending = new AbortController();
  const looking = watchFor({ play: async () => { assert.equal(seen.isOn(), true); ending.abort(); } }, { signal: ending.signal, read: () => null, foreign: () => {} });
  assert.deepEqual([await looking, seen.isOn()], [null, false]);
});
