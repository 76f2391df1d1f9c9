// One browser, and the people in it: each has a context of their own, as if they sat at different machines.

import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { chromium } from 'playwright-core';

import { keyOf } from './certificate.mjs';
import { Person } from './person.mjs';

const PATIENCE_MILLISECONDS = 20_000;

export class World {
  #browser;
  #people = [];

  /** `told` is what the test says: `gateway`, `issuer`, `certificates` and `screenshots`, and what its walk asks for. */
  static async open(told) {
    const world = new World();
    Object.assign(world, told);
    mkdirSync(told.screenshots, { recursive: true });
    world.#browser = await chromium.launch({
      executablePath: installed('chromium'),
      args: [
        // These keys and no others. Where every certificate is let pass there are no service workers.
        `--ignore-certificate-errors-spki-list=${told.certificates.map(keyOf).join(',')}`,
        // Chromium itself calls nobody.
        '--disable-background-networking', '--disable-component-update', '--no-first-run', '--disable-features=Translate',
      ],
    });
    return world;
  }

  /** Somebody at a machine with this screen. */
  async person(name, { width = 1280, height = 800, schemes = ['light', 'dark'], ...options } = {}) {
    const context = await this.#browser.newContext({ viewport: { width, height }, colorScheme: schemes[0], locale: 'en-GB', timezoneId: 'UTC', ...options });
    context.setDefaultTimeout(PATIENCE_MILLISECONDS);
    const person = new Person(this, name, context, schemes);
    this.#people.push(person);
    await person.begin();
    return person;
  }

  /** What every page of everybody shows now, for whoever looks for the reason of a failure. */
  async lookAtAll() {
    for (const person of this.#people) {
      await person.photograph(`failed-${person.name}`).catch(() => {});
      console.error(`--- ${person.name} at ${person.page.url()}\n${await person.page.locator('body').innerText().catch(String)}`);
      for (const problem of person.problems) console.error(`--- ${person.name}: ${problem}`);
    }
  }

  /** Throws when a page did what no page may. */
  check() {
    const problems = this.#people.flatMap((person) => person.problems.map((problem) => `${person.name}: ${problem}`));
    if (problems.length > 0) throw new Error(`the pages went wrong:\n${problems.join('\n')}`);
  }

  close() {
    return this.#browser.close();
  }
}

/** Where this program is on the PATH. */
function installed(name) {
  const found = process.env.PATH.split(delimiter).map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (!found) throw new Error(`there is no ${name} on the PATH: scripts/system-packages.sh installs it`);
  return found;
}
