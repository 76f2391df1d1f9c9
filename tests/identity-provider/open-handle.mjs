// Opens a session's handle with a JOSE library that is not ours, and prints what it holds. The handle comes on the standard input.
//
//   node open-handle.mjs <file of the replicas' secret>

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { compactDecrypt } from 'jose';

const key = createHmac('sha256', readFileSync(process.argv[2])).update('watchgate/v1/session-handle').digest();
const { plaintext, protectedHeader } = await compactDecrypt(await text(process.stdin), key);
console.log(JSON.stringify({ header: protectedHeader, handle: JSON.parse(new TextDecoder().decode(plaintext)) }));
