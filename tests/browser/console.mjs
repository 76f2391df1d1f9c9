// Steps of somebody at the console.

/** Signs in at the real provider, with any password, and comes back to the console. */
export async function signIn(person) {
  const { page, world, name } = person;
  await page.goto(`${world.gateway}/console`);
  await page.getByRole('button', { name: /^Sign in at / }).click();
  await atProvider(page, name);
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/** The provider's own pages: the login, and the consent. */
export async function atProvider(page, name) {
  await page.locator('input[name=login]').fill(name);
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  const consent = page.locator('input[name=prompt][value=consent]');
  await consent.waitFor({ state: 'attached' });
  await page.locator('button[type=submit]').click();
}

/** Opens a view by its tab. */
export async function open(person, view) {
  const { page } = person;
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: view, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: view, exact: true }).waitFor();
}

/** Lets a device in: shows a code, and gives its picture. */
export async function showCode(person) {
  await open(person, 'Sessions');
  const { page } = person;
  await page.getByRole('link', { name: 'Let a device in' }).click();
  await page.getByRole('button', { name: 'Show a code' }).click();
  const code = page.getByRole('img', { name: /^A code/ });
  await code.waitFor();
  // Drawn, and not only there.
  await code.evaluate((image) => image.decode());
  return code.screenshot();
}

/** Types the number that a device shows. */
export async function letIn(person, number) {
  const { page } = person;
  await page.getByRole('textbox', { name: 'Number' }).fill(number);
  await page.getByRole('button', { name: 'Let it in' }).click();
}

/** Asks for a restart of a worker. Resolves to the command's id. */
export async function askForRestart(person, reason) {
  await open(person, 'Commands');
  const { page } = person;
  await page.getByRole('link', { name: 'Ask for a command' }).click();
  await page.getByRole('combobox', { name: 'Runbook' }).selectOption('restart-worker');
  await page.getByRole('combobox', { name: 'worker' }).selectOption({ label: 'mailer' });
  await page.getByRole('textbox', { name: 'Why' }).fill(reason);
  await page.getByRole('button', { name: 'Ask for it' }).click();
  await page.waitForURL(/#\/commands\/(?!new)[^/?]+/);
  return decodeURIComponent(new URL(page.url()).hash.match(/^#\/commands\/([^/?]+)/)[1]);
}

/** The steps of a mediation, as somebody takes them at the console. */
export const mediate = {
  async begin(person, { topic, with: other }) {
    await open(person, 'Mediations');
    const { page } = person;
    await page.getByRole('link', { name: 'Begin one' }).click();
    await page.getByRole('textbox', { name: 'What it is about' }).fill(topic);
    await page.getByRole('textbox', { name: 'With whom' }).fill(other);
    await page.getByRole('button', { name: 'Begin', exact: true }).click();
    await page.getByRole('heading', { name: topic }).waitFor();
  },

  async tell({ page }, words) {
    await page.getByRole('textbox', { name: 'Tell it in your own words' }).fill(words);
    await page.locator('form', { has: page.getByRole('textbox', { name: 'Tell it in your own words' }) }).getByRole('button').first().click();
    await page.getByText(words).waitFor();
  },

  async share({ page }, words) {
    await page.getByRole('textbox', { name: 'As the other one would read it' }).fill(words);
    await page.getByRole('button', { name: 'Share it', exact: true }).click();
    await page.getByText('You have shared it').waitFor();
  },

  /** Accepts what the other one has proposed, which is seen without a reload. */
  async accept({ page }, words) {
    await page.getByText(words).waitFor();
    await page.getByRole('button', { name: 'Accept exactly this' }).click();
    await page.getByRole('heading', { name: 'What you agreed on' }).waitFor();
  },
};

/** Waits until the command that is open has ended well. */
export const succeeded = ({ page }) => page.getByRole('region', { name: 'Command', exact: true }).getByText('succeeded', { exact: true }).first().waitFor();
