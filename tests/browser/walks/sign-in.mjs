// Somebody signs in, looks at the events, signs out, and is nobody again.

import assert from 'node:assert/strict';

import { signIn } from '../console.mjs';

export default async function walk(world) {
  const ada = await world.person('ada');
  await signIn(ada);
  assert.equal(new URL(ada.page.url()).search, '', 'the code stands in the address');
  await ada.page.getByText('live', { exact: true }).waitFor();
  await ada.page.getByRole('button', { name: 'Sign out' }).click();
  await ada.page.getByRole('button', { name: /^Sign in at / }).waitFor();
  await ada.page.reload();
  await ada.page.getByRole('button', { name: /^Sign in at / }).waitFor();
}
