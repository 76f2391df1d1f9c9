// A real identity provider for the tests: oidc-provider over HTTPS on the loopback address, everything in memory.
//
//   node provider.mjs --cert server.pem --key server.key [--port 0] [--client-ca clients.pem]
//
// It prints one line with its issuer URL when it listens. Tests steer it below /test (controls.mjs) with the token in
// the environment variable CONTROL_TOKEN.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { parseArgs } from 'node:util';

import Provider from 'oidc-provider';

import { configuration } from './configuration.mjs';
import { Controls } from './controls.mjs';
import { SigningKeys } from './keys.mjs';
import { Memory } from './memory.mjs';

const { values: options } = parseArgs({
  options: {
    cert: { type: 'string' },
    key: { type: 'string' },
    port: { type: 'string', default: '0' },
    'client-ca': { type: 'string' },
  },
});
if (!options.cert || !options.key || !process.env.CONTROL_TOKEN) {
  console.error('identity provider: needs --cert, --key and the environment variable CONTROL_TOKEN');
  process.exit(2);
}

const server = createServer({
  cert: readFileSync(options.cert),
  key: readFileSync(options.key),
  ca: options['client-ca'] && readFileSync(options['client-ca']),
  // Any certificate is taken: a token may be bound to one that nobody vouches for (RFC 8705 section 3).
  requestCert: true,
  rejectUnauthorized: false,
});
server.listen(Number(options.port), '127.0.0.1');
await once(server, 'listening');
const issuer = `https://localhost:${server.address().port}`;

const keys = new SigningKeys();
const memory = new Memory();
const controls = new Controls({ token: process.env.CONTROL_TOKEN, memory, rotate });
let handle;

// A provider takes its keys when it is made. Another one on the same memory takes its place between two requests.
function rotate(withdraw) {
  keys.rotate(withdraw);
  const provider = new Provider(issuer, configuration(keys.all(), memory));
  provider.on('server_error', (_, error) => console.error('identity provider:', error));
  provider.use(controls.middleware());
  handle = provider.callback();
}

rotate(false);
server.on('request', (request, response) => handle(request, response));
console.log(`identity provider: listening on ${issuer}`);
