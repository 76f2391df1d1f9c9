// A device is let in: by somebody at the console, with a code that the device reads.

import assert from 'node:assert/strict';

import { letIn, showCode } from './console.mjs';
import { textIn } from './code.mjs';
import { isIn, openLink } from './watch.mjs';

/** `looked` is called while the code and while the number are shown. */
export async function join(person, device, { looked = async () => {} } = {}) {
  const picture = await showCode(person);
  await looked('code');
  // Each question for a token is refused until the number is typed (RFC 8628).
  device.expect(400, '/v1/sessions:token');
  const shown = await openLink(device, textIn(picture));
  assert.equal(shown.account, person.name, 'whose account the device says that it joins');
  await looked('number');
  await letIn(person, shown.number);
  await isIn(device);
  device.expectNothing();
}
