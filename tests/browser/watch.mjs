// Steps of somebody with a watch or a phone.

/** A small watch. It is dark, whatever somebody prefers. */
export const WATCH = { width: 184, height: 224, deviceScaleFactor: 2, hasTouch: true, isMobile: true, schemes: ['dark'] };
/** A phone. */
export const PHONE = { ...WATCH, width: 390, height: 844 };

/** Opens a code's link. Resolves to what the device shows: whose account, and which number. */
export async function openLink(person, link) {
  const { page, world } = person;
  if (new URL(link).origin !== new URL(world.gateway).origin) throw new Error(`the code leads elsewhere: ${link}`);
  await page.goto(link);
  const heading = page.getByRole('heading', { name: /^You join / });
  await heading.waitFor();
  if (new URL(page.url()).hash !== '') throw new Error('the handle stands in the address');
  // Whoever listens hears the digits one by one.
  const number = await page.locator('.number').innerText();
  return { account: (await heading.innerText()).replace('You join ', ''), number };
}

/** Waits until it is let in. Until the number is typed each question for a token is refused; that is how it is asked (RFC 8628). */
export const isIn = (person) => screens(person).waitFor({ timeout: 30_000 });

const screens = ({ page }) => page.getByRole('navigation', { name: 'Screens' });

/** Goes to one of the three screens. */
export async function go(person, name) {
  await screens(person).getByRole('button', { name: new RegExp(`^${name}`) }).click();
}

/** Asks, and gives the answer. */
export async function ask(person, question) {
  await go(person, 'Ask');
  const { page } = person;
  await page.getByRole('textbox', { name: 'Your question' }).fill(question);
  await page.getByRole('button', { name: 'Ask', exact: true }).and(page.locator('[type=submit]')).click();
  const said = page.getByRole('region', { name: 'Answer' }).locator('.said');
  await said.waitFor();
  return said.innerText();
}
