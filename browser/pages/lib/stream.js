// Server-sent events over `fetch`, since `EventSource` can send neither a token nor a proof (WHATWG HTML, section 9.2).

// Short enough that whoever's session was ended knows it within a second: a stream that ends is how they hear of it.
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;
// The service sends a comment at least every 15 s; a line that is silent for longer is dead.
const SILENCE_MILLISECONDS = 45_000;
// What ends sooner and has brought nothing was no stream: whoever answers so is not asked again and again in haste.
const STEADY_MILLISECONDS = 5_000;
const LONGEST_LINE = 4 * 1024 * 1024;

/** Takes text piece by piece; gives `{id, event, data}` for every event, and an id alone (`data: null`) where a stream only moved on. */
export class Parser {
  #rest = '';
  #data = [];
  #event = 'message';
  #id;

  take(text) {
    const events = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    if (this.#rest.length > LONGEST_LINE) throw new Error('a line of the stream is too long');
    for (const line of lines) this.#line(line, events);
    return events;
  }

  #line(line, events) {
    if (line === '') {
      if (this.#data.length > 0) events.push({ id: this.#id, event: this.#event, data: this.#data.join('\n') });
      else if (this.#id !== undefined) events.push({ id: this.#id, event: this.#event, data: null });
      this.#data = [];
      this.#event = 'message';
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
  }
}

// Longer ones a browser does not wait for, but for no time at all.
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Waits, or until `signal`; a little less or more each time, so that many clients do not come back at once. With `isLeast` never less: somebody
 * has said when to come back.
 */
export const pause = (milliseconds, signal, { isLeast = false } = {}) => new Promise((resolve) => {
  if (signal?.aborted) return resolve();
  const done = () => { clearTimeout(timer); signal?.removeEventListener('abort', done); resolve(); };
  const timer = setTimeout(done, Math.min(milliseconds * ((isLeast ? 1 : 0.75) + Math.random() / 2), LONGEST_TIMER));
  return signal?.addEventListener('abort', done);
});

/**
 * What comes on one stream, as `Parser` gives it, until the stream ends. `opened()` is called once it has begun. Throws what `api.send` throws, and
 * also where nothing comes for too long; that time runs only while something is awaited of the server.
 */
export async function* listen(api, method, path, { signal, body, headers = {}, opened = () => {} }) {
  const ending = new AbortController();
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => ending.abort(new DOMException('The line is silent', 'TimeoutError')), SILENCE_MILLISECONDS);
  };
  try {
    const response = await api.send(method, path, {
      body, headers: { accept: 'text/event-stream', ...headers }, signal: AbortSignal.any([signal, ending.signal]), isStream: true, timeout: SILENCE_MILLISECONDS,
    });
    opened();
    heard();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new Parser();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      heard();
      yield* parser.take(piece.value);
    }
  } finally {
    clearTimeout(timer);
    ending.abort();
  }
}

/**
 * Follows a stream until `signal`, and takes it up again where it broke off. `told(state)` says `'open'`, `'away'` or, with the problem
 * that does not pass, `'refused'`, after which it ends. `after` is the id to go on from.
 */
export async function follow(api, path, { signal, onEvent, told = () => {}, after = null }) {
  let last = after;
  let wait = FIRST_PAUSE;
  while (!signal.aborted) {
    let openedAt = null;
    let isLeast = false;
    const opened = () => { openedAt = Date.now(); told('open'); };
    try {
      for await (const event of listen(api, 'GET', path, { signal, headers: last === null ? {} : { 'last-event-id': last }, opened })) {
        if (event.id !== undefined) last = event.id;
        if (event.data === null) continue;
        wait = FIRST_PAUSE;
        onEvent(event);
      }
    } catch (problem) {
      if (signal.aborted) return;
      if (problem?.status > 0 && !problem.isPassing) {
        told('refused', problem);
        return;
      }
      if (problem?.retryAfterSeconds) {
        isLeast = true;
        wait = Math.max(wait, problem.retryAfterSeconds * 1000);
      }
    }
    if (signal.aborted) return;
    if (openedAt !== null && Date.now() - openedAt >= STEADY_MILLISECONDS) wait = FIRST_PAUSE;
    told('away');
    await pause(wait, signal, { isLeast });
    wait = Math.min(wait * 2, LONGEST_PAUSE);
  }
}
