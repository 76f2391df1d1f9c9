// Where somebody is in the console: a view and what is open in it, as the part of the address behind `#`, which no server sees.

/** `#/events/17?type=a` as `{view, parts, query}`. */
export function routeOf(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [view = '', ...parts] = path.split('/').map(decoded);
  return { view, parts: parts.filter((part) => part !== ''), query: new URLSearchParams(query) };
}

/** The address of a place; members of `query` that are empty are left out. */
export function hrefOf(view, parts = [], query = {}) {
  const path = [view, ...parts].map((part) => encodeURIComponent(part)).join('/');
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query);
  const text = new URLSearchParams(entries.filter(([, value]) => value !== '' && value !== null && value !== undefined)).toString();
  return `#/${path}${text ? `?${text}` : ''}`;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
