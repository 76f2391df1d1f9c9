// How tests steer the provider, and see what was asked of it. With `Authorization: Bearer <token given at start>`:
//
//   GET  /test/counts   {"GET /jwks": 3, ...}: every request but these, also those that a fault answered
//   POST /test/rotate   {"withdraw": false}: new signing keys; withdraw: the earlier ones are published no longer
//   POST /test/clients  a client's metadata (RFC 7591), with its client_id
//   POST /test/clock    {"offset_seconds": 120}: the clock of this provider is off from now on
//   POST /test/faults   [{"paths": ["/jwks"], "kind": ...}], in place of all earlier ones; without paths: everything

import { timingSafeEqual } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';

const DISCOVERY = '/.well-known/openid-configuration';
const MEBIBYTE = 1_048_576;
const now = Date.now;

const FAULTS = {
  /** {"milliseconds": n}: answers, but late. */
  slow: async (_, next, { milliseconds }) => {
    await wait(milliseconds);
    await next();
  },
  down: async (context) => {
    context.status = 503;
    context.body = 'down';
  },
  /** Nothing is answered and the connection ends. */
  hang_up: async (context) => {
    context.respond = false;
    context.socket.destroy();
  },
  garbage: async (context) => {
    context.type = 'json';
    context.body = '{"keys": [{"kty": "RSA", ]} <html>';
  },
  /** {"mebibytes": 5}: a good answer with so much more in it. */
  huge: async (context, next, { mebibytes }) => {
    await next();
    context.body = { ...context.body, filler: 'x'.repeat(mebibytes * MEBIBYTE) };
  },
  /** {"to": url} */
  redirect: async (context, _, { to }) => context.redirect(to),
  /** {"issuer": url}: discovery speaks for somebody else. */
  wrong_issuer: async (context, next, { issuer }) => {
    await next();
    if (context.path === DISCOVERY) context.body = { ...context.body, issuer };
  },
  /** {"name": ..., "value": ...}: a good answer with this header. */
  header: async (context, next, { name, value }) => {
    await next();
    context.set(name, value);
  },
};

export class Controls {
  #counts = {};
  #faults = [];
  #token;
  #memory;
  #rotate;

  constructor({ token, memory, rotate }) {
    this.#token = Buffer.from(`Bearer ${token}`);
    this.#memory = memory;
    this.#rotate = rotate;
  }

  middleware() {
    return async (context, next) => {
      if (context.path.startsWith('/test/')) {
        await this.#control(context);
        return;
      }
      const asked = `${context.method} ${context.path}`;
      this.#counts[asked] = (this.#counts[asked] ?? 0) + 1;
      const faults = this.#faults.filter(({ paths }) => !paths || paths.includes(context.path));
      await faults.reduceRight((inner, fault) => () => FAULTS[fault.kind](context, inner, fault), next)();
    };
  }

  async #control(context) {
    const given = Buffer.from(context.get('authorization'));
    if (given.length !== this.#token.length || !timingSafeEqual(given, this.#token)) context.throw(403);
    const asked = `${context.method} ${context.path}`;
    const body = context.method === 'POST' ? JSON.parse(await text(context.req)) : undefined;
    context.body = {};
    if (asked === 'GET /test/counts') context.body = this.#counts;
    else if (asked === 'POST /test/rotate') this.#rotate(body.withdraw);
    else if (asked === 'POST /test/clients') await this.#memory.adapter('Client').upsert(body.client_id, body);
    else if (asked === 'POST /test/clock') Date.now = () => now() + body.offset_seconds * 1000;
    else if (asked === 'POST /test/faults') this.#set(body);
    else context.throw(404);
  }

  #set(faults) {
    const unknown = faults.find(({ kind }) => !Object.hasOwn(FAULTS, kind));
    if (unknown) throw new Error(`no fault ${unknown.kind}`);
    this.#faults = faults;
  }
}
