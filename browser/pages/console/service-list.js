// Which services take commands and how they are, as far as anything says so. Nobody registers a service here and an agent that waits leaves no
// trace, so this is put together from what the catalogue names, what commands say, and what the log has seen.

// Only whoever has the lease can bring these about.
const SIGNS = ['leased', 'running', 'verifying', 'rolling_back', 'succeeded', 'failed'];
const UNDER_WAY = ['leased', 'running', 'verifying', 'rolling_back'];
const ENDED_BADLY = ['failed', 'timeout', 'expired', 'abandoned'];
const TYPES = 'dev.watchgate.command.';

/**
 * Services by name, each with `waiting`, `pending` and `active` (numbers of commands), `badly` (that ended so, of those that are known),
 * `seenAt` (milliseconds, or null) and `seenAs` (the state or word by which it was seen), `agent` (its principal's URI where an event names it), and
 * `runbooks` (names). Each argument may be null where it could not be read.
 */
export function servicesOf({ runbooks = null, commands = null, events = null }) {
  const services = new Map();
  const of = (name) => {
    if (!services.has(name)) services.set(name, { name, waiting: 0, pending: 0, active: 0, badly: 0, seenAt: null, seenAs: null, agent: null, runbooks: [] });
    return services.get(name);
  };
  for (const { name, target, parameters } of runbooks ?? []) {
    const names = target.service ? [target.service] : parameters?.properties?.[target.service_from]?.enum ?? [];
    for (const service of names) of(service).runbooks.push(name);
  }
  const serviceOf = new Map();
  for (const command of commands ?? []) {
    const service = of(command.target.service);
    serviceOf.set(command.id, command.target.service);
    if (command.state === 'scheduled') service.waiting += 1;
    else if (command.state === 'pending') service.pending += 1;
    else if (ENDED_BADLY.includes(command.state)) service.badly += 1;
    if (UNDER_WAY.includes(command.state)) {
      service.active += 1;
      // Every sign of life changes it.
      saw(service, Date.parse(command.updated_at), 'at work', null);
    }
  }
  for (const event of events ?? []) {
    const word = event.type.startsWith(TYPES) ? event.type.slice(TYPES.length) : '';
    const isOutput = word === 'output';
    const name = isOutput ? serviceOf.get(event.subject) : SIGNS.includes(word) ? event.data?.target?.service : undefined;
    if (name) saw(of(name), Date.parse(event.time), isOutput ? 'wrote output' : `a command ${word.replace('_', ' ')}`, event.authid ?? null);
  }
  return [...services.values()].sort((one, other) => one.name.localeCompare(other.name));
}

function saw(service, at, as, agent) {
  if (!Number.isFinite(at)) return;
  if (agent && (service.agent === null || at >= (service.seenAt ?? 0))) service.agent = agent;
  if (service.seenAt === null || at > service.seenAt) Object.assign(service, { seenAt: at, seenAs: as });
}

/** What can be said of a service in a word: `at work`, `waiting for` (commands wait longer than an agent would let them), `quiet` or `not seen`. */
export function healthOf(service, oldestWaitingAt, at) {
  if (service.active > 0) return 'at work';
  if (service.waiting > 0 && oldestWaitingAt !== null && at - oldestWaitingAt > 60_000) return 'waited for';
  return service.seenAt === null ? 'not seen' : 'quiet';
}
