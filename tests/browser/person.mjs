// Somebody with a browser of their own: one page, and all that went wrong in it.

import { join } from 'node:path';

import { violations } from './accessibility.mjs';
import { overflows } from './layout.mjs';

// Chromium writes every answer that is not a good one to the console; which of them may come is for the walk to say.
const ANSWER = /^Failed to load resource: (?:the server responded with a status of (\d+)|net::(ERR_\w+))/;

export class Person {
  problems = [];
  #expected = [];
  #origins;

  constructor(world, name, context, schemes) {
    Object.assign(this, { world, name, context, schemes, page: null });
    this.#origins = [world.gateway, world.issuer].map((url) => new URL(url).origin);
  }

  async begin() {
    this.context.on('request', (request) => this.#asked(request));
    // The provider's pages dress in a font from elsewhere. It is not fetched: tests call nobody.
    await this.context.route('https://fonts.googleapis.com/**', (route) => route.fulfill({ contentType: 'text/css', body: '' }));
    this.context.on('weberror', (error) => this.problems.push(`an error on a page: ${error.error()?.stack ?? error.error()}`));
    this.context.on('console', (message) => this.#said(message));
    // Chromium says so on the console too, but not of policies that are only reported.
    await this.context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
        console.error(`violates its policy: ${violatedDirective} ${blockedURI} at ${sourceFile}:${lineNumber}`);
      });
    });
    this.page = await this.context.newPage();
  }

  /** Goes away; what went wrong stays. */
  leave() {
    return this.context.close();
  }

  /** From now on such answers are no mistake: `status` is a number or an `ERR_…`, `path` begins the request's path. */
  expect(status, path = '/') {
    this.#expected.push({ status: String(status), path });
  }

  /** What was expected is a mistake again. */
  expectNothing() {
    this.#expected = [];
  }

  #asked(request) {
    const { protocol, origin } = new URL(request.url());
    if (['blob:', 'data:', 'about:'].includes(protocol) || this.#origins.includes(origin)) return;
    if (request.serviceWorker() === null && request.frame().url().startsWith(`${this.world.issuer}/`)) return;
    this.problems.push(`a request to somebody else: ${request.method()} ${request.url()}`);
  }

  #said(message) {
    if (message.type() !== 'error') return;
    const [, status, failure] = message.text().match(ANSWER) ?? [];
    const { url = '', lineNumber = 0 } = message.location();
    if (status ?? failure) {
      const { pathname, origin } = new URL(url);
      // The provider's own pages are not ours to judge.
      if (origin === new URL(this.world.issuer).origin) return;
      if (this.#expected.some((one) => one.status === (status ?? failure) && pathname.startsWith(one.path))) return;
    }
    this.problems.push(`on the console: ${message.text()} (${url}:${lineNumber})`);
  }

  /**
   * Looks at the page as it stands, in light and in dark where it has both: a screenshot `<screen>-<scheme>-<width>x<height>.png`, what axe finds,
   * and what does not fit. All of that goes to the problems.
   */
  async look(screen) {
    for (const colorScheme of this.schemes) {
      await this.page.emulateMedia({ colorScheme });
      await this.photograph(`${screen}-${colorScheme}`);
      for (const violation of await violations(this.page)) this.problems.push(`on ${screen}, ${colorScheme}: ${violation}`);
    }
    const { width, height } = this.page.viewportSize();
    for (const overflow of await overflows(this.page)) this.problems.push(`on ${screen}, ${width}x${height}: ${overflow}`);
  }

  /** A screenshot alone. */
  async photograph(name) {
    const { width, height } = this.page.viewportSize();
    await this.page.screenshot({ path: join(this.world.screenshots, `${name}-${width}x${height}.png`), animations: 'disabled' });
  }
}
