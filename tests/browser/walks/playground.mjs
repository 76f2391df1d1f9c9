// Somebody who is not signed in tries rules. What they type goes nowhere.

import assert from 'node:assert/strict';

export default async function walk(world) {
  const ada = await world.person('ada');
  const { page } = ada;
  await page.goto(`${world.gateway}/console`);
  await page.getByRole('link', { name: 'Try the gate\'s rules' }).click();
  const verdict = page.getByRole('region', { name: 'Verdict' }).getByRole('heading', { level: 2 });
  const says = (words) => verdict.getByText(words).waitFor();
  await says('Denied with 401');
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));

  const token = page.getByRole('textbox', { name: 'Token' });
  await token.fill(unsigned('events:read'));
  await says('Denied with 403');
  await ada.look('playground-denied');
  await token.fill(unsigned('events:write'));
  await says('Passes by rule events-write');
  await page.getByText('The signature was not checked').waitFor();
  await ada.look('playground-passes');

  const rules = page.getByRole('textbox', { name: 'Rules' });
  const shipped = await rules.inputValue();
  await rules.fill(shipped.replace('Scope(`events:write`)', 'Scopes(`events:write`)'));
  await says('Denied with 503: one mistake in the rules');
  await ada.look('playground-mistake');
  await page.getByRole('button', { name: /^Line / }).click();
  const selected = await rules.evaluate((control) => control.value.slice(control.selectionStart, control.selectionEnd));
  assert.equal(selected.trim(), 'require: Scopes(`events:write`)');
  await page.getByRole('button', { name: 'Put back the shipped rules' }).click();
  await says('Passes by rule events-write');
  assert.equal(await rules.inputValue(), shipped);
  await page.getByRole('button', { name: 'Take my rules again' }).click();
  await says('Denied with 503: one mistake in the rules');
  assert.deepEqual(asked, [], 'what was typed has left the page');
}

/** A token of the development issuer as far as anybody can see who has no key. */
function unsigned(scope) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'https://issuer.watchgate.test', aud: 'watchgate', sub: 'console-7', iat: now, exp: now + 300, scope };
  return `${part({ alg: 'EdDSA', typ: 'at+jwt' })}.${part(claims)}.AAAA`;
}
