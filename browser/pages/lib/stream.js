// Server-sent events over `fetch`, since `EventSource` can send neither a token nor a proof (WHATWG HTML, section 9.2).

// Short enough that whoever's session was ended knows it within a second: a stream that ends is how they hear of it.
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;
// The service sends a comment at least every 15 s; a line that is silent for longer is dead.
const SILENCE_MILLISECONDS = 45_000;
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
 * Follows a stream until `signal`, and takes it up again where it broke off. `told(state)` says `'open'`, `'away'` or, with the problem
 * that does not pass, `'refused'`, after which it ends. `after` is the id to go on from.
 */
export async function follow(api, path, { signal, onEvent, told = () => {}, after = null }) {
  let last = after;
  let wait = FIRST_PAUSE;
  while (!signal.aborted) {
    const silence = new AbortController();
    let isLeast = false;
    const stop = () => silence.abort();
    signal.addEventListener('abort', stop, { once: true });
    let timer = setTimeout(stop, SILENCE_MILLISECONDS);
    try {
      const headers = { accept: 'text/event-stream', ...(last === null ? {} : { 'last-event-id': last }) };
      const response = await api.send('GET', path, { headers, signal: silence.signal, timeout: null });
      told('open');
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new Parser();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        clearTimeout(timer);
        timer = setTimeout(stop, SILENCE_MILLISECONDS);
        wait = FIRST_PAUSE;
        for (const event of parser.take(piece.value)) {
          if (event.id !== undefined) last = event.id;
          if (event.data !== null) onEvent(event);
        }
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
    } finally {
      clearTimeout(timer);
      silence.abort();
      signal.removeEventListener('abort', stop);
    }
    if (signal.aborted) return;
    told('away');
    await pause(wait, signal, { isLeast });
    wait = Math.min(wait * 2, LONGEST_PAUSE);
  }
}
