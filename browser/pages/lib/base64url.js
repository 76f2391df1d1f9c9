// Base64url without padding (RFC 4648, section 5; RFC 7515, appendix C).

/** The text of these bytes. */
export function encode(bytes) {
  let binary = '';
  for (const byte of new Uint8Array(bytes)) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The text of a text's UTF-8. */
export const encodeText = (text) => encode(new TextEncoder().encode(text));

/** The bytes of this text; throws when it is none. */
export function decode(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
